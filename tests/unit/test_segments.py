"""Which segments of an archive are taken from the one before, and which are packed."""

import os
import time

import pytest

from scripts.store import index, segments, write
from scripts.store.index import Member
from scripts.store.previous import Previous
from scripts.store.segments import Fresh, Kept, Planner, Text
from scripts.store.sizes import Sizes
from scripts.store.tree import Tree
from tests.unit import written
from tests.unit.test_process import open_files
from tests.unit.test_unchanged import Counted
from tests.unit.written import Archives, CalmTree, describe, grow, use_small_segments

NAMES = [f"{folder}/{number:03}" for folder in "abc" for number in range(40)]
SIZES = Sizes(10_000, 12)
SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    use_small_segments(monkeypatch)


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    grow(folder, NAMES)
    return folder


@pytest.fixture(params=["bz2", "zst"])
def archives(request, tmp_path, site) -> Archives:
    archives = Archives(tmp_path / "archives", [site], request.param)
    assert archives.write().counts.segments_packed > 8
    return archives


def assert_true(archives: Archives, site, tmp_path) -> None:
    top = archives.last.extracted(tmp_path / "extracted")
    assert describe(top / archives.parts[0].folder) == describe(site)


# What is packed anew

def test_where_nothing_changed_only_the_last_segment_is_packed(archives, site, tmp_path):
    for _ in range(3):
        counts = archives.write().counts
        assert counts.segments_packed == 1 and counts.segments_copied > 8
        assert counts.bytes_packed < 1000 < counts.bytes_copied
    assert_true(archives, site, tmp_path)


@pytest.mark.parametrize("kind", [CalmTree, Counted])
def test_an_archive_that_is_removed_while_it_is_copied_from_does_no_harm(tmp_path, site, monkeypatch, kind):
    """As find -mtime -delete does, beside the run: nothing of it is left, and all of it comes along."""
    archives = Archives(tmp_path / "archives", [site], kind=kind)
    archives.write()
    (site / "b/017").write_bytes(b"another")
    before = open_files()

    def removed(previous):
        for path in archives.place.glob("blog_*-01.tar.bz2*"):
            path.unlink()
    monkeypatch.setattr(Previous, "check", removed)
    assert archives.write().counts.segments_copied > 8
    assert_true(archives, site, tmp_path)
    assert open_files() == before


def test_a_file_of_before_1970_is_trusted_as_any_other(archives, site, tmp_path):
    os.utime(site / "b/017", (-5, -5))
    found = archives.write().index
    assert all(segment.state for segment in found.below(archives.parts[0].folder.encode()))
    assert_true(archives, site, tmp_path)


def swapped(one, two) -> None:
    between = one.with_name("between")
    one.rename(between)
    two.rename(one)
    between.rename(two)


@pytest.mark.parametrize("kind", [CalmTree, Counted])
def test_what_bore_a_name_only_while_it_was_read_is_not_copied_later(tmp_path, site, monkeypatch, kind):
    """As when a deployment puts another release in the place of one, and takes it back."""
    other = tmp_path / "other"
    for path in site.glob("b/*"):
        grow(other, [path.name])
        os.utime(other / path.name, (1_000_000_000, 1_000_000_000))
    archives = Archives(tmp_path / "archives", [site], kind=kind)
    tar = kind.tar

    def other_release(tree, *options):
        swapped(site / "b", other)
        return tar(tree, *options)
    with monkeypatch.context() as patched:
        patched.setattr(kind, "tar", other_release)
        archives.write()
    assert_true(archives, site, tmp_path)
    swapped(site / "b", other)
    archives.write()
    assert_true(archives, site, tmp_path)


def test_a_far_tree_is_read_where_it_was_looked_at_though_its_link_leads_elsewhere_by_then(tmp_path, site, monkeypatch):
    grow(tmp_path / "other", NAMES)
    (tmp_path / "link").symlink_to("site")
    archives = Archives(tmp_path / "archives", [tmp_path / "link"], kind=Counted)
    tar = Counted.tar

    def moved(tree, *options):
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("other")
        return tar(tree, *options)
    monkeypatch.setattr(Counted, "tar", moved)
    archives.write()
    assert_true(archives, site, tmp_path)


