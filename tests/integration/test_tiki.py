"""The probe and the maintenance page on sample Tikis, with real PHP, Apache and ssh."""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree, which

import pytest

from scripts.errors import CommandError, HostError, RefusedError, RegistryError, UsageError
from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.hosts.local import LocalHost
from scripts.hosts.ssh import SshHost
from scripts.hosts.sudo import AccountHost
from scripts.tiki import guard, maintenance
from scripts.tiki.maintenance_page import page
from scripts.tiki.probe import look, probe
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_code import write_code
from tests.lab.sample_tiki import PASSWORD, SampleTiki
from tests.lab.web import fetch

SINCE = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
TEMPLATE = Path(__file__, "../../../conf/maintenance.html").resolve().read_text()
REASON = 'moves 100% to $1 %{HTTP_HOST} "soon" \\ é'
PAGE = page(TEMPLATE, site="Wiki", since=SINCE, reason=REASON)
CONFIG = "<?php\n$db_tiki='mysqli';\n$host_tiki='db1';\n$user_tiki='u';\n$pass_tiki='p';\n$dbs_tiki='d';\n"


@dataclass(frozen=True)
class Place:
    """What the probe needs to know of an instance."""

    host: Host
    web_root: str
    site: str = ""
    php: str = "php"
    name: str = "wiki"


@dataclass(frozen=True)
class Dying(LocalHost):
    """A host on which the run is killed at its change number `after`, before or after that change is done."""

    after: int = 0
    is_done: bool = False
    changes: list[str] = field(default_factory=list)

    def _change(self, what: str, change) -> object:
        self.changes.append(what)
        if len(self.changes) < self.after:
            return change()
        if len(self.changes) == self.after and self.is_done:
            change()
        raise SystemExit("killed")

    def run(self, *words, **options):
        return self._change(words[0], lambda: LocalHost.run(self, *words, **options))

    def rename(self, path, target):
        return self._change("rename", lambda: LocalHost.rename(self, path, target))

    def remove(self, *paths):
        return self._change("remove", lambda: LocalHost.remove(self, *paths))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module", params=["new", "old"])
def tiki(lab: Lab, request: pytest.FixtureRequest) -> SampleTiki:
    return lab.tiki(f"wiki-{request.param}", request.param, files=20, versions=2)


@pytest.fixture(scope="module")
def ssh(lab: Lab) -> SshHost:
    server = lab.sshd()
    sockets = lab.folder / "sockets"
    sockets.mkdir(mode=0o700)
    return SshHost("web1", server.host, str(sockets), user=server.user, port=server.port, key=str(server.key),
                   known_hosts=str(server.known_hosts))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A Tiki's code with a configuration, without a database."""
    write_code(tmp_path / "w", files=3)
    (tmp_path / "w/db/local.php").write_text(CONFIG)
    (tmp_path / "w/.htaccess").write_text("# own\n")
    (tmp_path / "w/.htaccess").chmod(0o604)
    return tmp_path / "w"


def place(tree: Path, **known: object) -> Place:
    return Place(LocalHost("wiki"), str(tree), **known)


def snapshot(tree: Path) -> dict[str, tuple]:
    """Return kind, mode, owner, content and nanoseconds of every file; of folders all but the time."""
    found = {}
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        kind, mode = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode)
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        changed = None if path.is_dir() and not path.is_symlink() else status.st_mtime_ns
        found[str(path.relative_to(tree))] = (kind, mode, status.st_uid, status.st_gid, content, changed)
    return found


# The probe


@pytest.mark.parametrize("php", ["php", "no-such-php"])
def test_the_probe_knows_both_generations(tiki, php):
    found = probe(place(tiki.folder, php=php))
    assert (found.version.text, found.branch) == (tiki.version, "stable")
    assert (found.config.host, found.config.user, found.config.password, found.config.database) == (
        f"127.0.0.1:{tiki.server.port}", tiki.user, PASSWORD, tiki.database)
    assert (found.owner, found.group) == (lab_user(), lab_user())
    assert found.mode == stat.S_IMODE(tiki.folder.stat().st_mode)
    assert found.htaccess == ("file" if tiki.generation == "new" else "link")
    assert found.has_console


def test_the_probe_finds_the_same_behind_ssh(tiki, ssh):
    assert probe(Place(ssh, str(tiki.folder))) == probe(place(tiki.folder))


