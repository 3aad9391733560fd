"""What an update decides without a host: what changes, which version is meant, what is remembered."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.code import words
from scripts.errors import RefusedError
from scripts.hosts.listing import Entry
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import answering, code_marks, final_dump, restoring, updating_plan, way_back
from scripts.steps.answering import Answer
from scripts.steps.switching import Lists
from scripts.steps.way_back import WayBack
from scripts.store import retention
from scripts.store.archive import Archive, Record
from scripts.tiki.probe import Probe
from scripts.tiki.version import Edition, Version
from scripts.verbs import upgrade

FILE = Entry("f", "640", "web", "web", 1)


@pytest.fixture
def blog(tmp_path: Path) -> Instance:
    return Instance(name="blog", settings=Settings(top=tmp_path), web_root="/srv/blog")


# What changes

def test_only_folders_that_nothing_stays_in_are_removed_the_deepest_first():
    gone = ["lib/old/deep/a.php", "lib/old/b.php", "lib/kept/c.php", "storage/public/d.php", "temp/e.php"]
    assert updating_plan.emptied(gone, ["lib/kept/x.php"]) == ("lib/old/deep", "lib/old")


@pytest.mark.parametrize(("file", "folder", "words"), [
    ("644", "755", "D755,Fu=rwX,Fg=rX,Fo=rX"), ("660", "2770", "D2770,Fu=rwX,Fg=rwX,Fo="),
    ("600", "700", "D700,Fu=rwX,Fg=,Fo=")])
def test_new_files_may_be_read_by_whom_the_old_ones_may(file, folder, words):
    entries = {"tiki-setup.php": FILE._replace(mode=file), "lib": FILE._replace(kind="d", mode=folder)}
    assert updating_plan._modes(entries) == [f"--chmod={words}"]


def test_what_takes_no_place_of_another_is_added():
    assert Lists(put=("a", "b", "c"), replaced=("b",)).added == ("a", "c")


def test_the_difference_of_two_looks_tells_what_was_replaced_removed_and_added():
    before = {"same": "1", "other": "2", "gone": "3"}
    assert code_marks.difference(before, {"same": "1", "other": "4", "new": "5"}) == (("other",), ("gone",), ("new",))


@pytest.mark.parametrize(("path", "is_code"), [
    ("lib/x.php", True), ("files/x.php", False), ("files/index.php", True), ("files/deep/index.php", False),
    ("storage/public/vue-mf/x.js", True), ("storage/public/mine.js", False)])
def test_what_a_release_brings_into_folders_of_users_is_code(path, is_code):
    assert code_marks._is_code(path, ("files", "storage", "storage/public")) is is_code


# Which version

@pytest.mark.parametrize(("present", "wanted", "is_above"), [
    ("24.3", "24.4", True), ("24.3", "24.3", False), ("24.3", "24.2", False), ("24.3", "24.x", False),
    ("24.3", "27.x", True), ("24.3", "23.x", False), ("24.5vcs", "24.5", False), ("24.5vcs", "24.6", True),
    ("29.0vcs", "trunk", True), ("24.3", "24.10", True)])
def test_an_upgrade_goes_up(blog, present, wanted, is_above):
    found = Probe("tiki", edition=Edition(Version(present)))
    if is_above:
        upgrade.refuse_not_above(blog, found, words.parse(wanted))
    else:
        with pytest.raises(RefusedError, match="make update INSTANCE=blog"):
            upgrade.refuse_not_above(blog, found, words.parse(wanted))


# What visitors get

@pytest.mark.parametrize(("answer", "problem"), [
    (Answer(200, b"<p>fine"), ""), (Answer(404, b""), ""), (Answer(503, b""), "answers 503"),
    (Answer(200, b"<br>\n<b>Fatal error</b>: Uncaught"), "a fatal error of PHP"),
    (Answer(200, b"PHP Parse error: syntax"), "a fatal error of PHP"), (Answer(0, b"refused"), "")])
def test_an_answer_tells_whether_the_site_itself_failed(answer, problem):
    assert problem in answer.problem
    assert bool(answer.problem) == bool(problem)


def test_an_error_that_was_there_before_is_no_reason_to_go_back(blog, monkeypatch, capsys):
    monkeypatch.setattr(answering, "ask", lambda url: Answer(500, b""))
    there = blog.with_(web_url="https://blog.example.org")
    assert answering.require(there, Answer(500, b""), "Tiki 24.4") == 500
    assert "as it did before" in capsys.readouterr().err


# What is remembered

def test_a_way_back_is_read_as_it_was_written_and_drops_the_dump_of_an_earlier_one(blog):
    folder = final_dump.folder(blog)
    folder.mkdir(parents=True)
    for name in ("blog.2026-01-01_00-00-00.sql.zst", "blog.2026-02-02_00-00-00.sql.zst", "blog-2.2026.sql.zst"):
        (folder / name).write_bytes(b"")
    way = WayBack("update", "2026-02-02T00:00:00+00:00", "24.3", "24.4", "blog_1.tar.zst",
                  "blog.2026-02-02_00-00-00.sql.zst", ("a\udcff",), ("b",), ("c",), {"db/local.php": "ab"})
    way_back.remember(blog, way)
    assert way_back.read(blog) == way
    assert {path.name for path in folder.iterdir()} == {way.dump, "blog-2.2026.sql.zst"}
    assert way_back.archives(blog) == {"blog_1.tar.zst"}
    restoring.begin(blog, "", "blog_2.tar.zst", verb="upgrade", version="27.1")
    assert way_back.archives(blog) == {"blog_1.tar.zst", "blog_2.tar.zst"}
    way_back.forget(blog)
    assert (way_back.read(blog), final_dump.all_of(blog)) == (None, [])


def test_an_update_that_broke_off_is_taken_back_by_a_rollback(blog):
    note = restoring.begin(blog, "", "blog_1.tar.zst", verb="update", variables={"INSTANCE": "blog"}, version="24.4")
    assert (note.what, note.is_update, note.is_clone) == ("an update to 24.4", True, False)
    said = restoring.way_out(blog, note)
    assert "make rollback INSTANCE=blog" in said
    assert "make restore INSTANCE=blog ARCHIVE=blog_1.tar.zst" in said
    assert "STATE=off" not in said
    with pytest.raises(RefusedError, match="an update to 24.4 that began"):
        restoring.refuse_half_restored(blog)


def test_retention_keeps_an_archive_that_is_asked_for(tmp_path):
    now = datetime.now(UTC)
    moments = [now - timedelta(days=days) for days in (1, 40, 50)]
    all_of_them = [Archive(tmp_path / f"blog_{number}", "blog", f"{moment:%Y-%m-%d_%H-%M-%S}", 1,
                           Record("safety" if number else "backup", moment.isoformat(), "24.3"))
                   for number, moment in enumerate(moments)]
    dropped = {one.path.name for one in retention.to_drop(all_of_them, 1, now, held_names={"blog_2"})}
    assert "blog_2" not in dropped
    assert "blog_2" in {one.path.name for one in retention.to_drop(all_of_them, 1, now)}
