<?php
// Finds the command, sees how far the site is installed, and runs what that permits.

require_once 'db/tiki-db.php';
require_once 'installer/installlib.php';
require_once 'lib/setup/twversion.class.php';
require_once 'lib/tikilib.php';

class Console
{
    // How far a site is installed; a command names what it needs.
    const FILES = 0;
    const DATABASE = 1;
    const TABLES = 2;
    const IN_SYNC = 3;

    const REASONS = [
        self::DATABASE => 'Your database must be running and have valid credentials in the local.php file.',
        self::TABLES => 'Cannot initiate Database. Probably because the database needs updating.',
        self::IN_SYNC => 'The database needs to be updated. Solved by: php console.php database:update',
    ];

    public $options = [];
    public $tikilib = null;
    public $installer = null;
    private $words = [];

    public function __construct(array $arguments)
    {
        while ($arguments) {
            $word = array_shift($arguments);
            if (preg_match('/^--([a-zA-Z-]+)(?:=(.*))?$/s', $word, $found)) {
                $this->options[$found[1]] = $found[2] ?? '';
            } elseif (preg_match('/^-([pGi])$/', $word, $found)) {
                $this->options[$found[1]] = array_shift($arguments);
            } elseif (preg_match('/^-[a-zA-Z]+$/', $word)) {
                $this->options[substr($word, 1)] = '';
            } else {
                $this->words[] = $word;
            }
        }
        if (($this->options['site'] ?? '') !== '') {
            $_SERVER['TIKI_VIRTUAL'] = $this->options['site'];
        }
    }

    public function run(): int
    {
        $commands = require __DIR__ . '/commands.php';
        $reached = $this->reached();
        $name = array_shift($this->words);
        if ($name === null || $name === 'list') {
            return $this->overview($commands, $reached);
        }
        if (! isset($commands[$name])) {
            return $this->usage("Command \"$name\" is not defined.");
        }
        list($needs, $arguments, $action) = $commands[$name];
        if (count($this->words) < $arguments) {
            return $this->usage("Not enough arguments for \"$name\".");
        }
        if ($reached < $needs) {
            $this->say('Command not available at this stage.');
            $this->say(self::REASONS[$reached + 1]);
            return 0;
        }
        try {
            $action($this, ...$this->words);
        } catch (Throwable $fault) {
            $this->say('A error was encountered while running a command');
            $this->say($fault->getMessage());
        }
        return 0;
    }

    public function say(string $line): void
    {
        echo $line, "\n";
    }

    private function reached(): int
    {
        try {
            $database = tiki_connect();
        } catch (Throwable $fault) {
            return self::FILES;
        }
        $this->tikilib = new TikiLib($database);
        $this->installer = new Installer($database);
        if (! $this->installer->tableExists('users_users')) {
            return self::DATABASE;
        }
        return $this->installer->pendingPatches() ? self::TABLES : self::IN_SYNC;
    }

    private function overview(array $commands, int $reached): int
    {
        foreach ($commands as $name => list($needs)) {
            $this->say(sprintf('  %-24s%s', $name, $reached < $needs ? 'Unavailable' : ''));
        }
        // The same words in every state, as in Tiki; there only the colour tells.
        $this->say('Tiki-Files-Installed->DB-Running->DB-Installed->DB-Initialized->DB-in-Sync');
        return 0;
    }

    private function usage(string $message): int
    {
        fwrite(STDERR, "\n  $message\n\n");
        return 1;
    }
}
