<?php
// What users of a real Tiki do that sends mail; called on the command line with the web root.
chdir($argv[1]);
define('TIKI_CONSOLE', true);
$_SERVER = ['REQUEST_URI' => '/tiki-index.php', 'SCRIPT_NAME' => '/tiki-index.php', 'REMOTE_ADDR' => '127.0.0.1',
    'HTTP_HOST' => 'localhost', 'SERVER_NAME' => 'localhost', 'SERVER_PORT' => '80', 'REQUEST_METHOD' => 'GET',
    'HTTP_USER_AGENT' => '', 'QUERY_STRING' => ''] + $_SERVER;
error_reporting(E_ERROR);
require_once 'tiki-setup.php';
require_once 'lib/newsletters/nllib.php';
error_reporting(E_ERROR);

TikiLib::lib('tiki')->update_page('HomePage', 'text ' . microtime(), '', 'admin', '127.0.0.1');
TikiLib::lib('user')->send_validation_email('ann', 'secret', 'ann@example.org', 'y');
$newsletters = new NlLib();
$edition = ['subject' => 'News', 'data' => 'Body', 'datatxt' => 'Body', 'files' => [], 'wysiwyg' => 'n', 'is_html' => 0,
    'replyto' => '', 'sendfrom' => '', 'editionId' => 0, 'begin' => true];
$sent = $errors = [];
$log = '';
$newsletters->send($newsletters->get_newsletter(1), $edition, false, $sent, $errors, $log, true);
echo 'acted';
