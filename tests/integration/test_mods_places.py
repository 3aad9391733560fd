"""Where a mod may put files, what its SQL may do, whose files it may replace; and who carries its state along."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from scripts.steps import mods_collection, mods_state, patch_writing
from tests.lab import forked, sample_mods
from tests.lab.accounts import give_to, lab_user
from tests.lab.mods_fixtures import (
    done,
    each,
    far,
    here,
    installed,
    kit,
    lab,
    make,
    refused,
    removed,
    run,
    sites,
    state,
)
from tests.lab.sample_mods import BOOK, PAPER_NAME
from tests.lab.sample_tiki import SampleTiki

__all__ = ["each", "far", "here", "kit", "lab", "sites"]   # fixtures

SMALL = "revision:\n1.0\n\n"
ONE = {"x/a.php": b"<?php // of a mod\n"}


def with_file(target: str) -> str:
    return f"{SMALL}files:\nx/a.php {target}\n"


def with_sql(*lines: str) -> str:
    return SMALL + "sql-install:\n" + "\n".join(lines) + "\n"


PLACES = [
    ("../a.php", "leads out of its folder"), ("lib/../../a.php", "leads out"), ("/tmp/a.php", "absolute"),
    ("outside/a.php", "leads out of the web root"), ("lib/link.php", "is a link"), ("img", "is a folder"),
    ("robots.txt/a.php", "robots.txt is no folder"), ("db/local.php", "site's own configuration"),
    (".htaccess", "site's own configuration"), ("temp/cache/a.php", "cache"), ("tiki-setup.php", "every visit goes"),
    ("mods/Installed/x.txt", "where mods are written down"), (".trim-new/x", "where TRIM lays"),
]


def test_a_mod_puts_nothing_where_nothing_of_it_may_be(kit, here):
    instance, sample = here
    (sample.folder / "outside").symlink_to("/tmp")
    (sample.folder / "lib/link.php").symlink_to("../index.php")
    before, wrong = state(sample), []
    for target, says in PLACES:
        sample_mods.write(kit.settings, {"features-x": with_file(target)}, ONE)
        ended = run(kit, "mods_install", instance, mod="features-x", yes=1, force=1)
        if ended.is_success or ended.is_bug or says not in ended.stderr:
            wrong.append((target, ended))
    assert wrong == []
    assert state(sample) == before
    (sample.folder / "outside").unlink()
    (sample.folder / "lib/link.php").unlink()


def test_a_link_that_stays_inside_is_followed(kit, here):
    instance, sample = here
    (sample.folder / "mine").symlink_to("lib")
    sample_mods.write(kit.settings, {"features-x": with_file("mine/a.php")}, ONE)
    done(run(kit, "mods_install", instance, mod="features-x", yes=1))
    assert list(mods_state.read(instance).mods["features-x"].files) == ["lib/a.php"]
    assert (sample.folder / "lib/a.php").read_bytes() == ONE["x/a.php"]
    removed(kit, instance)
    (sample.folder / "mine").unlink()


REFUSED = [
    (with_file("lib/a.php"), {}, "x/a.php is missing"),
    (with_file("lib/a.php") + "x/b.php lib/a.php\n", {**ONE, "x/b.php": b""}, "lib/a.php gets a second file"),
    (with_sql("CREATE TABLE x_a (id int);", "SELECT 1 INTO OUTFILE '/tmp/x';"), {}, "OUTFILE"),
    (with_sql("CREATE TABLE x_a (id int);", "GRANT ALL ON *.* TO x;"), {}, "of a kind that no mod may run"),
    (with_sql("INSERT INTO mysql.user VALUES (1);"), {}, "another database"),
    (f"{SMALL}sql-remove:\nGRANT ALL ON *.* TO x;\n", {}, "of a kind that no mod may run"),
    (with_sql("/*!50000 DROP TABLE tiki_pages */"), {}, "SQL in a comment"),
    (with_sql("INSERT INTO x VALUES ('a);"), {}, "a quote that does not end"),
    (with_sql("\\! touch /tmp/owned"), {}, "a command to the client program"),
]


def test_a_mod_that_may_not_be_is_refused_before_anything_is_done(kit, here):
    instance, _ = here
    wrong = []
    for control, files, says in REFUSED:
        shutil.rmtree(mods_collection.folder(kit.settings), ignore_errors=True)
        sample_mods.write(kit.settings, {"features-x": control}, files)
        ended = run(kit, "mods_install", instance, mod="features-x", yes=1, force=1)
        if ended.code not in (7, 9) or says not in ended.stderr:
            wrong.append((says, ended))
    assert wrong == []


def test_a_source_behind_a_link_is_not_read(kit, here):
    instance, _ = here
    folder = sample_mods.write(kit.settings, {"features-x": with_file("lib/a.php")}, {})
    (folder / "x").symlink_to("/etc")
    (folder / "Packages/features-x.info.txt").write_text(f"{SMALL}files:\nx/passwd lib/a.php\n")
    refused(run(kit, "mods_install", instance, mod="features-x", yes=1), "behind a link", code=7)


def test_what_is_there_is_replaced_with_force_alone_and_comes_back(kit, each):
    instance, sample = each
    before = state(sample)
    sample_mods.write(kit.settings, {"features-x": with_file("robots.txt"), "features-y": with_file("lib/tikilib.php"),
                                     "features-z": with_file("robots.txt")}, ONE)
    ended = run(kit, "mods_install", instance, mod="features-x", yes=1)
    refused(ended, "robots.txt of features-x:", "FORCE=1")
    done(run(kit, "mods_install", instance, mod="features-x", yes=1, force=1))
    refused(run(kit, "mods_install", instance, mod="features-z", yes=1), "belongs to features-x")
    done(run(kit, "mods_install", instance, mod="features-z", yes=1, force=1))
    removed(kit, instance, "features-x")
    assert (sample.folder / "robots.txt").read_bytes() == ONE["x/a.php"]
    (sample.folder / "robots.txt").write_text("by hand")
    said = removed(kit, instance, "features-z").stdout
    assert "robots.txt was changed by hand: kept in " in said
    kept = Path(said.split("kept in ", 1)[1].splitlines()[0])
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("by hand", 0o600)
    assert state(sample) == before


def test_what_mods_did_is_nothing_new_to_a_check(kit, here):
    instance, _ = here
    files = {"features-x": with_file("lib/new/x.php"), "features-y": with_file("robots.txt")}
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER, **files},
                      {**sample_mods.FILES, **ONE})
    done(run(kit, "check", instance, accept="all"))
    installed(kit, instance, f"{BOOK},features-x,features-y", force=1)
    done(run(kit, "check", instance))
    removed(kit, instance)
    done(run(kit, "check", instance))


def test_a_folder_that_may_not_be_written_is_opened_for_the_moment(kit, far):
    instance, sample = far
    folder = sample.folder / "lib"
    before = folder.stat().st_mode
    sample_mods.write(kit.settings, {"features-x": with_file("lib/new/a.php")}, ONE)
    folder.chmod(0o555)
    try:
        done(run(kit, "mods_install", instance, mod="features-x", yes=1))
        assert folder.stat().st_mode & 0o777 == 0o555
        assert (folder / "new/a.php").exists()
        removed(kit, instance)
        assert folder.stat().st_mode & 0o777 == 0o555
    finally:
        folder.chmod(before)
    assert not (folder / "new").exists()


def test_check_tells_what_is_not_as_installed(kit, here):
    instance, sample = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    installed(kit, instance)
    (sample.folder / "guests.php").write_text("by hand")
    (sample.folder / "lib/book/conf.php").unlink()
    ended = run(kit, "mods_check", instance, json=1)
    assert ended.code == 10
    assert {row["path"]: row["state"] for row in json.loads(ended.stdout)} == \
        {"guests.php": "changed", "lib/book/conf.php": "missing"}
    assert installed(kit, instance, force=1)
    done(run(kit, "mods_check", instance))
    removed(kit, instance)


def test_a_developer_s_files_go_both_ways(kit, each):
    instance, sample = each
    folder = sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    installed(kit, instance)
    (sample.folder / "guests.php").write_text("<?php // better\n")
    said = done(run(kit, "mods_diff", instance, mod=BOOK)).stdout
    assert "-<?php // guests\n+<?php // better\n" in said
    assert "lib/paper/paper.php" in done(run(kit, "mods_diff", instance)).stdout
    done(run(kit, "mods_copy", instance, mod=BOOK))
    assert (folder / "features/book/guests.php").read_text() == "<?php // better\n"
    assert (folder / "features/book/sample:conf.php").read_bytes() == sample_mods.FILES["features/book/sample:conf.php"]
    (folder / "features/book/guests.php").write_text("<?php // best\n")
    done(run(kit, "mods_restore", instance, mod=BOOK))
    assert (sample.folder / "guests.php").read_text() == "<?php // best\n"
    assert patch_writing.unfinished(instance) == {}
    done(run(kit, "mods_check", instance))
    removed(kit, instance)


@pytest.mark.parametrize("target", ["db/local.php", "db/other.example.org/local.php", ".htpasswd"])
def test_no_password_of_a_site_is_shown_as_a_mod_s_file_or_brought_into_the_collection(kit, each, target):
    instance, sample = each
    folder = sample_mods.write(kit.settings, {"features-x": with_file(target)}, ONE)
    is_there, secret = (sample.folder / target).exists(), "s3cret-of-the-site"
    if is_there:
        secret = sample.password
    else:
        (sample.folder / target).parent.mkdir(exist_ok=True)
        (sample.folder / target).write_text(secret)
    try:
        for verb in ("mods_diff", "mods_copy", "mods_restore"):
            ended = run(kit, verb, instance, mod="features-x")
            refused(ended, f"{target} of features-x: ")
            assert secret not in ended.stdout + ended.stderr
        assert secret.encode() not in b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    finally:
        if not is_there:
            (sample.folder / target).unlink()
            if (sample.folder / target).parent.name == "other.example.org":
                (sample.folder / target).parent.rmdir()


MAINTENANCE = with_sql("DELETE FROM tiki_preferences WHERE name = 'browsertitle';", "CREATE TABLE x_done (id int);")


def test_a_maintenance_mod_runs_and_what_was_there_is_kept(kit, here):
    instance, sample = here
    before = sample.sql("SELECT * FROM tiki_preferences")
    sample_mods.write(kit.settings, {"maintenance-title": MAINTENANCE}, {})
    refused(run(kit, "mods_install", instance, mod="maintenance-title", yes=1), "make mods-run")
    assert "would: " in done(run(kit, "mods_run", instance, mod="maintenance-title", dry=1)).stdout
    assert sample.sql("SELECT * FROM tiki_preferences") == before
    said = json.loads(done(run(kit, "mods_run", instance, mod="maintenance-title", yes=1, json=1)).stdout)[0]
    assert said["tables"] == ["tiki_preferences"]
    assert "browsertitle" not in sample.sql("SELECT name FROM tiki_preferences")
    dump = Path(said["dump"])
    assert dump.stat().st_mode & 0o777 == 0o600
    sample.server.sql(dump.read_text(), sample.database)
    sample.sql("DROP TABLE x_done")


def test_answers_are_kept_and_offered_again(kit, here):
    instance, _ = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    refused(run(kit, "mods_config", instance, mod=BOOK), "asks for book_pass", "ANSWERS=file", code=2)
    rows = json.loads(done(run(kit, "mods_config", instance, mod=BOOK, answers=sample_mods.answers(kit.top),
                               json=1)).stdout)
    assert [(row["variable"], row["value"]) for row in rows] == [("book_title", "It's ours"),
                                                                ("book_pass", "(not shown)")]
    done(run(kit, "mods_config", instance, mod=BOOK, set="book_title=Other one"))
    done(run(kit, "mods_install", instance, mod=BOOK, yes=1))
    assert mods_state.read(instance).mods[BOOK].answers == {"book_title": "Other one",
                                                            "book_pass": sample_mods.PASSWORD}
    removed(kit, instance)
    assert b"DROP TABLE" not in (mods_state.folder(instance) / "installed.json").read_bytes()


# Along with the site

@pytest.fixture
def own(kit) -> Iterator[tuple[Instance, SampleTiki]]:
    shutil.rmtree(mods_collection.folder(kit.settings), ignore_errors=True)
    instance, sample = make(kit)
    yield instance, sample
    shutil.rmtree(sample.folder)


def test_backup_restore_and_clone_carry_the_state(kit, own):
    instance, sample = own
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER,
                                     "features-x": with_file("robots.txt")}, {**sample_mods.FILES, **ONE})
    installed(kit, instance, f"{BOOK},features-x", force=1)
    with_mods, known = state(sample), mods_state.read(instance).mods
    done(run(kit, "backup", instance))
    removed(kit, instance)
    done(run(kit, "restore", instance, archive="latest"))
    assert mods_state.read(instance).mods == known
    assert state(sample)[0].keys() == with_mods[0].keys()

    copy = kit.blank("copy")
    ended = forked.run(kit.top, "clone", from_=instance.name, to="copy")
    assert ended.is_success, ended
    assert mods_state.read(copy).mods == known
    removed(kit, copy)
    assert not (Path(copy.web_root) / "guests.php").exists()
    assert (Path(copy.web_root) / "robots.txt").read_bytes() != ONE["x/a.php"]
    assert mods_state.read(instance).mods == known
    done(run(kit, "delete", copy))
    assert mods_state.everything_of(copy) is None


def test_an_old_tiki_s_own_list_is_kept_and_read(kit):
    instance, sample = make(kit)
    (sample.folder / "tiki-mods.php").write_text("<?php\n")
    foreign = "'features','old','1.0','An old one','LGPL'\n"
    place = sample.folder / "mods/Installed"
    place.mkdir(parents=True)
    (place / "00_list.txt").write_text(foreign)
    (place / "features-old.info.txt").write_text(with_file("lib/old.php"))
    (sample.folder / "lib/old.php").write_bytes(b"old")
    give_to(lab_user(), sample.folder)
    before = state(sample)
    sample_mods.write(kit.settings, {"features-x": with_file("lib/x.php"), "features-y": with_file("lib/old.php")}, ONE)
    refused(run(kit, "mods_install", instance, mod="features-y", yes=1), "lib/old.php of features-y: belongs to "
            "features-old")
    (sample.folder / "lib/old.php.orig.1.0").write_text("of Tiki")
    refused(run(kit, "mods_remove", instance, mod="features-old", yes=1), "lib/old.php.orig.1.0", "tiki-mods.php")
    (sample.folder / "lib/old.php.orig.1.0").unlink()
    done(run(kit, "mods_install", instance, mod="features-x", yes=1))
    listed = (place / "00_list.txt").read_text()
    assert listed.startswith(foreign[:20]) and "'features','x','1.0'" in listed
    assert (place / "features-x.info.txt").read_text() == with_file("lib/x.php")
    assert "features-old" in mods_state.read(instance).mods
    (place / "00_list.txt").write_text(listed.split("\n", 1)[1])
    refused(run(kit, "mods_remove", instance, mod="features-old", yes=1), "has no such mod", code=2)
    (place / "00_list.txt").write_text(listed)
    removed(kit, instance, "features-x")
    assert set(state(sample)[0]) == set(before[0])
    shutil.rmtree(sample.folder)
