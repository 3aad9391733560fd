<?php
// What is in a web root, as PHP on that host sees it. Called by probe.py: php -- WEB_ROOT SITE, this text on stdin.
//
// Prints one JSON object between two marker lines; every string in it is base64, because names and passwords
// need not be UTF-8, and old PHPs come without json. Runs on PHP 5.3 and later. db/local.php is included at file
// level, as Tiki does it; our own names begin with trim_ to stay out of its way.

error_reporting(E_ALL);
ini_set('display_errors', '0');
ini_set('log_errors', '0');

$trim_root = $argv[1];
$trim_report = array('state' => 'tiki', 'php' => PHP_VERSION);

function trim_json($value)
{
    if (is_array($value)) {
        $is_list = array_keys($value) === array_keys(array_keys($value));
        $parts = array();
        foreach ($value as $key => $one) {
            $parts[] = ($is_list ? '' : '"' . $key . '":') . trim_json($one);
        }
        return $is_list ? '[' . implode(',', $parts) . ']' : '{' . implode(',', $parts) . '}';
    }
    if ($value === null || is_bool($value) || is_int($value)) {
        return strtolower(var_export($value, true));
    }
    return '"' . base64_encode($value) . '"';
}

// Also reached when db/local.php exits or dies, then with what was found so far.
function trim_print()
{
    global $trim_report;
    $error = error_get_last();
    $is_fatal = $error && ($error['type'] & (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR));
    if ($is_fatal && isset($trim_report['problem'])) {
        $trim_report['problem'] = 'fails: ' . $error['message'];
    }
    while (ob_get_level()) {
        ob_end_clean();
    }
    echo "\n--trim-probe--\n", trim_json($trim_report), "\n--trim-end--\n";
    if (! empty($trim_report['problem'])) {
        exit(0);  // the report says what is wrong, and db/local.php may have ended PHP with another status
    }
}

// A file that cannot be included is only a warning; without it the values would be others.
function trim_on_error($kind, $message)
{
    global $trim_report, $trim_lost;
    if ((error_reporting() & $kind) && preg_match('/^(include|require)/', $message)) {
        $trim_lost = $message;
    }
    return true;
}

function trim_names($folder)
{
    $names = @scandir($folder);
    return $names ? array_values(array_diff($names, array('.', '..'))) : array();
}

function trim_text($file)
{
    return is_file($file) ? (string) @file_get_contents($file) : '';
}

function trim_name_of($id, $function)
{
    $entry = function_exists($function) ? $function($id) : false;
    return $entry ? $entry['name'] : (string) $id;
}

function trim_virtual_sites()
{
    $sites = array();
    foreach (preg_split('/\s+/', trim_text('db/virtuals.inc')) as $name) {
        if (preg_match('/^[A-Za-z0-9][A-Za-z0-9._-]*$/', $name) && is_file("db/$name/local.php")) {
            $sites[] = $name;
        }
    }
    return array_values(array_unique($sites));
}

function trim_version_text()
{
    foreach (array('lib/setup/twversion.class.php', 'lib/twversion.class.php') as $file) {
        if ($text = trim_text($file)) {
            return $text;
        }
    }
    foreach (array('tiki-setup_base.php', 'tiki-setup.php') as $file) {
        if (preg_match('/^.*tiki_version\s*=.*$/mi', trim_text($file), $found)) {
            return $found[0];
        }
    }
    return '';
}

function trim_extensions()
{
    $known = array('mysqli', 'pdo_mysql', 'mbstring', 'intl', 'gd', 'imagick', 'curl', 'dom', 'xml', 'simplexml', 'zip',
        'zlib', 'bz2', 'bcmath', 'iconv', 'json', 'ldap', 'openssl', 'session', 'tokenizer', 'ctype', 'fileinfo');
    return array_values(array_filter($known, 'extension_loaded'));
}

function trim_describe($root)
{
    $status = stat($root);
    return array(
        'owner' => trim_name_of($status['uid'], 'posix_getpwuid'),
        'group' => trim_name_of($status['gid'], 'posix_getgrgid'),
        'mode' => $status['mode'] & 07777,
        'version_text' => trim_version_text(),
        'names' => array_values(array_intersect(trim_names('.'), array('.git', '.svn', 'CVS', 'console.php'))),
        'htaccess' => is_link('.htaccess') ? 'link' : (is_file('.htaccess') ? 'file' : ''),
        'sites' => trim_virtual_sites(),
        'certificates' => array_values(preg_grep('/-(ca|cert|key)\.pem$/', trim_names('db/cert'))),
    );
}

$trim_report['extensions'] = trim_extensions();
register_shutdown_function('trim_print');
set_error_handler('trim_on_error');
ob_start();

if (! is_dir($trim_root)) {
    $trim_report['state'] = 'missing';
    exit;
}
if (! is_readable($trim_root) || ! @chdir($trim_root)) {
    $trim_report['state'] = 'unreadable';
    exit;
}
$trim_report += trim_describe($trim_root);
if (! is_file('tiki-setup.php')) {
    $trim_report['entries'] = array_slice(trim_names('.'), 0, 6);
    $trim_report['state'] = $trim_report['entries'] ? 'other' : 'empty';
    exit;
}

$trim_file = $argv[2] === '' ? 'db/local.php' : "db/$argv[2]/local.php";
if (! file_exists($trim_file)) {
    $trim_report['problem'] = 'missing';
    exit;
}
if (! is_readable($trim_file)) {
    $trim_report['problem'] = 'unreadable';
    exit;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/console.php';
$trim_lost = '';
$trim_report['problem'] = 'exits';
try {
    include $trim_file;
    $trim_report['problem'] = $trim_lost ? "fails: $trim_lost" : '';
} catch (Exception $trim_error) {
    $trim_report['problem'] = 'fails: ' . $trim_error->getMessage();
} catch (Throwable $trim_error) {
    $trim_report['problem'] = 'fails: ' . $trim_error->getMessage();
}
if ($trim_report['problem'] === '') {
    foreach (array('db_tiki', 'dbversion_tiki', 'host_tiki', 'user_tiki', 'pass_tiki', 'dbs_tiki', 'client_charset',
        'api_tiki', 'socket_tiki', 'system_configuration_file', 'system_configuration_identifier') as $trim_name) {
        if (isset($GLOBALS[$trim_name]) && is_scalar($GLOBALS[$trim_name])) {
            $trim_report['variables'][$trim_name] = (string) $GLOBALS[$trim_name];
        }
    }
}
