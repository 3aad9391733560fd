ALTER TABLE tiki_actionlog MODIFY ip varchar(39) DEFAULT NULL;
