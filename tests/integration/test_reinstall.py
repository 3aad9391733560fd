"""make reinstall: a site is as new and as its profiles say, the same on every run; what must stay stays."""

import shutil
from pathlib import Path

import pytest

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.steps import mods_state, restoring
from scripts.steps.mods_state import Installed, State
from scripts.store import archive
from scripts.verbs import reinstall
from tests.integration.test_profile import BROKEN, DEMO
from tests.lab import sample_code, sample_mods
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_database, describe_tree
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

VERSION = "24.4"
PAGES = "HomePage\tCongratulations\nWelcome all\tHello\n\n"  # the installer's own, and the profile's


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        for host in ("localhost", "127.0.0.1"):
            lab.mariadb.sql(f"CREATE USER boss@'{host}' IDENTIFIED BY 'boss'; GRANT ALL ON *.* TO boss@'{host}' WITH "
                            "GRANT OPTION")
        yield lab


@pytest.fixture(scope="module")
def kit(lab, tmp_path_factory):
    kit = Toolkit(lab.folder / "toolkit", lab)
    kit.set(compress="zst")
    kit.code = lab.folder / f"tiki-{VERSION}"
    sample_code.write_code(kit.code, files=5)
    kit.admin = lab.folder / "admin.cnf"
    kit.admin.write_text(f'[client]\nuser=boss\npassword="boss"\nhost=127.0.0.1\nport={lab.mariadb.port}\n')
    kit.admin.chmod(0o600)
    kit.profiles = tmp_path_factory.mktemp("profiles")
    (kit.profiles / "Demo").mkdir()
    (kit.profiles / "Demo" / "Text.wiki").write_text("Hello\n")
    for name, text in {"Demo": DEMO, "Broken": BROKEN, "Other": "preferences:\n language: de\n"}.items():
        (kit.profiles / f"{name}.yml").write_text(text)
    return kit


def made(lab, kit, name: str):
    """Let TRIM create a site, here or behind ssh, with the profile Demo in its env file."""
    root = lab.sites(ssh=name == "far") / name
    reached = [f"{key.upper()}={value}" for key, value in (kit.over_ssh() if name == "far" else {}).items()]
    done = kit.make("instance", f"NAME={name}", f"WEB_ROOT={root}", f"WEB_URL={lab.apache.serve(root)}/",
                    f"SOURCE={kit.code}", f"DB_ADMIN={kit.admin}", "PROFILES=Demo",
                    f"PROFILE_REPOSITORY={kit.profiles}", *reached)
    assert done.returncode == 0, done.stderr
    return name, root


@pytest.fixture(scope="module")
def near(lab, kit):
    return made(lab, kit, "near")


@pytest.fixture(scope="module")
def far(lab, kit):
    return made(lab, kit, "far")


def rows(lab, name: str, sql: str = "SELECT name, value FROM tiki_preferences ORDER BY name") -> str:
    return lab.mariadb.sql(sql, name)


