"""Shows: made in seconds from a base, closed to strangers, apart from each other.

The flaws of the old Show server that a test answers stand in its docstring.
"""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from scripts.errors import BusyError, CommandError, Fault, RefusedError
from scripts.hosts import process
from scripts.present import output
from scripts.steps import showing, showing_bases, showing_quota, showing_updating
from scripts.steps import showing_places as places
from scripts.steps.showing import Show
from scripts.verbs import show, show_destroy, show_reset, show_snapshot, shows
from tests.lab import sample_code
from tests.lab.shows import VERSION, as_php, show_kit


@pytest.fixture(scope="module")
def kit():
    with show_kit() as kit:
        yield kit


@pytest.fixture(scope="module")
def lab(kit):
    return kit.lab


@pytest.fixture(scope="module")
def base(kit):
    return kit.ready()


@pytest.fixture(autouse=True)
def _quiet(kit):
    """Say nothing meanwhile; one test that fails must not let the others fail too."""
    output.manner.is_quiet = True
    yield
    kit.destroyed()
    output.manner.is_quiet = False


def test_a_show_answers_to_its_own_login_alone(kit):
    one = kit.show("FOR=1234", "FOR_USER=ann")
    assert one["id"] == "ann-1234"
    assert one["state"] == "ACTIV"
    assert kit.page(one, login=False).status == 401
    assert kit.page(one).status == 200
    other = kit.show("FOR=1", "FOR_USER=bob")
    assert kit.page(one, of=other).status == 401
    assert kit.page(one, "db/local.php").status in (403, 404)
    again = kit.show("FOR=1234", "FOR_USER=ann")
    assert (again["id"], again["is_new"]) == ("ann-1234", False)
    for gone in (one, other):
        assert kit.told("show-destroy", f"ID={gone['id']}")["state"] == "NONE"
    assert kit.nothing_is_left()


def sums(folder) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()}


def test_passwords_are_told_once_and_only_hashes_stay(kit, base):
    done = kit.make("show", f"VERSION={VERSION}", "FOR=5", "FOR_USER=eve")
    told = re.findall(r"with the password (\w+)", done.stdout)
    assert len(told) == 2
    kept = [path for folder in (kit.top / "var", kit.root / "eve-5") for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in kept for word in told if word.encode() in path.read_bytes()]
    kit.destroyed({"id": "eve-5"})


def test_one_administrator_changes_nothing_of_another_show_or_of_the_base(kit, base):
    one, other = kit.made(), kit.made()
    theirs = [kit.root / other["id"], showing_bases.tree_of(kit.settings, base)]
    before = [sums(folder) for folder in theirs]
    script = ('exec 2>/dev/null; '
              'find "$1" -type f -exec sh -c \'for f; do echo hacked >>"$f"; chmod u+w "$f"; done\' sh {} +; '
              'find "$1" -type d -exec sh -c \'for d; do echo hacked >"$d/planted.php"; done\' sh {} +; '
              'find "$1" -name planted.php | wc -l; grep -rl hacked "$1" | wc -l')
    done = as_php("sh", "-c", script, "sh", str(kit.root / one["id"]))
    planted, hacked = map(int, done.stdout.split())
    assert planted > 10, done.stderr  # it could write into its own places
    assert hacked > planted
    assert [sums(folder) for folder in theirs] == before
    assert kit.page(one, login=False).status == 401  # and not open its own guard
    kit.destroyed(one, other)


def test_php_of_one_show_reads_nothing_of_another(kit, base):
    one, other = kit.made(), kit.made()
    (kit.web(one) / "spy.php").write_text(
        f"<?php echo '[', @file_get_contents('{kit.web(other)}/db/local.php'), '][', "
        f"strlen(file_get_contents('{kit.web(one)}/db/local.php')) > 50 ? 'own' : '', '][', "
        "ini_get('session.save_path'), ']';")
    body = kit.page(one, "spy.php").body
    assert body == f"[][own][{kit.root}/{one['id']}/sessions]"
    kit.destroyed(one, other)


def test_each_show_has_an_account_that_enters_its_own_database_alone(lab, kit, base):
    one, other = kit.made(), kit.made()
    text = (kit.web(one) / "db/local.php").read_text()
    user, password = (re.search(rf"\${key} = '(.*)'", text)[1] for key in ("user_tiki", "pass_tiki"))
    done = subprocess.run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{lab.mariadb.port}", f"-u{user}",
                           f"-p{password}", "-NBe", "SHOW DATABASES"], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - {"information_schema"} == {places.database_name(kit.settings, one["id"])}
    kit.destroyed(one, other)


