<?php
// Puts one wiki page in place by the site's own TikiLib, so that history, links, watches and index follow. Called by
// wiki_page.py: php -- WEB_ROOT SITE, this text on stdin, with what the page is to hold in place of the words in @.
// Everything runs at file level, as Tiki's own entrances do; our names begin with trim_ to stay out of its way.

chdir($argv[1]);
define('TIKI_CONSOLE', true);   // no redirects, no sessions
if ($argv[2] !== '') {
    $_SERVER['TIKI_VIRTUAL'] = $argv[2];
}
$_SERVER = array('REQUEST_URI' => '/tiki-index.php', 'SCRIPT_NAME' => '/tiki-index.php', 'REMOTE_ADDR' => '127.0.0.1',
    'HTTP_HOST' => 'localhost', 'SERVER_NAME' => 'localhost', 'SERVER_PORT' => '80', 'REQUEST_METHOD' => 'GET',
    'HTTP_USER_AGENT' => '', 'QUERY_STRING' => '') + $_SERVER;
error_reporting(E_ERROR);
require_once 'tiki-setup.php';
error_reporting(E_ERROR);       // it sets its own

$trim_name = base64_decode('@NAME@');
$trim_text = base64_decode('@TEXT@');
$trim_note = base64_decode('@NOTE@');
$trim_user = 'trim';
$trim_lib = method_exists('TikiLib', 'lib') ? TikiLib::lib('tiki') : $GLOBALS['tikilib'];
$trim_before = $trim_lib->get_page_info($trim_name);

if (! $trim_before) {
    $trim_lib->create_page($trim_name, 0, $trim_text, time(), $trim_note, $trim_user, '127.0.0.1', '', '', false);
    $trim_outcome = 'created';
} elseif ($trim_before['data'] === $trim_text) {
    $trim_outcome = 'unchanged';
} else {
    $trim_lib->update_page($trim_name, $trim_text, $trim_note, $trim_user, '127.0.0.1', $trim_before['description'], 0,
        (string) $trim_before['lang'], false, null, null, 'n');
    $trim_outcome = 'updated';
}
$trim_after = $trim_lib->get_page_info($trim_name, true, true);
while (ob_get_level()) {
    ob_end_clean();
}
echo "\n--trim-page--\n", $trim_outcome, ' ', (int) $trim_after['version'], ' ', md5($trim_after['data']),
    "\n--trim-end--\n";
