#!/usr/bin/env php
<?php
// The command line. Like Tiki's own it ends with 0 after nearly every failure; what does not is
// a command that does not exist, a missing argument, and PHP that cannot load a file.
if (PHP_SAPI !== 'cli') {
    die('Only available through command-line.');
}
ini_set('display_errors', 'stderr');
chdir(__DIR__);
if (! (@include_once '@VENDOR@/autoload.php')) {
    fwrite(STDERR, "@VENDOR@ is missing\n");
    exit(1);
}
require_once 'lib/console/console.php';
exit((new Console(array_slice($argv, 1)))->run());
