CREATE TABLE IF NOT EXISTS tiki_user_login_cookies (
  userId int NOT NULL,
  secret char(64) NOT NULL,
  expiration timestamp NULL DEFAULT NULL,
  PRIMARY KEY (userId, secret)
);