@pytest.mark.parametrize("change", [
    lambda site: grow(site, ["b/020x"], 100), lambda site: grow(site, ["a-new/in a new folder"]),
    lambda site: (site / "b/017").unlink(), lambda site: (site / "b/017").rename(site / "b/017 renamed"),
    lambda site: grow(site, ["b/017"], 9000), lambda site: (site / "b/017").chmod(0o600),
    lambda site: os.utime(site / "b/017", (1, 1)), lambda site: os.symlink("b/017", site / "b/018 link"),
    lambda site: os.mkfifo(site / "c/000 fifo")],
    ids=["added", "added with a folder", "removed", "renamed", "grown", "mode", "time", "link", "fifo"])
def test_one_change_in_the_middle_packs_at_most_three_segments(archives, site, tmp_path, change):
    change(site)
    assert archives.write().counts.segments_packed <= 3
    assert_true(archives, site, tmp_path)
    assert archives.write().counts.segments_packed == 1


def test_a_long_list_of_checksums_is_packed_once_for_a_change(archives, site, tmp_path, monkeypatch):
    """With what follows it, it would be packed again in all backups to come."""
    monkeypatch.setattr(write, "LIST_SMALL", 0)
    archives.write()
    grow(site, ["b/017"], 9000)
    assert archives.write().counts.segments_packed == 3
    again = archives.write().counts
    assert again.segments_packed == 1 and again.bytes_packed < 1000
    grow(site, ["b/020x"], 100)     # two segments of files, with bz2
    assert archives.write().counts.segments_packed <= 3
    assert archives.write().counts.segments_packed <= 2
    assert archives.write().counts.segments_packed == 1
    assert_true(archives, site, tmp_path)


def test_what_was_taken_away_leaves_no_crumbs(tmp_path, site):
    archives = Archives(tmp_path / "archives", [site])
    before = archives.write().counts.segments_packed
    for name in NAMES:
        if int(name[2:]) % 8:
            (site / name).unlink()
    counts = archives.write().counts
    assert counts.segments_packed + counts.segments_copied < before / 2
    assert_true(archives, site, tmp_path)


def test_many_new_files_in_the_middle_are_cut_by_size_and_shift_nothing(archives, site, tmp_path):
    copied = archives.write().counts.segments_copied
    grow(site, [f"b/020-{number:03}" for number in range(60)])
    counts = archives.write().counts
    assert counts.segments_copied >= copied - 4
    assert counts.segments_packed > 4
    assert archives.write().counts.segments_packed == 1
    assert_true(archives, site, tmp_path)


def test_a_large_file_that_changed_in_the_middle_is_packed_there_alone(tmp_path, site):
    place = site / "b/large"
    content = bytearray(os.urandom(600_000))
    place.write_bytes(content)
    archives = Archives(tmp_path / "archives", [site])
    assert archives.write().counts.segments_packed > 30
    place.write_bytes(content[:300_000] + b"put in" + content[300_000:])
    assert archives.write().counts.segments_packed <= 8
    assert_true(archives, site, tmp_path)


def test_a_file_that_stops_and_starts_being_large_is_packed_as_what_it_is(tmp_path, site):
    archives = Archives(tmp_path / "archives", [site])
    for size in (100, 300_000, 100, 299_999):
        grow(site, ["b/changing"], size)
        archives.write()
        assert_true(archives, site, tmp_path)
        assert archives.write().counts.segments_packed == 1


def test_no_segment_spans_two_trees_and_their_order_may_change(tmp_path, site):
    data = tmp_path / "data"
    grow(data, ["one", "two"])
    archives = Archives(tmp_path / "archives", [site, data])
    archives.write()
    counts = archives.write().counts
    assert counts.segments_packed == 1
    archives.parts.reverse()
    assert archives.write().counts.segments_packed <= 2     # manifest.txt names them in their order
    assert_true(archives, data, tmp_path)


