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
