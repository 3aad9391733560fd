"""What a site changed in its release is found wherever it lies, and goes into the next release or is refused whole."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from scripts.code import trees
from scripts.errors import CommandError, HostError, RefusedError
from scripts.hosts import process
from scripts.registry.instance import Instance
from scripts.steps import checkouts, local_changes, patch_files, release_files, site
from scripts.steps.local_changes import Changes
from scripts.steps.release_files import Release
from scripts.steps.site import Site
from scripts.tiki import maintenance
from tests.lab.accounts import give_to, lab_user
from tests.lab.faults import small_site
from tests.lab.lab import Lab
from tests.lab.sample_code import write_code
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

OLD, NEW = "24.3", "24.4"
LINES = "".join(f"// line {number}\n" for number in range(1, 21))
SAME = "lib/wiki-plugins/wikiplugin_0003.php"       # the sample has it alike in every version
DIFFERENT = "lib/wiki-plugins/wikiplugin_0000.php"  # and this one never
numbers = count(1)


def line(number: int, text: str, lines: str = LINES) -> str:
    """Return the lines with another text at one place."""
    return lines.replace(f"// line {number}\n", f"// {text}\n")


EXTRA = {OLD: {"lib/joined.php": LINES, "lib/clash.php": LINES, "lib/gone.php": LINES, "lib/fixed.php": LINES,
               "img/both.bin": "\0old"},
         NEW: {"lib/joined.php": line(17, "theirs"), "lib/clash.php": line(3, "theirs"),
               "lib/fixed.php": line(5, "fix"), "img/both.bin": "\0new", "lib/fresh.php": "<?php\n"}}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def kit(lab: Lab) -> Toolkit:
    """A toolkit with both releases prepared, and none to be had anywhere else."""
    kit = Toolkit(lab.folder / "toolkit", lab)
    kit.set(git_remote="")
    for version in (OLD, NEW):
        trees.prepared(kit.settings, version, str(code(lab, version)))
    return kit


def code(lab: Lab, version: str) -> Path:
    folder = lab.folder / f"tiki-{version}"
    if not folder.exists():
        write_code(folder, version=version, files=20)
        add(folder, version)
    return folder


def add(folder: Path, version: str) -> None:
    for path, text in EXTRA[version].items():
        (folder / path).write_text(text)


@pytest.fixture
def made(kit: Toolkit) -> Iterator[object]:
    """Build a site of the old release and register it; its folder goes afterwards."""
    built: list[Path] = []

    def make(is_far: bool = False) -> tuple[Instance, SampleTiki]:
        sample = small_site(kit.lab, f"site{next(numbers)}", is_far, version=OLD)
        add(sample.folder, OLD)
        give_to(lab_user(), sample.folder)
        built.append(sample.folder)
        reached = kit.over_ssh() if is_far else {}
        return kit.register(sample.folder.name, web_root=sample.folder, **reached), sample

    yield make
    for folder in built:
        shutil.rmtree(folder)


@contextmanager
def opened(instance: Instance) -> Iterator[tuple[Site, Release]]:
    with site.opened(instance) as found:
        yield found, release_files.of_site(found)


def found(instance: Instance) -> Changes:
    with opened(instance) as (one, old):
        return local_changes.find(one, old)


def carry(kit: Toolkit, instance: Instance, overlay: Path, **choices: bool) -> local_changes.Carried:
    new = release_files.of_tree(trees.tree(kit.settings, NEW))
    with opened(instance) as (one, old):
        return local_changes.carry(one, old, local_changes.find(one, old), new, overlay, **choices)


def forget_tree(kit: Toolkit, version: str) -> None:
    trees.forget(kit.settings, trees.tree(kit.settings, version), "test")


# Finding

@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_a_site_with_users_files_and_the_page_on_has_no_local_change(made, is_far):
    instance, sample = made(is_far)
    maintenance.turn_on(instance.host, instance.web_root, "<p>closed</p>", datetime.now(UTC))
    changes = found(instance)
    assert (dict(changes.changed), changes.missing, changes.behind_links) == ({}, (), ())
    assert "themes/own/css/own.css" in changes.added_beside
    assert not [path for path in changes.added_beside if path.startswith(("files/", "img/wiki_up/", "db/local"))]


@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_every_kind_of_change_is_found(made, is_far):
    instance, sample = made(is_far)
    root = sample.folder
    (root / SAME).write_text("changed")
    (root / "img/wiki_up/index.php").write_text("changed guard")
    (root / "robots.txt").unlink()
    (root / "lib/own\nname.php").write_text("added")
    (root / "lib/clash.php").unlink()
    (root / "lib/clash.php").symlink_to("joined.php")
    (root / "lib/gone.php").unlink()
    (root / "lib/gone.php").mkdir()
    shutil.move(root / "img/trackers", root / "elsewhere")
    (root / "img/trackers").symlink_to(root / "elsewhere")
    changes = found(instance)
    assert set(changes.changed) == {SAME, "img/wiki_up/index.php", "lib/clash.php", "lib/gone.php"}
    assert changes.changed["lib/clash.php"] == "-> joined.php"
    assert changes.missing == ("robots.txt",)
    assert changes.behind_links == ("img/trackers/index.php",)
    assert "lib/own\nname.php" in changes.added_beside


def test_a_file_that_may_not_be_read_is_told(made):
    instance, sample = made(is_far=True)
    (sample.folder / SAME).chmod(0)
    os.chown(sample.folder / SAME, 0, 0)
    if os.geteuid() == 0 and instance.host.read_line("id", "-u") != "0":
        with pytest.raises(HostError, match=f"may not be read.*{SAME}.*make fix"):
            found(instance)
    else:
        assert SAME not in found(instance).changed


# Who tells what the release shipped

def test_the_record_tells_first_and_one_of_another_version_is_not_believed(kit, made):
    instance, sample = made()
    new = release_files.of_tree(trees.tree(kit.settings, NEW))
    release_files.remember(instance, Release(OLD, {"README": "0" * 64}, None, "our own record"))
    assert list(found(instance).changed) == ["README"]
    release_files.remember(instance, new)
    with opened(instance) as (_, old):
        assert old.origin == f"prepared tree {OLD}"


def test_the_list_of_sums_tells_last_and_only_of_its_endings(kit, made):
    instance, sample = made()
    forget_tree(kit, OLD)
    try:
        (sample.folder / SAME).write_text("changed")
        (sample.folder / "img/both.bin").write_text("changed")
        (sample.folder / "vendor_bundled/vendor/mine.php").write_text("taken as it is")
        with opened(instance) as (one, old):
            assert old.is_partial
            changes = local_changes.find(one, old)
        assert list(changes.changed) == [SAME]
        (sample.folder / f"db/tiki-secdb_{OLD}_mysql.sql").unlink()
        with pytest.raises(HostError, match=f"make prepare VERSION={OLD}"):
            found(instance)
    finally:
        trees.prepared(kit.settings, OLD, str(code(kit.lab, OLD)))


def git(folder: Path, *words: str) -> str:
    told = subprocess.run(["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org", "-c",
                           "safe.directory=*", *words], check=True, capture_output=True, text=True)
    return told.stdout.strip()


def checkout(kit: Toolkit, root: Path) -> None:
    """Make a web root a shallow clone of a repository of its release, without the vendor folder."""
    upstream = kit.lab.folder / f"{root.name}.git"
    shutil.copytree(code(kit.lab, OLD), upstream, ignore=shutil.ignore_patterns("vendor_bundled"))
    (upstream / "vendor_bundled").mkdir()
    for top in (upstream, root):
        (top / "vendor_bundled/composer.json").write_text("{}")
    (upstream / "lib/link.php").symlink_to("joined.php")
    git(upstream, "init", "-q", "-b", "24.x")
    git(upstream, "add", "-A", "-f")
    git(upstream, "commit", "-q", "-m", "all")
    git(kit.lab.folder, "clone", "-q", "--depth=1", f"file://{upstream}", f"{root}.clone")
    shutil.move(f"{root}.clone/.git", root / ".git")
    (root / "lib/link.php").symlink_to("joined.php")
    shutil.rmtree(f"{root}.clone")
    give_to(lab_user(), root)


@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_a_checkout_tells_by_its_commit_and_starts_nothing_that_is_configured_there(kit, made, is_far):
    instance, sample = made(is_far)
    root = sample.folder
    checkout(kit, root)
    trap = root / "trap"
    for name in ("core.fsmonitor", "filter.bad.clean", "filter.bad.smudge"):
        git(root, "config", name, f"touch {trap}; cat")
    (root / ".git/info/attributes").write_text("*.php filter=bad\n")
    assert dict(found(instance).changed) == {}
    (root / SAME).write_text("changed")
    (root / "lib/clash.php").write_text(line(9, "hidden from git"))
    git(root, "-c", "core.fsmonitor=false", "update-index", "--assume-unchanged", "lib/clash.php")
    trap.unlink(missing_ok=True)
    (root / "lib/link.php").unlink()
    (root / "lib/link.php").symlink_to("clash.php")
    changes = found(instance)
    assert set(changes.changed) == {SAME, "lib/clash.php", "lib/link.php"}
    assert not trap.exists()
    with opened(instance) as (_, old):
        assert old.origin == f"git commit {git(root, 'rev-parse', 'HEAD')[:12]}"
        assert "vendor_bundled/vendor/autoload.php" in old.files


def test_what_a_site_committed_itself_is_a_local_change(kit, made, tmp_path):
    instance, sample = made()
    checkout(kit, sample.folder)
    shipped = git(sample.folder, "rev-parse", "HEAD")
    (sample.folder / "lib/joined.php").write_text(line(3, "ours"))
    git(sample.folder, "commit", "-q", "-a", "-m", "ours")
    with opened(instance) as (_, old):
        assert old.commit == shipped
        assert old.origin == f"git commit {shipped[:12]}, with 1 commit of the site's own above it"
    done = carry(kit, instance, tmp_path)
    assert done.files == ("lib/joined.php",)
    assert (tmp_path / "lib/joined.php").read_text() == line(17, "theirs", line(3, "ours"))


# Carrying

@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_changes_are_kept_joined_or_included(kit, made, tmp_path, is_far, capsys):
    instance, sample = made(is_far)
    root = sample.folder
    (root / SAME).write_text("only ours")
    (root / "lib/joined.php").write_text(line(3, "ours"))
    (root / "lib/fixed.php").write_text(line(5, "fix"))
    (root / "lib/clash.php").write_text(line(3, "theirs"))
    (root / "lib/fresh.php").write_text("<?php\n")
    (root / DIFFERENT).unlink()
    done = carry(kit, instance, tmp_path)
    assert (done.files, done.kept, done.back) == (("lib/joined.php",), (SAME,), (DIFFERENT,))
    assert done.included == ("lib/clash.php", "lib/fixed.php")
    assert (tmp_path / "lib/joined.php").read_text() == line(17, "theirs", line(3, "ours"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "lib/joined.php"]
    said = capsys.readouterr().out
    assert f"files of the release that were removed here and come back (1): {DIFFERENT}" in said


@pytest.mark.parametrize(("path", "text", "why"), [
    ("lib/clash.php", line(3, "ours"), "changed the same lines"),
    ("lib/gone.php", line(3, "ours"), "has no such file any more"),
    ("img/both.bin", "\0ours", "is no text"),
    ("lib/fresh.php", "another", "the site has another one of its own"),
    ("lib/clash.php", None, "a link or a folder")])
def test_what_does_not_go_together_is_refused_before_anything_is_written(kit, made, tmp_path, path, text, why):
    instance, sample = made()
    (sample.folder / "lib/joined.php").write_text(line(3, "ours"))
    if text is None:
        (sample.folder / path).unlink()
        (sample.folder / path).symlink_to("joined.php")
    else:
        (sample.folder / path).write_text(text)
    with pytest.raises(RefusedError, match=rf"{path}: .*{why}.*ACTION=list.*LOCAL=discard"):
        carry(kit, instance, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_discarded_changes_are_kept_as_a_patch_that_brings_them_back(kit, made, tmp_path):
    instance, sample = made()
    wanted = {"lib/clash.php": line(3, "ours"), SAME: "only ours", "lib/fresh.php": "another"}
    shipped = {path: (sample.folder / path).read_bytes() for path in ("lib/clash.php", SAME)}
    for path, text in wanted.items():
        (sample.folder / path).write_text(text)
    done = carry(kit, instance, tmp_path, discards=True)
    assert (done.files, done.kept, list(tmp_path.iterdir())) == ((), (), [])
    patch, = patch_files.registered(instance)
    assert patch.name == done.saved
    texts = patch_files.applied(patch, {**shipped, "lib/fresh.php": None})
    assert {path: text.decode() for path, text in texts.items()} == wanted


def test_what_a_link_or_a_folder_took_the_place_of_is_told_when_changes_are_discarded(kit, made, tmp_path, capsys):
    instance, sample = made()
    for path in ("lib/clash.php", SAME):
        (sample.folder / path).unlink()
    (sample.folder / "lib/clash.php").symlink_to("joined.php")
    (sample.folder / SAME).mkdir()
    (sample.folder / "lib/joined.php").write_text("only ours")
    carry(kit, instance, tmp_path, discards=True)
    told = capsys.readouterr().err
    assert all(path in told for path in ("lib/clash.php", SAME, "a link or a folder here, which no patch holds"))
    patch, = patch_files.registered(instance)
    assert patch_files.touched(patch) == ("lib/joined.php",)


def test_a_file_known_by_its_sum_alone_is_joined_when_a_patch_tells_what_it_was(kit, made, tmp_path):
    instance, sample = made()
    release_files.remember(instance, release_files.of_tree(trees.tree(kit.settings, OLD)))
    (sample.folder / "lib/joined.php").write_text(line(3, "ours"))
    forget_tree(kit, OLD)
    try:
        with pytest.raises(RefusedError, match=r"lib/joined.php: 24.4 changed it too, and its text of 24.3 cannot"):
            carry(kit, instance, tmp_path)
        patch_files.keep(instance, patch_files.difference("ours.patch", {"lib/joined.php": LINES.encode()},
                                                          {"lib/joined.php": line(3, "ours").encode()}))
        assert carry(kit, instance, tmp_path).files == ("lib/joined.php",)
        assert (tmp_path / "lib/joined.php").read_text() == line(17, "theirs", line(3, "ours"))
    finally:
        trees.prepared(kit.settings, OLD, str(code(kit.lab, OLD)))


def test_a_dry_run_decides_and_writes_nothing(kit, made, tmp_path, monkeypatch):
    instance, sample = made()
    (sample.folder / "lib/joined.php").write_text(line(3, "ours"))
    monkeypatch.setattr(process.conduct, "dry_run", True)
    assert carry(kit, instance, tmp_path).files == ("lib/joined.php",)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_answer_of_git_is_no_release(kit, made, monkeypatch):
    instance, sample = made()
    checkout(kit, sample.folder)
    monkeypatch.setattr(checkouts, "TREE", checkouts.TREE.replace("end", "cut"))
    with pytest.raises(CommandError, match="cut off"):
        checkouts.files(instance.host, instance.web_root, "HEAD")
