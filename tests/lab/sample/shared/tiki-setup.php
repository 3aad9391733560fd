<?php
// What every page begins with.
try {
    require_once __DIR__ . '/tiki-setup_base.php';
} catch (RuntimeException $fault) {
    http_response_code(503);
    die('Tiki is not completely set up: ' . htmlspecialchars($fault->getMessage()));
}

if ($prefs['site_closed'] === 'y') {
    http_response_code(503);
    die(htmlspecialchars($prefs['site_closed_msg']));
}

// The container knows the folder it was made for; a real Tiki breaks in obscure ways
// with one that was carried along from another tree, this one says so.
$container = 'temp/cache/container.php';
if (! is_file($container)) {
    @file_put_contents($container, '<?php return ' . var_export(__DIR__, true) . ';');
} elseif ((include $container) !== __DIR__) {
    http_response_code(500);
    die('temp/cache/container.php belongs to another tree');
}
