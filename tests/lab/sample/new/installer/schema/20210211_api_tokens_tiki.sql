CREATE TABLE IF NOT EXISTS tiki_api_tokens (
  tokenId int NOT NULL AUTO_INCREMENT,
  type varchar(100) NOT NULL DEFAULT 'manual',
  user varchar(200) DEFAULT NULL,
  token varchar(100) NOT NULL,
  PRIMARY KEY (tokenId)
);