def admin_password_fits(lab, kit, one: dict, password: str) -> bool:
    """Ask PHP as Tiki does when somebody logs in."""
    hashed = lab.mariadb.sql("SELECT hash FROM users_users WHERE login = 'admin'",
                             places.database_name(kit.settings, one["id"]))
    program = "exit(password_verify($argv[1], trim($argv[2])) ? 0 : 1);"
    return subprocess.run(["php", "-r", program, "--", password, hashed], check=False).returncode == 0


def test_a_reset_makes_a_show_new_with_a_password_that_a_newer_tiki_accepts(lab, kit, base):
    """Old: the reset wrote 12345, in a form that newer Tikis do not accept."""
    one = kit.made("77", "ann")
    expires = one["expires"]
    assert admin_password_fits(lab, kit, one, one["admin_password"])
    (kit.web(one) / "files/mine.txt").write_text("mine")
    lab.mariadb.sql("CREATE TABLE mine (id int)", places.database_name(kit.settings, one["id"]))
    again = kit.told("show-reset", "ID=ann-77")
    assert again["admin_password"] not in (one["admin_password"], "12345")
    assert admin_password_fits(lab, kit, one, again["admin_password"])
    assert not admin_password_fits(lab, kit, one, one["admin_password"])
    assert again["viewer"] == one["viewer"]
    assert kit.page(one).status == 401  # the guard's password is new too
    one = again
    assert not (kit.web(one) / "files/mine.txt").exists()
    assert "mine" not in lab.mariadb.sql("SHOW TABLES", places.database_name(kit.settings, one["id"])).split()
    assert kit.page(one).status == 200
    assert kit.page(one, login=False).status == 401
    assert again["expires"] == expires
    kit.destroyed(one)


def test_a_show_goes_whole_after_machine_and_toolkit_have_other_names(kit, base, monkeypatch):
    made = kit.made("79", "ann")
    known = places.database_name(kit.settings, made["id"])
    with monkeypatch.context() as change:
        change.setattr(places.socket, "gethostname", lambda: "another.example.org")
        assert places.database_name(kit.settings, made["id"]) != known
        show_destroy.show_destroy(kit.settings, [made["id"]], has_snapshot=True)
    assert kit.nothing_is_left()


def test_no_other_run_takes_a_show_that_is_being_made(kit, base, monkeypatch):
    """From its entry in the list on, up to the moment it counts."""
    tried = []

    def destroyed_meanwhile(work):
        def first(*given, **more):
            with pytest.raises(BusyError):
                show_destroy.show_destroy(kit.settings, ["ann-76"], has_snapshot=False)
            tried.append(work.__name__)
            return work(*given, **more)
        return first

    monkeypatch.setattr(show, "_built", destroyed_meanwhile(show._built))
    monkeypatch.setattr(showing, "active", destroyed_meanwhile(showing.active))
    made = kit.made("76", "ann")
    assert tried == ["_built", "active"]
    assert kit.page(made).status == 200
    kit.destroyed(made)


def test_a_base_is_made_once_by_two_runs_and_stays_while_a_run_is_at_a_show(kit, base, monkeypatch):
    answers = iter([None])
    monkeypatch.setattr(showing_bases, "_of_tree", lambda settings, tree: next(answers, base))
    monkeypatch.setattr(showing_bases, "_make", None)
    assert showing_bases.made(kit.settings, VERSION, True, output.say) == base  # the other run was faster
    monkeypatch.undo()
    older = replace(base, key=f"{base.key}-old", moment="2000-01-01T00:00:00+00:00", parts=0)
    showing_bases.tree_of(kit.settings, older).mkdir()
    showing_bases._record(kit.settings, older.key).write_text(json.dumps(asdict(older)))
    showing.write(kit.settings, Show("a-1", showing.MAINTENANCE, pid=os.getpid(), begun=showing.now().isoformat()))
    assert showing_bases.drop_unused(kit.settings, "show") == []
    showing.change(kit.settings, "a-1", pid=0, base=older.key)
    assert showing_bases.drop_unused(kit.settings, "show") == []
    showing.forget(kit.settings, "a-1")
    assert showing_bases.drop_unused(kit.settings, "show") == [older.key]
    assert not showing_bases.tree_of(kit.settings, older).exists()


