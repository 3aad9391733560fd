<?php
// The commands: what each needs of the site, how many arguments at least, and what it does.

require_once __DIR__ . '/actions.php';
require_once __DIR__ . '/profiles.php';

return [
    'cache:clear' => [Console::TABLES, 0, 'clear_caches'],
    'database:configure' => [Console::FILES, 3, 'configure_database'],
    'database:install' => [Console::DATABASE, 0, 'install_database'],
    'database:update' => [Console::TABLES, 0, 'update_database'],
    'profile:apply' => [Console::IN_SYNC, 1, 'apply_profile'],
    'mail-queue:send' => [Console::IN_SYNC, 0, 'send_queue'],
    'index:rebuild' => [Console::IN_SYNC, 0, 'rebuild_index'],
] + (is_file(__DIR__ . '/later_commands.php') ? require __DIR__ . '/later_commands.php' : []);
