<?php
// From nothing to a database connection and preferences; throws when there is none.
chdir(__DIR__);
require_once '@VENDOR@/autoload.php';
require_once 'tiki-filter-base.php';
require_once 'lib/setup/twversion.class.php';
require_once 'db/tiki-db.php';
require_once 'lib/tikilib.php';

$tikilib = new TikiLib(tiki_connect());
$prefs = $tikilib->preferences();
