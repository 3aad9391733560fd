<?php
// Preferences, pages and files of one site.

class TikiLib
{
    public $database;

    public function __construct(PDO $database)
    {
        $this->database = $database;
    }

    /** Return all preferences by name: the defaults, and what the table says instead. */
    public function preferences(): array
    {
        $stored = $this->database->query('SELECT name, value FROM tiki_preferences');
        return array_merge(self::defaults(), $stored->fetchAll(PDO::FETCH_KEY_PAIR));
    }

    public static function defaults(): array
    {
        return require __DIR__ . '/setup/prefs.php';
    }

    public function setPreference(string $name, string $value): void
    {
        $this->query('REPLACE INTO tiki_preferences (name, value) VALUES (?, ?)', [$name, $value]);
    }

    /** Return a library by its name; there is one here. */
    public static function lib(string $name): TikiLib
    {
        return $GLOBALS['tikilib'];
    }

    public function get_page_info($name, $withData = true, $skipCache = false)
    {
        return $this->query('SELECT * FROM tiki_pages WHERE pageName = ?', [$name])->fetch();
    }

    public function create_page($name, $hits, $data, $lastModif, $comment, $user = 'admin', $ip = '0.0.0.0',
        $description = '', $lang = '', $is_html = false)
    {
        if ($this->get_page_info($name)) {
            return false;
        }
        $this->query('INSERT INTO tiki_pages (pageName, hits, data, description, lastModif, comment, version, user, ip,'
            . ' lang) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)',
            [$name, $hits, $data, $description, $lastModif, $comment, $user, $ip, $lang]);
        return $this->replicate_page_to_history($name);
    }

    public function update_page($name, $data, $comment, $user, $ip, $description = null, $minor = 0, $lang = '',
        $is_html = null, $hash = null, $saveLastModif = null, $wysiwyg = '')
    {
        $before = $this->get_page_info($name);
        if (! $before) {
            return false;
        }
        $this->query('UPDATE tiki_pages SET data = ?, comment = ?, user = ?, ip = ?, description = ?, lang = ?,'
            . ' lastModif = ?, version = version + 1 WHERE pageName = ?',
            [$data, $comment, $user, $ip, $description ?? $before['description'], $lang, time(), $name]);
        return $this->replicate_page_to_history($name);
    }

    private function replicate_page_to_history($name): bool
    {
        $this->query('INSERT INTO tiki_history (pageName, version, lastModif, user, data)'
            . ' SELECT pageName, version, lastModif, user, data FROM tiki_pages WHERE pageName = ?', [$name]);
        return true;
    }

    public function page(string $name): ?array
    {
        return $this->query('SELECT * FROM tiki_pages WHERE pageName = ?', [$name])->fetch() ?: null;
    }

    public function file(int $fileId): ?array
    {
        return $this->query('SELECT * FROM tiki_files WHERE fileId = ?', [$fileId])->fetch() ?: null;
    }

    /** Return the bytes of a file, from the store on disk or from its row; null when they are gone. */
    public function fileContent(array $file, array $prefs): ?string
    {
        if ((string) $file['path'] === '') {
            return $file['data'];
        }
        $content = @file_get_contents(rtrim($prefs['fgal_use_dir'], '/') . '/' . $file['path']);
        return $content === false ? null : $content;
    }

    public function query(string $sql, array $values = []): PDOStatement
    {
        $statement = $this->database->prepare($sql);
        $statement->execute($values);
        return $statement;
    }
}
