"""make adopt: what of TRIM's and Tiki Manager's folders comes over, what does not, and that theirs stays as it is."""

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.errors import Findings, HostError, RegistryError, UsageError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry import env_file, locks, old_database, old_values, registry
from scripts.registry.instance import Instance
from scripts.registry.locks import Lock
from scripts.registry.old_database import OldInstance
from scripts.registry.settings import Settings
from scripts.steps import adopting
from scripts.store import archive, foreign
from scripts.verbs import adopt as verb
from tests.lab import old_manager
from tests.lab.old_manager import PASSWORD, STAMP, TIKI_MANAGER, TRIM, OldManager, everybody


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account without keys and known hosts of its own."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def old(tmp_path: Path) -> OldManager:
    return everybody(tmp_path / "old")


def adopt(settings: Settings, old: OldManager | Path, archives: str = "") -> str:
    """Call the verb; return what it found wanting, or nothing."""
    try:
        verb.adopt(settings, str(old.top if isinstance(old, OldManager) else old), archives)
    except Findings as findings:
        return str(findings)
    return ""


def env(settings: Settings, name: str) -> dict[str, str]:
    path = registry.folder(settings) / f"{name}.env"
    return {key: value.text for key, value in env_file.read(path, [field.upper() for field in
                                                                  Instance.__dataclass_fields__]).items()}


# What comes

@pytest.mark.parametrize("schema", [TRIM, TIKI_MANAGER])
def test_every_instance_that_can_be_reached_gets_an_env_file(settings, tmp_path, schema):
    adopt(settings, everybody(tmp_path / "old", schema))
    assert registry.names(settings) == ["blog", "blog-2", "oharas-wiki"]
    assert registry.load(settings, "oharas-wiki").web_root == "/home/ohara/public_html"


def test_a_local_instance_keeps_all_that_was_known_of_it(settings, old):
    adopt(settings, old)
    assert env(settings, "blog") == {
        "WEB_ROOT": "/srv/blog", "WEB_URL": "https://blog.example.org/", "CONTACT": "ann@example.org",
        "PHP": "/usr/bin/php8.1", "PROTECTED": "yes", "TAGS": "museum,owner-ann-o-hara",
        "EXTRA_PATHS": "/srv/blog-files", "EXCLUDE": "temp,files/video,img/old,**.log,**/**.log"}


def test_an_ssh_instance_keeps_host_port_account_and_key(settings, old):
    old.key()
    adopt(settings, old)
    assert env(settings, "oharas-wiki") == {
        "ACCESS": "ssh", "SSH_HOST": "web1.example.org", "SSH_PORT": "2222", "SSH_USER": "tiki", "RUN_AS": "ohara",
        "SSH_KEY": str(settings.state / "keys" / "id_rsa"), "WEB_ROOT": "/home/ohara/public_html"}


def test_no_password_of_the_old_manager_comes_along(settings, old, capfd):
    adopt(settings, old)
    written = [path for path in settings.top.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]
    assert PASSWORD not in "".join(capfd.readouterr())


def test_nothing_of_the_old_manager_changes(settings, old):
    old.key()
    before = old.state()
    adopt(settings, old)
    adopt(settings, old)
    assert old.state() == before


def test_the_key_is_copied_for_its_owner_alone(settings, old):
    key = old.key()
    adopt(settings, old)
    copy = settings.state / "keys" / "id_rsa"
    assert copy.read_bytes() == key.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert (settings.state / "keys" / "id_rsa.pub").exists()


def test_keys_of_two_managers_stand_beside_each_other(settings, tmp_path):
    for number, text in ((1, "one"), (2, "two")):
        old = OldManager(tmp_path / text).instance(number, text, "ssh", f"{text}:22")
        old.key().write_text(text)
        adopt(settings, old)
    assert [Path(registry.load(settings, name).ssh_key).read_text() for name in ("one", "two")] == ["one", "two"]


def test_the_account_s_own_pair_comes_before_the_manager_s_as_it_did_there(settings, old, tmp_path):
    old.key()
    (tmp_path / "home/.ssh").mkdir()
    for name in ("id_rsa", "id_rsa.pub"):
        (tmp_path / "home/.ssh" / name).write_text("own")
    adopt(settings, old)
    assert registry.load(settings, "oharas-wiki").ssh_key == ""


