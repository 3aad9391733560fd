"""make instance VERSION=: from an empty folder to a Tiki that answers; what fails leaves nothing behind."""

import json
import os
import shutil
import signal
import sys

import pytest

from scripts.code import trees
from scripts.errors import CommandError, DatabaseError, Fault, HostError, RefusedError
from scripts.hosts import process
from scripts.steps import creating, half_created, permissions, release_files
from scripts.tiki import probe
from scripts.verbs import instance as story
from tests.lab import sample_code
from tests.lab.lab import Lab
from tests.lab.terminal import Terminal
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

VERSION = "24.4"


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        for host in ("localhost", "127.0.0.1"):
            lab.mariadb.sql(f"CREATE USER boss@'{host}' IDENTIFIED BY 'x y#1\\\\\\''; "
                            f"GRANT ALL ON *.* TO boss@'{host}' WITH GRANT OPTION")
        yield lab


@pytest.fixture(scope="module")
def kit(lab):
    kit = Toolkit(lab.folder / "toolkit", lab)
    code = lab.folder / f"tiki-{VERSION}"
    sample_code.write_code(code, files=20)
    kit.code = code
    kit.admin = lab.folder / "admin.cnf"
    kit.admin.write_text('[client]\nuser=boss\npassword="x y#1\\\\\'"\nhost=127.0.0.1\n' f"port={lab.mariadb.port}\n")
    kit.admin.chmod(0o600)
    return kit


def databases(lab) -> set[str]:
    return set(lab.mariadb.sql("SHOW DATABASES").split())


def accounts(lab) -> set[str]:
    return set(lab.mariadb.sql("SELECT CONCAT(user, '@', host) FROM mysql.user").split())


@pytest.mark.parametrize("is_ssh", [False, True], ids=["local", "ssh"])
def test_an_empty_folder_becomes_a_tiki_that_answers(lab, kit, is_ssh):
    name = "far" if is_ssh else "near"
    root = lab.sites(ssh=is_ssh) / name
    url = lab.apache.serve(root)
    reached = [f"{key.upper()}={value}" for key, value in (kit.over_ssh() if is_ssh else {}).items()]
    done = kit.make("instance", f"NAME={name}", f"WEB_ROOT={root}", f"WEB_URL={url}/", f"SOURCE={kit.code}",
                    f"DB_ADMIN={kit.admin}", *reached)
    assert done.returncode == 0, done.stderr
    assert "log in as admin with the password" in done.stdout
    one = kit.instance(name)
    assert not permissions.wrong(one, probe.look(one))
    assert release_files.read(one).files == release_files.of_tree(trees.tree(kit.settings, VERSION)).files
    assert fetch(f"{url}/tiki-index.php").status == 200
    assert fetch(f"{url}/db/local.php").status in (403, 404)
    assert kit.make("backup", f"INSTANCE={name}").returncode == 0


def test_the_administrators_password_is_in_no_log_and_no_file(lab, kit):
    root = lab.sites() / "quiet"
    done = kit.make("instance", "NAME=quiet", f"WEB_ROOT={root}", f"SOURCE={kit.code}", f"DB_ADMIN={kit.admin}")
    password = done.stdout.split("password ")[1].split()[0]
    kept = [path for path in [*kit.settings.state.rglob("*"), *kit.top.glob("instances.d/*")] if path.is_file()]
    assert not [path for path in kept if password.encode() in path.read_bytes()]


def test_a_folder_that_holds_files_is_left_alone(lab, kit):
    root = lab.sites() / "holding"
    root.mkdir()
    (root / "thesis.txt").write_text("years of work")
    done = kit.make("instance", "NAME=holding", f"WEB_ROOT={root}", f"SOURCE={kit.code}", f"DB_ADMIN={kit.admin}")
    assert done.returncode != 0
    assert (root / "thesis.txt").read_text() == "years of work"
    assert "holding" not in databases(lab)


