"""A clone is what its source is but for what is its own; it never harms the source, nor what was not meant."""

import json
import os
import shutil
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from scripts.hosts import rsync_ways
from scripts.registry.instance import Instance
from scripts.steps import lineage, quieting, restoring
from scripts.store import archive
from scripts.tiki import guard, maintenance
from tests.lab import forked
from tests.lab.compare import describe_database, describe_tree
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.shims import HERE, KILL, Call, Shims
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

OWN_FILES = {b"db/local.php"}
# What is made the clone's own: places, address, and whatever would act as the source.
OWN_TABLES = {"tiki_preferences", "tiki_forums", "tiki_forum_attachments", "tiki_mail_queue", "tiki_mailin_accounts",
              "tiki_scheduler", "tiki_user_login_cookies", "sessions", "tiki_sessions"}
MUTED = ("SELECT value FROM tiki_preferences WHERE name = 'zend_mail_handler'")
numbers = count(1)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def kit(lab: Lab) -> Toolkit:
    kit = Toolkit(lab.folder / "kit", lab)
    kit.set(compress="zst")
    return kit


@pytest.fixture
def blog(kit: Toolkit) -> Iterator[tuple[Instance, SampleTiki]]:
    """A small site that is registered."""
    yield from _registered(kit, "blog")


@pytest.fixture
def office(kit: Toolkit) -> Iterator[tuple[Instance, SampleTiki]]:
    """Another one."""
    yield from _registered(kit, "office")


@pytest.fixture
def two(kit: Toolkit) -> Iterator[tuple[tuple[Instance, SampleTiki], tuple[Instance, SampleTiki]]]:
    """Two sites with all tables, for Tiki's own updates."""
    number = next(numbers)
    sites = [kit.tiki(f"{name}{number}", web=False, files=5, versions=1) for name in ("first", "second")]
    yield sites[0], sites[1]
    for instance, _ in sites:
        _forget(kit, instance.name)


def _registered(kit: Toolkit, name: str) -> Iterator[tuple[Instance, SampleTiki]]:
    name = f"{name}{next(numbers)}"
    sample = small_site(kit.lab, name, False)
    yield kit.register(name, web_root=sample.folder, web_url=f"http://{name}.example.org/"), sample
    _forget(kit, name)


@pytest.fixture
def blank(kit: Toolkit) -> Iterator[Instance]:
    name = f"copy{next(numbers)}"
    yield kit.blank(name, web_url=f"http://{name}.example.org/")
    _forget(kit, name)


def _forget(kit: Toolkit, name: str) -> None:
    """Take an instance out of the registry, so that later tests have no neighbours."""
    (kit.top / "instances.d" / f"{name}.env").unlink(missing_ok=True)
    for folder in kit.lab.sites().glob(f"{name}*"):
        shutil.rmtree(folder, ignore_errors=True)


def clone(kit: Toolkit, source: Instance, target: Instance, **words: str) -> Ended:
    return forked.run(kit.top, "clone", from_=source.name, to=target.name, **words)


def told(ended: Ended) -> dict:
    assert ended.is_success, ended
    return json.loads(ended.stdout)[0]


def tree(folder: Path | str, *, without: set[bytes] = frozenset()) -> dict:
    return describe_tree(Path(folder), without=OWN_FILES | without)


def site(kit: Toolkit, instance: Instance, database: str) -> tuple:
    """Return all there is of a site."""
    data = Path(f"{instance.web_root}-data")
    return (describe_tree(Path(instance.web_root)), describe_tree(data) if data.exists() else None,
            describe_database(kit.lab.mariadb, database))


def preference(kit: Toolkit, database: str, name: str) -> str:
    return kit.lab.mariadb.sql(f"SELECT value FROM tiki_preferences WHERE name = '{name}'", database).rstrip("\n")


def change_env(kit: Toolkit, name: str, line: str) -> None:
    path = kit.top / "instances.d" / f"{name}.env"
    path.write_text(f"{path.read_text()}\n{line}\n")


# Equal, but for what is its own

