"""Files and tables come out of a real archive as they were at the site, and load again."""

import json
import subprocess
from pathlib import Path

import pytest

from scripts.store import index
from tests.lab import forked
from tests.lab.compare import describe_tree
from tests.lab.fault_fixtures import fast_lab
from tests.lab.lab import Lab
from tests.lab.processes import find_program
from tests.lab.toolkit import Toolkit
from tests.unit import segmented

__all__ = ["fast_lab"]  # a fixture

DAMAGED, REFUSED, USAGE = 7, 9, 2   # exit codes


class Place:
    """A toolkit with a site that has one archive in each format."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.kit = lab, Toolkit(lab.folder / "kit", lab)
        _, self.sample = self.kit.tiki("wiki", files=20, versions=2)
        self.archives: dict[str, Path] = {}
        for packed in ("bz2", "zst"):
            assert (ended := forked.run(self.kit.top, "backup", instance="wiki", compress=packed)).is_success, ended
            self.archives[packed] = next((self.kit.settings.archives / "wiki").glob(f"*.{packed}"))

    def extract(self, dest: Path | str = "", packed: str = "bz2", **variables: str) -> forked.Ended:
        usual = {"instance": "wiki", "archive": self.archives[packed].name, **({"dest": str(dest)} if dest else {})}
        return forked.run(self.kit.top, "extract", **{**usual, **variables})


@pytest.fixture(scope="module")
def place(fast_lab: Lab) -> Place:
    return Place(fast_lab)


@pytest.mark.parametrize("packed", ["bz2", "zst"])
def test_the_whole_web_root_and_a_data_folder_are_what_they_are_at_the_site(place, tmp_path, packed):
    assert place.extract(tmp_path, packed, file=str(place.sample.folder)).is_success
    caches = {b"temp", b"templates_c"}
    assert describe_tree(tmp_path / "wiki", caches) == describe_tree(place.sample.folder, caches)
    fgal = place.sample.outside / "fgal"
    assert place.extract(tmp_path, packed, file=str(fgal)).is_success
    assert describe_tree(tmp_path / "fgal") == describe_tree(fgal)


def test_one_file_goes_to_a_folder_of_the_toolkit_that_is_named(place):
    ended = place.extract(file="tiki-index.php")
    there = place.kit.settings.state / "extracted" / place.archives["bz2"].name.partition(".tar")[0]
    assert ended.is_success and str(there) in ended.stdout, ended
    assert (there / "tiki-index.php").read_bytes() == (place.sample.folder / "tiki-index.php").read_bytes()
    assert there.stat().st_mode & 0o777 == 0o700
    again = place.extract(file="tiki-index.php")
    assert again.code == REFUSED and "is there already. Nothing was written" in again.stderr
    assert place.extract(file="tiki-index.php", overwrite="yes").is_success


def test_a_file_goes_to_the_output_and_nothing_else_does(place):
    ended = place.extract("-", file="robots.txt")
    assert ended.is_success and ended.stdout == (place.sample.folder / "robots.txt").read_text()
    assert place.extract("-", file=str(place.sample.folder)).code == USAGE


@pytest.mark.parametrize("packed", ["bz2", "zst"])
def test_every_table_comes_out_and_loads_as_it_was(place, tmp_path, packed):
    database = place.lab.mariadb
    database.sql("CREATE DATABASE IF NOT EXISTS taken")
    names = place.sample.sql("SHOW FULL TABLES WHERE table_type = 'BASE TABLE'").splitlines()
    for name in (line.split("\t")[0] for line in names[::1 if packed == "bz2" else 9]):
        ended = place.extract(tmp_path, packed, table=name)
        assert ended.is_success, ended
        with open(tmp_path / f"{name}.sql", "rb") as sql:
            subprocess.run([find_program("mariadb", "mysql"), "--no-defaults", f"--socket={database.socket}",
                            "--user=root", "taken"], check=True, stdin=sql)
        sums = f"CHECKSUM TABLE `{name}` EXTENDED"
        assert database.sql(sums, "taken").split()[1] == place.sample.sql(sums).split()[1], name


def test_a_table_that_is_not_there_is_told_with_what_is_near(place, tmp_path):
    ended = place.extract(tmp_path, table="tiki_page")
    assert ended.code == DAMAGED and "has no table tiki_page; near is tiki_pages" in ended.stderr
    assert not list(tmp_path.iterdir())


def test_what_an_archive_holds_is_listed_from_its_index_alone(place, tmp_path):
    rows = json.loads(place.extract(list_="1", file="db", json="1").stdout)
    assert {row["path"] for row in rows} >= {"db", "db/local.php"}
    beside = tmp_path / place.archives["bz2"].name
    beside.write_bytes(bytes(place.archives["bz2"].stat().st_size))    # the archive itself is not asked
    index.beside(beside).write_bytes(index.beside(place.archives["bz2"]).read_bytes())
    ended = place.extract(archive=str(beside), list_="1")
    assert ended.is_success and "tiki-index.php" in ended.stdout, ended


def test_without_its_index_all_of_an_archive_is_read_and_the_same_comes_out(place, tmp_path):
    beside = tmp_path / place.archives["bz2"].name
    for ending in ("", ".sha256", ".record.json"):
        Path(f"{beside}{ending}").write_bytes(Path(f"{place.archives['bz2']}{ending}").read_bytes())
    ended = place.extract(tmp_path / "out", archive=str(beside), file="robots.txt")
    assert ended.is_success and "has no index" in ended.stdout, ended
    assert (tmp_path / "out/robots.txt").read_bytes() == (place.sample.folder / "robots.txt").read_bytes()
    ended = place.extract(tmp_path / "out", archive=str(beside), table="tiki_pages")
    assert ended.is_success
    segmented.flip(beside, 1000)
    ended = place.extract(tmp_path / "other", archive=str(beside), file="robots.txt")
    assert ended.code == DAMAGED and not (tmp_path / "other").exists()


def test_a_damaged_archive_gives_all_but_what_its_damage_hit(place, tmp_path):
    archive = place.archives["bz2"]
    whole, found = archive.read_bytes(), index.read(index.beside(archive))
    hurt = next(segment for segment in found.segments if segment.count > 2 and b"/" in segment.first)
    try:
        segmented.flip(archive, hurt.offset + hurt.length // 2)
        lost = {member.path.decode("utf-8", "surrogateescape") for member in found.members(hurt)}
        ended = place.extract(tmp_path, file=".")
        assert ended.code == DAMAGED and "The rest was" in ended.stderr, ended
        there = {path.relative_to(tmp_path / "wiki").as_posix() for path in (tmp_path / "wiki").rglob("*")}
        every = {member.path.decode("utf-8", "surrogateescape") for segment in found.segments
                 for member in found.members(segment)} - {""}
        assert every - there <= lost and len(every - there) > 2
        ended = forked.run(place.kit.top, "restore", instance="wiki", archive=archive.name)
        assert ended.code == DAMAGED and "damaged is 1 of its" in ended.stderr and "make extract" in ended.stderr
    finally:
        archive.write_bytes(whole)


def test_a_dry_run_puts_nothing_anywhere(place, tmp_path):
    ended = place.extract(tmp_path / "none", file="db", dry="1")
    assert ended.is_success and "would take db out of" in ended.stdout
    assert not (tmp_path / "none").exists()
