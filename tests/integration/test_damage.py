"""Archives that are not what they were: flipped, cut, changed inside, half, or of another make.

Nothing of the target may be touched before that is found out. A run is watched by shims: no program at all is
started for an archive whose sha256 is wrong.
"""

import bz2
import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.store import checksums, index, manifest
from scripts.store.manifest import Part
from tests.lab import forked
from tests.lab.compare import describe_database, describe_tree
from tests.lab.fault_fixtures import fast_lab
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.processes import find_program
from tests.lab.shims import Shims
from tests.lab.toolkit import Toolkit

__all__ = ["fast_lab"]  # a fixture

DAMAGED, NOT_PROVEN = 7, 6      # exit codes of ArchiveError and DatabaseError
BLOCK = 512                     # of tar
PIECES = 50


class Place:
    """A toolkit with a site that has one archive in each format."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.kit, self.shims = lab, Toolkit(lab.folder / "kit", lab), Shims(lab.folder / "shims")
        self.sample = small_site(lab, "wiki", is_far=False)
        self.kit.register("wiki", web_root=self.sample.folder)
        self.good: dict[str, Path] = {}
        for packed in ("bz2", "zst"):
            assert forked.run(self.kit.top, "backup", instance="wiki", compress=packed).is_success
            self.good[packed] = next((self.kit.settings.archives / "wiki").glob(f"*.{packed}"))
        self.blanks = 0

    def run(self, verb: str, archive: Path, target: str = "wiki", **variables: str) -> Ended:
        self.shims.reset()
        return forked.run(self.kit.top, verb, self.shims, instance=target, archive=str(archive), **variables)

    def site(self) -> tuple:
        folders = (self.sample.folder, self.sample.outside)
        return (*map(describe_tree, folders), describe_database(self.lab.mariadb, self.sample.database))

    def blank(self) -> tuple[str, Path, str]:
        """Return name, web root and database of a new blank."""
        self.blanks += 1
        name = f"blank{self.blanks}"
        instance = self.kit.blank(name)
        return name, Path(instance.web_root), instance.db_name


@pytest.fixture(scope="module")
def place(fast_lab: Lab) -> Place:
    return Place(fast_lab)


@pytest.fixture
def beside(place: Place, tmp_path: Path) -> Callable[[str], Path]:
    """Copy an archive with what stands beside it to a folder of the test."""
    def copied(packed: str) -> Path:
        for ending in ("", ".sha256", ".record.json", index.ENDING):
            shutil.copy2(f"{place.good[packed]}{ending}", tmp_path)
        return tmp_path / place.good[packed].name
    return copied


def refuses(place: Place, archive: Path, verb: str, **variables: str) -> list[str]:
    """Return what is wrong with how a verb treats a damaged archive."""
    ended = place.run(verb, archive, **variables)
    started = place.shims.calls()
    return [] if ended.code == DAMAGED and "is damaged" in ended.stderr and not started else [f"{ended} {started}"]


@pytest.mark.parametrize("verb", ["prove", "restore"])
@pytest.mark.parametrize("packed", ["bz2", "zst"])
def test_one_flipped_bit_anywhere_is_refused_before_any_program_runs(place, beside, verb, packed):
    before, archive = place.site(), beside(packed)
    whole = archive.read_bytes()
    last = len(whole) - 1
    wrong = []
    for position in sorted({0, 1, 3, last - 1, last, *(last * piece // PIECES for piece in range(PIECES))}):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << position % 8
        archive.write_bytes(flipped)
        wrong += refuses(place, archive, verb)
    assert not wrong
    assert place.site() == before


@pytest.mark.parametrize("verb", ["prove", "restore"])
@pytest.mark.parametrize("packed", ["bz2", "zst"])
def test_every_kind_of_cut_is_refused_before_any_program_runs(place, beside, verb, packed):
    before, archive = place.site(), beside(packed)
    whole = archive.read_bytes()
    kept = {"nothing": b"", "one byte": whole[:1], "the start": whole[:4], "a half": whole[:len(whole) // 2],
            "all but a byte": whole[:-1], "only the end": whole[len(whole) // 2:], "twice": whole + whole,
            "a hole": whole[:BLOCK] + whole[2 * BLOCK:], "zeros": whole[:-BLOCK] + bytes(BLOCK), "more": whole + b"\n"}
    wrong = []
    for content in kept.values():
        archive.write_bytes(content)
        wrong += refuses(place, archive, verb)
    assert not wrong
    assert place.site() == before


@pytest.mark.parametrize("packed", ["bz2", "zst"])
def test_a_damaged_segment_names_what_it_holds_and_how_to_take_out_the_rest(place, beside, packed):
    before, archive = place.site(), beside(packed)
    whole, found = archive.read_bytes(), index.read(index.beside(archive))
    for number, segment in enumerate(found.segments):
        position = segment.offset + segment.length * 2 // 3
        archive.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1:])
        first = next(iter(found.members(segment)), None)
        ended = place.run(("prove", "restore")[number % 2], archive)
        assert ended.code == DAMAGED and not place.shims.calls(), ended
        assert f"damaged is 1 of its {len(found.segments)} segments, with " in ended.stderr
        assert first is None or first.path.decode() in ended.stderr
        assert f"make extract INSTANCE=wiki ARCHIVE={archive} FILE=." in ended.stderr
    first, second = found.segments[1:3]
    archive.write_bytes(whole[:first.offset] + whole[second.offset:second.end] + whole[first.offset:first.end]
                        + whole[second.end:])
    assert "damaged is 2 of its" in place.run("prove", archive).stderr
    assert place.site() == before


def test_a_flipped_bit_anywhere_in_an_index_is_found_and_costs_time_alone(place, beside):
    archive = beside("zst")
    path = index.beside(archive)
    whole, known = path.read_bytes(), index.read(path)
    one = known.segments[1]
    parts = {"header": 40, "a segment's line": one.members_at - 30, "its members": one.members_at + 9,
             "its sums": one.members_at + one.members_length + 9, "totals": len(whole) - 120, "sha256": len(whole) - 20,
             **{f"byte {place_of}": place_of for place_of in random.Random(8).sample(range(len(whole)), 20)}}
    for part, position in parts.items():
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 2]) + whole[position + 1:])
        ended = place.run("extract", archive, file="robots.txt", dest="-")
        assert ended.is_success and ended.stdout == (place.sample.folder / "robots.txt").read_text(), (part, ended)
        assert f"{path.name}: is " in ended.stderr, (part, ended)
    for verb in ("prove", "restore"):
        ended = place.run(verb, archive)
        assert ended.is_success and f"{path.name}: is " in ended.stderr and "whole without it" in ended.stderr, ended


@pytest.mark.parametrize("packed", ["bz2", "zst"])
def test_damage_is_found_without_a_checksum_too(place, beside, packed):
    archive = beside(packed)
    Path(f"{archive}.sha256").unlink()
    whole, before = archive.read_bytes(), place.site()
    for size in (0, 1, len(whole) // 3, len(whole) - 1):
        archive.write_bytes(whole[:size])
        ended = place.run("restore", archive, unverified="yes")
        assert ended.code == DAMAGED, ended
    for position in range(len(whole) // 20, len(whole), len(whole) // 10):
        archive.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1:])
        ended = place.run("restore", archive, unverified="yes")
        assert ended.code == DAMAGED, ended
    assert place.site() == before


@pytest.mark.parametrize("packed", ["bz2", "zst"])
def test_a_cut_between_two_streams_and_two_files_is_refused(place, beside, packed):
    archive, before = beside(packed), place.site()
    stream = unpacked_bytes(archive)
    cut = between_files(stream)
    first, second = (pack(piece, packed) for piece in (stream[:cut], stream[cut:]))
    give(archive, first + second)
    assert place.run("restore", archive).is_success   # two streams are as good as one
    archive.write_bytes(first)
    assert not refuses(place, archive, "prove") + refuses(place, archive, "restore")
    Path(f"{archive}.sha256").unlink()
    ended = place.run("restore", archive, unverified="yes")
    assert ended.code == DAMAGED and "end mark" in ended.stderr, ended
    assert place.site() == before


@pytest.mark.parametrize("verb", ["prove", "restore"])
def test_a_row_changed_under_new_checksums_is_refused_by_the_tables_name(place, beside, verb):
    archive, before = beside("zst"), place.site()
    change_inside(archive, lambda top: replace_in(top / manifest.DUMP_NAME, b"Welcome to wiki", b"Welcome to wikI"))
    ended = place.run(verb, archive)
    assert ended.code == DAMAGED, ended
    assert "tiki_pages" in ended.stderr
    assert place.site() == before


def test_a_file_added_or_changed_inside_is_refused_by_its_name(place, beside):
    for change in (lambda top: (top / "added.php").write_text("<?php\n"),
                   lambda top: next(top.glob("*/wiki/robots.txt")).write_text("other\n")):
        archive = beside("zst")
        change_inside(archive, change, is_listed=False)
        ended = place.run("restore", archive)
        assert ended.code == DAMAGED and ("added.php" in ended.stderr or "robots.txt" in ended.stderr), ended


def test_a_collation_of_mysql_8_is_not_proven_and_never_called_damaged(place):
    name = place.good["zst"].name.replace("_20", "_19", 1)   # a year long gone
    archive = place.good["zst"].with_name(name)
    for ending in ("", ".sha256", ".record.json"):
        shutil.copy2(f"{place.good['zst']}{ending}", f"{archive}{ending}")
    change_inside(archive, lambda top: replace_in(top / manifest.DUMP_NAME, b"COLLATE=utf8mb4_general_ci",
                                                  b"COLLATE=utf8mb4_0900_ai_ci"))
    ended = forked.run(place.kit.top, "prove", instance="wiki", archive=name)
    assert ended.code == NOT_PROVEN, ended
    assert "not proven" in ended.stderr and "PROVE_DB" in ended.stderr and "utf8mb4_0900_ai_ci" in ended.stderr
    assert "damaged" not in ended.stderr
    record = json.loads(Path(f"{archive}.record.json").read_text())
    assert not record["proven"] and "utf8mb4_0900_ai_ci" in record["not_proven"]


@pytest.mark.parametrize("kind", ["TRIM", "Tiki Manager"])
def test_a_foreign_archive_is_taken_only_with_unverified_and_restores_onto_a_blank(place, tmp_path, kind):
    archive = foreign(place, tmp_path, columns=3 if kind == "TRIM" else 4)
    name, web_root, database = place.blank()
    ended = place.run("restore", archive, target=name)
    assert ended.code == DAMAGED and "unverifiable" in ended.stderr and "UNVERIFIED=yes" in ended.stderr, ended
    assert not place.shims.calls() and not web_root.exists()
    ended = place.run("restore", archive, target=name, unverified="yes")
    assert ended.is_success, ended
    assert "unverifiable" in ended.stderr
    own = {b"db/local.php"}
    assert describe_tree(web_root, own) == describe_tree(place.sample.folder, own)
    data = describe_tree(place.sample.outside, {b"forum", b"wiki att"})
    assert describe_tree(web_root.with_name(f"{name}-data")) == data
    found, wanted = (describe_database(place.lab.mariadb, one) for one in (database, place.sample.database))
    assert found.pop("tiki_preferences") != wanted.pop("tiki_preferences")   # the data folder's new place
    assert found == wanted


def test_a_clone_takes_a_foreign_archive_only_with_unverified(place, tmp_path):
    archive = foreign(place, tmp_path, columns=4)
    name, web_root, _ = place.blank()
    words = {"from_": "wiki", "to": name, "archive": str(archive)}
    ended = forked.run(place.kit.top, "clone", **words)
    assert ended.code == DAMAGED and "UNVERIFIED=yes" in ended.stderr and not web_root.exists(), ended
    ended = forked.run(place.kit.top, "clone", **words, unverified="yes")
    assert ended.is_success, ended
    own = {b"db/local.php"}
    assert describe_tree(web_root, own) == describe_tree(place.sample.folder, own)


def test_a_partial_archive_of_tiki_manager_is_refused_with_the_reason(place, tmp_path):
    archive = foreign(place, tmp_path, columns=4, extent="partial")
    name, web_root, _ = place.blank()
    ended = place.run("restore", archive, target=name, unverified="yes")
    assert ended.code == DAMAGED, ended
    assert "partial backup of Tiki Manager" in ended.stderr
    assert not web_root.exists()


@pytest.mark.parametrize("gone", ["manifest.txt", "database_dump.sql", "the dump's end"])
def test_a_foreign_archive_that_lacks_a_part_is_refused(place, tmp_path, gone):
    def change(top: Path) -> None:
        if gone.startswith("the"):
            dump = top / "database_dump.sql"
            dump.write_bytes(dump.read_bytes()[:-60])
        else:
            (top / gone).unlink()

    archive = foreign(place, tmp_path, columns=4, change=change)
    name, web_root, _ = place.blank()
    ended = place.run("restore", archive, target=name, unverified="yes")
    assert ended.code == DAMAGED, ended
    assert not web_root.exists()


def foreign(place: Place, folder: Path, columns: int, extent: str = "full",
            change: Callable[[Path], object] = lambda top: None) -> Path:
    """Make an archive as TRIM (3 columns) or Tiki Manager (4) does: one top folder ID-NAME, and no list."""
    top = folder / "12-wiki"
    parts = [Part("app", str(place.sample.folder)), Part("data", str(place.sample.outside / "fgal"))]
    for part in parts:
        (top / part.folder).parent.mkdir(parents=True)
        subprocess.run(["cp", "-a", part.path, top / part.folder], check=True)
    lines = [part.line.removesuffix("full") + extent if columns == 4 else part.line.removesuffix("    full")
             for part in parts]
    (top / "manifest.txt").write_text("\n".join(lines) + "\n")
    head = b""
    if columns == 4:
        (top / "changes.txt").write_text("M    tiki-index.php\nA    files/notes.txt\n")
        head = b"ALTER DATABASE DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;\n"
    dump = subprocess.run([find_program("mariadb-dump"), "--no-defaults", f"--socket={place.lab.mariadb.socket}",
                           "--user=root", "--quick", "--default-character-set=utf8mb4", "--no-tablespaces",
                           place.sample.database], check=True, capture_output=True).stdout
    (top / "database_dump.sql").write_bytes(head + dump)
    change(top)
    archive = folder / "12-wiki_2025-01-02_03-04-05.tar.bz2"
    subprocess.run(["tar", "-cjf", archive, "-C", folder, top.name], check=True)
    return archive


def change_inside(archive: Path, change: Callable[[Path], object], *, is_listed: bool = True) -> None:
    """Change an archive's content, and then all checksums that vouch for it: file list, manifest, sha256.

    Without is_listed the list of files stays as it was.
    """
    place = archive.with_name("inside")
    place.mkdir()
    subprocess.run(["tar", "-xpf", archive, "-C", place], check=True)
    top = next(place.iterdir())
    change(top)
    if is_listed:
        listed = list(checksums.read(top / checksums.LIST_NAME))
        lines = [checksums.line(checksums.of_file(top / Path(path.decode("utf-8", "surrogateescape"))), path)
                 for _, path in listed]
        (top / checksums.LIST_NAME).write_bytes(b"".join(lines))
        ours = json.loads((top / manifest.OUR_NAME).read_text())
        ours["list_sha256"] = checksums.of_file(top / checksums.LIST_NAME)
        (top / manifest.OUR_NAME).write_text(json.dumps(ours))
    stream = subprocess.run(["tar", "-c", "--format=gnu", "-C", place, top.name], check=True, capture_output=True)
    shutil.rmtree(place)
    give(archive, pack(stream.stdout, archive.suffix[1:]))


def replace_in(path: Path, old: bytes, new: bytes) -> None:
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new))


def give(archive: Path, content: bytes) -> None:
    """Put content and its checksum in place."""
    archive.write_bytes(content)
    Path(f"{archive}.sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  {archive.name}\n")


def pack(stream: bytes, packed: str) -> bytes:
    if packed == "bz2":
        return bz2.compress(stream)
    return subprocess.run(["zstd", "-q", "-c"], input=stream, check=True, capture_output=True).stdout


def unpacked_bytes(archive: Path) -> bytes:
    program = {"bz2": "bzip2", "zst": "zstd"}[archive.suffix[1:]]
    return subprocess.run([program, "-dc", archive], check=True, capture_output=True).stdout


def between_files(stream: bytes) -> int:
    """Return where, past the middle, a file of a tar stream has ended and the next one not begun."""
    position = 0
    while position < len(stream) // 2:
        size = int(stream[position + 124:position + 135], 8)
        position += BLOCK + -(-size // BLOCK) * BLOCK
    return position
