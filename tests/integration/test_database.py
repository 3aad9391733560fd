"""Dump, load and proof on a real server."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.database import compare, credentials, dump, load, programs, server
from scripts.database.account import Account
from scripts.database.client import Client, quote_text
from scripts.database.digest import DumpDigest, TableDigest
from scripts.database.faults import CannotHold, SqlError, explained
from scripts.errors import CommandError, DatabaseError, HostError
from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.hosts.local import LocalHost
from scripts.hosts.ssh import SshHost, socket_folder
from tests.lab.lab import Lab
from tests.lab.processes import told_of_each

PASSWORD = " p#a\"s\\'$= x "
HOST = LocalHost("web1")
TRAILER = b"-- Dump completed\n"

NASTY_TABLES = r"""
CREATE TABLE kinds (id INT PRIMARY KEY AUTO_INCREMENT, b BIT(9), v VARBINARY(300), bl LONGBLOB, f FLOAT, d DOUBLE,
    n DECIMAL(30,10), j JSON, e ENUM('a','b,),(','it''s'), s SET('x','y'), dt DATETIME(6), ts TIMESTAMP NULL, y YEAR,
    t MEDIUMTEXT, p POINT, half INT AS (y DIV 2) VIRTUAL, kept INT AS (y * 2) STORED) DEFAULT CHARSET=utf8mb4;
INSERT INTO kinds (b, v, bl, f, d, n, j, e, s, dt, ts, y, t, p) VALUES
    (b'101010101', X'00', REPEAT(X'00FF27220A0D1A5C', 50), 1.1, 1e-300, 12345678901234567890.0123456789,
     '{"a": "\\n\\""}', 'b,),(', 'x,y', '2026-11-21 09:00:00.123456', '2026-11-21 09:00:00', 2026,
     'it''s ),( and '');\n INSERT INTO `t` VALUES (1);\n-- Dump completed\n\\', POINT(1, 2)),
    (0, '', '', -0.0, 0, 0, '[]', 'it''s', '', '0001-01-01', NULL, 1901, '', NULL),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'NULL 😀', NULL);
CREATE TABLE old (id INT, t VARCHAR(600)) DEFAULT CHARSET=latin1;
CREATE TABLE `no key, ``odd`` name` (a VARCHAR(20));
INSERT INTO `no key, ``odd`` name` VALUES ('twice'), ('twice'), (''), (NULL);
CREATE TABLE empty (id INT);
CREATE TABLE parent (id INT PRIMARY KEY);
CREATE TABLE child (id INT, FOREIGN KEY (id) REFERENCES parent (id));
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);
CREATE TABLE index_search (t TEXT, FULLTEXT (t)) ENGINE=MyISAM;
INSERT INTO index_search VALUES ('found');
CREATE DEFINER='o''wner'@'localhost' VIEW seen AS SELECT id, t FROM kinds;
"""
EVERY_BYTE = "INSERT INTO old VALUES (1, X'" + bytes(range(256)).hex() + "'), (2, X'" + "é😀".encode().hex() + "')"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def account(lab: Lab) -> Account:
    """The account of a database full of what could go wrong, and of a second, empty one."""
    for name in ("wiki", "copy"):
        lab.mariadb.sql(f"CREATE DATABASE {name} DEFAULT CHARACTER SET latin1")
    lab.mariadb.create_account("o'wner", PASSWORD, "wiki")
    lab.mariadb.sql("GRANT ALL ON copy.* TO 'o''wner'@'localhost'; GRANT ALL ON copy.* TO 'o''wner'@'127.0.0.1'")
    lab.mariadb.sql(NASTY_TABLES, "wiki")
    lab.mariadb.sql(EVERY_BYTE, "wiki")
    return Account("wiki", "o'wner", PASSWORD, socket=str(lab.mariadb.socket))


@pytest.fixture
def client(account: Account) -> Iterator[Client]:
    with entered(account) as client:
        yield client


@pytest.fixture
def copy(client: Client) -> Client:
    """The second database, empty."""
    copy = Client(client.host, client.options, "copy")
    load.drop_everything(copy)
    return copy


@contextmanager
def entered(account: Account, host: Host = HOST) -> Iterator[Client]:
    with credentials.option_file(host, account) as options:
        yield Client(host, options, account.name, account.charset)


def dumped(client: Client, **choices) -> tuple[bytes, dict[str, TableDigest]]:
    digest = DumpDigest(dump.header(client))
    choices = {"consistent": dump.consistency(client), **choices}
    with explained(client.place):
        text = process.pipe(dump.dump_command(client, **choices), digest.pass_on)
    return text, digest.finish()


def poured(client: Client, text: bytes) -> None:
    load.load(client, lambda source, sink: sink.write(text))


def shim(folder: Path, name: str, script: str) -> None:
    """Put a program in front of another one of its name."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def dead_process() -> int:
    return int(HOST.read_line("sh", "-c", "echo $$"))