@pytest.mark.parametrize("far_target", [False, True], ids=["to here", "to ssh"])
@pytest.mark.parametrize("far_source", [False, True], ids=["from here", "from ssh"])
def test_a_clone_is_equal_but_for_what_is_its_own(kit, lab, far_source, far_target):
    number = next(numbers)
    source, sample = kit.tiki(f"whole{number}", ssh=far_source, files=20, versions=2)
    fetch(source.web_url)
    assert (sample.folder / "temp/templates_c").exists()
    name = f"wholecopy{number}"
    url = lab.apache.serve(lab.sites(ssh=far_target) / name) + "/"
    target = kit.blank(name, ssh=far_target, web_url=url)
    before = describe_database(lab.mariadb, sample.database)
    found = told(clone(kit, source, target, json="1"))
    caches = {b"temp/cache", b"temp/templates_c", b"temp/public"}
    assert tree(target.web_root, without=caches) == tree(sample.folder, without=caches)
    assert tree(f"{target.web_root}-data") == tree(sample.outside)
    now = describe_database(lab.mariadb, name)
    assert {table for table in now.keys() | before.keys() if now.get(table) != before.get(table)} <= OWN_TABLES
    assert describe_database(lab.mariadb, sample.database) == before
    answer = fetch(url)
    assert answer.status == 200
    assert "Welcome to whole" in answer.body
    assert f"{url}" in preference(kit, name, "fallbackBaseUrl")
    assert preference(kit, name, "fgal_use_dir") == f"{target.web_root}-data/fgal/"
    assert found["muted"]
    assert found["tables_reloaded"]
    assert found["files"] > 100
    for one in (source.name, target.name):
        _forget(kit, one)


def test_a_second_clone_with_nothing_changed_rewrites_no_file_and_only_what_is_its_own(kit, blog, blank):
    source, sample = blog
    told(clone(kit, source, blank, json="1"))
    root = Path(blank.web_root)
    times = {path: path.lstat().st_ctime_ns for path in root.rglob("*") if path.is_file()}
    page = {*guard.ENTRANCES, ".htaccess"}
    found = told(clone(kit, source, blank, json="1"))
    moved = {str(path.relative_to(root)) for path, time in times.items() if path.lstat().st_ctime_ns != time}
    assert moved <= page
    assert (found["files"], found["safety"], found["changed"]) == (0, "", [])
    assert set(found["tables_reloaded"]) <= OWN_TABLES
    assert tree(root) == tree(sample.folder)


def test_what_the_source_lacks_is_gone_and_caches_are_emptied(kit, blog, blank):
    source, sample = blog
    told(clone(kit, source, blank, json="1"))
    root = Path(blank.web_root)
    (root / "files/only here.txt").write_text("x")
    (Path(f"{root}-data/fgal") / "only here").write_text("x")
    (root / "temp/cache/container.php").write_text("<?php // of another place")
    (sample.folder / "temp/cache/container.php").write_text("<?php // of the source")
    kit.lab.mariadb.sql("CREATE TABLE only_here (id int)", blank.name)
    found = told(clone(kit, source, blank, json="1", changed="discard"))
    assert not (root / "files/only here.txt").exists()
    assert not (root / "temp/cache/container.php").exists()
    assert (root / "temp/cache/index.php").exists()
    assert not (Path(f"{root}-data/fgal") / "only here").exists()
    assert found["tables_dropped"] == ["only_here"]
    assert (sample.folder / "temp/cache/container.php").exists()


def test_a_source_under_its_own_maintenance_page_gives_a_clone_that_is_open(kit, blog, blank):
    source, sample = blog
    before = tree(sample.folder)
    assert forked.run(kit.top, "maintenance", instance=source.name, state="on").is_success
    told(clone(kit, source, blank, json="1"))
    assert tree(blank.web_root) == before
    assert maintenance.state(source.host, source.web_root).is_on


def test_visitors_see_the_page_or_a_whole_site_also_where_no_htaccess_is_read(kit, blog, office):
    source, _ = blog
    target, sample = office
    server = kit.lab.php_server(sample.folder)
    answers, is_over = [], threading.Event()

    def look() -> None:
        while not is_over.is_set():
            answers.append(fetch(server.url + "/tiki-index.php"))

    looking = threading.Thread(target=look)
    looking.start()
    done = kit.make("clone", f"FROM={source.name}", f"TO={target.name}", f"CONFIRM={target.name}")
    is_over.set()
    looking.join()
    assert done.returncode == 0, done.stderr
    assert {answer.status for answer in answers} <= {200, 503}
    assert 503 in {answer.status for answer in answers}
    titles = {name for answer in answers if answer.status == 200 for name in (source.name, target.name)
              if f"Welcome to {name}" in answer.body}
    assert titles <= {source.name, target.name}
    assert f"Welcome to {source.name}" in fetch(server.url + "/tiki-index.php").body


# What the target keeps