def test_a_php_that_cannot_run_it_stops_it_before_anything_is_written(lab, kit):
    old = lab.folder / "tiki-18.2"
    sample_code.write_code(old, version="18.2", files=5)
    root = lab.sites() / "ancient"
    before = databases(lab), accounts(lab)
    done = kit.make("instance", "NAME=ancient", f"WEB_ROOT={root}", f"SOURCE={old}", f"DB_ADMIN={kit.admin}")
    assert "needs PHP 5.6 to 7.2" in done.stderr
    assert not root.exists()
    assert (databases(lab), accounts(lab)) == before


def test_a_database_that_is_not_empty_is_not_taken(lab, kit):
    database, user, password = lab.account("taken")
    lab.mariadb.sql("CREATE TABLE precious (id int)", database)
    root = lab.sites() / "taken"
    done = kit.make("instance", "NAME=taken", f"WEB_ROOT={root}", f"SOURCE={kit.code}", environment={
        "DB_HOST": f"127.0.0.1:{lab.mariadb.port}", "DB_NAME": database, "DB_USER": user, "DB_PASS": password})
    assert "is not empty: it holds 1 tables, as in precious" in done.stderr
    assert lab.mariadb.sql("SHOW TABLES", database).split() == ["precious"]
    assert not root.exists()


class FailingAt:
    """Lets the Nth program of a run fail before it starts."""

    def __init__(self, number: int) -> None:
        self.left, self.failed = number, ""

    def __call__(self, command) -> None:
        self.left -= 1
        if self.left == 0:
            self.failed = command.shown
            raise CommandError(f"{command.shown}: made to fail")


@pytest.mark.parametrize("was_there", [False, True], ids=["missing", "empty"])
def test_whatever_call_fails_nothing_stays_behind(lab, kit, was_there):
    name = f"never-{'there' if was_there else 'made'}"
    root = lab.sites() / name
    if was_there:
        root.mkdir()
    one = kit.register(name, web_root=root)
    tree = trees.prepared(kit.settings, VERSION, str(kit.code))
    before = databases(lab), accounts(lab)
    number, failing = 0, FailingAt(0)
    while True:
        number += 1
        failing = process.conduct.on_start = FailingAt(number)
        try:
            creating.create(one, tree, creating.Wishes(kit.admin))
            if not failing.failed:
                break
            assert " rm -f " in failing.failed  # of an option file: the site is whole, and doctor finds the file
            clear(lab, root, name, was_there)
        except Fault:
            assert (databases(lab), accounts(lab)) == before, failing.failed
            assert root.exists() == was_there, failing.failed
            assert not was_there or not list(root.iterdir()), failing.failed
        finally:
            process.conduct.on_start = lambda command: None
    assert number > 20


def clear(lab, root, name: str, was_there: bool) -> None:
    shutil.rmtree(root)
    if was_there:
        root.mkdir()
    account = name.replace("-", "_")
    lab.mariadb.sql(f"DROP DATABASE {account}; DROP USER {account}@localhost, {account}@127.0.0.1")


class KilledAt(FailingAt):
    """Kills the run before its Nth program."""

    def __call__(self, command) -> None:
        try:
            super().__call__(command)
        except CommandError:
            os.kill(os.getpid(), signal.SIGKILL)


def create_and_be_killed(one, tree, wishes, number: int) -> bool:
    """Create in a fork that is killed before its Nth program; return whether it lived to its end."""
    child = os.fork()
    if not child:
        process.conduct.on_start = KilledAt(number)
        code = 1
        try:
            creating.create(one, tree, wishes)
            code = 0
        except BaseException as error:  # noqa: BLE001 - shown to who reads the test's output
            print(f"the fork failed: {error!r}", file=sys.__stderr__, flush=True)
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return status == 0


@pytest.mark.parametrize("is_given", [False, True], ids=["made", "given"])
def test_what_a_killed_run_left_is_taken_back_by_the_next(lab, kit, is_given):
    root = lab.sites() / f"killed-{is_given}"
    database, user, password = lab.account(f"killed{is_given}".lower())
    keys = {"db_host": f"127.0.0.1:{lab.mariadb.port}", "db_name": database, "db_user": user, "db_pass": password}
    one = kit.register(f"killed-{is_given}".lower(), web_root=root, **(keys if is_given else {}))
    tree = trees.prepared(kit.settings, VERSION, str(kit.code))
    wishes = creating.Wishes(None if is_given else kit.admin)
    number = 5
    while not create_and_be_killed(one, tree, wishes, number):
        number += 7
    assert number > 20
    assert not half_created.unfinished(one)
    assert (root / "tiki-setup.php").exists()