def test_a_key_named_in_the_old_settings_is_used_where_it_lies(settings, old):
    (old.top / ".env").write_text("SSH_KEY=/etc/trim/key\n")
    adopt(settings, old)
    assert registry.load(settings, "oharas-wiki").ssh_key == "/etc/trim/key"


# Archives

def test_archives_come_under_the_new_name_as_foreign_ones(settings, old):
    adopt(settings, old)
    found = archive.of_instance(settings, "blog")
    assert [one.path.name for one in found] == ["blog_2024-06-01_02-00-00.tar.bz2", f"blog_{STAMP}.tar.bz2"]
    assert [one.record for one in found] == [None, None]
    assert archive.choose(settings, "blog", "2").path.name == f"blog_{STAMP}.tar.bz2"
    assert [one.stamp for one in archive.of_instance(settings, "oharas-wiki")] == [STAMP]


def test_on_one_disk_an_archive_takes_no_second_space(settings, old):
    adopt(settings, old)
    source = old.archives / "1-Blog" / f"1-Blog_{STAMP}.tar.bz2"
    assert (archive.folder(settings, "blog") / f"blog_{STAMP}.tar.bz2").samefile(source)


def test_archives_of_an_id_that_was_another_s_are_told_and_left(settings, old, capfd):
    assert adopt(settings, old)
    said = capfd.readouterr().err
    assert f"{old.archives}/1-forgotten: archives of another instance (1): id 1 is Blog now" in said
    assert f"{old.archives}/9-gone: archives of another instance (1): there is no instance 9" in said
    assert sorted(path.name for path in settings.archives.iterdir()) == ["blog", "oharas-wiki"]


def test_archives_lie_where_the_old_settings_say(settings, tmp_path):
    old = OldManager(tmp_path / "old").instance(1, "blog")
    old.archive("1-blog")
    old.archives.rename(tmp_path / "disk")
    (old.top / ".env").write_text('SMTP_PASS=x\nMOUNT="${TRIM_ROOT}/.."\nARCHIVE_FOLDER="${TRIM_ROOT}/../disk"\n')
    assert adopt(settings, old) == ""
    assert len(archive.of_instance(settings, "blog")) == 1


def test_archives_lie_where_the_operator_says(settings, tmp_path):
    old = OldManager(tmp_path / "old").instance(1, "blog")
    old.archive("1-blog")
    old.archives.rename(tmp_path / "disk")
    assert adopt(settings, old, str(tmp_path / "disk")) == ""
    assert len(archive.of_instance(settings, "blog")) == 1


@pytest.mark.parametrize(("name", "content"), [
    (f"1-blog_{STAMP}.tar.bz2", b""), (f"1-blog_{STAMP}.tar.bz2", b"cut"), (f"1-blog_{STAMP}.tar", b"BZh"),
    ("1-blog_2024-13-01_02-00-00.tar.bz2", b"BZh"), (f"2-blog_{STAMP}.tar.bz2", b"BZh"), ("notes.txt", b"BZh"),
])
def test_a_file_that_is_no_archive_is_told_and_left(settings, tmp_path, capfd, name, content):
    old = OldManager(tmp_path / "old").instance(1, "blog")
    (old.archives / "1-blog").mkdir()
    (old.archives / "1-blog" / name).write_bytes(content)
    assert adopt(settings, old)
    assert f"1-blog/{name}: " in capfd.readouterr().err
    assert archive.of_instance(settings, "blog") == []


def test_a_forgotten_instance_s_archives_do_not_become_those_of_a_new_one(settings, old, archived, capfd):
    archived(datetime(2025, 1, 1, tzinfo=UTC))
    adopt(settings, old)
    assert "holds archives of a forgotten instance of that name, as blog_2025-01-01" in capfd.readouterr().err
    assert registry.names(settings) == ["blog-2", "oharas-wiki"]
    assert len(archive.of_instance(settings, "blog")) == 1


def shim(tmp_path: Path, monkeypatch, text: str) -> None:
    """Put a program named install before the real one."""
    folder = tmp_path / "shims"
    folder.mkdir()
    (folder / "install").write_text(f"#!/bin/bash\n{text}\n")
    (folder / "install").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(foreign, "_device", lambda folder: -1)  # as on another disk


HALF = 'head -c 20 "${@: -2:1}" >"${@: -1}"'


