<?php
// Installs the tables and keeps them in step with the tree, by the patches in installer/schema.

class Installer
{
    private $database;

    public function __construct(PDO $database)
    {
        $this->database = $database;
    }

    public function tableExists(string $table): bool
    {
        return (bool) $this->database->query('SHOW TABLES LIKE ' . $this->database->quote($table))->fetch();
    }

    /** Return the names of all patches of this tree, in the order they are applied. */
    public function patches(): array
    {
        $names = [];
        foreach (glob('installer/schema/*_*.{sql,php}', GLOB_BRACE) as $path) {
            $names[] = preg_replace('/\.(sql|php)$/', '', basename($path));
        }
        $names = array_unique($names);
        sort($names);
        return $names;
    }

    public function pendingPatches(): array
    {
        $pending = array_diff($this->patches(), $this->recorded());
        return array_values(array_filter($pending, function (string $name) {
            return strpos($name, 'optional') !== 0;
        }));
    }

    /** Make all tables anew and record every patch as done; return the number of statements. */
    public function cleanInstall(bool $innodb): int
    {
        $schema = file_get_contents('db/tiki.sql');
        $count = $this->execute($innodb ? str_replace('ENGINE=MyISAM', 'ENGINE=InnoDB', $schema) : $schema);
        array_map([$this, 'record'], $this->patches());
        return $count + $this->loadFileHashes();
    }

    public function update(): array
    {
        $outcome = ['applied' => [], 'failed' => [], 'queries' => 0];
        foreach ($this->pendingPatches() as $name) {
            try {
                $outcome['queries'] += $this->apply($name);
                $this->record($name);
                $outcome['applied'][] = $name;
            } catch (Throwable $fault) {
                $outcome['failed'][$name] = ["installer/schema/$name", $fault->getMessage()];
            }
        }
        $outcome['queries'] += $this->loadFileHashes();
        return $outcome;
    }

    public function record(string $name): void
    {
        $this->database->prepare('REPLACE INTO tiki_schema (patch_name, install_date) VALUES (?, NOW())')->execute([$name]);
    }

    private function recorded(): array
    {
        if (! $this->tableExists('tiki_schema')) {
            return [];
        }
        return $this->database->query('SELECT patch_name FROM tiki_schema')->fetchAll(PDO::FETCH_COLUMN);
    }

    private function apply(string $name): int
    {
        $base = "installer/schema/$name";
        $count = is_file("$base.sql") ? $this->execute(file_get_contents("$base.sql")) : 0;
        if (is_file("$base.php")) {
            require_once "$base.php";
            call_user_func("upgrade_$name", $this->database);
        }
        return $count;
    }

    /** The MD5 of every file of this release, for the security check. */
    private function loadFileHashes(): int
    {
        $version = new TWVersion();
        $file = "db/tiki-secdb_{$version->version}_mysql.sql";
        return is_file($file) ? $this->execute(file_get_contents($file)) : 0;
    }

    /** Statements end with a semicolon at the end of a line; lines that begin with -- are comments. */
    private function execute(string $sql): int
    {
        $sql = preg_replace('/^--.*$/m', '', $sql);
        $statements = array_filter(array_map('trim', preg_split('/;\s*(\n|$)/', $sql)));
        foreach ($statements as $statement) {
            $this->database->exec($statement);
        }
        return count($statements);
    }
}
