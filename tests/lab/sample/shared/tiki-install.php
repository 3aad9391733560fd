<?php
// The web installer: shut by db/lock; this one does nothing but say how to install.
chdir(__DIR__);
require_once 'db/tiki-db.php';
if (is_file('db/' . tiki_site() . 'lock')) {
    die('Tiki Installer is disabled. Remove the lock file in the db folder to enable it.');
}
echo 'Tiki Installer: php console.php database:install';