def test_a_site_keeps_its_account_its_htaccess_and_its_rules(kit, blog, office):
    source, sample = blog
    target, own = office
    (sample.folder / ".user.ini").write_text("; of the source\n")
    (sample.folder / "web.config").write_text("<source/>\n")
    (own.folder / ".user.ini").write_text("; its own\n")
    (own.folder / ".htaccess").write_text("# its own\n")
    account = (own.folder / "db/local.php").read_bytes()
    told(clone(kit, source, target, json="1", confirm=target.name))
    assert (own.folder / "db/local.php").read_bytes() == account
    assert (own.folder / ".htaccess").read_text() == "# its own\n"
    assert (own.folder / ".user.ini").read_text() == "; its own\n"
    assert (own.folder / "web.config").read_text() == "<source/>\n"
    kept = {b".htaccess", b".user.ini"}
    assert tree(own.folder, without=kept) == tree(sample.folder, without=kept)


def test_a_blank_takes_a_link_as_a_link_and_no_restriction_of_the_source(kit, blog, blank):
    source, sample = blog
    (sample.folder / ".htaccess").unlink()
    (sample.folder / ".htaccess").symlink_to("_htaccess")
    change_env(kit, source.name, "RESTRICT_ALLOW=192.0.2.0/24")
    done = forked.run(kit.top, "restrict", instance=source.name, allow="192.0.2.0/24")
    assert done.is_success, done
    assert not (sample.folder / ".htaccess").is_symlink()
    told(clone(kit, source, blank, json="1"))
    assert os.readlink(f"{blank.web_root}/.htaccess") == "_htaccess"


def test_a_clone_goes_to_places_of_its_own_also_where_a_link_leads_to_those_of_the_source(kit, blog, blank):
    source, sample = blog
    told(clone(kit, source, blank, json="1"))
    alias = sample.folder.with_name(f"alias{next(numbers)}")
    alias.symlink_to(sample.outside)
    kit.lab.mariadb.sql(f"UPDATE tiki_preferences SET value = '{alias}/fgal/' WHERE name = 'fgal_use_dir'", blank.name)
    before = tree(sample.outside)
    told(clone(kit, source, blank, json="1"))
    assert tree(sample.outside) == before
    assert preference(kit, blank.name, "fgal_use_dir") == f"{blank.web_root}-data/fgal/"
    alias.unlink()


def test_a_clone_shares_no_index_no_cache_prefix_and_no_cookie_domain(kit, blog, blank):
    source, sample = blog
    sample.sql("REPLACE INTO tiki_preferences (name, value) VALUES ('unified_search_engine', 'elastic'), "
               "('unified_elastic_index_current', 'tiki_main_1'), ('memcache_prefix', 'wiki_'), "
               "('redis_enabled', 'y'), ('cookie_domain', '.example.net')")
    found = told(clone(kit, source, blank, json="1"))
    mine = {name: preference(kit, blank.name, name) for name in
            ("unified_elastic_index_prefix", "unified_elastic_index_current", "memcache_prefix", "redis_prefix",
             "cookie_domain")}
    assert mine == {"unified_elastic_index_prefix": f"{blank.name}_", "unified_elastic_index_current": "",
                    "memcache_prefix": f"{blank.name}_", "redis_prefix": f"{blank.name}_", "cookie_domain": ""}
    assert any("index:rebuild" in line for line in found["warnings"])


def test_an_address_that_is_not_on_record_is_told(kit, blog, blank):
    source, _ = blog
    change_env(kit, blank.name, "")
    path = kit.top / "instances.d" / f"{blank.name}.env"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("WEB_URL")))
    found = told(clone(kit, source, blank, json="1"))
    assert any("fallbackBaseUrl" in line and f"instances.d/{blank.name}.env" in line for line in found["warnings"])


# Quiet, and not

def test_a_clone_is_quiet_unless_it_is_told_not_to_be_or_is_a_move(kit, blog, blank):
    source, _ = blog
    told(clone(kit, source, blank, json="1"))
    assert preference(kit, blank.name, "zend_mail_handler") != "smtp"
    assert quieting.is_muted(blank)
    assert told(clone(kit, source, blank, json="1", quiet="no"))["muted"] == []
    assert not quieting.is_muted(blank)
    assert preference(kit, blank.name, "zend_mail_handler") == "smtp"


def test_a_move_keeps_everything_but_the_address_and_makes_no_clone(kit, blog, office):
    source, sample = blog
    target, own = office
    (sample.folder / ".htaccess").write_text("# the source's\n")
    (own.folder / ".htaccess").write_text("# its own\n")
    told(clone(kit, source, target, json="1", move="1", confirm=target.name))
    assert (own.folder / ".htaccess").read_text() == "# the source's\n"
    assert preference(kit, own.database, "zend_mail_handler") == "smtp"
    assert lineage.read(target) is None
    again = clone(kit, source, target)
    assert again.code == 9
    assert f"CONFIRM={target.name}" in again.stderr


