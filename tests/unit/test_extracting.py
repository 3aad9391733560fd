"""What FILE= means, where it lands, and that nothing of it lands anywhere else."""

import hashlib
import os
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from scripts.errors import ArchiveError, RefusedError, UsageError
from scripts.steps import extracting
from scripts.steps.extracting import Lost
from scripts.store import index, picking
from scripts.store.landing import Landing
from tests.unit import segmented
from tests.unit.segmented import APP_PART, DATA_PART

APP = APP_PART.folder
FILES = {**{f"lib/f{number:02}.php": b"<?php // %d\n" % number for number in range(12)},
         "img/large.bin": hashlib.shake_256(b"large").digest(30_000), "odd/latin1-\udcff\nname": b"odd",
         "db/local.php": b"<?php $pass='x';\n", "lang/de/custom.js": b"de", "lang/fr/custom.js": b"fr",
         "lang/fr/language.php": b"fr", "lang/a*b": b"star"}
MORE = [segmented.link(f"{APP}/link", "/etc/passwd"),
        segmented.second_name(f"{APP}/lib/second.php", f"{APP}/db/local.php"),
        segmented.second_name(f"{APP}/lib/third.php", f"{APP}/db/local.php")]
MEMBERS = segmented.listed(segmented.site(FILES, MORE))


@pytest.fixture(params=["indexed", "not indexed"])
def source(request, tmp_path):
    return extracting.opened(segmented.write(tmp_path, MEMBERS, has_index=request.param == "indexed"), False)


@pytest.fixture
def dest(tmp_path) -> Path:
    (tmp_path / "dest").mkdir()
    return tmp_path / "dest"


def take(source, text: str, dest: Path, overwrites: bool = False) -> Lost:
    with closing(Landing(str(dest), overwrites)) as place:
        return extracting.take_out(source, extracting.choose(source, text), place)


def there(dest: Path) -> dict[str, bytes]:
    return {path.relative_to(dest).as_posix(): path.read_bytes() for path in dest.rglob("*") if path.is_file()}


@pytest.mark.parametrize("text", ["db/local.php", "./db/local.php", "/srv/blog/db/local.php", f"{APP}/db/local.php",
                                  f"blog/{APP}/db/local.php", "/srv//blog/db/../db/local.php".replace("../db/", "")])
def test_one_file_by_each_of_its_names(source, dest, text):
    assert not take(source, text, dest).paths
    assert there(dest) == {"local.php": FILES["db/local.php"]}
    status = (dest / "local.php").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime) == (0o644, 1_700_000_000)


def test_a_large_file_and_one_with_an_odd_name(source, dest):
    take(source, "img/large.bin", dest)
    take(source, "odd/latin1-\udcff\nname", dest)
    assert there(dest) == {"large.bin": FILES["img/large.bin"], "latin1-\udcff\nname": b"odd"}


def test_a_folder_with_all_in_it_its_own_mode_and_time(source, dest):
    take(source, "lang", dest)
    assert there(dest) == {name: text for name, text in FILES.items() if name.startswith("lang/")}
    assert ((dest / "lang/fr").stat().st_mtime, stat.S_IMODE((dest / "lang").stat().st_mode)) == (1_600_000_000, 0o755)


def test_a_folder_of_uploads_by_its_own_path(source, dest):
    take(source, "/data/fgal/", dest)
    assert there(dest) == {"fgal/0123": b"upload"}


def test_the_web_root_and_everything(source, dest):
    take(source, "/srv/blog", dest)
    assert (dest / "blog/lib/f03.php").read_bytes() == FILES["lib/f03.php"]
    (dest / "all").mkdir()
    take(source, ".", dest / "all")
    assert (dest / "all/blog" / DATA_PART.folder / "0123").read_bytes() == b"upload"
    assert (dest / "all/blog/manifest.txt").exists()


@pytest.mark.parametrize(("text", "found"), [
    ("lang/*/custom.js", {"lang/de/custom.js", "lang/fr/custom.js"}),
    ("/srv/blog/lang/f?/*.php", {"lang/fr/language.php"}),
    ("lang/a*b", {"a*b"}), ("**/custom.js", {"lang/de/custom.js", "lang/fr/custom.js"}),
    ("lang/f*", {"lang/fr/custom.js", "lang/fr/language.php"})])
def test_a_pattern_keeps_the_paths_below_the_web_root(source, dest, text, found):
    take(source, text, dest)
    assert set(there(dest)) == found


def test_a_second_name_without_its_first_one_has_the_content(source, dest):
    take(source, "lib/second.php", dest)
    assert there(dest) == {"second.php": FILES["db/local.php"]}
    take(source, "lib", dest)
    assert (dest / "lib/second.php").read_bytes() == FILES["db/local.php"]
    assert (dest / "lib/second.php").samefile(dest / "lib/third.php")


def test_second_names_stay_names_of_one_file(source, dest):
    take(source, "/srv/blog", dest)
    assert (dest / "blog/lib/second.php").samefile(dest / "blog/db/local.php")


def test_a_link_stays_a_link(source, dest):
    take(source, "link", dest)
    assert os.readlink(dest / "link") == "/etc/passwd"


@pytest.mark.parametrize(("text", "near"), [("custom.js", "there is lang/de/custom.js, lang/fr/custom.js"),
                                            ("db/lokal.php", "near is local.php"), ("xyzzy", "holds no xyzzy. What")])
def test_what_is_not_in_it_is_told_with_what_is_near(source, text, near):
    with pytest.raises(ArchiveError, match=near):
        extracting.choose(source, text)


@pytest.mark.parametrize(("text", "why"), [("../x", "leads upwards"), ("lib/../../x", "leads upwards"),
                                           ("/etc/passwd", "none of the folders.*: /srv/blog, /data/fgal")])