def test_another_web_root_has_nothing_in_common_but_what_it_holds(tmp_path, site):
    archives = Archives(tmp_path / "archives", [site])
    archives.write()
    moved = site.rename(tmp_path / "moved")
    archives.parts = Archives(tmp_path / "archives", [moved]).parts
    archives.write()
    assert_true(archives, moved, tmp_path)


# What is trusted

def test_a_file_with_the_very_same_stat_is_not_read_but_with_everything(archives, site, tmp_path):
    (site / "b/017").write_bytes(os.urandom(3000))
    _say_stats_are_as_they_are(archives, site)
    assert archives.write().counts.segments_packed == 1
    with pytest.raises(AssertionError):
        assert_true(archives, site, tmp_path)
    assert 1 < archives.write(trusts=False).counts.segments_packed <= 3
    assert_true(archives, site, tmp_path)


def test_everything_read_again_and_unchanged_is_copied_all_the_same(archives):
    assert archives.write(trusts=False, unpacks_all=True).counts.segments_packed == 1


@pytest.mark.parametrize("ahead_ns", [0, -SECOND, 3600 * SECOND], ids=["now", "a second ago", "in an hour"])
def test_what_changed_just_before_the_look_is_read_again(tmp_path, site, ahead_ns):
    for path in [site, *site.rglob("*")]:
        os.utime(path, ns=(1, 1))
    members = [member._replace(ctime_ns=1) for member in written.members(_tree(site))]
    now = time.time_ns()
    assert all(segments.is_settled(member, now) for member in members)
    assert not segments.is_settled(members[3]._replace(ctime_ns=now + ahead_ns), now)
    assert not segments.is_settled(members[3]._replace(mtime_ns=now + ahead_ns), now)


def test_a_segment_of_a_file_that_changed_just_now_is_read_the_next_time(tmp_path, site):
    archives = Archives(tmp_path / "archives", [site], kind=Tree)
    assert all(not one.state for one in archives.write().index.segments)


# Hard links

def test_a_second_name_whose_first_is_kept_stays_a_link(archives, site, tmp_path):
    os.link(site / "a/001", site / "c/900 second")
    archives.write()
    assert_true(archives, site, tmp_path)
    grow(site, ["c/901 beside"], 50)
    os.link(site / "a/001", site / "c/902 third")
    counts = archives.write().counts
    assert counts.segments_copied > 4
    assert_true(archives, site, tmp_path)
    (site / "c/901 beside").unlink()
    assert archives.write().counts.segments_packed <= 3
    assert_true(archives, site, tmp_path)


def test_a_first_name_that_goes_makes_the_second_the_file(archives, site, tmp_path):
    os.link(site / "a/001", site / "c/900 second")
    archives.write()
    (site / "a/001").unlink()
    archives.write()
    assert_true(archives, site, tmp_path)


@pytest.mark.parametrize("kind", [CalmTree, Counted])
@pytest.mark.parametrize("happens", ["goes", "is replaced"])
def test_a_first_name_that_changes_while_files_are_read_takes_no_other_along(tmp_path, site, monkeypatch, kind,
                                                                            happens):
    """A second name that was taken as it is would be a link to nothing, or to another file."""
    os.link(site / "a/003", site / "c/zz")
    archives = Archives(tmp_path / "archives", [site], kind=kind)
    archives.write()
    (site / "a/004").write_bytes(b"another")
    tar, content = kind.tar, (site / "c/zz").read_bytes()

    def meanwhile(tree, *options):
        (site / "a/003").unlink()
        if happens == "is replaced":
            (site / "a/003").write_bytes(b"new")
        return tar(tree, *options)
    monkeypatch.setattr(kind, "tar", meanwhile)
    top = archives.write().extracted(tmp_path / "extracted")
    assert (top / archives.parts[0].folder / "c/zz").read_bytes() == content