# Guards

def refused(kit: Toolkit, source: Instance, target: Instance, *says: str, code: int = 9, **words: str) -> None:
    """Assert that a clone is refused with these words, and that nothing was changed."""
    ended = clone(kit, source, target, **words)
    assert ended.code == code, ended
    for text in says:
        assert text in ended.stderr, ended
    assert not restoring.unfinished(target)
    if Path(target.web_root).exists():
        assert not maintenance.state(target.host, target.web_root).is_on


def test_a_site_is_not_cloned_onto_itself(kit, blog):
    refused(kit, blog[0], blog[0], "FROM and TO are the same instance")


@pytest.mark.parametrize("way", ["link", "inside", "around", "ssh"])
def test_the_same_web_root_by_another_path_is_refused(kit, blog, blank, way):
    source, sample = blog
    reached = kit.over_ssh() if way == "ssh" else {}
    link = sample.folder.with_name(f"link{next(numbers)}")
    link.symlink_to(sample.folder)
    path = {"link": link, "inside": sample.folder / "files/copy", "around": sample.folder.parent, "ssh": link}[way]
    keys = {key: getattr(blank, key) for key in ("db_name", "db_user", "db_pass", "db_host")}
    twin = kit.register(f"twin{next(numbers)}", web_root=path, **keys, **reached)
    before = site(kit, source, sample.database)
    refused(kit, source, twin, "its web root" if way != "around" else "", confirm=twin.name,
            code=3 if way == "around" else 9)
    assert site(kit, source, sample.database) == before
    link.unlink()
    _forget_env(kit, twin.name)


def _forget_env(kit: Toolkit, name: str) -> None:
    (kit.top / "instances.d" / f"{name}.env").unlink()


class Relay(socketserver.BaseRequestHandler):
    """Hands a connection on to the server of the lab, as a tunnel or a forwarded port does."""

    port = 0

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as far:
            back = threading.Thread(target=self.pass_on, args=(far, self.request), daemon=True)
            back.start()
            self.pass_on(self.request, far)
            back.join()

    def pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay(lab: Lab) -> Iterator[str]:
    handler = type("Here", (Relay,), {"port": lab.mariadb.port})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "{socket}", "{relay}"])
def test_the_same_database_is_refused_by_whatever_user_and_way(kit, blog, relay, host):
    source, sample = blog
    server, name = kit.lab.mariadb, f"thief{next(numbers)}"
    server.create_account(name, "secret", sample.database)
    way = host.format(port=server.port, socket=server.socket, relay=relay)
    twin = kit.register(name, web_root=kit.lab.sites() / name, db_name=sample.database, db_user=name, db_pass="secret",
                        db_host=way)
    before = site(kit, source, sample.database)
    refused(kit, source, twin, "is the one of", confirm=twin.name)
    assert site(kit, source, sample.database) == before
    _forget_env(kit, name)


@pytest.mark.parametrize("line", ["STAGE=production", "PROTECTED=yes"])
def test_a_guarded_target_wants_its_name(kit, blog, blank, line):
    change_env(kit, blank.name, line)
    refused(kit, blog[0], blank, "is guarded", f"CONFIRM={blank.name}")
    refused(kit, blog[0], blank, "is guarded", confirm="other")
    told(clone(kit, blog[0], blank, json="1", confirm=f"other,{blank.name}"))


def test_a_site_that_was_never_cloned_wants_its_name(kit, blog, office):
    target, sample = office
    before = site(kit, target, sample.database)
    refused(kit, blog[0], target, "that is no clone", f"CONFIRM={target.name}")
    assert site(kit, target, sample.database) == before


def test_a_database_with_tables_is_not_taken_for_a_blank_s(kit, blog, blank):
    kit.lab.mariadb.sql("CREATE TABLE somebody (id int)", blank.name)
    refused(kit, blog[0], blank, "holds 1 tables", f"CONFIRM={blank.name}")


@pytest.mark.parametrize("what", ["files", "rows", "table", "groups", "note"])
def test_a_source_that_is_no_whole_tiki_is_refused(kit, blog, office, what):
    source, sample = blog
    target, own = office
    if what == "files":
        (sample.folder / "tiki-setup.php").unlink()
    elif what == "rows":
        sample.sql("DELETE FROM tiki_preferences")
    elif what == "table":
        sample.sql("DROP TABLE tiki_preferences")
    elif what == "groups":
        sample.sql("DELETE FROM users_groups")
    else:
        restoring.begin(source, "blog_2026-01-01_00-00-00.tar.zst", "")
    before = site(kit, target, own.database)
    refused(kit, source, target, source.name, confirm=target.name, code=3 if what == "files" else 9)
    assert site(kit, target, own.database) == before


