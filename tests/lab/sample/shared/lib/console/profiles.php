<?php
// profile:apply as Tiki has it: ends with 0 whatever happens, is not atomic, remembers what it applied by the domain.
// Of YAML only what the profiles of these tests are made of. A page without a name is what breaks half-way.

function apply_profile(Console $console, string $name, string $repository = 'profiles.tiki.org'): void
{
    $folder = preg_replace('~^file://~', '', $repository);
    if (! is_file("$folder/$name.yml")) {
        profile_error($console, 'Profile not found.');
        return;
    }
    $domain = 'file://' . preg_replace('~^' . preg_quote(realpath('.'), '~') . '/~', '', rtrim($folder, '/'));
    try {
        list($preferences, $objects) = read_profile(file_get_contents("$folder/$name.yml"));
    } catch (InvalidArgumentException $fault) {
        fwrite(STDERR, "\n  In Parser.php line 805:\n\n  " . $fault->getMessage() . "\n\n");
        exit(1);
    }
    $tikilib = $console->tikilib;
    $tikilib->query("CREATE TABLE IF NOT EXISTS tiki_profile_symbols (
        domain VARCHAR(50) NOT NULL, profile VARCHAR(100) NOT NULL, object VARCHAR(150) NOT NULL,
        type VARCHAR(20) NOT NULL, value VARCHAR(160) NOT NULL, named ENUM('y','n') NOT NULL,
        creation_date TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (domain, profile(70), object(71)))");
    if (isset($console->options['force'])) {
        $tikilib->query('DELETE FROM tiki_profile_symbols WHERE domain = ? AND profile = ?', [$domain, $name]);
    }
    $known = $tikilib->query('SELECT COUNT(*) FROM tiki_profile_symbols WHERE domain = ? AND profile = ?', [$domain, $name]);
    if ($known->fetchColumn()) {
        $console->say("\e[32mProfile was already applied. Nothing happened.\e[39m");
        return;
    }
    if (isset($console->options['dry-run'])) {
        tell_profile($console, $name, $preferences, $objects);
        return;
    }
    try {
        foreach ($preferences as $preference => $value) {
            if ($value === '' || $value[0] !== '$') {
                $tikilib->setPreference($preference, $value);
            }
        }
        $made = [];
        foreach ($objects as $object) {
            $made[$object['ref']] = make_page($tikilib, $folder, $name, $object);
            $tikilib->query("INSERT INTO tiki_profile_symbols (domain, profile, object, type, value, named)
                VALUES (?, ?, ?, ?, ?, 'y')", [$domain, $name, $object['ref'], $object['type'], $object['name']]);
        }
        foreach ($preferences as $preference => $value) {
            if ($value !== '' && $value[0] === '$') {
                $tikilib->setPreference($preference, $made[substr($value, 1)]);
            }
        }
        $console->say('Profile applied.');
    } catch (Exception $fault) {
        profile_error($console, 'Installation failed:');
        profile_error($console, 'An error occurred: ' . $fault->getMessage());
    }
}

function make_page(TikiLib $tikilib, string $folder, string $profile, array $object): string
{
    if ($object['type'] !== 'wiki_page' || ! isset($object['name'])) {
        throw new Exception("Object (#{$object['ref']}) of type {$object['type']} does not validate");
    }
    $content = $object['content'] ?? '';
    if (preg_match('/^wiki(?:content|parsed):(.+)$/', $content, $found)) {
        $content = (string) @file_get_contents("$folder/$profile/{$found[1]}.wiki");
    }
    $tikilib->query("INSERT INTO tiki_pages (pageName, data, lastModif, version, user) VALUES (?, ?, ?, 1, 'admin')
        ON DUPLICATE KEY UPDATE data = VALUES(data), version = version + 1", [$object['name'], $content, time()]);
    return $object['name'];
}

/** Return the preferences, and the objects with their data among their own values. */
function read_profile(string $text): array
{
    $preferences = $objects = [];
    $section = '';
    foreach (explode("\n", $text) as $line) {
        if (trim($line) === '' || ltrim($line)[0] === '#') {
            continue;
        }
        if (preg_match('/^(\w+):$/', rtrim($line), $found)) {
            $section = $found[1];
        } elseif ($section === 'preferences' && preg_match('/^ +(\w+):(?: (.*))?$/', $line, $found)) {
            $preferences[$found[1]] = trim($found[2] ?? '', " '\"");
        } elseif ($section === 'objects' && rtrim($line) === rtrim(' -')) {
            $objects[] = [];
        } elseif ($section === 'objects' && preg_match('/^ +(\w+):(?: (.*))?$/', $line, $found)) {
            $objects[count($objects) - 1][$found[1]] = trim($found[2] ?? '', " '\"");
        } else {
            throw new InvalidArgumentException('Malformed inline YAML string: "' . trim($line) . '"');
        }
    }
    return [$preferences, $objects];
}

function tell_profile(Console $console, string $name, array $preferences, array $objects): void
{
    $console->say("Dry-run for profile: $name");
    $now = $console->tikilib->preferences();
    foreach ($preferences as $preference => $value) {
        if (($now[$preference] ?? '') !== $value) {
            $old = ($now[$preference] ?? '') ?: 'n';
            $console->say("Preference set: $preference= $value old value= $old");
        }
    }
    foreach ($objects as $object) {
        $console->say("Installer added: {$object['type']} \"" . ($object['name'] ?? '') . '"');
    }
}

function profile_error(Console $console, string $text): void
{
    $console->say(isset($console->options['ansi']) ? "\e[37;41m$text\e[39;49m" : $text);
}