# Asking


@pytest.mark.parametrize("value", ["NULL", "", "a\tb\r\nc\\d", "it's \"<&>&amp;</row>", "😀 é \x01\x1a", "\\'", "`;--"])
def test_values_come_back_as_they_are_stored_and_null_is_not_the_word_null(client, value):
    assert client.query(f"SELECT {quote_text(value)}, NULL") == [(value, None)]


def test_bytes_that_are_no_utf8_survive_a_question_on_latin1(account):
    latin1 = Account(**{**vars(account), "charset": "latin1"})
    with entered(latin1) as client:
        assert client.query("SELECT t FROM old WHERE id = 2") == [("é😀",)]
        assert client.query("SELECT X'E9'") == [("\udce9",)]


def test_quoting_holds_on_a_server_that_takes_backslashes_as_they_are(lab, client):
    lab.mariadb.sql("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'")
    try:
        assert client.query(f"SELECT {quote_text(chr(92) + chr(39))}") == [("\\'",)]
    finally:
        lab.mariadb.sql("SET GLOBAL sql_mode = DEFAULT")


def test_statements_may_end_with_semicolons_and_comments(client):
    assert client.query("SELECT 1; SELECT 2;\n") == [("1",), ("2",)]
    assert client.query("SELECT 1 -- one") == [("1",)]


@pytest.mark.parametrize(("is_kept", "reading"), [(False, "cat"), (True, "head -n 3")])
def test_an_answer_that_is_cut_off_is_a_fault_even_with_exit_code_0(account, tmp_path, monkeypatch, is_kept, reading):
    shim(tmp_path, "mariadb", f'{reading} | /usr/bin/mariadb "$@" | head -c 150; exit 0')
    monkeypatch.setattr(process.conduct, "keeps_programs", is_kept)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with entered(account, LocalHost(f"cut answers {is_kept}")) as client, pytest.raises(DatabaseError, match="cut off"):
        client.query("SELECT id FROM kinds")


def test_questions_share_one_program_that_ends_with_the_option_file(account, monkeypatch):
    started: list[str] = []
    monkeypatch.setattr(process, "start", lambda command, *ends, start=process.start, **more: (
        started.append(command.argv[0]), start(command, *ends, **more))[1])
    with entered(account) as client:
        first = client.query("SELECT CONNECTION_ID()")
        assert client.query("SELECT CONNECTION_ID()") == first
        client.execute("SET SESSION time_zone = '+05:00', foreign_key_checks = 0")
        assert client.query("SELECT @@time_zone = @@global.time_zone, @@foreign_key_checks") == [("1", "1")]
        assert [name for name in started if "mariadb" in name] == [programs.on(client.host).client]
        connections = client.query(f"SELECT COUNT(*) FROM information_schema.processlist WHERE id = {first[0][0]}")
        assert connections == [("1",)]
    with entered(account) as client:
        assert client.query("SELECT COUNT(*) FROM information_schema.processlist "
                            f"WHERE id = {first[0][0]}") == [("0",)]


