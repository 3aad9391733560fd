"""Archives on disk: which are whose, and which one is meant."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.errors import ArchiveError
from scripts.store import archive
from scripts.store.archive import Record

NIGHT = datetime(2026, 11, 21, 2, 8, 57, tzinfo=UTC)


@pytest.fixture
def three(archived) -> list[str]:
    """Three nights of backups; their names, newest first."""
    return [archived(NIGHT - timedelta(days=days)).path.name for days in range(3)]


def test_the_newest_comes_first(settings, three):
    assert [one.path.name for one in archive.of_instance(settings, "blog")] == three


def test_the_order_is_that_of_finishing_and_not_of_clock_times(settings, archived, berlin):
    # 2026-10-25: 02:30 comes twice.
    first = archived(datetime(2026, 10, 25, 0, 50, tzinfo=UTC))
    second = archived(datetime(2026, 10, 25, 1, 10, tzinfo=UTC))
    assert first.stamp > second.stamp
    assert [one.stamp for one in archive.of_instance(settings, "blog")] == [second.stamp, first.stamp]


@pytest.mark.parametrize(("wanted", "place"), [("latest", 0), ("", 0), ("1", 0), ("2", 1), ("3", 2)])
def test_latest_and_numbers_count_from_the_newest(settings, three, wanted, place):
    assert archive.choose(settings, "blog", wanted).path.name == three[place]


def test_a_name_means_that_file(settings, three):
    assert archive.choose(settings, "blog", three[1]).path.name == three[1]


def test_a_path_means_a_file_anywhere(settings, tmp_path):
    path = tmp_path / "wiki_2026-01-02_03-04-05.tar.bz2"
    path.touch()
    chosen = archive.choose(settings, "blog", str(path))
    assert (chosen.path, chosen.instance, chosen.record) == (path, "wiki", None)


@pytest.mark.parametrize("wanted", ["0", "4", "99", "-1", "newest", "blog", "²",
                                    "blog_2026-11-21_02-08-57.tar.bz2.sha256"])
def test_what_means_no_archive_is_refused_with_the_next_step(settings, three, wanted):
    with pytest.raises(ArchiveError, match="make archives INSTANCE=blog"):
        archive.choose(settings, "blog", wanted)


@pytest.mark.parametrize("wanted", ["/nowhere/blog_2026-11-21_02-08-57.tar.bz2", "./x", "/"])
def test_a_path_to_nothing_is_refused(settings, three, wanted):
    with pytest.raises(ArchiveError, match="no such file"):
        archive.choose(settings, "blog", wanted)


def test_a_file_that_is_not_named_as_an_archive_is_refused(settings, tmp_path):
    (tmp_path / "backup.tar.gz").touch()
    with pytest.raises(ArchiveError, match="not an archive's name"):
        archive.choose(settings, "blog", str(tmp_path / "backup.tar.gz"))


def test_an_instance_without_archives_is_told_to_make_one(settings):
    with pytest.raises(ArchiveError, match="make backup INSTANCE=blog"):
        archive.choose(settings, "blog", "latest")


def test_latest_is_not_what_a_restore_took_for_safety(settings, archived, three):
    archived(NIGHT + timedelta(hours=1), kind="safety")
    assert archive.choose(settings, "blog", "latest").path.name == three[0]


def test_what_was_taken_for_safety_has_a_number_and_a_name(settings, archived, three):
    safety = archived(NIGHT + timedelta(hours=1), kind="safety")
    assert archive.choose(settings, "blog", "1") == safety
    assert archive.choose(settings, "blog", safety.path.name) == safety


def test_instances_whose_names_begin_alike_do_not_mix(settings, archived):
    own, other = archived(NIGHT), archived(NIGHT + timedelta(days=1), instance="blog-2")
    stray = own.path.with_name(other.path.name)
    stray.touch()
    assert archive.of_instance(settings, "blog") == [own]
    assert archive.of_instance(settings, "blog-2") == [other]


@pytest.mark.parametrize("name", ["blog_2026-11-21_02-08-57.tar.bz2.partial", "blog_2026-11-21.tar.bz2", "notes.txt",
                                  "blog_2026-11-21_02-08-57.tar.gz", "old.blog_2026-11-21_02-08-57.tar.bz2",
                                  "blog_2026-13-45_99-99-99.tar.bz2", "blog_2026-11-21_02-08-57.tar.bz2.sha256"])
def test_what_else_lies_in_the_folder_is_not_shown(settings, archived, name):
    own = archived(NIGHT - timedelta(days=1))
    own.path.with_name(name).touch()
    assert archive.of_instance(settings, "blog") == [own]


def test_an_archive_of_another_origin_has_no_record_and_the_moment_of_its_name(settings, archived, berlin):
    foreign = archived(NIGHT, ours=False)
    assert (foreign.record, foreign.moment) == (None, NIGHT)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"kind": "backup"}', '{"unknown": 1}', "\udcff",
                                  '{"kind": "backup", "finished": "yesterday", "version": "24"}',
                                  '{"kind": "backup", "finished": "2026-11-21T02:08:57", "version": "24"}',
                                  '{"kind": "backup", "finished": null, "version": "24"}'])
def test_a_record_that_cannot_be_understood_counts_as_none(settings, archived, text):
    path = archived(NIGHT).path
    archive.companion(path, ".record.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert [one.record for one in archive.of_instance(settings, "blog")] == [None]


def test_a_record_is_read_back(settings, archived):
    one = archived(NIGHT)
    archive.update_record(one, proven="2026-11-22T00:00:00+00:00", proven_seconds=3.5)
    expected = Record("backup", NIGHT.isoformat(), "24.4", proven="2026-11-22T00:00:00+00:00", proven_seconds=3.5)
    assert archive.read(one.path).record == expected


def test_a_foreign_archive_gets_no_record(archived):
    foreign = archived(NIGHT, ours=False)
    archive.update_record(foreign, proven="2026-11-22")
    assert archive.read(foreign.path).record is None


def test_removing_takes_the_companions_and_no_neighbour(settings, archived):
    one, other = archived(NIGHT), archived(NIGHT + timedelta(days=1))
    one.checksum_path.touch()
    archive.remove(one)
    left = sorted(path.name for path in one.path.parent.iterdir())
    assert left == [other.path.name, f"{other.path.name}.record.json"]


def test_a_record_is_ours_alone_to_read(settings, archived):
    path = archived(NIGHT).path
    archive.write_record(path, Record("backup", NIGHT.isoformat(), "24.4"))
    written = Path(f"{path}.record.json")
    assert (written.stat().st_mode & 0o777, json.loads(written.read_text())["version"]) == (0o600, "24.4")