def test_a_folder_that_the_source_lacks_is_a_warning_and_its_name_does_not_stay(kit, blog, blank):
    source, sample = blog
    shutil.rmtree(sample.outside)
    found = told(clone(kit, source, blank, json="1"))
    assert any(f"{sample.outside}/fgal is named by" in line for line in found["warnings"])
    assert preference(kit, blank.name, "fgal_use_dir") == f"{blank.web_root}-data/fgal/"


def test_a_place_of_a_third_site_is_refused_on_the_first_clone(kit, blog, office, blank):
    third, sample = office
    change_env(kit, blank.name, f"DATA_ROOT={sample.outside}")
    before = site(kit, third, sample.database)
    refused(kit, blog[0], blank, "is also used by", third.name)
    assert site(kit, third, sample.database) == before


@pytest.mark.parametrize("way", ["127.0.0.1:{port}", "{socket}", "[::ffff:127.0.0.1]:{port}"])
def test_a_database_of_a_third_site_is_refused_on_the_first_clone(kit, blog, office, lab, way):
    third, sample = office
    sample.sql("DELETE FROM tiki_preferences WHERE name LIKE '%use_dir'")
    name = f"dbthief{next(numbers)}"
    twin = kit.register(name, web_root=lab.sites() / name, db_name=sample.database, db_user=sample.user,
                        db_pass=sample.password,
                        db_host=way.format(port=lab.mariadb.port, socket=lab.mariadb.socket))
    before = site(kit, third, sample.database)
    refused(kit, blog[0], twin, "is also the one of", third.name, confirm=name)
    assert site(kit, third, sample.database) == before
    _forget_env(kit, name)


def test_a_silent_instance_stands_in_the_way_of_a_database_with_tables_and_of_no_blank(kit, blog, office, blank):
    silent = kit.register(f"silent{next(numbers)}", web_root="/srv/silent", **{**kit.over_ssh(), "ssh_port": 1})
    target, sample = office
    before = site(kit, target, sample.database)
    refused(kit, blog[0], target, f"{silent.name} could not be asked whether database {sample.database}",
            f"make delete INSTANCE={silent.name}", confirm=target.name)
    assert site(kit, target, sample.database) == before
    assert clone(kit, blog[0], blank).is_success
    _forget_env(kit, silent.name)


def assert_too_large(kit, source, target, programs: Path) -> None:
    """A clone onto a disk with 4,096 bytes left is refused for that."""
    df = programs / "df"
    df.write_text("#!/bin/sh\necho 'Avail Mounted on'\necho '4096 /'\n")
    df.chmod(0o755)
    ended = forked.run(kit.top, "clone", None, {"PATH": f"{programs}:{os.environ['PATH']}"}, from_=source.name,
                       to=target.name)
    assert ended.code == 4, ended
    assert "no space" in ended.stderr


def test_less_space_than_needed_is_told_before_anything_is_changed(kit, blog, blank, monkeypatch, tmp_path):
    source, sample = blog
    with open(sample.folder / "files/huge", "wb") as file:
        file.truncate(1 << 20)
    assert_too_large(kit, source, blank, tmp_path)
    assert not Path(blank.web_root).exists()


def test_less_space_than_what_came_needs_is_told_and_the_clone_stays_open_as_it_was(kit, blog, blank, tmp_path):
    source, sample = blog
    told(clone(kit, source, blank, json="1"))
    before = tree(blank.web_root)
    (sample.folder / "files/huge").write_bytes(os.urandom(1 << 20))
    assert_too_large(kit, source, blank, tmp_path)
    assert tree(blank.web_root) == before
    assert not maintenance.state(blank.host, blank.web_root).is_on
    assert not restoring.looked(blank)


def test_a_site_as_it_was_before_does_not_stand_open(kit, blog, blank):
    source, _ = blog
    refused(kit, source, blank, f"make restrict INSTANCE={blank.name}", "OPEN=yes", kind="before")
    told(clone(kit, source, blank, json="1", kind="before", open_="yes"))
    kept = kit.instance(blank.name)
    assert (kept.kind, kept.parent) == ("before", source.name)


def test_kind_expiry_and_parent_are_written_into_the_env_file(kit, blog, blank):
    source, _ = blog
    told(clone(kit, source, blank, json="1", kind="demo", expires="2099-12-31"))
    kept = kit.instance(blank.name)
    assert (kept.kind, kept.expires, kept.parent) == ("demo", "2099-12-31", source.name)
    assert lineage.read(blank).kind == "demo"