def test_a_session_that_failed_was_killed_or_is_busy_is_no_end(account):
    with entered(account) as client:
        with pytest.raises(SqlError, match="nonsense"):
            client.query("SELECT nonsense")
        known = client.query("SELECT CONNECTION_ID()")[0][0]
        with pytest.raises(SqlError, match="killed"):
            client.query(f"KILL {known}")
        assert client.query("SELECT 1") == [("1",)]
        slept = process.side_by_side(*[lambda: client.query("SELECT SLEEP(0.3)")] * 3)
        assert slept == [[("0",)]] * 3


@pytest.mark.parametrize("change, meaning", [
    ({"password": "guessed"}, "refuses the account or its password"), ({"name": "mysql"}, "may not enter"),
    ({"name": "nix", "user": "root", "password": ""}, "no such database"),
    ({"socket": "/nowhere.sock"}, "cannot be reached"),
    ({"socket": None, "host": "127.0.0.1", "port": 1}, "cannot be reached")])
def test_a_refusal_says_what_it_means_for_a_question_and_for_a_dump(account, change, meaning):
    with entered(Account(**{**vars(account), **change})) as client:
        with pytest.raises(SqlError, match=meaning) as caught:
            client.query("SELECT 1")
        with pytest.raises(SqlError, match=meaning), explained(client.place):
            process.pipe(dump.dump_command(client))
    assert "guessed" not in str(caught.value)


def test_tcp_takes_the_port_even_with_localhost(lab, account):
    with entered(Account(**{**vars(account), "socket": None, "port": lab.mariadb.port})) as client:
        assert client.query("SELECT 1") == [("1",)]


def test_a_question_beside_a_long_one_has_a_program_that_stays_too(account, monkeypatch):
    started: list[str] = []
    monkeypatch.setattr(process, "start", lambda command, *ends, start=process.start, **more: (
        started.append(command.argv[0]), start(command, *ends, **more))[1])
    with entered(account) as client:
        client.query("SELECT 1")

        def ask() -> None:
            assert [client.query(f"SELECT {number}") for number in range(5)] == [[(str(one),)] for one in range(5)]

        process.side_by_side(lambda: client.query("SELECT SLEEP(0.5)"), ask)
        assert len([name for name in started if "mariadb" in name]) == 2


def test_both_sites_of_this_machine_ask_once_for_its_programs(monkeypatch):
    started: list[str] = []
    monkeypatch.setattr(process, "start", lambda command, *ends, start=process.start, **more: (
        started.append(command.shown), start(command, *ends, **more))[1])
    programs.forget()
    one, other = process.side_by_side(*(lambda name=name: programs.on(LocalHost(name)) for name in ("one", "other")))
    assert one == other
    assert len(started) == 1


def test_tables_are_listed_with_kind_and_engine(client):
    found = {table.name: (table.kind, table.engine) for table in client.tables()}
    assert found["kinds"] == ("BASE TABLE", "InnoDB")
    assert found["index_search"] == ("BASE TABLE", "MyISAM")
    assert found["seen"] == ("VIEW", None)


def test_a_host_without_a_client_program_says_what_to_install(tmp_path, monkeypatch):
    for name in ("sh", "grep"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="apt install mariadb-client"):
        programs.on(LocalHost("bare"))


# Option files


def test_the_option_file_is_ours_alone_and_gone_afterwards_also_after_a_fault(account):
    with credentials.option_file(HOST, account) as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not os.path.exists(path)
    with pytest.raises(ZeroDivisionError), credentials.option_file(HOST, account) as path:
        1 / 0  # noqa: B018
    assert not os.path.exists(path)


def test_questions_work_in_a_dry_run_and_changes_do_not_happen(account, monkeypatch):
    told = []
    monkeypatch.setattr(process.conduct, "on_dry", told.append)
    monkeypatch.setattr(process.conduct, "dry_run", True)
    with entered(account) as client:
        assert client.execute("DROP TABLE kinds") == []
        load.drop_everything(client)
        load.load(client, dump.dump_command(client))
        assert client.query("SELECT COUNT(*) FROM kinds") == [("3",)]
    assert told and not any("DROP" in line for line in told)