def test_with_and_without_php_only_php_itself_differs(tiki, tmp_path):
    copy = copytree(tiki.folder, tmp_path / "w", symlinks=True)
    add_sites(copy)
    with_php, without = look(place(copy)), look(place(copy, php="no-such-php"))
    assert with_php.php_version.split(".")[0].isdigit()
    assert "pdo_mysql" in with_php.extensions
    assert {**vars(with_php), "php_version": "", "extensions": frozenset()} == vars(without)


def add_sites(tree: Path) -> None:
    for site in ("a.example.org", "b.example.org", "unlisted.example.org"):
        (tree / "db" / site).mkdir()
        (tree / "db" / site / "local.php").write_text(CONFIG.replace("'d'", f"'{site}'"))
    (tree / "db/virtuals.inc").write_text("b.example.org\r\na.example.org\n../evil\nforgotten.example.org\n")
    (tree / "db/cert").mkdir()
    (tree / "db/cert/x-ca.pem").touch()
    (tree / "db/cert/index.php").touch()
    (tree / ".git").write_text("gitdir: /elsewhere\n")


@pytest.mark.parametrize("php", ["php", "no-such-php"])
def test_virtual_sites_certificates_and_checkouts_are_found(tree, php):
    add_sites(tree)
    found = probe(place(tree, site="a.example.org", php=php))
    assert found.config.database == "a.example.org"
    assert found.sites == ("b.example.org", "a.example.org")
    assert found.certificates == (f"{tree}/db/cert/x-ca.pem",)
    assert found.checkouts == ("git",)


@pytest.mark.parametrize("php", ["php", "no-such-php"])
def test_an_unknown_site_is_never_taken_for_the_main_one(tree, php):
    with pytest.raises(RegistryError, match=r"no site c\.example\.org"):
        probe(place(tree, site="c.example.org", php=php))


COMPUTED = [
    "<?php include 'db/secret.inc';",
    "<?php $pass_tiki = implode('', array('se', 'cret')); $host_tiki='db1'; $user_tiki='u'; $dbs_tiki='d';",
    "<?php function account() { global $pass_tiki, $dbs_tiki; $pass_tiki='secret'; $dbs_tiki='d'; } account();",
]


@pytest.mark.parametrize("text", COMPUTED)
def test_php_evaluates_what_the_parser_refuses(tree, text):
    (tree / "db/local.php").write_text(text)
    (tree / "db/secret.inc").write_text("<?php echo 'noise'; $pass_tiki = 'secret'; $dbs_tiki='d';")
    found = probe(place(tree))
    assert (found.config.password, found.config.database) == ("secret", "d")
    with pytest.raises(RegistryError, match=r"needs PHP on the host: set PHP="):
        probe(place(tree, php="no-such-php"))


FAILING = [
    (CONFIG + "exit;", "ends the program"),
    (CONFIG + "die('go away');", "ends the program"),
    (CONFIG + "throw new Exception('no vault');", "no vault"),
    (CONFIG + "include '/nowhere/secret.php';", "Failed opening"),
    (CONFIG + "require '/nowhere/secret.php';", "secret.php"),
    (CONFIG + "$a = ;", "syntax error"),
    (CONFIG + "no_such_function();", "undefined function"),
]


@pytest.mark.parametrize("text, words", FAILING)
def test_a_config_that_php_cannot_finish_is_told_as_such(tree, text, words):
    (tree / "db/local.php").write_text(text)
    with pytest.raises(RegistryError, match=words):
        probe(place(tree))


def test_a_silenced_include_of_nothing_is_no_failure(tree):
    (tree / "db/local.php").write_text(CONFIG + "@include 'db/optional.php'; echo 'x'; trigger_error('y');")
    assert probe(place(tree)).config.database == "d"


@pytest.mark.parametrize("php", ["php", "no-such-php"])
@pytest.mark.parametrize("state", ["missing", "empty", "other", "tiki"])
def test_folders_that_are_no_tiki_are_told_apart(tmp_path, php, state):
    folder = tmp_path / "a [*] folder"
    if state != "missing":
        folder.mkdir()
    if state == "other":
        (folder / "wp-login.php").touch()
    if state == "tiki":
        write_code(folder, files=1)
    found = look(place(folder, php=php))
    assert (found.state, found.entries) == (state, ("wp-login.php",) if state == "other" else ())
    with pytest.raises(RegistryError):
        probe(place(folder, php=php))


