"""What an instance leaves behind is moved out of the way of its name, and the env file goes last."""

import shutil
from datetime import UTC, datetime

import pytest

from scripts.errors import BusyError, RefusedError
from scripts.hosts import process
from scripts.registry import locks, registry
from scripts.registry.locks import Lock
from scripts.steps import forgetting
from scripts.store import archive

DAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@pytest.fixture
def blog(settings, register):
    register("blog", "TAGS=a\n")
    return registry.load(settings, "blog")


def test_archives_notes_and_env_file_go_and_the_work_copy_too(settings, blog, archived):
    one = archived(DAY)
    (settings.state / "status").mkdir(parents=True)
    (settings.state / "status" / "blog.restoring.json").write_text("{}")
    (settings.state / "status" / "blog-2.restoring.json").write_text("{}")
    (settings.work / "blog").mkdir(parents=True)
    where = forgetting.forget(blog)
    assert registry.names(settings) == []
    assert [found.path.name for found in archive.of_instance(settings, where.archives.name)] == [one.path.name]
    assert [path.name for path in (settings.state / "status").iterdir()] == ["blog-2.restoring.json"]
    assert where.env_file.with_suffix(".restoring.json").exists()
    assert not (settings.work / "blog").exists()


def test_an_archive_that_is_being_read_keeps_all_where_it_is(settings, blog, archived):
    one = archived(DAY)
    with locks.hold(settings, [Lock(one.path.name, exclusive=False)], "prove"), pytest.raises(BusyError):
        forgetting.forget(blog)
    assert registry.names(settings) == ["blog"]
    assert archive.of_instance(settings, "blog") == [one]
    assert list((settings.state / "trash").iterdir()) == []


def test_without_archives_nothing_is_kept_of_them(settings, blog):
    where = forgetting.forget(blog)
    assert where.archives is None
    assert "mv" not in forgetting.way_back(blog, where)


@pytest.mark.parametrize("key", ["PARENT", "MIRROR_OF"])
def test_an_instance_that_others_name_is_refused_naming_them(blog, register, key):
    register("copy", f"{key}=blog\n")
    register("other", f"{key}=blog-2\n")
    with pytest.raises(RefusedError, match=rf"other instances name it: copy \({key}\)\."):
        forgetting.refuse_needed(blog)


def test_an_earlier_ones_archives_are_set_apart_and_told(settings, archived, capsys):
    archived(DAY)
    forgetting.part_from_earlier(settings, "blog")
    assert archive.of_instance(settings, "blog") == []
    assert "holds 1 archive of an earlier blog" in capsys.readouterr().out
    assert len(archive.forgotten(settings, "blog")) == 1


def test_a_name_that_begins_like_another_has_archives_of_its_own(settings, archived):
    archived(DAY, instance="blog-2")
    forgetting.part_from_earlier(settings, "blog")
    assert len(archive.of_instance(settings, "blog-2")) == 1
    assert archive.forgotten(settings, "blog") == []


def test_who_asks_for_an_archive_of_a_forgotten_name_is_told_where_they_are(settings, archived):
    archived(DAY)
    place = archive.forget(settings, "blog")
    with pytest.raises(archive.ArchiveError, match=f"taken by their path: ARCHIVE={place}/"):
        archive.choose(settings, "blog", "latest")


def test_a_dry_run_sets_nothing_apart(settings, archived):
    one = archived(DAY)
    process.conduct.dry_run = True
    forgetting.part_from_earlier(settings, "blog")
    assert archive.of_instance(settings, "blog") == [one]


def test_two_that_were_forgotten_in_one_second_do_not_become_one(settings, archived, monkeypatch):
    class Standing(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 21, 12, 0, 0)

    archived(DAY)
    monkeypatch.setattr(archive, "datetime", Standing)
    kept = archive.forget(settings, "blog")
    shutil.copytree(kept, settings.archives / "blog")
    with pytest.raises(archive.ArchiveError, match="is there already"):
        archive.forget(settings, "blog")
    assert (settings.archives / "blog").exists()