def test_what_can_be_no_path_of_the_site_is_refused(source, text, why):
    with pytest.raises(UsageError, match=why):
        extracting.choose(source, text)


def test_only_the_segments_that_are_needed_are_read(tmp_path):
    opened = extracting.opened(segmented.write(tmp_path, MEMBERS), False)
    assert len(extracting.choose(opened, "lib/f07.php").segments) == 1
    assert len(extracting.choose(opened, "lib").segments) < 8 < len(opened.found.segments)


# Damage

def test_everything_but_what_a_damaged_segment_holds_is_taken_out(tmp_path, dest):
    one = segmented.write(tmp_path, MEMBERS)
    found = index.read(index.beside(one.path))
    for number, segment in enumerate(found.segments):
        segmented.flip(one.path, segment.offset + segment.length // 2)
        source = extracting.opened(one, False)
        (dest / str(number)).mkdir()
        lost = take(source, ".", dest / str(number))
        names = {f"{source.shown(member.path)}" for part in found.segments for member in found.members(part)
                 if not os.path.lexists(os.path.join(os.fsencode(dest / str(number) / "blog"), member.path))}
        assert lost.paths and set(lost.paths) >= names
        whole = {path.removeprefix(f"blog/{APP}/"): text for path, text in there(dest / str(number)).items()}
        assert all(FILES.get(path, text) == text for path, text in whole.items())
        segmented.flip(one.path, segment.offset + segment.length // 2)


def test_damage_elsewhere_is_no_hindrance(tmp_path, dest):
    one = segmented.write(tmp_path, MEMBERS)
    found = index.read(index.beside(one.path))
    wanted = picking.holding_any(found, [f"{APP}/lib/f07.php".encode(), b"manifest.txt"])
    for segment in found.segments:
        if segment not in wanted:
            segmented.flip(one.path, segment.offset + segment.length // 2)
    assert not take(extracting.opened(one, False), "lib/f07.php", dest).paths
    assert there(dest) == {"f07.php": FILES["lib/f07.php"]}


def test_an_index_that_was_damaged_costs_time_only(tmp_path, dest, capsys):
    one = segmented.write(tmp_path, MEMBERS)
    segmented.flip(index.beside(one.path), 300)
    take(extracting.opened(one, False), "lib/f07.php", dest)
    assert there(dest) == {"f07.php": FILES["lib/f07.php"]}
    said = capsys.readouterr()
    assert "is damaged: " in said.err and "as a whole" in said.err


def test_without_an_index_a_file_that_is_not_as_listed_is_told(tmp_path, dest):
    members = [*segmented.site(FILES), segmented.listed(segmented.site({**FILES, "db/local.php": b"other"}))[-1]]
    one = segmented.write(tmp_path, members, has_index=False)
    assert take(extracting.opened(one, False), "db", dest).paths == [f"{APP}/db/local.php"]


# Where it lands

def test_nothing_that_is_there_is_overwritten_unless_that_is_wished(source, dest):
    (dest / "local.php").write_text("mine")
    with pytest.raises(RefusedError, match="is there already.*OVERWRITE=yes"):
        take(source, "db/local.php", dest)
    assert there(dest) == {"local.php": b"mine"}
    take(source, "db/local.php", dest, overwrites=True)
    assert there(dest) == {"local.php": FILES["db/local.php"]}


def test_a_link_in_the_archive_leads_nowhere_outside(tmp_path, dest):
    outside = tmp_path / "outside"
    outside.mkdir()
    members = [*segmented.site({}), segmented.link(f"{APP}/out", str(outside)),
               segmented.file(f"{APP}/out/evil.php", b"evil")]
    opened = extracting.opened(segmented.write(tmp_path, members), False)
    with pytest.raises(RefusedError, match="nothing is written through it"):
        take(opened, ".", dest)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("overwrites", [False, True])
def test_a_link_that_is_there_is_not_followed(source, dest, tmp_path, overwrites):
    outside = tmp_path / "outside"
    outside.mkdir()
    (dest / "lang").symlink_to(outside)
    with pytest.raises(RefusedError):
        take(source, "lang", dest, overwrites)
    (dest / "local.php").symlink_to(outside / "local.php")
    if overwrites:
        take(source, "db/local.php", dest, overwrites)
        assert not (dest / "local.php").is_symlink()
    assert not list(outside.iterdir())


def test_names_that_lead_upwards_are_not_entered(tmp_path, dest):
    members = [*segmented.site({}), segmented.file(f"{APP}/../../../evil", b"evil")]
    opened = extracting.opened(segmented.write(tmp_path, members), False)
    assert take(opened, ".", dest).paths == ["../../../evil"]
    assert not (dest / "evil").exists() and not (dest.parent / "evil").exists()


def test_what_is_not_what_it_should_be_never_gets_its_name(dest):
    info, content = segmented.file("x", b"text")
    with closing(Landing(str(dest))) as place, pytest.raises(ArchiveError, match="is not what was packed"):
        place.put(b"x", info, lambda: tarfile.io.BytesIO(content), "0" * 64)
    assert not list(dest.iterdir())


def test_modes_of_folders_that_nobody_may_write_into_come_last(tmp_path, dest):
    members = [*segmented.site({}), segmented.folder(f"{APP}/closed", 0o555),
               segmented.file(f"{APP}/closed/in", b"in", 0o4711)]
    take(extracting.opened(segmented.write(tmp_path, members), False), "closed", dest)
    assert [stat.S_IMODE((dest / name).stat().st_mode) for name in ("closed", "closed/in")] == [0o555, 0o4711]
    (dest / "closed").chmod(0o755)
