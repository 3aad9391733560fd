"""compare on the lab: two sites that are equal, and what is then made different, each thing by itself."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.verbs import compare
from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_database, describe_tree
from tests.lab.lab import Lab
from tests.lab.processes import find_program
from tests.lab.sample_tiki import PASSWORD, SampleTiki, write_config
from tests.lab.toolkit import Toolkit

WARM = compare  # tasks.py imports it when it is called; here once for all runs
SMALL = {"files": 20, "versions": 3, "web": False}
FINDINGS = 10
OWN_TABLES = """
CREATE TABLE custom_text (code varchar(40) PRIMARY KEY, note text);
INSERT INTO custom_text VALUES ('alpha', '1'), ('Beta', '2'), ('gamma', '3');
CREATE TABLE custom_pair (a int, b varchar(20), note text, PRIMARY KEY (a, b));
INSERT INTO custom_pair VALUES (1, 'x', 'one x'), (1, 'y', 'one y'), (2, 'x', 'two x');
CREATE TABLE custom_plain (id int PRIMARY KEY, note varchar(20), KEY note (note)) CHARSET=utf8mb4;
INSERT INTO custom_plain VALUES (1, 'a');
CREATE TABLE custom_wide (id int PRIMARY KEY, size int) CHARSET=utf8mb4;
CREATE TABLE custom_engine (id int PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE custom_charset (id int PRIMARY KEY) CHARSET=utf8mb4;
CREATE TABLE custom_gone (id int PRIMARY KEY);
INSERT INTO tiki_preferences VALUES ('own_switch', 'y'), ('own_old', 'n'), ('zend_mail_smtp_pass', 'hidden one');
"""


@dataclass
class Place:
    """A site, and one that was made equal to it: local to local, and behind ssh."""

    lab: Lab
    kit: Toolkit
    one: SampleTiki
    other: SampleTiki
    far: SampleTiki

    def compare(self, a: str = "one", b: str = "other", **variables: str) -> dict:
        """Return what programs are told, after a look at the exit code."""
        ended = forked.run(self.kit.top, "compare", side_a=a, side_b=b, json="1",
                           **{key.lower(): value for key, value in variables.items()})
        assert ended.stdout, ended.stderr
        found = json.loads(ended.stdout)[0]
        assert ended.code == (FINDINGS if found["differences"] else 0), ended.stderr
        return found


def copied(lab: Lab, source: SampleTiki, name: str, ssh: bool = False) -> SampleTiki:
    """Make a site equal to another one, by plain means: with its own database and folders of its own."""
    folder = lab.sites(ssh) / name
    outside = folder.with_name(f"{name}-data")
    database, user, password = lab.account(name)
    for one, two in ((source.folder, folder), (source.outside, outside)):
        subprocess.run(["cp", "-a", one, two], check=True)
    server = ["--no-defaults", f"--socket={lab.mariadb.socket}", "--user=root"]
    dump = subprocess.run([find_program("mariadb-dump"), *server, "--hex-blob", source.database], check=True,
                          capture_output=True).stdout
    charset = source.sql("SELECT @@character_set_database, @@collation_database").split()
    lab.mariadb.sql("ALTER DATABASE `{}` CHARACTER SET {} COLLATE {}".format(database, *charset))
    subprocess.run([find_program("mariadb"), *server, "--binary-mode", database], input=dump, check=True)
    write_config(folder, source.generation, source.version, f"127.0.0.1:{lab.mariadb.port}", user, password, database)
    site = SampleTiki(folder, outside, source.generation, source.version, lab.mariadb, database, user, password)
    for table, column in (("tiki_preferences", "value"), ("tiki_forums", "att_store_dir"),
                          ("tiki_forum_attachments", "dir")):
        site.sql(f"UPDATE {table} SET {column} = REPLACE({column}, '{source.outside}', '{outside}')")
    give_to(lab_user(), folder, outside)
    return site


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with Lab() as lab:
        kit = Toolkit(lab.folder / "kit", lab)
        kit.set(compress="zst")
        _, one = kit.tiki("one", **SMALL)
        one.sql(OWN_TABLES)
        other, far = copied(lab, one, "other"), copied(lab, one, "far", ssh=True)
        kit.register("other", web_root=other.folder)
        kit.register("far", web_root=far.folder, **kit.over_ssh())
        yield Place(lab, kit, one, other, far)


@pytest.fixture(scope="module")
def archive(place: Place) -> Path:
    """An archive of the first site."""
    assert place.kit.make("backup", "INSTANCE=one").returncode == 0
    [archive] = (place.kit.settings.archives / "one").glob("*.tar.zst")
    return archive


def test_two_sites_that_are_equal_differ_in_nothing_but_what_is_expected(place):
    found = place.compare()
    assert found["differences"] == [] and found["changed_meanwhile"] == []
    assert sorted((one["name"], one["expected"]) for one in found["expected"]) == [
        ("db/local.php", "each site's own database account"),
        ("fgal_use_dir", "each site's own place"),
        ("tiki_forum_attachments 1", "each site's own place"),
        ("tiki_forums 2", "each site's own place"),
        ("w_use_dir", "each site's own place")]


def test_a_site_behind_ssh_is_compared_as_one_that_is_here(place):
    found = place.compare("one", "far")
    assert found["differences"] == [] and len(found["expected"]) == 5
    assert place.compare("far", "other")["differences"] == []


def seed_files(site: SampleTiki) -> set[tuple[str, str]]:
    """Make the trees of a site different, and return what must be found: what, and the name."""
    files, odd = site.folder / "files", site.folder / "files/odd names"
    (site.folder / "themes/extra.css").write_text("body {}")
    (site.folder / "robots.txt").unlink()
    (site.folder / "lang/de/custom.php").write_text("<?php // longer than it was, for whatever reason there may be")
    picture = site.folder / "img/wiki_up/picture0.jpg"
    before, content = picture.stat(), picture.read_bytes()
    picture.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))
    (files / "modes/secret").chmod(0o640)
    (files / "modes/shared").chmod(0o755)
    (files / "links/relative").unlink()
    (files / "links/relative").symlink_to("../../index.php")
    (files / "links/new").symlink_to("nowhere")
    (odd / ".hidden").unlink()
    (odd / ".hidden").mkdir()
    (odd / "-n\nnew").write_text("x")
    with open(os.path.join(os.fsencode(odd), b"latin1-\xff.txt"), "wb") as file:
        file.write(b"ODD FILE 7\n")
    (odd / "-rf.txt").write_bytes(b"ODD FILE 3\n")
    (odd / "two\nlines.txt").write_bytes(b"ODD FILE 2\n")
    (files / "nothing here").mkdir()
    (files / "empty folder").rmdir()
    (site.outside / "fgal/added").write_bytes(b"\0\1")
    attachment = next((site.outside / "wiki att").iterdir())
    attachment.write_bytes(attachment.read_bytes()[::-1])
    forum = next((site.outside / "forum").iterdir())
    forum.chmod(0o600)
    give_to(lab_user(), site.folder, site.outside)
    found = {("added", "themes/extra.css"), ("removed", "robots.txt"), ("changed", "lang/de/custom.php"),
             ("changed", "img/wiki_up/picture0.jpg"), ("mode", "files/modes/secret"), ("mode", "files/modes/shared"),
             ("link target", "files/links/relative"), ("added", "files/links/new"),
             ("kind", "files/odd names/.hidden"), ("mode", "files/odd names/.hidden"),
             ("added", "files/odd names/-n\nnew"), ("changed", "files/odd names/latin1-\udcff.txt"),
             ("changed", "files/odd names/-rf.txt"), ("changed", "files/odd names/two\nlines.txt"),
             ("added", "files/nothing here"), ("removed", "files/empty folder"), ("added", "fgal/added"),
             ("changed", f"wiki att/{attachment.name}"), ("mode", f"forum/{forum.name}")}
    if os.geteuid() == 0:
        os.chown(files / "modes/private", 1, -1)
        found.add(("owner", "files/modes/private"))
    return found


SEEDED_ROWS = """
CREATE TABLE custom_new (id int PRIMARY KEY);
DROP TABLE custom_gone;
ALTER TABLE custom_plain ADD COLUMN more int, DROP KEY note;
ALTER TABLE custom_wide MODIFY size bigint;
ALTER TABLE custom_engine ENGINE=MyISAM;
ALTER TABLE custom_charset CHARSET=latin1;
CREATE VIEW custom_view AS SELECT 1 AS one;
INSERT INTO tiki_comments (object, objectType, title, data) VALUES ('9', 'forum', 'new', 'new');
DELETE FROM tiki_history WHERE version = 2;
UPDATE tiki_pages SET data = 'edited' WHERE pageName = 'HomePage';
UPDATE custom_text SET note = 'changed' WHERE code = 'Beta';
INSERT INTO custom_text VALUES ('delta', '4');
DELETE FROM custom_text WHERE code = 'gamma';
UPDATE custom_pair SET note = 'changed' WHERE a = 1 AND b = 'y';
INSERT INTO custom_log VALUES ('same', 1);
DELETE FROM custom_log WHERE line = '';
UPDATE tiki_preferences SET value = 'another title' WHERE name = 'browsertitle';
UPDATE tiki_preferences SET value = 'hidden two' WHERE name = 'zend_mail_smtp_pass';
INSERT INTO tiki_preferences VALUES ('own_new', 'y');
DELETE FROM tiki_preferences WHERE name = 'own_old';
UPDATE users_users SET email = 'ann@example.net' WHERE login = 'ann';
INSERT INTO users_usergroups (userId, groupName) VALUES (2, 'Admins');
INSERT INTO tiki_actionlog (action, object, user) VALUES ('Viewed', 'HomePage', 'ann');
INSERT INTO sessions (sesskey, expiry, data) VALUES (REPEAT('9', 32), 1, '');
"""
SEEDED = {("schema", "table added", "custom_new"), ("schema", "table removed", "custom_gone"),
          ("schema", "column added", "custom_plain more"), ("schema", "index removed", "custom_plain note"),
          ("schema", "column changed", "custom_wide size"), ("schema", "engine changed", "custom_engine"),
          ("schema", "charset changed", "custom_charset"), ("schema", "view added", "custom_view"),
          ("rows", "changed", "custom_text Beta"), ("rows", "added", "custom_text delta"),
          ("rows", "removed", "custom_text gamma"), ("rows", "changed", "custom_pair 1, y"),
          ("rows", "added", "custom_log"), ("rows", "removed", "custom_log"),
          ("preferences", "changed", "browsertitle"), ("preferences", "changed", "zend_mail_smtp_pass"),
          ("preferences", "added", "own_new"), ("preferences", "removed", "own_old"),
          ("people", "changed", "users: ann"), ("people", "added", "memberships: ann Admins")}


@pytest.fixture(scope="module")
def seeded(place: Place) -> tuple[SampleTiki, list[tuple[str, str, str]]]:
    """A copy of the first site that differs in everything, and what must be found."""
    site = copied(place.lab, place.one, "seeded")
    place.kit.register("seeded", web_root=site.folder)
    files = seed_files(site)
    site.sql(SEEDED_ROWS)
    page = site.sql("SELECT page_id FROM tiki_pages WHERE pageName = 'HomePage'").strip()
    comment = site.sql("SELECT MAX(threadId) FROM tiki_comments").strip()
    return site, sorted([*(("files", *one) for one in files), *SEEDED, ("rows", "added", f"tiki_comments {comment}"),
                         ("rows", "changed", f"tiki_pages {page}"), ("rows", "removed", "tiki_history HomePage, 2")])


def told(found: dict, outside: Path) -> list[tuple[str, str, str]]:
    return sorted((one["section"], one["what"], one["name"].removeprefix(f"{outside}/"))
                  for one in found["differences"])


def test_every_seeded_difference_is_found_and_nothing_else(place, seeded):
    found, wanted = place.compare("one", "seeded"), seeded[1]
    assert told(found, place.one.outside) == wanted and len(wanted) >= 41
    reasons = {one["name"]: one["expected"] for one in found["expected"]}
    assert reasons["tiki_actionlog"] == "a log" and reasons["sessions"] == "sessions" and len(reasons) == 7


def test_a_secret_is_told_to_differ_and_never_shown(place, seeded):
    ended = place.kit.make("compare", "A=one", "B=seeded", "TABLE=all", "DIFF=all", "EXPECTED=1", "JSON=1",
                           f"HTML={place.kit.top}/secret.html")
    page = (place.kit.top / "secret.html").read_text()
    logs = "".join(path.read_text() for path in (place.kit.top / "var/logs").glob("*"))
    for text in (ended.stdout, ended.stderr, page, logs):
        assert "hidden one" not in text and "hidden two" not in text and PASSWORD not in text
    assert "zend_mail_smtp_pass" in page and "zend_mail_smtp_pass" in ended.stdout


@pytest.mark.usefixtures("archive")
def test_an_archive_is_compared_as_the_site_it_was_made_of(place, seeded):
    found = place.compare("one", "one@latest")
    assert found["differences"] == [] and found["expected"] == []
    assert told(place.compare("one@1", "seeded"), place.one.outside) == seeded[1]


def test_two_archives_are_compared_without_their_sites(place):
    assert place.kit.make("backup", "INSTANCE=other").returncode == 0
    (place.other.folder / "robots.txt").write_text("later\n")
    try:
        assert place.kit.make("backup", "INSTANCE=other").returncode == 0
        (changed,) = place.compare("other@2", "other@1", DIFF="all")["differences"]
    finally:
        shutil.copy2(place.one.folder / "robots.txt", place.other.folder)
    assert (changed["what"], changed["name"]) == ("changed", "robots.txt")


def test_a_foreign_archive_without_lists_is_compared_by_what_is_in_it(place, archive, tmp_path):
    subprocess.run(["tar", "-xp", "--same-owner", "-C", tmp_path, "-f", archive], check=True)
    top = next(tmp_path.iterdir())
    for name in ("trim-manifest.json", "trim-files.sha256"):
        (top / name).unlink()
    foreign = tmp_path / "one_2020-01-01_00-00-00.tar.bz2"
    subprocess.run(["tar", "-cjf", foreign, "-C", tmp_path, top.name], check=True)
    refused = place.kit.make("compare", "A=one", f"B=one@{foreign}")
    assert "is unverifiable" in refused.stderr and "Error 7" in refused.stderr
    assert place.compare("one", f"one@{foreign}", UNVERIFIED="yes")["differences"] == []


def test_a_damaged_archive_is_a_fault_and_no_finding(place, archive, tmp_path):
    for ending in ("", ".sha256"):
        shutil.copy2(f"{archive}{ending}", tmp_path)
    with open(tmp_path / archive.name, "r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - 700)
    ended = place.kit.make("compare", "A=one", f"B=one@{tmp_path / archive.name}")
    assert "is damaged" in ended.stderr and "Error 7" in ended.stderr and not ended.stdout


@contextmanager
def reading_only(place: Place, site: SampleTiki) -> Iterator[None]:
    """Let a site's account read and do nothing else."""
    reader = f"{site.database}_reader"
    for host in ("localhost", "127.0.0.1"):
        place.lab.mariadb.sql(f"CREATE USER '{reader}'@'{host}' IDENTIFIED BY 'x'; "
                              f"GRANT SELECT, SHOW VIEW ON `{site.database}`.* TO '{reader}'@'{host}'")
    config = site.folder / "db/local.php"
    before, times = config.read_text(), config.stat()
    config.write_text(before + f"$user_tiki='{reader}'; $pass_tiki='x';\n")
    os.utime(config, ns=(times.st_atime_ns, times.st_mtime_ns))
    try:
        yield
    finally:
        config.write_text(before)
        os.utime(config, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_comparing_writes_nothing_and_needs_only_to_read(place, seeded):
    site = seeded[0]
    with reading_only(place, place.far), reading_only(place, site):
        def state() -> list:
            return [*map(describe_tree, (place.far.folder, place.far.outside, site.folder, site.outside)),
                    *(describe_database(place.lab.mariadb, one.database) for one in (place.far, site))]
        before = state()
        assert len(place.compare("far", "seeded", DIFF="all", TABLE="all")["differences"]) == len(seeded[1])
        assert state() == before


@pytest.mark.usefixtures("archive")
def test_a_dry_run_compares_sites_and_only_tells_of_archives(place):
    ended = place.kit.make("compare", "A=one", "B=other", "DRY=1", "HTML=1")
    assert ended.returncode == 0 and "would: " in ended.stdout and "files: the same" in ended.stdout
    ended = place.kit.make("compare", "A=one", "B=one@latest", "DRY=1")
    assert ended.returncode == 0 and "would: read one_" in ended.stdout and "files:" not in ended.stdout
    assert not list(place.kit.settings.work.glob("scratch-*"))


def test_a_run_that_is_ended_leaves_nothing_on_the_host(place):
    shims, temporary = place.lab.folder / "slow", place.lab.folder / "tmp"
    for folder in (shims, temporary):
        folder.mkdir()
        folder.chmod(0o777)
    waiting = shims / "sha256sum"
    waiting.write_text(f"#!/bin/sh\ntouch {temporary}/begun\nsleep 2\nexec /usr/bin/sha256sum \"$@\"\n")
    waiting.chmod(0o755)
    sshd = place.lab.sshd(path=shims, environment={"TMPDIR": str(temporary)})
    known = Path(place.kit.settings.known_hosts)
    text = known.read_text()
    known.write_text(text + sshd.known_hosts.read_text())
    place.kit.register("slow", web_root=place.far.folder, access="ssh", ssh_host=sshd.host, ssh_port=sshd.port,
                       ssh_user=sshd.user, ssh_key=sshd.key)
    run = subprocess.Popen(["make", "-sC", place.kit.top, "compare", "A=one", "B=slow"], start_new_session=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: (temporary / "begun").exists())
        os.killpg(run.pid, signal.SIGTERM)
        assert run.wait(30) != 0
        (temporary / "begun").unlink()
        assert list(temporary.iterdir()) == []
        wait_for(lambda: not subprocess.run(["pgrep", "-f", str(waiting)], capture_output=True).stdout)
        assert not list(place.kit.settings.work.glob("scratch-*"))
    finally:
        (place.kit.top / "instances.d/slow.env").unlink()
        known.write_text(text)


def wait_for(is_so) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_changes_while_it_is_looked_at_is_told_and_no_fault(place):
    """The second site's sha256sum changes one file, removes another, and then does its work."""
    site = copied(place.lab, place.one, "moving", ssh=True)
    shims = place.lab.folder / "moving"
    shims.mkdir()
    (shims / "sha256sum").write_text(
        f"#!/bin/sh\n(cd {site.folder} && echo more >>robots.txt && rm -f themes/own/css/own.css)\n"
        "exec /usr/bin/sha256sum \"$@\"\n")
    (shims / "sha256sum").chmod(0o755)
    sshd = place.lab.sshd(path=shims)
    known = Path(place.kit.settings.known_hosts)
    text = known.read_text()
    known.write_text(text + sshd.known_hosts.read_text())
    (site.folder / "index.php").chmod(0o600)
    place.kit.register("moving", web_root=site.folder, access="ssh", ssh_host=sshd.host, ssh_port=sshd.port,
                       ssh_user=sshd.user, ssh_key=sshd.key)
    try:
        found = place.compare("one", "moving")
    finally:
        (place.kit.top / "instances.d/moving.env").unlink()
        known.write_text(text)
    assert {"robots.txt", "themes/own/css/own.css"} <= set(found["changed_meanwhile"])
    assert [one["name"] for one in found["differences"]] == ["index.php"]


def test_the_page_stands_by_itself_is_private_and_escapes_what_a_site_says(place, seeded):
    site = seeded[0]
    site.sql("UPDATE tiki_pages SET description = '<script>alert(1)</script>' WHERE pageName = 'HomePage'")
    ended = place.kit.make("compare", "A=one", "B=seeded", "HTML=1")
    page = Path(ended.stdout.partition("page: ")[2].strip())
    text = page.read_text()
    assert page.parent == place.kit.settings.state / "reports"
    assert page.stat().st_mode & 0o777 == 0o600 and page.parent.stat().st_mode & 0o777 == 0o700
    assert "&lt;script&gt;alert(1)" in text and "<script" not in text and "custom.php" in text
    assert "http" not in text.replace("http-equiv", "").partition("<body>")[0]


def test_differences_of_texts_and_rows_are_shown_on_request(place, seeded):
    shown = place.kit.make("compare", "A=one", "B=seeded", "DIFF=all", "TABLE=all", "EXPECTED=1").stdout
    assert "--- one: lang/de/custom.php\n+++ seeded: lang/de/custom.php\n" in shown
    assert "-$lang_custom" in shown and "+<?php // longer" in shown
    assert "  changed: 1, y\n    note: one y -> changed\n" in shown
    assert "img/wiki_up/picture0.jpg: binary: 20003 bytes, sha256 " in shown
    assert "changed: db/local.php: " in shown and "each site's own database account" in shown
    config = place.kit.make("compare", "A=one", "B=seeded", "DIFF=db/local.php", "TABLE=sessions").stdout
    assert "db/local.php: holds a password or a key, and is not shown" in config
    assert "table sessions: 1 rows in A, 2 in B" in config and "custom_pair\n" not in config