# What was changed on a clone

def test_what_was_changed_on_a_clone_is_listed_and_archived_before_it_goes(kit, blog, blank):
    source, _ = blog
    told(clone(kit, source, blank, json="1"))
    (Path(blank.web_root) / "files/mine.txt").write_text("x")
    kit.lab.mariadb.sql("UPDATE tiki_pages SET data = 'mine' LIMIT 1; "
                        "REPLACE INTO tiki_preferences (name, value) VALUES ('browsertitle', 'Mine')", blank.name)
    found = told(clone(kit, source, blank, json="1"))
    assert [word for word in ("files/mine.txt", "tiki_pages", "browsertitle")
            if not any(word in line for line in found["changed"])] == []
    assert len(found["changed"]) == 3
    kept = archive.choose(blank.settings, blank.name, found["safety"])
    assert kept.is_safety
    assert told(clone(kit, source, blank, json="1"))["changed"] == []


def test_a_clone_that_cannot_archive_what_was_changed_leaves_the_site_open(kit, blog, blank):
    source, _ = blog
    told(clone(kit, source, blank, json="1"))
    Path(blank.web_root, "changed here.txt").write_text("x")
    before = describe_tree(Path(blank.web_root))
    (kit.top / "no folder").write_text("")
    kit.set(archives_dir="no folder/archives")
    try:
        ended = clone(kit, source, blank)
    finally:
        kit.set(archives_dir="var/archives")
    assert not ended.is_success
    assert "changed here.txt" in ended.stdout
    assert not maintenance.state(blank.host, blank.web_root).is_on
    assert restoring.unfinished(blank) is None
    assert describe_tree(Path(blank.web_root)) == before


def test_a_clone_of_nothing_new_keeps_its_list_and_the_next_one_knows_what_came(kit, blog, blank):
    source, sample = blog
    listed = blank.settings.state / "status" / f"{blank.name}.cloned.files"
    told(clone(kit, source, blank, json="1"))
    first = listed.stat().st_mtime_ns
    told(clone(kit, source, blank, json="1"))
    assert listed.stat().st_mtime_ns == first
    (sample.folder / "img" / "new.png").write_bytes(b"new")
    told(clone(kit, source, blank, json="1"))
    assert b"new.png" in listed.read_bytes()
    assert told(clone(kit, source, blank, json="1"))["changed"] == []


def test_what_was_changed_goes_without_an_archive_when_that_is_said(kit, blog, blank):
    source, _ = blog
    told(clone(kit, source, blank, json="1"))
    (Path(blank.web_root) / "files/mine.txt").write_text("x")
    found = told(clone(kit, source, blank, json="1", changed="discard"))
    assert found["changed"]
    assert found["safety"] == ""
    assert archive.of_instance(blank.settings, blank.name) == []


# A part only

def test_only_data_brings_what_users_made_and_no_code(kit, blog, office):
    source, sample = blog
    target, own = office
    (sample.folder / "img/wiki_up/new.png").write_bytes(b"data")
    (sample.folder / "lib/new.php").write_text("<?php // code")
    (own.folder / "lib/mine.php").write_text("<?php // code of its own")
    (own.folder / "img/wiki_up/gone.png").write_bytes(b"data")
    told(clone(kit, source, target, json="1", only="data", confirm=target.name))
    assert (own.folder / "img/wiki_up/new.png").exists()
    assert not (own.folder / "img/wiki_up/gone.png").exists()
    assert not (own.folder / "lib/new.php").exists()
    assert (own.folder / "lib/mine.php").exists()
    assert preference(kit, own.database, "browsertitle") == source.name
    assert tree(own.outside / "fgal") == tree(sample.outside / "fgal")
    assert lineage.read(target).what == ("data",)
    refused(kit, source, target, "the rest is its own")


def test_only_code_brings_the_code_and_the_database_is_updated(kit, two):
    (source, sample), (target, own) = two
    sample.add_patch("20260101_new_tiki", "CREATE TABLE came_with_code (id int);\n")
    assert "Installed: 20260101_new_tiki" in sample.console("database:update").stdout
    (sample.folder / "files/of the source.txt").write_text("data")
    (own.folder / "files/mine.txt").write_text("data")
    own.sql("UPDATE tiki_preferences SET value = 'files/mine too' WHERE name = 't_use_dir'")
    found = told(clone(kit, source, target, json="1", only="code", confirm=target.name))
    assert found["updated"] == ["20260101_new_tiki"]
    assert "came_with_code" in own.sql("SHOW TABLES")
    assert (own.folder / "files/mine.txt").exists()
    assert not (own.folder / "files/of the source.txt").exists()
    assert preference(kit, own.database, "browsertitle") == target.name
    assert lineage.read(target) is None


