<?php
// Commands that came after Tiki 12.

function get_preference(Console $console, string $name): void
{
    if (! array_key_exists($name, TikiLib::defaults())) {
        $console->say('Preference not found.');
        return;
    }
    $console->say("Preference $name has value " . $console->tikilib->preferences()[$name]);
}

function set_preference(Console $console, string $name, string $value): void
{
    $defaults = TikiLib::defaults();
    if (! array_key_exists($name, $defaults)) {
        $console->say('Preference not found.');
    } elseif (in_array($defaults[$name], ['y', 'n'], true) && ! in_array($value, ['y', 'n'], true)) {
        $console->say("Preference $name is of type flag, allowed values are \"y\" or \"n\", you used $value.");
    } else {
        $console->tikilib->setPreference($name, $value);
        $console->say("Preference $name was set.");
    }
}

function rebuild_preference_index(Console $console): void
{
    $console->say('Rebuilding index... done');
}

function show_info(Console $console, string $which = ''): void
{
    $version = new TWVersion();
    $both = 'PHP version: ' . PHP_VERSION . "\nTiki version: " . $version->version;
    $console->say(['php' => PHP_VERSION, 'tiki' => $version->version, '' => $both][$which]);
}

function create_user(Console $console, string $login): void
{
    $values = [$console->options['email'] ?? '', $login, password_hash($console->options['p'] ?? '', PASSWORD_DEFAULT)];
    $console->tikilib->query('INSERT INTO users_users (email, login, hash) VALUES (?, ?, ?)', $values);
    $user = $console->tikilib->query('SELECT userId, login, email, hash FROM users_users WHERE login = ?', [$login])->fetch();
    $group = $console->options['G'] ?? 'Registered';
    $console->tikilib->query('INSERT INTO users_usergroups (userId, groupName) VALUES (?, ?)', [$user['userId'], $group]);
    $console->say(json_encode($user, JSON_PRETTY_PRINT));
}

function lock_installer(Console $console): void
{
    touch('db/lock'); // the main site's, whatever --site says
    $console->say('Installer locked.');
}

function list_sites(Console $console): void
{
    $console->say(is_file('db/virtuals.inc') ? trim(file_get_contents('db/virtuals.inc')) : 'No multitikis found');
}

/** Run what is active, whenever it would be due. */
function run_scheduler(Console $console): void
{
    $active = $console->tikilib->query("SELECT * FROM tiki_scheduler WHERE status = 'active'")->fetchAll();
    foreach ($active as $task) {
        $params = json_decode((string) $task['params'], true) ?: [];
        $console->say("***** Running scheduler {$task['name']} *****");
        if ($task['task'] === 'ShellCommandTask') {
            exec($params['shell_command']);
        } elseif (($params['console_command'] ?? '') === 'mail-queue:send') {
            send_queue($console);
        }
    }
    if (! $active) {
        $console->say('No active schedulers were found to run at this time.');
    }
}

return [
    'installer:lock' => [Console::FILES, 0, 'lock_installer'],
    'multitiki:list' => [Console::FILES, 0, 'list_sites'],
    'preferences:get' => [Console::TABLES, 1, 'get_preference'],
    'preferences:rebuild-index' => [Console::TABLES, 0, 'rebuild_preference_index'],
    'preferences:set' => [Console::TABLES, 2, 'set_preference'],
    'scheduler:run' => [Console::IN_SYNC, 0, 'run_scheduler'],
    'tiki:info' => [Console::FILES, 0, 'show_info'],
    'users:create' => [Console::IN_SYNC, 1, 'create_user'],
];
