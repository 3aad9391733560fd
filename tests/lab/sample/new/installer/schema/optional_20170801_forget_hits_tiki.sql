UPDATE tiki_pages SET hits = 0;