def test_data_does_not_go_onto_older_code(kit, two):
    (source, sample), (target, _) = two
    sample.add_patch("20260101_new_tiki", "CREATE TABLE came_with_code (id int);\n")
    sample.console("database:update")
    refused(kit, source, target, "older than the data", "20260101_new_tiki", only="data", confirm=target.name)
    refused(kit, target, source, "older than the data", only="code", confirm=source.name)


def test_data_on_newer_code_is_updated(kit, two):
    (source, _), (target, own) = two
    own.add_patch("20260101_new_tiki", "CREATE TABLE came_with_code (id int);\n")
    own.console("database:update")
    found = told(clone(kit, source, target, json="1", only="data", confirm=target.name))
    assert found["updated"] == ["20260101_new_tiki"]


def test_an_update_that_fails_leaves_the_page_and_the_way_on(kit, two):
    (source, sample), (target, _) = two
    sample.add_patch("20260101_broken_tiki", "CREATE NONSENSE;\n")
    ended = clone(kit, source, target, only="code", confirm=target.name)
    assert ended.code == 6, ended
    assert "20260101_broken_tiki" in ended.stderr
    assert f"make clone FROM={source.name} TO={target.name} ONLY=code CONFIRM={target.name}" in ended.stderr
    assert maintenance.state(target.host, target.web_root).is_on


# From an archive

def test_an_archive_of_the_source_makes_a_quiet_clone(kit, blog, blank):
    source, sample = blog
    assert forked.run(kit.top, "backup", instance=source.name).is_success
    before = tree(sample.folder)
    (sample.folder / "files/later.txt").write_text("later")
    found = told(clone(kit, source, blank, json="1", archive="latest"))
    assert tree(blank.web_root) == before
    assert preference(kit, blank.name, "zend_mail_handler") != "smtp"
    assert preference(kit, blank.name, "fgal_use_dir") == f"{blank.web_root}-data/fgal/"
    assert lineage.read(blank).archive == archive.of_instance(source.settings, source.name)[0].path.name
    assert found["safety"] == ""
    (Path(blank.web_root) / ".htaccess").write_text("# its own now\n")
    again = told(clone(kit, source, blank, json="1", archive="latest"))
    assert again["changed"] == []
    assert (Path(blank.web_root) / ".htaccess").read_text() == "# its own now\n"