def test_no_password_is_in_any_command_line_while_a_dump_runs(lab, client):
    lab.mariadb.sql("CREATE TABLE large AS SELECT seq, REPEAT('x', 200) AS t FROM seq_1_to_20000", "wiki")
    seen = []

    def look(source, sink):
        sink.write(source.read())
        seen.extend(line for _, line in told_of_each("cmdline"))
        for chunk in source.chunks():
            sink.write(chunk)

    process.pipe(dump.dump_command(client), look)
    lab.mariadb.sql("DROP TABLE large", "wiki")
    assert any(b"--defaults-file=" + client.options.encode() in words for words in seen)
    assert not any(b"p#a" in words for words in seen)


def test_option_files_of_killed_runs_are_found_and_removed_and_no_others(account, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    own = f"trim-{credentials.manager_id()}"
    killed = tmp_path / f"{own}-{dead_process()}.AbCd1234"
    others = [tmp_path / f"trim-00000000-{dead_process()}.AbCd1234", tmp_path / f"{own}-{os.getpid()}.AbCd1234",
              tmp_path / f"{own}-notes.txt"]
    for path in (killed, *others):
        path.touch()
    with credentials.option_file(HOST, account):
        assert credentials.leftovers(HOST) == [str(killed)]
    credentials.remove_leftovers(HOST, credentials.leftovers(HOST))
    assert sorted(tmp_path.iterdir()) == sorted(others)


# Dump and load


def test_a_dump_loads_again_without_any_difference(lab, client, copy):
    text, recorded = dumped(client)
    poured(copy, text)
    assert compare.differences(recorded, dumped(copy)[1]) == []
    assert load.row_counts(copy, list(recorded)) == {name: table.rows for name, table in recorded.items()}
    assert recorded["kinds"].rows == 3 and recorded["empty"].rows == 0 and "seen" not in recorded
    assert copy.query("SELECT COUNT(*) FROM seen") == [("3",)]


@pytest.mark.parametrize("connects_with", ["utf8", "latin1", "utf8mb4"])
def test_every_text_survives_whatever_the_site_connects_with(account, copy, connects_with):
    with entered(Account(**{**vars(account), "charset": connects_with})) as client:
        text, _ = dumped(dump.lossless(client))
        poured(dump.lossless(Client(client.host, client.options, "copy", connects_with)), text)
        question = "SELECT HEX(t) FROM old UNION ALL SELECT HEX(t) FROM kinds"
        assert copy.query(question) == client.query(question)


def test_one_table_without_snapshots_asks_for_a_lock_unless_it_is_skipped(client):
    assert dump.consistency(client) == "locked"
    assert dump.consistency(client, ["index_search"]) == "snapshot"
    text, recorded = dumped(client, skip_tables=["index_search"], consistent="snapshot")
    assert "index_search" not in recorded and b"index_search" not in text


def test_without_the_right_to_lock_the_dump_is_made_and_called_unlocked(lab, account):
    lab.mariadb.sql("CREATE USER reader@localhost IDENTIFIED BY 'r';"
                    "GRANT SELECT, SHOW VIEW ON wiki.* TO reader@localhost")
    with entered(Account(**{**vars(account), "user": "reader", "password": "r"})) as client:
        assert dump.consistency(client) == "unlocked"
        assert dumped(client)[1]["index_search"].rows == 1


def test_routines_and_events_are_dumped_when_there_are_any(lab, client, copy):
    assert not dump.has_routines(client) and not dump.has_events(client)
    lab.mariadb.sql("CREATE DEFINER='o''wner'@'localhost' PROCEDURE greet() SELECT '\nINSERT INTO `x` VALUES (1);\n'",
                    "wiki")
    lab.mariadb.sql("CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR DO DELETE FROM empty", "wiki")
    try:
        assert dump.has_routines(client) and dump.has_events(client)
        text, recorded = dumped(client, routines=True, events=True)
        assert "x" not in recorded
        assert b"PROCEDURE `greet`" in text and b"EVENT `yearly`" in text
    finally:
        lab.mariadb.sql("DROP PROCEDURE greet; DROP EVENT yearly", "wiki")


def test_the_dump_sets_the_defaults_of_the_database_it_is_loaded_into(lab, client, copy):
    lab.mariadb.sql("ALTER DATABASE copy DEFAULT CHARACTER SET utf8mb4")
    text, _ = dumped(client)
    assert text.startswith(b"ALTER DATABASE DEFAULT CHARACTER SET latin1 COLLATE latin1_swedish_ci;\n")
    poured(copy, text)
    assert copy.charset_and_collation() == ("latin1", "latin1_swedish_ci")


def test_an_account_that_may_not_set_defaults_can_load_all_the_same(lab, account):
    lab.mariadb.sql("CREATE DATABASE plain; CREATE USER plain@localhost IDENTIFIED BY 'p';"
                    "GRANT CREATE, SELECT ON plain.* TO plain@localhost")
    with entered(Account(**{**vars(account), "name": "plain", "user": "plain", "password": "p"})) as client:
        header = b"ALTER DATABASE DEFAULT CHARACTER SET utf8 COLLATE utf8_bin;\n"
        poured(client, header + b"CREATE TABLE a (i INT);\n" + TRAILER)
        assert [table.name for table in client.tables()] == ["a"]


def test_a_dump_program_that_ends_early_with_0_is_found_out(account, tmp_path, monkeypatch):
    shim(tmp_path, "mariadb-dump", '/usr/bin/mariadb-dump "$@" | head -c 3000; exit 0')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with entered(account, LocalHost("cut dumps")) as client, pytest.raises(DatabaseError, match="ended early"):
        dumped(client)


def test_a_client_that_reads_half_and_ends_with_0_is_found_out(account, copy, tmp_path, monkeypatch):
    text, _ = dumped(copy)
    shim(tmp_path, "mariadb", 'head -c 400 | /usr/bin/mariadb "$@"; exit 0')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    halved = Client(LocalHost("half loads"), copy.options, "copy")
    with pytest.raises(DatabaseError, match="the load ended early"):
        poured(halved, text)


def test_a_dump_without_its_end_is_refused_by_the_load_too(client, copy):
    text, _ = dumped(client)
    with pytest.raises(DatabaseError, match="the dump ended early"):
        poured(copy, text.removesuffix(TRAILER))


@pytest.mark.parametrize("statement, reason", [
    ("CREATE TABLE a (t TEXT) COLLATE utf8mb4_0900_ai_ci;", "collation"),
    ("CREATE TABLE a (t TEXT) CHARSET klingon;", "character set"),
    ("CREATE TABLE a (i INT) ENGINE=NoSuchEngine;", "storage engine"),
    ("CREATE TABLE a (i VECTORS(3));", "dump")])
def test_a_server_that_cannot_hold_a_dump_is_told_from_other_faults(copy, statement, reason):
    mode = "SET sql_mode='NO_ENGINE_SUBSTITUTION';\n"
    with pytest.raises(CannotHold, match=reason):
        poured(copy, (mode + statement + "\n").encode() + TRAILER)


def test_the_sandbox_holds_whether_the_dump_asks_for_it_or_not(copy, tmp_path):
    evil = f"\\! touch {tmp_path}/owned\n".encode()
    for first in (b"", b"/*M!999999\\- enable the sandbox mode */ \n"):
        with pytest.raises(CommandError):
            poured(copy, first + evil + TRAILER)
    assert not list(tmp_path.iterdir())


def test_a_dump_travels_through_ssh_into_another_host_and_leaves_no_option_file(lab, account, tmp_path, copy):
    sshd = lab.sshd()
    remote = SshHost("far", sshd.host, socket_folder(str(tmp_path / "ssh")), sshd.user, sshd.port, str(sshd.key),
                     known_hosts=str(sshd.known_hosts))
    # The socket of the lab's server is root's alone; whoever logs in comes through the port.
    reached = Account(**{**vars(account), "socket": None, "host": "127.0.0.1", "port": lab.mariadb.port})
    digest = DumpDigest()
    try:
        with entered(reached, remote) as client:
            assert client.query(f"SELECT {quote_text(PASSWORD)}, NULL") == [(PASSWORD, None)]
            command = dump.dump_command(client, consistent=dump.consistency(client))
            load.load(copy, command, digest.pass_on)
        assert dumped(copy)[1] == digest.finish()
        assert not os.path.exists(client.options)  # the other host is this machine under another account
    finally:
        remote.disconnect()


def test_a_dump_is_loaded_from_an_open_file(client, copy, tmp_path):
    text, recorded = dumped(client)
    (tmp_path / "dump.sql").write_bytes(text)
    with (tmp_path / "dump.sql").open("rb") as file:
        load.load(copy, out_of=file)
    assert dumped(copy)[1] == recorded


def test_what_is_to_be_kept_is_not_dropped(client, copy):
    poured(copy, dumped(client)[0])
    load.drop_everything(copy, keep={"empty", "seen", "kinds"})
    assert [table.name for table in copy.tables()] == ["empty", "kinds", "seen"]
    load.drop_everything(copy)
    assert copy.tables() == []


# Servers to prove on


def test_a_throw_away_server_holds_a_dump_and_leaves_nothing(client, tmp_path):
    text, recorded = dumped(client)
    with server.throw_away(tmp_path) as account, entered(account, LocalHost("manager")) as private:
        poured(private, text)
        assert dumped(private)[1] == recorded
        log = (tmp_path / "mariadb" / "server.log").read_text()
    assert not os.path.exists(os.path.dirname(account.socket))
    assert list(tmp_path.iterdir()) == []
    assert "as process" in log
    pid = int(log.split("as process ")[1].split()[0])
    assert not os.path.exists(f"/proc/{pid}")


def test_a_throw_away_server_ends_when_the_proof_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), server.throw_away(tmp_path) as account:
        1 / 0  # noqa: B018
    assert not os.path.exists(account.socket) and list(tmp_path.iterdir()) == []