@pytest.mark.parametrize("php", ["php", "no-such-php"])
def test_what_the_account_may_not_read_is_not_taken_for_missing(lab, ssh, php):
    folder = lab.sites(ssh=True) / f"secret-{php}"
    write_code(folder, files=1)
    (folder / "db/local.php").write_text(CONFIG)
    give_to(lab_user(), folder)
    (folder / "db/local.php").chmod(0)
    with pytest.raises(HostError, match=r"db/local\.php: this account may not read it"):
        probe(Place(ssh, str(folder), php=php))
    folder.chmod(0)
    with pytest.raises(HostError, match="may not read the folder"):
        probe(Place(ssh, str(folder), php=php))
    folder.chmod(0o755)


def test_a_program_that_is_no_php_is_told(tree):
    with pytest.raises(CommandError, match="command line"):
        probe(place(tree, php="true"))


# The maintenance page


@pytest.fixture
def served(lab: Lab, tiki: SampleTiki) -> Iterator[SampleTiki]:
    yield tiki
    maintenance.turn_off(LocalHost("wiki"), str(tiki.folder))


PATHS = ["", "tiki-index.php", "HomePage", "robots.txt", "img/wiki_up/picture0.jpg", "no/where", "tiki-install.php"]


@pytest.mark.parametrize("path", PATHS)
def test_apache_shows_the_page_for_every_address(served, path):
    maintenance.turn_on(LocalHost("wiki"), str(served.folder), PAGE, SINCE, REASON)
    answer = fetch(served.url + path)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "3600")
    assert "2026-11-21 08:30 UTC" in answer.body
    assert "moves 100% to $1 %{HTTP_HOST} &quot;soon&quot; \\ &#233;" in answer.body
    assert answer.body.split() == page_words()


def page_words() -> list[str]:
    return PAGE.replace("é", "&#233;").split()


@pytest.mark.parametrize("path", ["db/local.php", "db/tiki.sql", ".htaccess", ".htaccess.trim-kept"])
def test_what_was_secret_stays_secret(served, path):
    maintenance.turn_on(LocalHost("wiki"), str(served.folder), PAGE, SINCE)
    answer = fetch(served.url + path)
    assert answer.status in (403, 503)
    assert PASSWORD not in answer.body


@pytest.mark.parametrize("path", ["/", "/tiki-index.php", "/tiki-download_file.php?fileId=1", "/tiki-install.php"])
def test_a_server_without_htaccess_shows_the_page_too(lab, served, path):
    server = lab.php_server(served.folder)
    maintenance.turn_on(LocalHost("wiki"), str(served.folder), PAGE, SINCE)
    answer = fetch(server.url + path)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "3600")
    assert answer.body.split() == page_words()
    maintenance.turn_off(LocalHost("wiki"), str(served.folder))
    assert wait_until_open(server.url + path)


def wait_until_open(url: str) -> bool:
    """PHP's opcache looks at a file again only after opcache.revalidate_freq, by default two seconds."""
    deadline = time.monotonic() + 10
    while (status := fetch(url).status) == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    return status != 503


def test_the_console_works_behind_the_page(served):
    maintenance.turn_on(LocalHost("wiki"), str(served.folder), PAGE, SINCE)
    assert "database:update" in served.console("list").stdout


def test_visitors_are_back_after_it(served):
    before = snapshot(served.folder)
    maintenance.turn_on(LocalHost("wiki"), str(served.folder), PAGE, SINCE)
    maintenance.turn_off(LocalHost("wiki"), str(served.folder))
    assert snapshot(served.folder) == before
    assert fetch(served.url + "HomePage").status == 200


def test_the_page_works_behind_ssh(served, ssh):
    before = snapshot(served.folder)
    maintenance.turn_on(ssh, str(served.folder), PAGE, SINCE, "why")
    assert fetch(served.url).status == 503
    assert maintenance.state(ssh, str(served.folder)) == maintenance.State(True, SINCE, "why", is_on_purpose=True)
    maintenance.turn_off(ssh, str(served.folder))
    assert maintenance.state(ssh, str(served.folder)) == maintenance.State(False)
    assert snapshot(served.folder) == before


def set_htaccess(tree: Path, kind: str) -> None:
    (tree / ".htaccess").unlink()
    if kind == "file":
        (tree / ".htaccess").write_bytes(b"# own\r\n\xff")
        (tree / ".htaccess").chmod(0o640)
        os.utime(tree / ".htaccess", ns=(0, 946_684_800_123_456_789))
    elif kind != "none":
        (tree / ".htaccess").symlink_to("_htaccess" if kind == "link" else "/nowhere/at all")