def scribble(lab, name: str, root) -> None:
    """Leave what users and visitors leave: pages, preferences, files, a folder beside."""
    outside = root.with_name(f"{root.name}-files")
    outside.mkdir(exist_ok=True)
    (outside / "0123456789abcdef0123456789abcdef").write_text("an upload")
    lab.mariadb.sql("INSERT INTO tiki_pages (pageName, data) VALUES ('Mine', 'x'); REPLACE INTO tiki_preferences "
                    f"VALUES ('browsertitle', 'hacked'), ('fgal_use_dir', '{outside}'), ('sender_email', 'a@b.org'); "
                    "CREATE TABLE more (id int)", name)
    for path in ("img/wiki_up/photo.jpg", "files/mine/paper.pdf", "storage/fgal/fedcba9876543210fedcba9876543210"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("mine")
    give_to(lab_user(), root, outside)


def code_of(root) -> dict:
    """Return the files of the tree that no visitor and no cache makes."""
    return {path: what for path, what in describe_tree(root).items() if not path.startswith(b"temp")}


@pytest.mark.parametrize("where", ["near", "far"])
def test_every_run_gives_the_same_preferences_and_leaves_nothing_of_users(request, lab, kit, where):
    name, root = request.getfixturevalue(where)
    before = code_of(root)
    found, passwords = [], set()
    for _ in range(2):
        scribble(lab, name, root)
        done = kit.make("reinstall", f"INSTANCE={name}")
        assert done.returncode == 0, done.stderr
        found.append(rows(lab, name))
        assert rows(lab, name, "SELECT pageName, data FROM tiki_pages") == PAGES
        assert "more" not in rows(lab, name, "SHOW TABLES").split()
        assert f"{name}: preference browsertitle: the default is now 'A demo's title'" in done.stdout
        assert fetch(f"{kit.instance(name).web_url}tiki-index.php").status == 200
        assert not restoring.unfinished(kit.instance(name))
        passwords.add(done.stdout.split("with the password ")[1].split()[0])
    # Nothing that creation makes is random among the preferences of this Tiki: every row counts.
    assert found[0] == found[1] and "browsertitle\tA demo's title" in found[0]
    assert code_of(root) == before
    assert not list(root.with_name(f"{root.name}-files").iterdir())
    logs = "".join(path.read_text() for path in (kit.settings.state / "logs").rglob("*.log"))
    assert len(passwords) == 2 and not any(password in logs for password in passwords) and "geheim" not in logs
    assert len(archive.of_instance(kit.settings, name)) == 2


def test_another_profile_on_the_call_counts_instead_and_mods_that_lost_their_tables_are_told_of(lab, kit, near):
    name, _ = near
    one = Installed("features-book", "1.0", sample_mods.FIRST, moment="2026-01-01T00:00:00+00:00")
    mods_state.write(kit.instance(name), State({one.mod: one}))
    done = kit.make("reinstall", f"INSTANCE={name}", "PROFILE=Other")
    mods_state.forget(kit.instance(name))
    assert done.returncode == 0, done.stderr
    assert "features-book: its files are there, and what its SQL did is gone" in done.stderr
    assert f"make mods-remove INSTANCE={name} MOD=features-book FORCE=1" in done.stderr
    assert "language\tde" in rows(lab, name) and "browsertitle" not in rows(lab, name)


def test_a_run_that_broke_keeps_the_page_and_goes_on_with_the_same_call(lab, kit, near):
    name, root = near
    scribble(lab, name, root)
    done = kit.make("reinstall", f"INSTANCE={name}", "PROFILE=Broken")
    assert done.returncode != 0
    assert f"Next: make reinstall INSTANCE={name} PROFILE=Broken, or put back what was there before" in done.stderr
    assert fetch(f"{kit.instance(name).web_url}tiki-index.php").status == 503
    note = restoring.unfinished(kit.instance(name))
    told = kit.make("doctor", f"INSTANCE={name}")
    assert "a reinstall, begun" in told.stdout
    assert f"Next: make -C {kit.top} reinstall INSTANCE={name} PROFILE=Broken\n" in told.stdout
    refused = kit.make("backup", f"INSTANCE={name}")
    assert refused.returncode != 0 and "a reinstall that began" in refused.stderr
    archives = len(archive.of_instance(kit.settings, name))
    again = kit.make("reinstall", f"INSTANCE={name}")
    assert again.returncode == 0, again.stderr
    assert f"what was there before it is in {note.safety}" in again.stdout
    assert len(archive.of_instance(kit.settings, name)) == archives
    assert fetch(f"{kit.instance(name).web_url}tiki-index.php").status == 200
    back = kit.make("restore", f"INSTANCE={name}", f"ARCHIVE={note.safety}")
    assert back.returncode == 0, back.stderr
    assert "browsertitle\thacked" in rows(lab, name) and (root / "img/wiki_up/photo.jpg").exists()


def test_what_backups_leave_out_is_in_the_archive_that_is_made_before(kit, near):
    name, root = near
    upload = "storage/fgal/fedcba9876543210fedcba9876543210"
    (root / upload).parent.mkdir(parents=True, exist_ok=True)
    (root / upload).write_text("mine")
    env = kit.top / "instances.d" / f"{name}.env"
    text = env.read_text()
    env.write_text(f"{text}EXCLUDE=storage/fgal\n")
    try:
        done = kit.make("reinstall", f"INSTANCE={name}")
    finally:
        env.write_text(text)
    assert done.returncode == 0, done.stderr
    assert not (root / upload).exists()
    safety = done.stdout.split("what was there is in ")[1].split()[0]
    packed = process.read(kit.instance(name).host.command(
        "tar", "-tf", str(archive.choose(kit.settings, name, safety).path)))
    assert f"/{upload}\n" in packed.decode()


class FailingAt:
    """Lets the Nth program of a run fail before it starts."""

    def __init__(self, number: int) -> None:
        self.left, self.failed = number, ""

    def __call__(self, command) -> None:
        self.left -= 1
        if self.left == 0:
            self.failed = command.shown
            raise CommandError(f"{command.shown}: made to fail")


def test_whichever_call_fails_the_next_run_ends_well(lab, kit):
    """Every eleventh call: how one step that fails is gone on from does not depend on which of its calls it was."""
    one, sample = kit.tiki("breaking", files=1, versions=1)
    wishes, number, failed = reinstall.Wishes(("Demo",), str(kit.profiles), "breaking"), 4, []
    while True:
        number += 11
        process.conduct.on_start = failing = FailingAt(number)
        try:
            reinstall.reinstall(one, wishes)
        except CommandError:
            pass
        finally:
            process.conduct.on_start = lambda command: None
        if not failing.failed:
            break
        failed.append(failing.failed)
        if restoring.unfinished(one):
            assert fetch(f"{sample.url}tiki-index.php").status in (503, 403), failing.failed
            assert reinstall.reinstall(one, wishes)["answers"] == 200, failing.failed
        assert fetch(f"{sample.url}tiki-index.php").status == 200, failing.failed
    assert len(failed) > 4
    assert sample.preference("browsertitle") == "A demo's title"


def test_a_site_of_another_making_asks_for_its_name(lab, kit):
    one, sample = kit.tiki("given", files=5, versions=1)
    before = describe_tree(sample.folder)
    refused = kit.make("reinstall", "INSTANCE=given")
    assert refused.returncode != 0
    assert "TRIM has neither created nor cloned, and all in it would be gone. Nothing was changed" in refused.stderr
    plan = kit.make("reinstall", "INSTANCE=given", "CONFIRM=given", "DRY=1")
    assert plan.returncode == 0 and "would: given: drop 33 tables and views of database given" in plan.stdout
    assert describe_tree(sample.folder) == before and sample.preference("wikiHomePage") is not None
    done = kit.make("reinstall", "INSTANCE=given", "CONFIRM=given")
    assert done.returncode == 0, done.stderr
    assert sample.sql("SELECT pageName FROM tiki_pages").split() == ["HomePage"]
    assert kit.make("reinstall", "INSTANCE=given").returncode == 0


@pytest.mark.parametrize("is_made", [False, True], ids=["cloned", "made"])
def test_a_site_that_leads_to_another_one_by_now_is_not_emptied(lab, kit, is_made):
    main, shadow = ("main", "shadow") if is_made else ("head", "tail")
    _, sample = kit.tiki(main, files=5, versions=1)
    blank = kit.blank(shadow)
    assert kit.make("clone", f"FROM={main}", f"TO={shadow}").returncode == 0
    if is_made:
        assert kit.make("reinstall", f"INSTANCE={shadow}").returncode == 0
        (kit.settings.state / "status" / f"{shadow}.clone.json").unlink(missing_ok=True)
    assert kit.make("reinstall", f"INSTANCE={shadow}", "DRY=1").returncode == 0
    shutil.copy(sample.folder / "db/local.php", Path(blank.web_root) / "db/local.php")
    before = describe_database(lab.mariadb, sample.database)
    refused = kit.make("reinstall", f"INSTANCE={shadow}", f"CONFIRM={shadow}")
    assert "Error 9" in refused.stderr and f"is also the one of {main}. Nothing was changed" in refused.stderr
    (kit.top / "instances.d" / f"{main}.env").unlink()
    refused = kit.make("reinstall", f"INSTANCE={shadow}")
    assert "Error 9" in refused.stderr and f"CONFIRM={shadow}" in refused.stderr
    assert describe_database(lab.mariadb, sample.database) == before


def test_a_guarded_site_asks_for_its_name_though_trim_made_it(lab, kit, near):
    name, _ = near
    env = kit.top / "instances.d" / f"{name}.env"
    text = env.read_text()
    try:
        env.write_text(f"{text}STAGE=production\n")
        refused = kit.make("reinstall", f"INSTANCE={name}")
        assert refused.returncode != 0 and f"CONFIRM={name}" in refused.stderr
    finally:
        env.write_text(text)


def test_a_folder_of_code_that_the_database_names_is_not_emptied(lab, kit, near):
    name, root = near
    lab.mariadb.sql("REPLACE INTO tiki_preferences VALUES ('t_use_dir', 'lib'), ('w_use_dir', 'attachments')", name)
    (root / "attachments").mkdir()
    (root / "attachments" / "one").touch()
    give_to(lab_user(), root / "attachments")
    done = kit.make("reinstall", f"INSTANCE={name}")
    assert done.returncode == 0, done.stderr
    assert "warning: " + f"{name}: lib stays: it holds code" in done.stderr
    assert (root / "lib" / "tikilib.php").exists() and not (root / "attachments" / "one").exists()