@pytest.mark.parametrize("ending", ["exit 1", "exit 0"])
def test_a_copy_that_breaks_leaves_no_half_archive(settings, old, tmp_path, monkeypatch, ending, capfd):
    shim(tmp_path, monkeypatch, f"{HALF}; {ending}")
    assert adopt(settings, old)
    assert "not taken: blog: " in capfd.readouterr().err
    assert [path for path in settings.archives.rglob("*") if path.is_file()] == []


def test_the_next_call_brings_what_is_missing(settings, old, tmp_path, monkeypatch):
    with monkeypatch.context() as change:
        shim(tmp_path, change, f"{HALF}; exit 1")
        adopt(settings, old)
    adopt(settings, old)
    assert len(archive.of_instance(settings, "blog")) == 2


def test_on_another_disk_an_archive_is_copied_for_us_alone(settings, old, monkeypatch):
    monkeypatch.setattr(foreign, "_device", lambda folder: -1)
    adopt(settings, old)
    source = old.archives / "1-Blog" / f"1-Blog_{STAMP}.tar.bz2"
    copy = archive.folder(settings, "blog") / f"blog_{STAMP}.tar.bz2"
    assert copy.read_bytes() == source.read_bytes()
    assert not copy.samefile(source)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    adopt(settings, old)
    assert len(archive.of_instance(settings, "blog")) == 2


def test_no_archive_is_begun_that_does_not_fit(settings, old, monkeypatch):
    monkeypatch.setattr(foreign, "_device", lambda folder: -1)
    monkeypatch.setattr(type(MANAGER), "free_bytes", lambda host, path: 10)
    with pytest.raises(HostError, match="no space for it"):
        adopting._require_room(old.archives / "1-Blog" / f"1-Blog_{STAMP}.tar.bz2", settings.archives)


def test_archives_of_a_store_in_use_are_brought_by_the_next_call(settings, old, capfd):
    with locks.hold(settings, [Lock("blog.store", True)], "backup"):
        adopt(settings, old)
    assert "not taken: blog: blog.store: another run holds it: make backup" in capfd.readouterr().err
    adopt(settings, old)
    assert len(archive.of_instance(settings, "blog")) == 2


def test_a_folder_of_archives_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "1-blog").touch()
    assert foreign.found_in(tmp_path / "1-blog").others == (f"{tmp_path}/1-blog: cannot be read: Not a directory",)


# Twice, dry, and what stays behind

def everything(settings):
    """Return all files but the locks, which tell when they were held."""
    return {path: path.read_bytes() for path in settings.top.rglob("*")
            if path.is_file() and path.parent.name != "locks"}


def test_a_second_call_doubles_nothing(settings, old, capfd):
    adopt(settings, old)
    before = everything(settings)
    capfd.readouterr()
    adopt(settings, old)
    assert everything(settings) == before
    assert capfd.readouterr().out.count("there already") == 3


def test_a_name_that_means_another_site_here_is_kept(settings, old, register, capfd):
    register("blog")
    path = register("blog", "TAGS=mine\n")
    before = path.read_bytes()
    path.write_bytes(before.replace(b"/srv/blog", b"/srv/mine"))
    adopt(settings, old)
    assert b"/srv/mine" in path.read_bytes()
    assert "instances.d/blog.env is there already and means another site, /srv/mine" in capfd.readouterr().err


def test_a_site_that_is_registered_under_another_name_stays_under_it(settings, old, register):
    register("blog").rename(registry.folder(settings) / "news.env")
    adopt(settings, old)
    assert registry.names(settings) == ["blog-2", "news", "oharas-wiki"]
    assert len(archive.of_instance(settings, "news")) == 2


@pytest.mark.parametrize("is_dry", [True, False])
def test_two_rows_of_one_site_become_one_instance(settings, tmp_path, is_dry, capfd):
    process.conduct.dry_run = is_dry
    adopt(settings, OldManager(tmp_path / "old").instance(1, "a", webroot="/srv/a").instance(2, "b", webroot="/srv/a"))
    assert "instance 2 (b): is the same site as a" in capfd.readouterr().err