def test_files_that_came_after_the_kill_are_never_removed(lab, kit):
    root = lab.sites() / "killed-and-used"
    one = kit.register("killed-and-used", web_root=root)
    tree = trees.prepared(kit.settings, VERSION, str(kit.code))
    number = 10
    while not (root / "db/local.php").exists():
        assert not create_and_be_killed(one, tree, creating.Wishes(kit.admin), number)
        number += 2
    (root / "thesis.txt").write_text("years of work")
    before = databases(lab)
    with pytest.raises(RefusedError, match="thesis.txt there is not of it. Nothing was removed"):
        creating.create(one, tree, creating.Wishes(kit.admin))
    assert (root / "thesis.txt").read_text() == "years of work"
    assert databases(lab) == before


def killed_half_way(one, tree, wishes) -> None:
    """Leave a creation that was killed when its database had been filled."""
    number = 10
    while not (one.host.present(f"{one.web_root}/db/local.php") and half_created.unfinished(one)):
        assert not create_and_be_killed(one, tree, wishes, number)
        number += 2


@pytest.mark.parametrize("is_ssh", [False, True], ids=["local", "ssh"])
def test_a_killed_run_never_empties_another_database_than_its_own(lab, kit, is_ssh):
    """DB_NAME= of the second call is a living Tiki's, whose tables are all of the same release."""
    name, reached = f"mistyped-{is_ssh}".lower(), kit.over_ssh() if is_ssh else {}
    tree, server = trees.prepared(kit.settings, VERSION, str(kit.code)), f"127.0.0.1:{lab.mariadb.port}"
    places = {}
    for which in ("wiki", "scratch"):
        places[which] = dict(zip(("db_name", "db_user", "db_pass"), lab.account(f"{name}_{which}")), db_host=server)
    living = kit.register(f"{name}-wiki", web_root=lab.sites(ssh=is_ssh) / f"{name}-wiki", **reached, **places["wiki"])
    creating.create(living, tree, creating.Wishes())
    one = kit.register(name, web_root=lab.sites(ssh=is_ssh) / name, **reached, **places["scratch"])
    killed_half_way(one, tree, creating.Wishes())
    wiki = places["wiki"]["db_name"]
    before = lab.mariadb.sql("SELECT login, hash FROM users_users", wiki)
    with pytest.raises(RefusedError, match=rf"{wiki}.* is not the one .*{name.replace('-', '_')}_scratch"):
        creating.create(one.with_(**places["wiki"]), tree, creating.Wishes())
    assert lab.mariadb.sql("SELECT login, hash FROM users_users", wiki) == before
    empty = dict(zip(("db_name", "db_user", "db_pass"), lab.account(f"{name}_empty")), db_host=server)
    creating.create(one.with_(**empty), tree, creating.Wishes())
    assert "users_users" in lab.mariadb.sql("SHOW TABLES", empty["db_name"])
    assert not half_created.unfinished(one)


def test_a_killed_run_drops_no_database_of_its_name_on_another_server(lab, kit):
    one = kit.register("two-servers", web_root=lab.sites() / "two-servers")
    tree = trees.prepared(kit.settings, VERSION, str(kit.code))
    killed_half_way(one, tree, creating.Wishes(kit.admin))
    note = lab.folder / "toolkit/var/status/two-servers.creating.json"
    other = json.loads(note.read_text())
    assert other["account"] == ["127.0.0.1", lab.mariadb.port, None, "two_servers"]
    note.write_text(json.dumps({**other, "account": ["db.example.org", None, None, "two_servers"]}))
    with pytest.raises(DatabaseError, match="database two_servers is there already, and it was not made for this"):
        creating.create(one, tree, creating.Wishes(kit.admin))
    assert "two_servers" in databases(lab)