KINDS = ["file", "link", "dangling link", "none"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_sites_own_htaccess_comes_back(tree, kind):
    set_htaccess(tree, kind)
    before = snapshot(tree)
    inode = (tree / ".htaccess").lstat().st_ino if kind != "none" else None
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE, "first")
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE, "second")
    assert maintenance.state(LocalHost("wiki"), str(tree)) \
        == maintenance.State(True, SINCE, "second", is_on_purpose=True)
    maintenance.turn_off(LocalHost("wiki"), str(tree))
    assert snapshot(tree) == before
    assert inode is None or (tree / ".htaccess").lstat().st_ino == inode


def test_a_file_system_without_second_names_is_no_hindrance(tree, monkeypatch):
    before = snapshot(tree)
    monkeypatch.setattr(LocalHost, "run", refusing_links)
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE)
    assert maintenance.state(LocalHost("wiki"), str(tree)).complete
    maintenance.turn_off(LocalHost("wiki"), str(tree))
    assert snapshot(tree) == before


def refusing_links(host: LocalHost, *words: str, **options: object) -> bytes:
    if words[0] == "ln":
        raise CommandError("ln: Operation not permitted", code=1)
    return Host.run(host, *words, **options)


def test_owner_mode_and_time_of_the_guarded_files_come_back(tree):
    give_to(lab_user(), tree)
    (tree / "index.php").chmod(0o600)
    os.utime(tree / "tiki-setup.php", ns=(0, 946_684_800_123_456_789))
    before = snapshot(tree)
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE)
    during = snapshot(tree)
    assert during["index.php"][:4] == before["index.php"][:4]
    assert {during[name][2:4] for name in (".htaccess", guard.PAGE)} == {(tree.stat().st_uid, tree.stat().st_gid)}
    maintenance.turn_off(LocalHost("wiki"), str(tree))
    assert snapshot(tree) == before


def test_links_and_namespaces_are_not_guarded(tree):
    (tree / "tiki-monitor.php").write_text("<?php\n\nnamespace Tiki;\n")
    (tree / "index.php").unlink()
    (tree / "index.php").symlink_to("tiki-index.php")
    before = snapshot(tree)
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE)
    assert {name: snapshot(tree)[name] for name in ("index.php", "tiki-monitor.php")} == {
        name: before[name] for name in ("index.php", "tiki-monitor.php")}
    assert maintenance.state(LocalHost("wiki"), str(tree)).complete


def test_code_that_changed_behind_the_page_stays_changed(tree):
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE)
    (tree / "tiki-setup.php").write_text("<?php // newer\n")
    (tree / ".htaccess").write_text("# newer\n")
    assert maintenance.state(LocalHost("wiki"), str(tree)) \
        == maintenance.State(True, complete=False, is_on_purpose=True)
    maintenance.turn_off(LocalHost("wiki"), str(tree))
    assert (tree / "tiki-setup.php").read_text() == "<?php // newer\n"
    assert (tree / ".htaccess").read_text() == "# newer\n"
    assert maintenance.state(LocalHost("wiki"), str(tree)) == maintenance.State(False)


def test_a_page_that_is_too_long_leaves_no_trace(tree):
    before = snapshot(tree)
    with pytest.raises(UsageError):
        maintenance.turn_on(LocalHost("wiki"), str(tree), "x" * 9000, SINCE)
    assert snapshot(tree) == before


def test_a_page_that_was_removed_by_hand_gives_the_sites_own_back(tree):
    before = snapshot(tree)
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE)
    (tree / ".htaccess").unlink()
    maintenance.turn_off(LocalHost("wiki"), str(tree))
    assert snapshot(tree) == before


def test_the_page_stays_when_the_sites_own_htaccess_is_lost(tree):
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE)
    (tree / maintenance.KEPT).unlink()
    with pytest.raises(RefusedError, match="_htaccess"):
        maintenance.turn_off(LocalHost("wiki"), str(tree))
    assert maintenance.state(LocalHost("wiki"), str(tree)).is_on


def test_files_of_another_account_are_left_alone(lab, ssh):
    tree = lab.sites(ssh=True) / "foreign"
    write_code(tree, files=1)
    if os.geteuid() == 0:
        tree.chmod(0o777)
        before = snapshot(tree)
        maintenance.turn_on(ssh, str(tree), PAGE, SINCE)
        found = maintenance.state(ssh, str(tree))
        assert (found.is_on, found.complete) == (True, False)
        assert snapshot(tree)["index.php"] == before["index.php"]
        maintenance.turn_off(ssh, str(tree))
        assert snapshot(tree) == before