def test_a_clone_of_an_archive_compares_content(kit, blog, blank):
    source, _ = blog
    assert forked.run(kit.top, "backup", instance=source.name).is_success
    told(clone(kit, source, blank, json="1", archive="latest"))
    path = Path(blank.web_root) / "README"
    text, status = path.read_bytes(), path.stat()
    path.write_bytes(text[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    told(clone(kit, source, blank, json="1", archive="latest", changed="discard"))
    assert path.read_bytes() == text


# Several, and in words

def test_each_target_has_its_own_fault(kit, blog, office, blank):
    source, _ = blog
    ended = forked.run(kit.top, "clone", from_=source.name, to=f"{blank.name},{office[0].name}", json="1")
    assert ended.code == 9, ended
    assert f"1 of 2 instances failed: {office[0].name}" in ended.stderr
    assert lineage.read(blank).source == source.name


def test_a_dry_run_tells_the_plan_and_changes_nothing(kit, blog, office):
    source, sample = blog
    target, own = office
    before = site(kit, target, own.database), site(kit, source, sample.database)
    ended = clone(kit, source, target, dry="1", confirm=target.name)
    assert ended.is_success, ended
    assert f"make {target.web_root} equal to {source.web_root}" in ended.stdout
    assert (site(kit, target, own.database), site(kit, source, sample.database)) == before
    assert not restoring.unfinished(target)
    assert lineage.read(target) is None


# Broken off

LOOKS = 2   # calls of rsync that only compare: the web root, and the folder outside


@pytest.fixture
def killed(kit, blog, blank, tmp_path) -> Iterator[Instance]:
    """A clone that was killed while its trees came, after it had been changed and cloned before."""
    source, sample = blog
    told(clone(kit, source, blank, json="1"))
    (Path(blank.web_root) / "files/mine.txt").write_text("only here")
    sample.sql("UPDATE tiki_pages SET data = 'new' LIMIT 1")
    shims = Shims(tmp_path / "shims")
    shims.reset(Call(HERE, "rsync", LOOKS + 1), KILL)
    ended = forked.run(kit.top, "clone", shims, from_=source.name, to=blank.name, kind="demo")
    assert ended.code < 0, ended
    yield blank


def test_a_killed_clone_stays_closed_and_everybody_says_how_to_go_on(kit, blog, killed):
    line = f"FROM={blog[0].name} TO={killed.name} KIND=demo"
    assert maintenance.state(killed.host, killed.web_root).is_on
    for verb, words in (("backup", {}), ("maintenance", {"state": "off"})):
        ended = forked.run(kit.top, verb, instance=killed.name, **words)
        assert ended.code == 9, ended
        assert f"make clone {line}" in ended.stderr
    found = forked.run(kit.top, "doctor", instance=killed.name, json="1")
    page = [one for one in json.loads(found.stdout) if one["check"] == "maintenance page"]
    assert [one["next"].partition(" clone ")[2] for one in page] == [line]
    assert f"a clone of {blog[0].name}" in page[0]["problem"]
    refused_part = clone(kit, blog[0], killed, only="data")
    assert refused_part.code == 9, refused_part


def test_the_next_clone_just_works_and_names_the_archive_of_what_was_there_before(kit, blog, killed):
    before = archive.of_instance(killed.settings, killed.name)
    found = told(clone(kit, blog[0], killed, json="1"))
    assert archive.of_instance(killed.settings, killed.name) == before
    assert [one.path.name for one in before] == [found["safety"]]
    assert tree(killed.web_root) == tree(blog[1].folder)
    assert restoring.unfinished(killed) is None


def test_what_was_there_before_a_killed_clone_can_be_put_back(kit, killed):
    safety = restoring.unfinished(killed).safety
    ended = forked.run(kit.top, "restore", instance=killed.name, archive=safety)
    assert ended.is_success, ended
    assert (Path(killed.web_root) / "files/mine.txt").read_text() == "only here"
    assert restoring.unfinished(killed) is None


@pytest.fixture
def killed_looking(kit, blog, blank, tmp_path) -> Iterator[Instance]:
    """A copy whose next clone was killed under the page, while it looked for what was changed."""
    told(clone(kit, blog[0], blank, json="1"))
    (Path(blank.web_root) / "files/mine.txt").write_text("only here")
    shims = Shims(tmp_path / "shims")
    shims.reset(Call(HERE, "sort", 1), KILL)
    assert forked.run(kit.top, "clone", shims, from_=blog[0].name, to=blank.name).code < 0
    yield blank


def test_doctor_tells_of_a_clone_that_was_killed_while_it_looked(kit, blog, killed_looking):
    assert maintenance.state(killed_looking.host, killed_looking.web_root).is_on
    found = forked.run(kit.top, "doctor", instance=killed_looking.name, json="1")
    page = [one for one in json.loads(found.stdout) if one["check"] == "maintenance page"]
    assert [one["next"].partition(" clone ")[2] for one in page] == [f"FROM={blog[0].name} TO={killed_looking.name}"]
    assert "the site is as it was" in page[0]["problem"]


def test_after_a_clone_that_was_killed_while_it_looked_nothing_is_lost(kit, blog, killed_looking):
    found = told(clone(kit, blog[0], killed_looking, json="1"))
    assert found["safety"]
    assert tree(killed_looking.web_root) == tree(blog[1].folder)
    assert not restoring.looked(killed_looking)
    assert not maintenance.state(killed_looking.host, killed_looking.web_root).is_on


def test_a_clone_that_was_killed_while_it_looked_can_be_let_go(kit, killed_looking):
    assert forked.run(kit.top, "maintenance", instance=killed_looking.name, state="off").is_success
    assert (Path(killed_looking.web_root) / "files/mine.txt").read_text() == "only here"
    assert not restoring.looked(killed_looking)


def test_hosts_that_do_not_reach_each_other_are_cloned_through_the_manager(kit, lab, monkeypatch):
    number = next(numbers)
    sample = small_site(lab, f"far{number}", True)
    source = kit.register(f"far{number}", web_root=sample.folder, **kit.over_ssh())
    target = kit.blank(f"farcopy{number}", ssh=True)
    monkeypatch.setattr(rsync_ways, "_past_the_manager", lambda source, target: None)
    (sample.folder / "temp/cache/container.php").write_text("<?php // of the source")
    told(clone(kit, source, target, json="1"))
    told(clone(kit, source, target, json="1"))
    without = {b"temp/cache/container.php"}
    assert tree(target.web_root) == tree(sample.folder, without=without)
    assert (kit.settings.work / f"{target.name}.clone").is_dir()
    for one in (source, target):
        _forget(kit, one.name)