def test_an_old_tree_that_does_not_go_is_a_warning(kit, base, capsys):
    made = kit.made("75", "ann")

    def refuses(command):
        if command.shown.endswith("/.old") and " rm " in command.shown:
            raise CommandError(f"{command.shown}: made to fail")

    process.conduct.on_start = refuses
    try:
        again = show_reset.show_reset(kit.settings, "ann-75")
    finally:
        process.conduct.on_start = lambda command: None
    assert "the tree it had before could not be removed" in capsys.readouterr().err
    assert (again["state"], kit.page(again).status) == ("ACTIV", 200)
    kit.destroyed(made)


def test_a_reset_that_fails_says_so(kit, base):
    """Old: the answer tested its arguments the wrong way round, and was always success."""
    one = kit.made("78", "ann")
    tree = showing_bases.tree_of(kit.settings, base)
    tree.rename(tree.with_name("hidden"))
    try:
        done = kit.make("show-reset", "ID=ann-78")
    finally:
        tree.with_name("hidden").rename(tree)
    assert done.returncode != 0
    assert "is not prepared for shows" in done.stderr
    assert "password" not in done.stdout
    assert kit.told("show-reset", "ID=ann-78")["state"] == "ACTIV"
    kit.destroyed(one)


def test_a_reset_that_changed_nothing_leaves_the_show_as_it_was(kit, base):
    one = kit.made("77", "ann")
    before = showing.read(kit.settings, "ann-77")
    tree = showing_bases.tree_of(kit.settings, base)
    tree.rename(tree.with_name("hidden"))
    try:
        done = kit.make("show-reset", "ID=ann-77")
    finally:
        tree.with_name("hidden").rename(tree)
    assert (done.returncode, showing.read(kit.settings, "ann-77")) == (2, before)
    assert kit.page(one).status == 200
    assert kit.told("show-snapshot", "ID=ann-77")["state"] == "ACTIV"
    kit.destroyed(one)


def unpacked(kit, one: dict, name: str, tmp_path) -> bytes:
    path = next((kit.web(one) / "snapshots").glob(f"*/{name}"))
    return subprocess.run(["zstd", "-qdc", str(path)], capture_output=True, check=True).stdout


def test_a_snapshot_is_not_for_who_has_another_shows_login(lab, kit, base, tmp_path):
    """Old: snapshots exposed all data to anyone with the one published pair."""
    one, other = kit.made("80", "ann"), kit.made("80", "bob")
    (kit.web(one) / "files/mine.txt").write_text("mine")
    told = kit.told("show-snapshot", "ID=ann-80")
    paths = [address.split("/", 3)[3] for address in told["snapshots"]]
    for path in paths:
        assert kit.page(one, path, login=False).status == 401
        assert kit.page(one, path, of=other).status == 401
        assert kit.page(one, path).status == 200
    dump = unpacked(kit, one, "database.sql.zst", tmp_path).decode("utf-8", "replace")
    rows = int(lab.mariadb.sql("SELECT COUNT(*) FROM tiki_secdb", places.database_name(kit.settings, "ann-80")))
    assert len(re.findall(r"^INSERT INTO `tiki_secdb` VALUES", dump, re.MULTILINE)) == rows > 1
    names = tarfile.open(fileobj=io.BytesIO(unpacked(kit, one, "tree.tar.zst", tmp_path))).getnames()
    assert "./files/mine.txt" in names
    assert "./tiki-index.php" in names
    assert not [name for name in names if name.endswith("local.php") or name.startswith("./snapshots")]
    done = as_php("sh", "-c", f"echo x >{kit.web(one)}/snapshots/x || echo x >>{kit.web(one)}/snapshots/*/*.sql.zst")
    assert done.returncode != 0
    kit.destroyed(one, other)


def test_a_snapshot_takes_the_place_of_the_one_before_and_survives_a_reset(kit, base):
    one = kit.made("81", "ann")
    first = show_snapshot.show_snapshot(kit.settings, "ann-81")["snapshots"]
    time.sleep(1.1)
    second = show_snapshot.show_snapshot(kit.settings, "ann-81")["snapshots"]
    assert first != second
    assert len(list((kit.web(one) / "snapshots").iterdir())) == 1
    one = show_reset.show_reset(kit.settings, "ann-81")
    assert kit.page(one, second[0].split("/", 3)[3]).status == 200
    assert kit.page(one, second[0].split("/", 3)[3], login=False).status == 401
    kit.destroyed(one)


