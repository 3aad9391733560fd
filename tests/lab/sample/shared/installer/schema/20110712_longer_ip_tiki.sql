ALTER TABLE tiki_pages MODIFY ip varchar(39) DEFAULT NULL;
