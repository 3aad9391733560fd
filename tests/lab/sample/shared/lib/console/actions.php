<?php
// What the commands do that both generations have.

const CACHE_DIRECTORIES = ['temp/cache', 'temp/public', 'temp/templates_c', 'templates_c', 'modules/cache'];

function clear_caches(Console $console): void
{
    $console->say('Clearing all caches');
    foreach (CACHE_DIRECTORIES as $directory) {
        foreach (glob("$directory/*") as $path) {
            if (is_file($path) && basename($path) !== 'index.php') {
                unlink($path);
            }
        }
    }
}

function configure_database(Console $console, string $user, string $password, string $name): void
{
    $host = $console->options['host'] ?? 'localhost';
    $version = new TWVersion();
    $lines = ['<?php', "\$db_tiki='mysql';"];
    $values = [
        'dbversion_tiki' => preg_replace('/^(\d+\.\d+).*/', '$1', $version->version),
        'host_tiki' => $host,
        'user_tiki' => $user,
        'pass_tiki' => $password,
        'dbs_tiki' => $name,
        'client_charset' => 'utf8',
    ];
    foreach ($values as $key => $value) {
        $lines[] = "\$$key=" . var_export($value, true) . ';';
    }
    file_put_contents('db/' . tiki_site() . 'local.php', implode("\n", $lines) . "\n");
    $console->say('Wrote db/' . tiki_site() . 'local.php');
}

function install_database(Console $console): void
{
    if ($console->installer->tableExists('users_users') && ! isset($console->options['force'])) {
        $console->say('Database already exists.');
        return;
    }
    $innodb = $console->options['useInnoDB'] ?? $console->options['i'] ?? '@INNODB@';
    $count = $console->installer->cleanInstall($innodb === '1');
    $console->say('Installation completed.');
    $console->say("Queries executed successfully: $count");
}

function update_database(Console $console): void
{
    $outcome = $console->installer->update();
    $console->say('Update completed.');
    foreach ($outcome['applied'] as $patch) {
        $console->say("Installed: $patch");
    }
    foreach (array_keys($outcome['failed']) as $patch) {
        $console->say("Failed: $patch");
        if (isset($console->options['auto-register']) || isset($console->options['a'])) {
            $console->installer->record($patch);
        }
    }
    $console->say('Queries executed successfully: ' . $outcome['queries']);
    foreach ($outcome['failed'] as $patch => list($query, $message)) {
        $console->say("Error in $patch\n\t$query\n\t$message");
    }
    clear_caches($console);
}

function rebuild_index(Console $console): void
{
    $tikilib = $console->tikilib;
    $console->say('Started rebuilding index...');
    $preferences = $tikilib->preferences();
    if (($preferences['unified_search_engine'] ?? '') === 'elastic') {
        rebuild_elastic_index($console, $preferences);
        return;
    }
    foreach ($tikilib->query("SHOW TABLES LIKE 'index\\_%'")->fetchAll(PDO::FETCH_COLUMN) as $table) {
        $tikilib->query("DROP TABLE `$table`");
    }
    $index = 'index_' . bin2hex(random_bytes(7));
    $rows = [
        $index => "SELECT 'wiki page', pageName, data FROM tiki_pages",
        'index_pref_en' => "SELECT 'preference', name, value FROM tiki_preferences",
    ];
    foreach ($rows as $table => $select) {
        $tikilib->query("CREATE TABLE `$table` (
            id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, object_type VARCHAR(40), object_id VARCHAR(255),
            contents LONGTEXT, FULLTEXT KEY contents (contents)) ENGINE=MyISAM");
        $tikilib->query("INSERT INTO `$table` (object_type, object_id, contents) $select");
    }
    $tikilib->setPreference('unified_mysql_index_current', $index);
    $tikilib->setPreference('unified_last_rebuild', (string) time());
    $count = $tikilib->query("SELECT COUNT(*) FROM `$index`")->fetchColumn();
    $console->say("Indexed\n  wiki page: $count\nRebuilding index done");
}

/** As Tiki does: a new index beside the old one, then the preference that names it, then the old one goes. */
function rebuild_elastic_index(Console $console, array $preferences): void
{
    $ask = static function (string $method, string $path, string $body = '') use ($preferences): void {
        $header = 'Content-Type: application/x-ndjson';
        $told = file_get_contents("$preferences[unified_elastic_url]/$path", false, stream_context_create([
            'http' => ['method' => $method, 'content' => $body, 'header' => $header, 'ignore_errors' => true]]));
        if ($told === false) {
            throw new RuntimeException("$preferences[unified_elastic_url] does not answer");
        }
    };
    $index = $preferences['unified_elastic_index_prefix'] . 'main_' . bin2hex(random_bytes(7));
    $ask('PUT', $index);
    $pages = $console->tikilib->query('SELECT pageName, data FROM tiki_pages')->fetchAll(PDO::FETCH_KEY_PAIR);
    foreach ($pages as $name => $data) {
        $ask('POST', "$index/_bulk", json_encode(['index' => ['_id' => $name]]) . "\n"
            . json_encode(['contents' => $data], JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
    }
    $old = $preferences['unified_elastic_index_current'] ?? '';
    $console->tikilib->setPreference('unified_elastic_index_current', $index);
    if ($old !== '') {
        $ask('DELETE', $old);
    }
    $console->say('Indexed\n  wiki page: ' . count($pages) . "\nRebuilding index done");
}

function send_queue(Console $console): void
{
    require_once 'lib/mail/maillib.php';
    $console->say('Mail queue processor starting...');
    $sent = send_mail_queue($console->tikilib, $console->tikilib->preferences());
    $console->say("Sent: $sent");
    $console->say('Mail queue processed...');
}
