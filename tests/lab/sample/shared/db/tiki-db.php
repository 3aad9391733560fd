<?php
// Which database this request is for, and the way into it.

/** Return the folder below db/ of the asked-for site with a slash, or '' for the main one. */
function tiki_site(): string
{
    if (! is_file('db/virtuals.inc')) {
        return '';
    }
    $asked = $_SERVER['TIKI_VIRTUAL'] ?? $_SERVER['HTTP_HOST'] ?? '';
    $asked = preg_replace('/^www\.|:\d+$/', '', $asked);
    $known = file('db/virtuals.inc', FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES);
    // A site nobody knows is the main one, silently.
    return in_array($asked, array_map('trim', $known), true) && is_file("db/$asked/local.php") ? "$asked/" : '';
}

function tiki_connect(): PDO
{
    $host_tiki = 'localhost';
    $user_tiki = 'root';
    $pass_tiki = '';
    $dbs_tiki = 'tiki';
    $client_charset = '@CHARSET@';
    $file = 'db/' . tiki_site() . 'local.php';
    if (! is_file($file)) {
        throw new RuntimeException("$file is missing");
    }
    require $file;
    // host:port ends up in the DSN as it is, as in Tiki.
    $source = "mysql:host=$host_tiki;dbname=$dbs_tiki;charset=$client_charset";
    return new PDO($source, $user_tiki, $pass_tiki, [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
    ]);
}