def test_a_dry_run_shows_the_same_and_writes_nothing(settings, old, capfd):
    old.key()
    process.conduct.dry_run = True
    assert adopt(settings, old)
    assert [path for path in settings.top.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    assert "would be taken" in capfd.readouterr().out


def test_what_cannot_be_taken_is_told_with_its_reason(settings, old, capfd):
    assert "3 could not be taken" in adopt(settings, old)
    said = capfd.readouterr()
    assert "not taken: instance 4 (Shop): was reached by ftp" in said.err
    for note in ("1 report receivers", "'/mnt/nas' not taken: it is outside the web root", "'a[0-9]' not taken",
                 "temp, files/video, img/old: left out from the web root only", "blog-2: it was instance 3 (blog)",
                 "no host key of web1.example.org is on record"):
        assert note in said.out


def test_programs_get_one_document(settings, old, capfd):
    output.manner.is_json = True
    adopt(settings, old)
    told = json.loads(capfd.readouterr().out)[0]
    assert [(row["number"], row["instance"], row["state"]) for row in told["instances"]] == [
        (1, "blog", "taken"), (2, "oharas-wiki", "taken"), (3, "blog-2", "taken"), (4, "", "not taken")]
    assert len(told["not_taken"]) == 3


def test_a_known_host_key_is_not_asked_for(settings, old, tmp_path, capfd):
    (tmp_path / "home/.ssh").mkdir()
    (tmp_path / "home/.ssh/known_hosts").write_text("[web1.example.org]:2222 ssh-ed25519 AAAA\n")
    adopt(settings, old)
    assert "no host key of" not in capfd.readouterr().out


# Where it is, and whether it can be read

@pytest.mark.parametrize("given", ["", "data", "data/trim.db"])
def test_from_is_the_manager_s_folder_its_data_folder_or_the_database(settings, old, given):
    adopt(settings, old.top / given)
    assert len(archive.of_instance(settings, "blog")) == 2


def test_a_folder_without_a_database_says_where_it_was_looked_for(settings, tmp_path):
    with pytest.raises(UsageError, match=r"there is no .*/data/trim.db and no .*/trim.db. Give the folder"):
        adopt(settings, tmp_path)


def test_a_missing_from_is_asked_for_by_name(settings):
    with pytest.raises(UsageError, match="FROM= is missing"):
        verb.adopt(settings, "", "")


def test_a_folder_for_archives_that_is_not_there_is_a_usage_error(settings, old):
    with pytest.raises(UsageError, match="ARCHIVES=/nowhere: there is no such folder"):
        adopt(settings, old, "/nowhere")


@pytest.mark.parametrize(("damage", "said"), [
    ("DROP TABLE access", r"it has no table access \(schema 20"),
    ("ALTER TABLE instance RENAME COLUMN webroot TO root", r"table instance lacks webroot \(schema 20"),
    ("DELETE FROM info", r"names no version \(schema unknown"),
    ("UPDATE info SET value = 'x'", r"schema x;"),
])
def test_a_database_of_another_shape_is_refused_with_its_schema(settings, old, damage, said):
    old.sql(damage)
    with pytest.raises(RegistryError, match=said):
        adopt(settings, old)
    assert registry.names(settings) == []


def test_a_file_that_is_no_database_is_refused(settings, old):
    old.database.write_bytes(b"<html>" * 1000)
    with pytest.raises(RegistryError, match="file is not a database"):
        adopt(settings, old)


@pytest.mark.parametrize("ending", ["-journal", "-wal"])
def test_a_database_that_is_being_written_is_refused(settings, old, ending):
    Path(f"{old.database}{ending}").write_bytes(b"pages")
    with pytest.raises(RegistryError, match=f"trim.db{ending} is beside it"):
        adopt(settings, old)


def test_a_schema_of_tomorrow_is_read_as_far_as_it_is_known(settings, tmp_path, capfd):
    assert adopt(settings, OldManager(tmp_path / "old", 23).instance(1, "blog")) == ""
    assert "schema 23 is newer than 20" in capfd.readouterr().out


def test_an_odd_path_reaches_sqlite_as_it_is(settings, tmp_path):
    assert adopt(settings, OldManager(tmp_path / "a?mode=rw#b %20").instance(1, "blog")) == ""


# Single values

@pytest.mark.parametrize(("name", "new"), [
    ("Blog", "blog"), ("O'Hara's Wiki", "oharas-wiki"), ("doc.tiki.org", "doc-tiki-org"),
    ("Größe", "groe"), ("--x--", "x"), ("日本", "site-7"), ("", "site-7"), ("a/../b", "a-b")])
def test_an_old_name_becomes_one_of_ours(name, new):
    assert old_values.name_of(OldInstance(7, name, "/srv")) == new


def test_names_that_become_one_are_counted():
    names = ["Blog", "blog-2", "blog", "BLOG", "all"]
    olds = [OldInstance(number, name, "/srv") for number, name in enumerate(names)]
    assert list(old_values.new_names(olds).values()) == ["blog", "blog-2", "blog-3", "blog-4", "all-2"]


@pytest.mark.parametrize(("address", "host", "port"), [
    ("web1:2222", "web1", "2222"), ("web1:22", "web1", ""), ("web1", "web1", ""), ("web1:", "web1", ""),
    ("[::1]:2222", "::1", "2222"), ("fe80::1", "fe80::1", "")])
def test_host_and_port_are_told_apart(address, host, port):
    values = old_values.translate(OldInstance(1, "x", "/srv", access="ssh", address=address)).values
    assert (values["SSH_HOST"], values.get("SSH_PORT", "")) == (host, port)


@pytest.mark.parametrize(("pattern", "patterns"), [
    ("temp", ["temp"]), ("./temp/", ["temp"]), ("/srv/x/files/video/", ["files/video"]),
    ("*.log", ["**.log", "**/**.log"]), ("files/*/old", ["files/**/old", "**/files/**/old"]), ("/mnt", []),
    ("/srv/xy", []), ("/", []), ("*", []), (".", []), ("a,b", []), ("[ab]", []), ("../x", [])])
def test_an_ignored_pattern_becomes_one_below_the_web_root(pattern, patterns):
    found, why_not = old_values.exclude_of(pattern, "/srv/x")
    assert found == patterns
    assert bool(why_not) is (not patterns)


@pytest.mark.parametrize(("kind", "said"), [("ftp", "by ftp"), ("", "by nothing on record")])
def test_an_instance_that_cannot_be_reached_is_refused(kind, said):
    with pytest.raises(RegistryError, match=said):
        old_values.translate(OldInstance(1, "x", "/srv", access=kind))


@pytest.mark.parametrize(("keys", "said"), [
    ({"web_root": ""}, "no web root"), ({"web_root": "/srv/\udce9"}, "no UTF-8")])
def test_an_instance_without_a_place_is_refused(keys, said):
    with pytest.raises(RegistryError, match=said):
        old_values.translate(OldInstance(**{"number": 1, "name": "x", "web_root": "/srv", "access": "local", **keys}))


@pytest.mark.parametrize(("keys", "remark"), [
    ({"web_url": "blog.example.org"}, "left out: WEB_URL: expected an http or https address"),
    ({"contact": "a\nb"}, "left out: CONTACT: has a line break"),
    ({"extra_paths": ("files",)}, "extra folder 'files' not taken"),
    ({"extra_paths": ("/a,b",)}, "extra folder '/a,b' not taken"),
    ({"access": "ssh::nokey", "address": "web1:22"}, "its key was not accepted"),
    ({"is_blank": True}, "was registered as blank"),
])
def test_what_is_not_needed_is_left_out_and_told(keys, remark):
    adopted = old_values.translate(OldInstance(**{"number": 1, "name": "x", "web_root": "/srv", "access": "local",
                                                  **keys}))
    assert remark in " ".join(adopted.remarks)
    assert adopted.instance(Settings(top=Path("/")), "x").web_root == "/srv"


def test_a_relative_web_root_is_refused_when_it_is_taken(settings, tmp_path, capfd):
    assert adopt(settings, OldManager(tmp_path / "old").instance(1, "blog", webroot="www"))
    assert "WEB_ROOT: expected an absolute path" in capfd.readouterr().err
    assert registry.names(settings) == []


def test_the_oldest_schemas_are_read(settings, tmp_path):
    """Schema 1 to 3: no property, no port behind a host."""
    old = old_manager.OldManager(tmp_path / "old", 3)
    for table in ("property", "backup"):
        old.sql(f"ALTER TABLE {table} RENAME TO not_yet_{table}")
    old.sql("INSERT INTO instance (instance_id, name, webroot, app) VALUES (1, 'blog', '/srv/blog', 'tiki')")
    old.sql("INSERT INTO access VALUES (1, 'ssh', 'web1', 'tiki', NULL)")
    assert [one.address for one in old_database.read(old.database).instances] == ["web1"]
    assert adopt(settings, old) == ""
