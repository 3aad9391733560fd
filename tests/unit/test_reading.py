"""Segments are read in any choice, verified one by one; damage takes no more with it than it hits."""

import hashlib

import pytest

from scripts.errors import ArchiveError
from scripts.hosts.local import MANAGER
from scripts.store import damage, index, members, picking, reading
from scripts.store.picking import Wish
from tests.unit import segmented
from tests.unit.segmented import APP_PART

FILES = {**{f"lib/f{number:02}.php": b"<?php // %d\n" % number for number in range(30)},
         "img/large.bin": hashlib.shake_256(b"large").digest(30_000), "odd/latin1-\udcff\nname": b"odd",
         "a" * 150 + "/long": b"long name"}
MEMBERS = segmented.site(FILES)
PATHS = [segmented.below_top(one) for one in MEMBERS]
CONTENTS = {segmented.below_top(one): one[1] for one in MEMBERS if one[0].isreg()}


@pytest.fixture(params=["bz2", "zst"])
def whole(request, tmp_path):
    return segmented.write(tmp_path, MEMBERS, request.param)


def passing(archive, segments=None, on_damage=None) -> list[tuple[bytes, bytes]]:
    seen = []

    def take(one):
        seen.append((one.path, one.content().read() if one.info.isreg() else b""))
    members.each(archive, reading.index_of(archive), take, segments, on_damage)
    return seen


def test_all_members_come_in_order_and_as_they_are(whole):
    assert passing(whole) == [(path, CONTENTS.get(path, b"")) for path in PATHS]


def test_without_an_index_the_same_members_come(tmp_path):
    assert passing(segmented.write(tmp_path, MEMBERS, has_index=False)) == \
        [(path, CONTENTS.get(path, b"")) for path in PATHS]


@pytest.mark.parametrize("name", ["lib/f17.php", "img/large.bin", "odd/latin1-\udcff\nname", "a" * 150 + "/long"])
def test_one_file_takes_the_segments_that_hold_it_alone(whole, name):
    found = index.read(index.beside(whole.path))
    path = f"{APP_PART.folder}/{name}".encode("utf-8", "surrogateescape")
    segments = picking.holding_any(found, [path])
    assert (path, CONTENTS[path]) in passing(whole, segments)
    assert len(segments) == (8 if "large" in name else 1)


def test_no_path_is_missed_by_the_order_of_segments(tmp_path):
    for per in (1, 2, 5):
        found = index.read(index.beside(segmented.write(tmp_path / str(per), MEMBERS, per=per).path))
        for path in PATHS:
            wish = Wish("", path)
            by_order = picking.holding(found, wish, picking.likely(found, wish))
            assert by_order == picking.holding(found, wish, picking.starts(found)), path


def test_a_damaged_segment_is_refused_with_the_names_it_holds(whole):
    found = index.read(index.beside(whole.path))
    hurt = next(one for one in found.segments if b"f17" in b"".join(member.path for member in found.members(one)))
    segmented.flip(whole.path, hurt.offset + hurt.length // 2)
    with pytest.raises(ArchiveError, match=r"damaged is 1 of its \d+ segments, with .*lib/f17.php.*FILE=\."):
        passing(whole)


@pytest.mark.parametrize("name", ["lib/f17.php", "img/large.bin"])
def test_each_damaged_segment_takes_only_its_own_members_with_it(tmp_path, name):
    one = segmented.write(tmp_path, MEMBERS)
    found = index.read(index.beside(one.path))
    path = f"{APP_PART.folder}/{name}".encode()
    for hurt in picking.holding_any(found, [path]):
        segmented.flip(one.path, hurt.offset + hurt.length // 2)
        told = []
        came = {place for place, content in read_whole_ones(one, told)}
        lost = {member.path for member in damage.members(found, [hurt])}
        assert path in lost and told == [hurt]
        assert came == set(PATHS) - lost
        segmented.flip(one.path, hurt.offset + hurt.length // 2)


def read_whole_ones(archive, told) -> list[tuple[bytes, bytes]]:
    seen = []

    def take(one):
        content = b""
        if one.info.isreg():
            try:
                content = one.content().read()
            except members.tarfile.ReadError:
                return
        if len(content) == (one.info.size if one.info.isreg() else 0):
            seen.append((one.path, content))
    members.each(archive, reading.index_of(archive), take, on_damage=lambda segment, why: told.append(segment))
    return seen


def test_two_segments_that_changed_places_are_both_found(tmp_path):
    one = segmented.write(tmp_path, MEMBERS)
    found = index.read(index.beside(one.path))
    text = one.path.read_bytes()
    first, second = found.segments[2:4]
    one.path.write_bytes(text[:first.offset] + text[second.offset:second.end] + text[first.offset:first.end]
                         + text[second.end:])
    assert damage.segments(one.path, found) == [first, second]
    assert "with " in damage.of_file(one) and "2 of its" in damage.of_file(one)


def test_a_cut_archive_names_what_lay_behind_the_cut(tmp_path):
    one = segmented.write(tmp_path, MEMBERS)
    found = index.read(index.beside(one.path))
    one.path.write_bytes(one.path.read_bytes()[:found.segments[-1].offset + 5])
    assert "1 of its" in damage.of_file(one) and "0123" in damage.of_file(one)
    assert reading.index_of(one) is None


def test_what_the_program_leaves_out_is_noticed(tmp_path, monkeypatch):
    one = segmented.write(tmp_path, MEMBERS)
    monkeypatch.setattr(reading.compress, "decompressor", lambda packed: MANAGER.command("head", "-c", "9"))
    with pytest.raises(ArchiveError):
        passing(one)