@pytest.fixture(params=["here", "far"])
def shut(lab, ssh, request) -> tuple[Host, Path]:
    """A site whose .htaccess its owner may not read, as one that PHP wrote with a narrow umask as another account."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a file that its folder's owner may not read")
    folder = lab.sites(ssh=True) / f"shut-{request.param}-{time.monotonic_ns()}"
    write_code(folder, files=1)
    give_to(lab_user(), folder)
    (folder / ".htaccess").write_text("Require ip 10.0.0.1\n")
    (folder / ".htaccess").chmod(0o600)
    return ssh if request.param == "far" else AccountHost("wiki", lab_user()), folder


def test_a_htaccess_that_may_not_be_read_is_not_lost_under_the_page(shut):
    host, folder = shut
    before = snapshot(folder)
    with pytest.raises(RefusedError, match=r"\.htaccess may not be read by this account.*Nothing was changed"):
        turn_on(host, folder)
    assert snapshot(folder) == before


def test_a_htaccess_that_may_not_be_read_is_not_replaced_by_an_earlier_one(shut):
    host, folder = shut
    (folder / maintenance.KEPT).write_text("# of before\n")
    before = snapshot(folder)
    with pytest.raises(RefusedError, match=r"\.htaccess may not be read by this account.*Nothing was changed"):
        turn_off(host, folder)
    assert snapshot(folder) == before


def test_a_dry_run_changes_nothing(tree, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(process.conduct, "dry_run", True)
    monkeypatch.setattr(process.conduct, "on_dry", shown.append)
    before = snapshot(tree)
    maintenance.turn_on(LocalHost("wiki"), str(tree), PAGE, SINCE)
    maintenance.turn_off(LocalHost("wiki"), str(tree))
    assert snapshot(tree) == before
    assert len(shown) == 2
    assert not [text for text in shown if "<html" in text]


# Killed runs


def turn_on(host: Host, tree: Path) -> None:
    maintenance.turn_on(host, str(tree), PAGE, SINCE, "why")


def turn_off(host: Host, tree: Path) -> None:
    maintenance.turn_off(host, str(tree))


def prepared(tree: Path, kind: str, action) -> dict[str, tuple]:
    """Give the tree this kind of .htaccess, and the page when it is about to be turned off."""
    set_htaccess(tree, kind)
    before = snapshot(tree)
    if action is turn_off:
        turn_on(LocalHost("wiki"), tree)
    return before


def assert_repairable(tree: Path, before: dict[str, tuple], next_step) -> None:
    host = LocalHost("wiki")
    next_step(host, tree)
    if next_step is turn_on:
        assert maintenance.state(host, str(tree)) == maintenance.State(True, SINCE, "why", is_on_purpose=True)
        turn_off(host, tree)
    assert maintenance.state(host, str(tree)) == maintenance.State(False)
    assert snapshot(tree) == before


@pytest.mark.parametrize("next_step", [turn_off, turn_on])
@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("action", [turn_on, turn_off])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_between_two_calls_is_repaired_by_the_next(tree, kind, action, number, is_done, next_step):
    before = prepared(tree, kind, action)
    host = Dying("wiki", after=number, is_done=is_done)
    try:
        action(host, tree)
    except SystemExit:
        assert len(host.changes) == number
    else:
        assert len(host.changes) < number  # it needs fewer calls
    assert_repairable(tree, before, next_step)


PROGRAMS = ("rm", "mkdir", "tar", "mv", "rmdir", "ln")
KILLER = """#!/bin/sh
# Stands for a program and is killed, with the shell that called it, when it is the wanted call of the run.
echo >>{count}
if [ "$(wc -l <{count})" -eq {number} ]; then
    [ {name} = mv ] && {program} -f -t .. -- "$5"   # one of several files was moved
    [ {name} = tar ] && head -c 4000 | {program} "$@" 2>/dev/null
    [ "$(cat /proc/$PPID/comm)" = sh ] && kill -9 $PPID
    kill -9 $$
fi
exec {program} "$@"
"""


@pytest.mark.parametrize("next_step", [turn_off, turn_on])
@pytest.mark.parametrize("number", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("action", [turn_on, turn_off])
def test_a_run_killed_inside_a_call_is_repaired_by_the_next(tree, tmp_path, monkeypatch, action, number, next_step):
    before = prepared(tree, "file", action)
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        program = tmp_path / "bin" / name
        program.write_text(KILLER.format(name=name, program=which(name), count=tmp_path / "count", number=number))
        program.chmod(0o755)
    with monkeypatch.context() as changed:
        changed.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        try:
            action(LocalHost("wiki"), tree)
        except CommandError:
            assert len((tmp_path / "count").read_text()) == number
    assert_repairable(tree, before, next_step)