def test_a_manager_without_a_server_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "_search_paths", lambda: [str(tmp_path)])
    with pytest.raises(HostError, match="mariadb-server-core.*PROVE_DB"), server.throw_away(tmp_path):
        pass


def test_a_named_server_gets_a_database_for_the_proof_only(lab, client, tmp_path):
    options = proving_options(lab, tmp_path)
    start = f"trim_prove_{credentials.manager_id()}_"
    killed, running = f"{start}{dead_process()}_00", f"{start}{os.getpid()}_00"
    lab.mariadb.sql(f"CREATE DATABASE {killed}; CREATE DATABASE {running}")
    text, recorded = dumped(client, skip_tables=["index_search"], consistent="snapshot")
    text = text.replace(b"DEFINER=`o'wner`@`localhost`", b"")
    with server.on_server(options) as account, entered(account, LocalHost("manager")) as proving:
        poured(proving, text)
        assert dumped(proving)[1] == recorded
    names = lab.mariadb.sql("SHOW DATABASES LIKE 'trim_prove_%'").split()
    lab.mariadb.sql(f"DROP DATABASE {running}")
    assert names == [running]


def test_a_view_of_another_account_is_named_as_what_cannot_be_held(lab, client, tmp_path):
    with server.on_server(proving_options(lab, tmp_path)) as account, entered(account) as proving, \
            pytest.raises(CannotHold, match="belongs to another account"):
        poured(proving, dumped(client)[0])


def proving_options(lab: Lab, folder: Path) -> Path:
    lab.mariadb.sql(r"CREATE OR REPLACE USER prove@127.0.0.1 IDENTIFIED BY '12345';"
                    r"GRANT ALL ON `trim\_prove\_%`.* TO prove@127.0.0.1")
    path = folder / "prove.cnf"
    path.write_text(f"[client]\nhost = 127.0.0.1\nport = {lab.mariadb.port}\nuser = prove\npassword = 12345\n")
    path.chmod(0o600)
    return path