def test_tables_that_came_after_the_kill_are_never_dropped(lab, kit):
    one = kit.register("used-since", web_root=lab.sites() / "used-since")
    tree = trees.prepared(kit.settings, VERSION, str(kit.code))
    killed_half_way(one, tree, creating.Wishes(kit.admin))
    lab.mariadb.sql("CREATE TABLE thesis (id int)", "used_since")
    with pytest.raises(RefusedError, match="database used_since, and thesis there is not of it. Nothing was removed"):
        creating.create(one, tree, creating.Wishes(kit.admin))
    lab.mariadb.sql("DROP TABLE thesis", "used_since")
    creating.create(one, tree, creating.Wishes(kit.admin))


class StandingStill:
    """Lets the run stand still, once, before a program that it starts when there is something in its web root."""

    def __init__(self, root) -> None:
        self.root, self.has_stood = root, False

    def __call__(self, command) -> None:
        if not self.has_stood and (self.root / "db/local.php").exists():
            self.has_stood = True
            os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize("is_ssh", [False, True], ids=["local", "ssh"])
def test_a_run_that_still_creates_it_is_not_taken_for_a_killed_one(lab, kit, is_ssh):
    name = f"twice-{is_ssh}".lower()
    root, reached = lab.sites(ssh=is_ssh) / name, kit.over_ssh() if is_ssh else {}
    given = {"WEB_ROOT": str(root), **{key.upper(): str(value) for key, value in reached.items()}}
    child = os.fork()
    if not child:
        process.conduct.on_start = StandingStill(root)
        code = 1
        try:
            story.instance(kit.settings, name, given, {}, story.Wanted(VERSION, str(kit.code),
                                                                       creating.Wishes(kit.admin)))
            code = 0
        finally:
            os._exit(code)
    try:
        assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
        there = sorted(root.rglob("*"))
        second = kit.make("instance", f"NAME={name}", f"SOURCE={kit.code}", f"DB_ADMIN={kit.admin}",
                          *(f"{key}={value}" for key, value in given.items()))
        assert second.returncode != 0
        assert f"{name}: another run holds it: make instance, process {child}" in second.stderr
        assert sorted(root.rglob("*")) == there
    finally:
        os.kill(child, signal.SIGCONT)
        ended = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(ended) == 0
    assert (root / "db/local.php").exists() and kit.instance(name).web_root == str(root)


def test_a_place_that_has_a_tiki_is_refused(lab, kit):
    one, _ = kit.tiki("there-already", files=1, versions=1)
    tree = trees.prepared(kit.settings, VERSION, str(kit.code))
    with pytest.raises(RefusedError, match=r"is not empty: it holds a Tiki 24\.4\. Nothing was changed"):
        creating.create(one, tree, creating.Wishes(kit.admin))


def test_a_full_folder_is_refused_by_the_story_itself(lab, kit):
    root = lab.sites() / "full"
    root.mkdir()
    (root / "index.html").touch()
    tree = trees.prepared(kit.settings, VERSION, str(kit.code))
    with pytest.raises((RefusedError, HostError), match="is not empty"):
        creating.create(kit.register("full", web_root=root), tree, creating.Wishes(kit.admin))


def test_at_a_terminal_three_answers_are_enough(lab, kit):
    root = lab.sites(ssh=True) / "asked"
    url = lab.apache.serve(root)
    reached = [f"{key.upper()}={value}" for key, value in kit.over_ssh().items()]
    words = ["make", "-sC", str(kit.top), "instance", f"SOURCE={kit.code}", f"DB_ADMIN={kit.admin}", *reached]
    with Terminal(words, {"PATH": os.environ["PATH"], "HOME": "/", "TERM": "dumb"}) as terminal:
        terminal.answer("Name of the instance", "asked")
        terminal.answer("WEB_ROOT", str(root))
        terminal.answer("WEB_URL", f"{url}/")
        assert terminal.ends() == 0, terminal.shown
    assert fetch(f"{url}/tiki-index.php").status == 200
