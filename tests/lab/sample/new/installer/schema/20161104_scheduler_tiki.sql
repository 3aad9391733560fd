CREATE TABLE IF NOT EXISTS tiki_scheduler (
  id int NOT NULL AUTO_INCREMENT,
  name varchar(255) DEFAULT NULL,
  task varchar(255) DEFAULT NULL,
  params text,
  run_time varchar(255) DEFAULT NULL,
  status varchar(10) DEFAULT NULL,
  PRIMARY KEY (id)
);
