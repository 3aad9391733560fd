"""Several connections load a dump on a real server: the same database as one connection gives, or a fault."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from scripts.database import credentials, dump, load, load_parts, splitting, unchanged
from scripts.database.account import Account
from scripts.database.client import Client
from scripts.database.digest import DumpDigest, TableDigest
from scripts.database.faults import CannotHold, SqlError
from scripts.errors import CommandError, DatabaseError
from scripts.hosts import process
from scripts.hosts.local import LocalHost
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit

HOST = LocalHost("web1")
WAIT_SECONDS = 20

# What depends on something else, is written in more than one place of a dump, or is odd.
ODD = r"""
CREATE SEQUENCE numbers START WITH 7;
CREATE TABLE parent (id INT PRIMARY KEY);
CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE);
INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, NULL);
CREATE TABLE `a ``b`` é` (`c``d` VARCHAR(99), half INT AS (LENGTH(`c``d`) DIV 2) STORED, double_ INT AS (half * 4));
INSERT INTO `a ``b`` é` (`c``d`) VALUES ('x'), ('-- Table structure for table `y`'), ('\n-- Dump completed\n');
CREATE TABLE words (id INT PRIMARY KEY, t TEXT, FULLTEXT (t)); INSERT INTO words VALUES (1, 'found');
CREATE TABLE isam (id INT PRIMARY KEY, t TEXT, FULLTEXT (t)) ENGINE=MyISAM; INSERT INTO isam VALUES (1, 'found');
CREATE TABLE aria (id INT PRIMARY KEY) ENGINE=Aria; INSERT INTO aria VALUES (1);
CREATE TABLE parts (id INT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 3; INSERT INTO parts VALUES (1, 1);
CREATE TABLE kept (id INT PRIMARY KEY, t TIMESTAMP NOT NULL DEFAULT '2026-07-01 12:00:00') WITH SYSTEM VERSIONING;
INSERT INTO kept (id) VALUES (1);
CREATE TABLE zero (id INT PRIMARY KEY AUTO_INCREMENT, t TIMESTAMP NULL); SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO zero VALUES (0, '2026-07-01 12:00:00'), (5, '2026-01-01 12:00:00');
CREATE TABLE `log
-- Table structure for table ``x``
-` (id INT); INSERT INTO `log
-- Table structure for table ``x``
-` VALUES (1);
CREATE TABLE watched (id INT PRIMARY KEY);
INSERT INTO watched VALUES (1), (2);
CREATE TRIGGER counts AFTER INSERT ON watched FOR EACH ROW INSERT INTO parent VALUES (NEW.id + 100);
CREATE VIEW on_table AS SELECT id FROM zero;
CREATE VIEW a_view_of_it AS SELECT id + 1 AS `next
one` FROM on_table;
DELIMITER ;;
CREATE PROCEDURE doing() BEGIN SELECT 'it''s'; END;;
DELIMITER ;
CREATE EVENT later ON SCHEDULE AT '2037-01-01 00:00:00' DO DELETE FROM zero;
"""
# Many rows, with what must stay unique while several connections bring them.
LARGE = """
CREATE TABLE large (id INT PRIMARY KEY AUTO_INCREMENT, u CHAR(32) NOT NULL, t TEXT, UNIQUE (u), KEY (t(20)));
INSERT INTO large (u, t) SELECT MD5(seq), REPEAT(SHA1(seq), 10) FROM seq_1_to_6000;
CREATE TABLE large_isam (id INT PRIMARY KEY, t TEXT) ENGINE=MyISAM;
INSERT INTO large_isam SELECT seq, REPEAT(SHA1(seq), 10) FROM seq_1_to_3000;
CREATE TABLE large_heap (t TEXT);
INSERT INTO large_heap SELECT REPEAT(SHA1(seq), 10) FROM seq_1_to_3000;
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        for name in ("source", "plain", "copy"):
            lab.mariadb.create_database(name)
        lab.mariadb.sql(ODD + LARGE, "source")
        yield lab


@pytest.fixture
def account(lab: Lab) -> Account:
    return Account("source", "root", "", socket=str(lab.mariadb.socket))


@pytest.fixture
def source(account: Account) -> Iterator[Client]:
    with credentials.option_file(HOST, account) as options:
        yield dump.lossless(Client(HOST, options, "source"))


@pytest.fixture
def copy(lab: Lab, source: Client) -> Client:
    lab.mariadb.sql("DROP DATABASE copy; CREATE DATABASE copy")
    return Client(HOST, source.options, "copy")


@pytest.fixture(scope="module")
def text(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dump of everything, and what one client makes of it in database plain."""
    path = tmp_path_factory.mktemp("dump") / "all.sql"
    with credentials.option_file(HOST, Account("source", "root", "", socket=str(lab.mariadb.socket))) as options:
        client = dump.lossless(Client(HOST, options, "source"))
        path.write_bytes(dump.header(client) + dumped(client))
        plain = Client(HOST, options, "plain")
        process.run(HOST.command(*plain.words(), stdin=path.read_bytes()))
    return path


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every dump for a large one."""
    for module, name, size in ((load_parts, "PAYS", 0), (load_parts, "LARGE", 100_000), (load_parts, "BLOCK", 50_000),
                               (splitting, "BLOCK", 50_000)):
        monkeypatch.setattr(module, name, size)


@pytest.fixture(autouse=True)
def _jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.conduct, "load_jobs", 3)


def dumped(client: Client) -> bytes:
    return process.read(dump.dump_command(client, consistent="unlocked", routines=True, events=True))


def without_name(text: bytes, name: str) -> bytes:
    """Return a dump without the name of its database."""
    return text.replace(b"Database: " + name.encode(), b"").replace(b"database '" + name.encode(), b"") \
        .replace(b"`" + name.encode() + b"`.", b"")


def sums(lab: Lab, database: str) -> dict[str, str]:
    kinds = lab.mariadb.sql("SHOW FULL TABLES", database).splitlines()
    names = [f"`{line.split(chr(9))[0]}`" for line in kinds if line.endswith("\tBASE TABLE")
             and "`" not in line and not line.startswith("kept\t")]  # which notes when its rows came
    lines = lab.mariadb.sql(f"CHECKSUM TABLE {', '.join(names)} EXTENDED", database).splitlines()
    return {line.split("\t")[0].split(".", 1)[1]: line.split("\t")[1] for line in lines}


def poured(client: Client, *stages: Callable, path: Path, **more) -> load.Loaded:
    with open(path, "rb") as file:
        return load.load(client, *stages, out_of=file, **more)


def pass_on(source, sink) -> None:
    for chunk in source.chunks():
        sink.write(chunk)


def connections(lab: Lab, state: str) -> list[str]:
    """Return the connections to the copy that do something, in a state."""
    return lab.mariadb.sql("SELECT id FROM information_schema.processlist WHERE db = 'copy' AND command <> 'Sleep' "
                           f"AND state LIKE '%{state}%'").split()


def appears(look: Callable[[], object]) -> object:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
    return found


class Held:
    """A load that stands still, because somebody else reads the table that it is to make."""

    def __init__(self, lab: Lab, copy: Client, path: Path) -> None:
        lab.mariadb.sql("CREATE TABLE large (id INT) ENGINE=InnoDB", "copy")
        self.lock = threading.Thread(target=self._look, args=(lab,))
        self.faults: list[BaseException] = []
        self.load = threading.Thread(target=self._load, args=(copy, path))
        self.lock.start()
        appears(lambda: connections(lab, "User sleep"))
        self.load.start()
        (self.waiting,) = appears(lambda: connections(lab, "metadata lock"))

    def _look(self, lab: Lab) -> None:
        with suppress(RuntimeError):  # it is ended by the test
            lab.mariadb.sql("START TRANSACTION; SELECT * FROM large; SELECT SLEEP(60)", "copy")

    def _load(self, copy: Client, path: Path) -> None:
        try:
            poured(copy, path=path)
        except BaseException as fault:
            self.faults.append(fault)

    def ended(self) -> BaseException:
        self.load.join(WAIT_SECONDS)
        assert not self.load.is_alive()
        return self.faults[0]


@pytest.fixture
def hasty_server(lab: Lab) -> Iterator[None]:
    """A server on which nobody waits longer than a second for a lock, as administrators have it."""
    names = ("lock_wait_timeout", "innodb_lock_wait_timeout")
    before = lab.mariadb.sql(f"SELECT @@global.{names[0]}, @@global.{names[1]}").split()
    lab.mariadb.sql("; ".join(f"SET GLOBAL {name} = 1" for name in names))
    yield
    lab.mariadb.sql("; ".join(f"SET GLOBAL {name} = {value}" for name, value in zip(names, before)))


@contextmanager
def locked_for(lab: Lab, seconds: float) -> Iterator[None]:
    """Let another client hold table large of the copy for as long, and still when the block ends before."""
    lab.mariadb.sql("CREATE TABLE IF NOT EXISTS large (id INT) ENGINE=InnoDB", "copy")
    with ExitStack() as stack:
        stack.enter_context(lab.mariadb.holding("LOCK TABLES copy.large READ"))
        timer = threading.Timer(seconds, stack.pop_all().close)
        timer.start()
        yield
        timer.cancel()
        timer.function()


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.usefixtures("eager", "hasty_server")
def test_a_lock_of_another_client_that_goes_is_no_fault(lab, copy, text, jobs, monkeypatch):
    monkeypatch.setattr(process.conduct, "load_jobs", jobs)
    with locked_for(lab, 2.5):
        loaded = poured(copy, path=text)
    assert loaded.tries > 1
    for name in ("large", "large_isam", "child"):
        assert load.row_counts(copy, [name]) == {name: int(lab.mariadb.sql(f"SELECT COUNT(*) FROM {name}", "plain"))}
    with locked_for(lab, 2.5):
        load.drop_everything(copy)
    assert copy.tables() == []


@pytest.mark.usefixtures("eager", "hasty_server")
def test_a_lock_of_another_client_that_stays_is_told_with_its_next_step(lab, copy, text):
    with locked_for(lab, WAIT_SECONDS), \
            pytest.raises(SqlError, match=r"another client holds a lock.*large.*Next: look"):
        poured(copy, path=text)


# As one connection does


@pytest.mark.parametrize("stages", [(), (pass_on,)], ids=["from a file", "from a stream"])
@pytest.mark.parametrize("jobs", [1, 2, 4])
@pytest.mark.usefixtures("eager")
def test_several_connections_make_the_database_that_one_makes(lab, copy, text, stages, jobs, monkeypatch):
    monkeypatch.setattr(process.conduct, "load_jobs", jobs)
    loaded = poured(copy, *stages, path=text)
    assert (loaded.connections > 1) == (jobs > 1)
    assert without_name(dumped(dump.lossless(copy)), "copy") == \
        without_name(dumped(dump.lossless(Client(HOST, copy.options, "plain"))), "plain")
    assert sums(lab, "copy") == sums(lab, "plain")
    moments = "SELECT id, t FROM zero ORDER BY id"
    assert lab.mariadb.sql(moments, "copy") == lab.mariadb.sql(moments, "source")


def test_a_small_dump_has_one_connection(copy, text):
    assert poured(copy, path=text).connections == 1


@pytest.mark.usefixtures("eager")
def test_an_account_with_one_connection_gets_along_with_it(lab, text, tmp_path):
    lab.mariadb.sql("CREATE OR REPLACE USER few@localhost WITH MAX_USER_CONNECTIONS 1; DROP DATABASE copy; "
                    "CREATE DATABASE copy; GRANT ALL ON *.* TO few@localhost WITH MAX_USER_CONNECTIONS 1")
    few = Account("copy", "few", "", socket=str(lab.mariadb.socket))
    with credentials.option_file(HOST, few) as options:
        # The first line is carried out by a connection of its own, which would stay.
        (tmp_path / "rest.sql").write_bytes(text.read_bytes().partition(b"\n")[2])
        loaded = poured(Client(HOST, options, "copy"), path=tmp_path / "rest.sql")
    assert loaded.connections == 1
    assert "max_user_connections" in loaded.refused
    assert sums(lab, "copy") == sums(lab, "plain")


# What goes wrong


@pytest.mark.parametrize("stages", [(), (pass_on,)], ids=["from a file", "from a stream"])
@pytest.mark.usefixtures("eager")
def test_a_fault_names_the_table_and_the_line_of_the_dump(copy, text, tmp_path, stages):
    lines = text.read_bytes().split(b"\n")
    place = next(place for place, line in enumerate(lines) if line.startswith(b"(5900,"))
    begin = next(at for at in range(place, 0, -1) if lines[at].startswith(b"INSERT"))
    lines[place] = lines[place].replace(b"(5900,", b"(5899,")
    (tmp_path / "broken.sql").write_bytes(b"\n".join(lines))
    with pytest.raises(SqlError, match=f"ERROR 1062 .* at line {begin + 1}: table large: Duplicate entry '5899'"):
        poured(copy, *stages, path=tmp_path / "broken.sql")


@pytest.mark.usefixtures("eager")
def test_what_the_server_cannot_hold_is_told_as_that(copy, text, tmp_path):
    broken = text.read_bytes().replace(b"ENGINE=Aria", b"ENGINE=Aria COLLATE=unheard /*") .replace(
        b"PAGE_CHECKSUM=1;", b"*/;")
    (tmp_path / "broken.sql").write_bytes(broken)
    with pytest.raises(CannotHold, match="table aria: Unknown collation: 'unheard'"):
        poured(copy, path=tmp_path / "broken.sql")


@pytest.mark.usefixtures("eager")
def test_a_full_table_ends_the_load(copy, text, tmp_path):
    """A server whose disk is full says the same."""
    broken = text.read_bytes().replace(b"SET @OLD_SQL_NOTES=", b"SET max_heap_table_size=16384, @OLD_SQL_NOTES=")
    start, name, behind = broken.partition(b"CREATE TABLE `large_isam`")
    behind = behind.replace(b"`t` text", b"`t` varchar(500)", 1).replace(b"ENGINE=MyISAM", b"ENGINE=MEMORY", 1)
    (tmp_path / "broken.sql").write_bytes(start + name + behind)
    with pytest.raises(SqlError, match="table large_isam: The table 'large_isam' is full"):
        poured(copy, path=tmp_path / "broken.sql")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
@pytest.mark.usefixtures("eager")
def test_a_dump_that_was_cut_off_is_never_a_success(copy, text, tmp_path, share):
    whole = text.read_bytes()
    (tmp_path / "cut.sql").write_bytes(whole[:int(len(whole) * share)])
    for stages in ((), (pass_on,)):
        with pytest.raises(DatabaseError, match="ended early|ERROR 1064"):
            poured(copy, *stages, path=tmp_path / "cut.sql")


@pytest.mark.usefixtures("eager")
def test_a_source_that_fails_is_the_one_to_blame(copy, text):
    command = HOST.command("sh", "-c", 'head -c 1000000; echo "no more" >&2; exit 3')
    with pytest.raises(CommandError, match="no more"):
        poured(copy, command, path=text)


@pytest.mark.usefixtures("eager")
def test_a_connection_that_is_killed_ends_the_load(lab, copy, text):
    held = Held(lab, copy, text)
    lab.mariadb.sql(f"KILL {held.waiting}")
    fault = held.ended()
    lab.mariadb.sql(f"KILL {connections(lab, 'User sleep')[0]}")
    assert isinstance(fault, DatabaseError)
    assert "large" in str(fault)
    appears(lambda: not connections(lab, ""))


@pytest.mark.usefixtures("eager")
def test_a_server_that_restarts_in_the_middle_ends_the_load(lab, copy, text):
    held = Held(lab, copy, text)
    lab.mariadb.stop()
    try:
        assert isinstance(held.ended(), DatabaseError)
    finally:
        lab.mariadb.start()


@pytest.mark.usefixtures("eager")
def test_a_client_that_stops_reading_and_reports_success_is_found(copy, text, monkeypatch):
    def words(self: Client, *options: str, honest=Client.words) -> list[str]:
        is_load = "--skip-column-names" in options
        early = ["sh", "-c", 'stdbuf -o0 head -c 400000 | "$@"; exit 0', "sh"]
        return [*(early if is_load else []), *honest(self, *options)]
    monkeypatch.setattr(Client, "words", words)
    with pytest.raises(DatabaseError, match="ended early"):
        poured(copy, path=text)


# Tables that are there already


@pytest.mark.parametrize("stages", [(), (pass_on,)], ids=["from a file", "from a stream"])
@pytest.mark.usefixtures("eager")
def test_tables_that_are_equal_stay_and_the_others_are_loaded(lab, source, copy, text, stages,
                                                                 monkeypatch):
    monkeypatch.setattr(unchanged, "FEWEST", 1)
    poured(copy, path=text)
    lab.mariadb.sql("UPDATE large SET t = 'changed' WHERE id = 17; ALTER TABLE zero AUTO_INCREMENT = 99; "
                    "DELETE FROM words; DROP TRIGGER counts; CREATE TABLE stranger (id INT); "
                    "ALTER TABLE aria COMMENT 'other'", "copy")
    before = ids(lab)
    alike = unchanged.alike(copy, digested(source))
    load.drop_everything(copy, keep=alike)
    kept = poured(copy, *stages, path=text, alike=alike).kept
    assert sorted(kept) == ["a `b` é", "isam", "large_heap", "large_isam", "parent", "parts", "watched"]
    assert {name for name, number in ids(lab).items() if before.get(name) == number} >= {"large_heap", "parent"}
    assert ids(lab)["large"] != before["large"]
    assert without_name(dumped(dump.lossless(copy)), "copy") == \
        without_name(dumped(dump.lossless(Client(HOST, copy.options, "plain"))), "plain")


@pytest.mark.parametrize(("broken", "kept"), [
    ((b"SET NAMES utf8mb4", b"SET NAMES 'utf8mb4'"), False), ((b"SET TIME_ZONE='+00:00'", b"SET @a=1"), False),
    ((b"\nLOCK TABLES `large` ", b"\nFLUSH TABLES `large`; -- "), True)])
@pytest.mark.usefixtures("eager")
def test_where_the_text_may_mean_something_else_tables_are_loaded(lab, source, copy, text, broken, kept, tmp_path,
                                                                  monkeypatch):
    monkeypatch.setattr(unchanged, "FEWEST", 1)
    poured(copy, path=text)
    alike = unchanged.alike(copy, digested(source))
    assert alike.keys() > {"large", "parent"}
    other = re.sub(rb"\nDROP TABLE IF EXISTS (`\w+`;)", rb"\n-- \1", text.read_bytes().replace(*broken))
    (tmp_path / "other.sql").write_bytes(other)
    load.drop_everything(copy, keep=alike)
    found = poured(copy, path=tmp_path / "other.sql", alike=alike).kept
    assert ("parent" in found) == kept
    assert "large" not in found
    assert sums(lab, "copy")["large"] == sums(lab, "plain")["large"]


def test_a_few_small_tables_are_not_looked_at(source, copy, text):
    poured(copy, path=text)
    assert unchanged.alike(copy, digested(source)) == {}


def digested(source: Client) -> dict[str, TableDigest]:
    """Return what the source holds, but for a name with line breaks: no digest can be made of that one."""
    digest = DumpDigest()
    odd = [table.name for table in source.tables() if "\n" in table.name]
    digest.feed(process.read(dump.dump_command(source, skip_tables=odd)))
    return digest.finish()


def ids(lab: Lab) -> dict[str, str]:
    """Return the number that InnoDB gave each table when it was made."""
    lines = lab.mariadb.sql("SELECT name, table_id FROM information_schema.innodb_sys_tables WHERE name LIKE 'copy/%'")
    return {line.split("\t")[0].removeprefix("copy/"): line.split("\t")[1] for line in lines.splitlines()}


def test_a_restore_loads_only_what_differs_and_says_so(lab, tmp_path):
    kit = Toolkit(tmp_path / "kit", lab)
    _, sample = kit.tiki("wiki", files=20)
    for number in range(unchanged.FEWEST):
        sample.sql(f"CREATE TABLE quiet{number} (id INT PRIMARY KEY); INSERT INTO quiet{number} VALUES ({number})")
    assert kit.make("backup", "INSTANCE=wiki").returncode == 0
    sample.sql("INSERT INTO quiet3 VALUES (99); DROP TABLE quiet4; CREATE TABLE stranger (id INT)")
    done = kit.make("restore", "INSTANCE=wiki", "ARCHIVE=latest", "CONFIRM=wiki", "SAFETY=no")
    assert done.returncode == 0, done.stderr
    told = re.search(r"wiki: (\d+) tables: (\d+) loaded, (\d+) were equal", done.stdout + done.stderr)
    assert int(told[3]) >= unchanged.FEWEST - 2
    assert int(told[1]) == int(told[2]) + int(told[3])
    assert sample.sql("SELECT * FROM quiet3; SELECT * FROM quiet4") == "3\n4\n"
    assert sample.sql("SHOW TABLES LIKE 'stranger'") == ""
