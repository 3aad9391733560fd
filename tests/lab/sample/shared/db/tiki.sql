-- All tables of a new site. Engine and patches are the installer's business.
ALTER DATABASE DEFAULT CHARACTER SET @CHARSET@;
SET FOREIGN_KEY_CHECKS = 0;

DROP TABLE IF EXISTS tiki_preferences;
CREATE TABLE tiki_preferences (
  name varchar(40) NOT NULL DEFAULT '',
  value text,
  PRIMARY KEY (name)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS users_users;
CREATE TABLE users_users (
  userId int NOT NULL AUTO_INCREMENT,
  email varchar(200) DEFAULT NULL,
  login varchar(100) NOT NULL DEFAULT '',
  default_group varchar(255) DEFAULT NULL,
  lastLogin int DEFAULT NULL,
  registrationDate int DEFAULT NULL,
  hash varchar(60) DEFAULT NULL,
  avatarData longblob,
  PRIMARY KEY (userId),
  UNIQUE KEY login (login)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS users_groups;
CREATE TABLE users_groups (
  id int NOT NULL AUTO_INCREMENT,
  groupName varchar(100) NOT NULL DEFAULT '',
  groupDesc varchar(255) DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY groupName (groupName)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS users_usergroups;
CREATE TABLE users_usergroups (
  userId int NOT NULL DEFAULT 0,
  groupName varchar(100) NOT NULL DEFAULT '',
  PRIMARY KEY (userId, groupName)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_pages;
CREATE TABLE tiki_pages (
  page_id int NOT NULL AUTO_INCREMENT,
  pageName varchar(160) NOT NULL DEFAULT '',
  hits int DEFAULT NULL,
  data mediumtext,
  description varchar(200) DEFAULT NULL,
  lastModif int DEFAULT NULL,
  comment varchar(255) DEFAULT NULL,
  version int NOT NULL DEFAULT 0,
  user varchar(200) DEFAULT '',
  ip varchar(39) DEFAULT NULL,
  pageRank decimal(4,3) DEFAULT NULL,
  lang varchar(16) DEFAULT NULL,
  PRIMARY KEY (page_id),
  UNIQUE KEY pageName (pageName)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_history;
CREATE TABLE tiki_history (
  historyId int NOT NULL AUTO_INCREMENT,
  pageName varchar(160) NOT NULL DEFAULT '',
  version int NOT NULL DEFAULT 0,
  lastModif int DEFAULT NULL,
  user varchar(200) NOT NULL DEFAULT '',
  data longblob,
  PRIMARY KEY (pageName, version),
  KEY historyId (historyId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_file_galleries;
CREATE TABLE tiki_file_galleries (
  galleryId int NOT NULL AUTO_INCREMENT,
  name varchar(80) NOT NULL DEFAULT '',
  type varchar(20) NOT NULL DEFAULT 'default',
  description text,
  parentId int NOT NULL DEFAULT -1,
  user varchar(200) DEFAULT '',
  PRIMARY KEY (galleryId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_files;
CREATE TABLE tiki_files (
  fileId int NOT NULL AUTO_INCREMENT,
  galleryId int NOT NULL DEFAULT 0,
  name varchar(200) NOT NULL DEFAULT '',
  description text,
  created int DEFAULT NULL,
  filename varchar(80) DEFAULT NULL,
  filesize int DEFAULT NULL,
  filetype varchar(250) DEFAULT NULL,
  data longblob,
  user varchar(200) DEFAULT '',
  path varchar(255) DEFAULT NULL,
  hash varchar(32) DEFAULT NULL,
  PRIMARY KEY (fileId),
  KEY galleryIdAndPath (galleryId, path(180))
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_file_drafts;
CREATE TABLE tiki_file_drafts (
  fileId int NOT NULL,
  filename varchar(80) DEFAULT NULL,
  filesize int DEFAULT NULL,
  filetype varchar(250) DEFAULT NULL,
  data longblob,
  user varchar(100) DEFAULT '',
  path varchar(255) DEFAULT NULL,
  PRIMARY KEY (fileId, user)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_forums;
CREATE TABLE tiki_forums (
  forumId int NOT NULL AUTO_INCREMENT,
  name varchar(255) DEFAULT NULL,
  description text,
  mail varchar(200) DEFAULT NULL,
  outbound_address varchar(250) DEFAULT NULL,
  att varchar(80) DEFAULT NULL,
  att_store varchar(4) DEFAULT NULL,
  att_store_dir varchar(250) DEFAULT NULL,
  PRIMARY KEY (forumId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_forum_attachments;
CREATE TABLE tiki_forum_attachments (
  attId int NOT NULL AUTO_INCREMENT,
  threadId int NOT NULL DEFAULT 0,
  forumId int DEFAULT NULL,
  filename varchar(250) DEFAULT NULL,
  filetype varchar(250) DEFAULT NULL,
  filesize int DEFAULT NULL,
  data longblob,
  dir varchar(200) DEFAULT NULL,
  path varchar(250) DEFAULT NULL,
  PRIMARY KEY (attId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_comments;
CREATE TABLE tiki_comments (
  threadId int NOT NULL AUTO_INCREMENT,
  object varchar(255) NOT NULL DEFAULT '',
  objectType varchar(32) NOT NULL DEFAULT '',
  parentId int DEFAULT NULL,
  userName varchar(200) DEFAULT '',
  commentDate int DEFAULT NULL,
  points decimal(8,2) DEFAULT NULL,
  title varchar(255) DEFAULT NULL,
  data text,
  PRIMARY KEY (threadId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_trackers;
CREATE TABLE tiki_trackers (
  trackerId int NOT NULL AUTO_INCREMENT,
  name varchar(255) DEFAULT NULL,
  description text,
  created int DEFAULT NULL,
  PRIMARY KEY (trackerId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_tracker_item_attachments;
CREATE TABLE tiki_tracker_item_attachments (
  attId int NOT NULL AUTO_INCREMENT,
  itemId int NOT NULL DEFAULT 0,
  filename varchar(80) DEFAULT NULL,
  filesize int DEFAULT NULL,
  data longblob,
  path varchar(255) DEFAULT NULL,
  PRIMARY KEY (attId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_wiki_attachments;
CREATE TABLE tiki_wiki_attachments (
  attId int NOT NULL AUTO_INCREMENT,
  page varchar(200) NOT NULL DEFAULT '',
  filename varchar(255) DEFAULT NULL,
  filesize int DEFAULT NULL,
  data longblob,
  path varchar(255) DEFAULT NULL,
  PRIMARY KEY (attId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_userfiles;
CREATE TABLE tiki_userfiles (
  user varchar(200) NOT NULL DEFAULT '',
  fileId int NOT NULL AUTO_INCREMENT,
  name varchar(200) DEFAULT NULL,
  data longblob,
  path varchar(255) DEFAULT NULL,
  PRIMARY KEY (fileId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_schema;
CREATE TABLE tiki_schema (
  patch_name varchar(100) NOT NULL,
  install_date datetime DEFAULT NULL,
  PRIMARY KEY (patch_name)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_secdb;
CREATE TABLE tiki_secdb (
  md5_value varchar(32) NOT NULL,
  filename varchar(250) NOT NULL,
  tiki_version varchar(60) NOT NULL,
  severity int NOT NULL DEFAULT 0,
  PRIMARY KEY (filename(171), tiki_version(20))
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_mail_queue;
CREATE TABLE tiki_mail_queue (
  messageId int NOT NULL AUTO_INCREMENT,
  message longtext,
  attempts int NOT NULL DEFAULT 0,
  PRIMARY KEY (messageId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_mailin_accounts;
CREATE TABLE tiki_mailin_accounts (
  accountId int NOT NULL AUTO_INCREMENT,
  account varchar(50) NOT NULL DEFAULT '',
  pass varchar(100) DEFAULT NULL,
  active char(1) DEFAULT NULL,
  PRIMARY KEY (accountId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_newsletters;
CREATE TABLE tiki_newsletters (
  nlId int NOT NULL AUTO_INCREMENT,
  name varchar(200) DEFAULT NULL,
  description text,
  lastSent int DEFAULT NULL,
  author varchar(200) DEFAULT NULL,
  PRIMARY KEY (nlId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_newsletter_subscriptions;
CREATE TABLE tiki_newsletter_subscriptions (
  nlId int NOT NULL DEFAULT 0,
  email varchar(255) NOT NULL DEFAULT '',
  valid char(1) DEFAULT NULL,
  PRIMARY KEY (nlId, email(178))
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_user_watches;
CREATE TABLE tiki_user_watches (
  watchId int NOT NULL AUTO_INCREMENT,
  user varchar(200) NOT NULL DEFAULT '',
  event varchar(40) NOT NULL DEFAULT '',
  object varchar(200) NOT NULL DEFAULT '',
  email varchar(200) DEFAULT NULL,
  PRIMARY KEY (watchId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_actionlog;
CREATE TABLE tiki_actionlog (
  actionId int NOT NULL AUTO_INCREMENT,
  action varchar(255) NOT NULL DEFAULT '',
  lastModif int DEFAULT NULL,
  object varchar(255) DEFAULT NULL,
  user varchar(200) DEFAULT '',
  ip varchar(39) DEFAULT NULL,
  PRIMARY KEY (actionId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_sessions;
CREATE TABLE tiki_sessions (
  sessionId varchar(32) NOT NULL DEFAULT '',
  user varchar(200) DEFAULT '',
  timestamp int DEFAULT NULL,
  PRIMARY KEY (sessionId)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS sessions;
CREATE TABLE sessions (
  sesskey char(32) NOT NULL,
  expiry int unsigned NOT NULL,
  data longblob NOT NULL,
  PRIMARY KEY (sesskey)
) ENGINE=MyISAM;

DROP TABLE IF EXISTS tiki_auth_tokens;
CREATE TABLE tiki_auth_tokens (
  tokenId int NOT NULL AUTO_INCREMENT,
  token char(32) DEFAULT NULL,
  email varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (tokenId)
) ENGINE=MyISAM;

INSERT INTO users_groups (groupName, groupDesc) VALUES ('Anonymous', 'Public users not logged'), ('Registered', 'Users logged into the system'), ('Admins', 'Administrator and accounts managers.');
INSERT INTO users_users (email, login, hash) VALUES ('', 'admin', '21232f297a57a5a743894a0e4a801fc3');
INSERT INTO users_usergroups (userId, groupName) VALUES (1, 'Admins');
INSERT INTO tiki_file_galleries (name, type, parentId, user) VALUES ('File Galleries', 'system', -1, 'admin');
INSERT INTO tiki_pages (pageName, data, version, user) VALUES ('HomePage', 'Congratulations', 1, 'admin');