def test_a_large_file_with_two_names_is_packed_once(tmp_path, site):
    grow(site, ["b/large"], 300_000)
    os.link(site / "b/large", site / "c/large too")
    archives = Archives(tmp_path / "archives", [site])
    archives.write()
    grow(site, ["c/large beside"], 50)
    counts = archives.write().counts
    assert counts.bytes_packed < 40_000
    assert_true(archives, site, tmp_path)


# What is lost or damaged of the archive before

def test_a_damaged_segment_is_packed_anew_and_told(archives, site, tmp_path):
    for number in (1, 3, len(archives.last.index.segments) - 3):
        segment = archives.last.index.segments[number]
        whole = bytearray(archives.last.path.read_bytes())
        whole[segment.offset + segment.length // 2] ^= 1
        archives.last.path.write_bytes(whole)
        written = archives.write()
        assert written.packed.damaged == 1
        assert written.counts.segments_packed <= 3
        assert_true(archives, site, tmp_path)


def test_a_damaged_piece_of_a_large_file_is_packed_anew(tmp_path, site):
    grow(site, ["b/large"], 300_000)
    archives = Archives(tmp_path / "archives", [site])
    archives.write()
    piece = [one for one in archives.last.index.segments if one.kind == index.PIECE and one.first.endswith(b"large")][5]
    whole = bytearray(archives.last.path.read_bytes())
    whole[piece.offset] ^= 1
    archives.last.path.write_bytes(whole)
    counts = archives.write().counts
    assert counts.segments_packed == 2
    assert_true(archives, site, tmp_path)


# Where segments begin

def planned(members: list[Member], tmp_path) -> list[Fresh | Kept]:
    with open(tmp_path / "spool", "w+b") as spool:
        planner = Planner(SIZES, spool, None, True)
        plan = planner.plan(b"x", map(index.described, members))
        planner.done()
        assert [one.path for item in plan for one, _ in planner.members(item)] == [one.path for one in members]
    return plan


def member(number: int, size: int) -> Member:
    return Member(b"x/%06d" % number, "f", size, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("sizes", [[100] * 2000, [0] * 500, [9000, 100] * 40, [12_900] * 20, [19_999, 50] * 20,
                                   [50, 19_999] * 20, [30_000] * 5, [1, 30_000, 1, 30_000, 1]])
def test_whatever_the_sizes_segments_are_neither_crumbs_nor_without_bounds(tmp_path, sizes):
    plan = planned([member(number, size) for number, size in enumerate(sizes)], tmp_path)
    small = [item for item in plan if not item.is_large]
    assert all(item.size <= 3.4 * SIZES.target for item in small)
    assert all(item.is_large == (len(item.texts) == 1 and item.size >= SIZES.large) or not item.is_large
               for item in plan)
    crumbs = [one for one, two in zip(plan, plan[1:])
              if not one.is_large and not two.is_large and one.size + two.size <= SIZES.target
              and min(one.size, two.size) < SIZES.tiny]
    assert not crumbs


def test_memory_is_no_matter_of_how_many_members_there_are(tmp_path):
    plan = planned([member(number, 100) for number in range(50_000)], tmp_path)
    assert all(isinstance(text, Text) for item in plan for text in item.texts)
    assert len(plan) < 50_000 * 1024 / SIZES.target * 1.4


def _tree(site) -> Tree:
    return Archives(site.parent / "none", [site])._kind(Archives(site.parent / "none", [site]).parts[0], str(site),
                                                        "")


def _say_stats_are_as_they_are(archives: Archives, site) -> None:
    """Change the index so that it knows the stats of now: as after a change that no stat tells of."""
    found, path = archives.last.index, index.beside(archives.last.path)
    now = {one.path: one for one in written.members(_tree(site))}
    writer = index.Writer(path.with_name("new"), found.header)
    for one in found.segments:
        members = [now.get(old.path, old) for old in found.members(one)]
        text = b"".join(map(index.described, members))
        state = index.state_of([text]) if one.state else ""
        writer.add(index.Segment(**{**vars(one), "state": state, "members_at": 0}), text, found.texts(one)[1])
    writer.finish(lambda count: found.totals)
    path.with_name("new").rename(path)