def test_the_last_snapshot_is_kept_for_us_alone_and_not_for_ever(kit, base):
    kit.set(show_keep=2)
    for issue in ("1", "2", "3"):
        one = kit.made(issue, "kim")
        (kit.web(one) / "files/mine.txt").write_text(issue)
        last = Path(kit.told("show-destroy", f"ID=kim-{issue}")["last_snapshot"])
        assert last.stat().st_mode & 0o777 == 0o600
    kept = sorted(path.name for path in last.parent.iterdir())
    assert [name[:5] for name in kept] == ["kim-2", "kim-3"]
    packed = subprocess.run(["zstd", "-qdc", str(last)], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.extractfile("files/mine.txt").read() == b"3"
        assert {"show.json", "database.sql.zst"} <= set(archive.getnames())
    assert kit.nothing_is_left()


@pytest.fixture(scope="module")
def older(kit):
    """A show of 24.x as it was, and what its newest code brings."""
    kit.prepare("24.x", "24.3")
    kit.told("show", "VERSION=24.x", "PREPARE=1")
    patch = kit.lab.folder / "tiki-24.5/installer/schema/20991231_newest_tiki.sql"
    sample_code.write_code(patch.parents[2], version="24.5", files=20)
    patch.write_text("CREATE TABLE newest (id int);\n")
    return patch


def test_an_update_brings_newer_code_and_keeps_what_was_done(lab, kit, older):
    one = kit.made("90", "ann", version="24.x")
    assert one["tiki"] == "24.3"
    database = places.database_name(kit.settings, "ann-90")
    for name in ("files/mine.txt", "templates/mine.tpl"):
        (kit.web(one) / name).write_text("mine")
    lab.mariadb.sql("INSERT INTO tiki_preferences VALUES ('mine', 'kept')", database)
    kit.prepare("24.x", "24.5")
    told = kit.told("show-update", "ID=ann-90")
    assert (told["tiki"], told["state"], told["updated"]) == ("24.5", "ACTIV", ["20991231_newest_tiki"])
    assert "24.5" in (kit.web(one) / "lib/setup/twversion.class.php").read_text()
    assert [(kit.web(one) / name).read_text() for name in ("files/mine.txt", "templates/mine.tpl")] == ["mine"] * 2
    assert lab.mariadb.sql("SELECT value FROM tiki_preferences WHERE name = 'mine'", database) == "kept\n"
    assert "newest" in lab.mariadb.sql("SHOW TABLES", database).split()
    assert kit.page(one).status == 200
    assert kit.page(one, login=False).status == 401
    assert kit.told("show-update", "ID=ann-90")["updated"] == []


@pytest.mark.parametrize("what", ["its base is gone", "its database cannot be dumped"])
def test_an_update_that_changed_nothing_leaves_the_show_as_it_was(lab, kit, older, what):
    kit.prepare("24.x", "24.3")
    kit.told("show", "VERSION=24.x", "PREPARE=1")
    one = kit.made("88", "ann", version="24.x")
    record = showing_bases._record(kit.settings, showing.read(kit.settings, "ann-88").base)
    kit.prepare("24.x", "24.5")
    if what == "its base is gone":
        record.rename(record.with_suffix(".hidden"))
    else:
        lab.mariadb.sql("CREATE TABLE gone (id int); CREATE VIEW broken AS SELECT id FROM gone; DROP TABLE gone",
                        places.database_name(kit.settings, "ann-88"))
    try:
        done = kit.make("show-update", "ID=ann-88")
    finally:
        if what == "its base is gone":
            record.with_suffix(".hidden").rename(record)
    assert (done.returncode, showing.read(kit.settings, "ann-88").told_state) == (2, "ACTIV"), done.stderr
    assert kit.page(one).status == 200
    lab.mariadb.sql("DROP VIEW IF EXISTS broken", places.database_name(kit.settings, "ann-88"))
    assert kit.told("show-snapshot", "ID=ann-88")["state"] == "ACTIV"
    kit.destroyed(one)


def test_an_update_that_fails_puts_code_and_database_back(lab, kit, older):
    kit.prepare("24.x", "24.3")
    kit.told("show", "VERSION=24.x", "PREPARE=1")
    one = kit.made("89", "ann", version="24.x")
    database = places.database_name(kit.settings, "ann-89")
    (kit.web(one) / "files/mine.txt").write_text("mine")
    tables = lab.mariadb.sql("SHOW TABLES", database)
    older.write_text("CREATE TABLE newest (id int);\nTHIS IS NO SQL;\n")
    base = showing_bases.newest(kit.settings, "24.x")
    newer = replace(base, key="24.x-broken", tiki="24.5")
    shutil.copytree(showing_bases.tree_of(kit.settings, base), showing_bases.tree_of(kit.settings, newer))
    shutil.copy(older, showing_bases.tree_of(kit.settings, newer) / "installer/schema")
    with pytest.raises(Fault, match="database:update"), \
            showing.working(kit.settings, "ann-89", showing.MAINTENANCE, "update") as held:
        showing_updating.carry_out(kit.settings, held, base, newer)
    assert showing.read(kit.settings, "ann-89").told_state == "ACTIV"
    assert lab.mariadb.sql("SHOW TABLES", database) == tables
    assert (kit.web(one) / "files/mine.txt").read_text() == "mine"
    assert "24.3" in (kit.web(one) / "lib/setup/twversion.class.php").read_text()
    assert kit.page(one).status == 200


def test_no_link_that_an_administrator_planted_leads_root_out_of_a_show(lab, kit, base, tmp_path_factory):
    outside = lab.folder / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("precious")
    outside.chmod(0o755)
    one = kit.made("91", "ann")
    files = kit.web(one) / "files"
    as_php("sh", "-c", f"cd {files} && ln -s {outside} way && ln -s {outside}/precious.txt link && mv ../temp ../t")
    show_snapshot.show_snapshot(kit.settings, "ann-91")
    show_reset.show_reset(kit.settings, "ann-91")
    as_php("sh", "-c", f"cd {files} && ln -s {outside} way && ln -s {outside}/precious.txt link")
    show_destroy.show_destroy(kit.settings, ["ann-91"], has_snapshot=True)
    assert (outside / "precious.txt").read_text() == "precious"
    assert [path.name for path in outside.iterdir()] == ["precious.txt"]


def test_there_is_an_end_of_room_and_of_number(kit, base):
    """Old: no quota on number or space; numbers were compared as text."""
    settings = kit.settings
    several = [Show(f"a-{count}", "ACTIV", base=base.key, expires="2999-01-01T00:00:00+00:00") for count in range(9)]
    for one in several:
        showing.write(settings, one)
    try:
        showing_quota.refuse(replace(settings, show_max=10), base)  # 9 are fewer than 10
        with pytest.raises(RefusedError, match="there are 9 shows, and SHOW_MAX is 9"):
            showing_quota.refuse(replace(settings, show_max=9), base)
        with pytest.raises(RefusedError, match="beyond SHOW_MAX_BYTES"):
            showing_quota.refuse(replace(settings, show_max_bytes=9 * (base.database_bytes + base.own_bytes)), base)
        showing_quota.refuse(replace(settings, show_max_bytes=10 * (base.database_bytes + base.own_bytes)), base)
    finally:
        for one in several:
            showing.forget(settings, one.id)


def test_what_is_uploaded_counts(kit, base):
    one = kit.made("92", "ann")
    before = shows.shows(kit.settings)[0]["bytes"]
    (kit.web(one) / "files/big").write_bytes(bytes(3_000_000))
    assert shows.shows(kit.settings)[0]["bytes"] - before >= 3_000_000
    kit.destroyed(one)


def test_under_maintenance_nothing_is_made_or_changed(kit, base):
    one = kit.made("93", "ann")
    kit.set(show_maintenance="a new disk")
    try:
        for words in (["show", f"VERSION={VERSION}"], ["show-reset", "ID=ann-93"], ["show-snapshot", "ID=ann-93"],
                      ["show-update", "ID=ann-93"]):
            done = kit.make(*words)
            assert "a new disk" in done.stderr, words
            assert done.returncode != 0
    finally:
        kit.set(show_maintenance="")
    assert kit.page(one).status == 200
    kit.destroyed(one)
