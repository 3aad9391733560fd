<?php
// Saves a page and tells those who watch it: tiki-editpage.php?page=NAME&edit=TEXT
require_once 'tiki-setup.php';
require_once 'lib/mail/maillib.php';

$name = $_GET['page'] ?? $prefs['wikiHomePage'];
$tikilib->query('UPDATE tiki_pages SET data = ?, version = version + 1 WHERE pageName = ?', [$_GET['edit'] ?? '', $name]);
$watches = $tikilib->query("SELECT email FROM tiki_user_watches WHERE event = 'wiki_page_changed' AND object = ?", [$name]);
foreach ($watches->fetchAll(PDO::FETCH_COLUMN) as $email) {
    tiki_mail($tikilib, $prefs, $email, "$name was changed", 'See ' . $prefs['fallbackBaseUrl']);
}
echo 'saved';
