"""Code is prepared from real tarballs, a real git remote and a real web server, once, and shared; a broken run leaves
nothing that counts.
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.code import sources, trees
from scripts.errors import ArchiveError, BusyError, CommandError, HostError, RefusedError, RegistryError
from scripts.hosts import process, transfer
from scripts.hosts.local import MANAGER
from scripts.registry import locks
from tests.lab import forked
from tests.lab.compare import describe_tree
from tests.lab.sample_code import write_code
from tests.lab.shims import FAIL, HERE, KILL, TRUNCATE, Call, Shims
from tests.lab.toolkit import Toolkit

FILES = 20


@pytest.fixture(autouse=True)
def _live_run() -> Iterator[None]:
    yield
    process.conduct.dry_run = False


@pytest.fixture
def kit(tmp_path: Path) -> Toolkit:
    """A toolkit that knows no place but a folder of release files, which is empty."""
    kit = Toolkit(tmp_path / "trim", None)
    (tmp_path / "releases").mkdir()
    kit.set(releases_dir=tmp_path / "releases", git_remote="")
    return kit


@pytest.fixture
def release(tmp_path: Path):
    """Write a release file into the folder of releases, as Tiki publishes them."""
    def write(version: str, says: str = "", folder: Path = tmp_path / "releases", **changed: str) -> Path:
        top = tmp_path / "made" / f"tiki-{version}"
        write_code(top, version=says or version, files=FILES)
        for name, text in changed.items():
            (top / name).write_text(text)
        folder.mkdir(exist_ok=True)
        path = folder / f"tiki-{version}.tar.gz"
        subprocess.run(["tar", "-C", top.parent, "-czf", path, top.name], check=True)
        shutil.rmtree(top)
        return path
    return write


class Remote:
    """A bare repository as Tiki's: trunk is master, branches, and tags that came from subversion."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "remote.git", folder / "work"
        self.git("init", "-q", "--bare", "-b", "master", self.bare, at=folder)
        self.git("clone", "-q", self.bare, self.work, at=folder)
        self.commit("master", "28.0vcs")
        self.commit("24.x", "24.4", "tags/24.4")
        self.commit("24.x", "24.5vcs")

    def commit(self, branch: str, version: str, tag: str = "", **changed: str) -> None:
        self.git("checkout", "-q", "-B", branch)
        for path in self.work.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_code(self.work, version=version, files=FILES)
        for name, text in changed.items():
            (self.work / name).write_text(text)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", version)
        if tag:
            self.git("tag", "-a", "-m", version, tag)
        self.git("push", "-q", "origin", branch, "--tags")

    def git(self, *words: str | Path, at: Path | None = None) -> str:
        return subprocess.run(["git", "-c", "user.name=lab", "-c", "user.email=lab@example.org", *words],
                              cwd=at or self.work, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote(tmp_path)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a web server for tmp_path/web, whose index links what is there."""
    (tmp_path / "web").mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_words: object) -> None:
            pass

        def send_head(self):
            self.close_connection = True
            found = super().send_head()
            if self.path.endswith("tiki-24.6.tar.gz"):  # more was promised than is sent
                found.seek(100)
            return found

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def left(kit: Toolkit) -> set[str]:
    """Return what lies beside and under the final names."""
    return {path.name for path in (kit.settings.cache / "trees").glob("*")}


def inodes(tree: Path) -> dict[str, os.stat_result]:
    return {path.relative_to(tree).as_posix(): path.stat() for path in tree.rglob("*") if path.is_file()}


# Release files


def test_a_release_is_prepared_whole_from_a_tarball_and_only_once(kit, release, tmp_path):
    write_code(tmp_path / "plain", version="24.4", files=FILES)
    release("24.4")
    made = trees.prepared(kit.settings, "24.4")
    assert describe_tree(made.path).keys() == describe_tree(tmp_path / "plain").keys()
    assert (made.version, made.files) == ("24.4", len(inodes(tmp_path / "plain")))
    assert made.bytes == sum(status.st_size for status in inodes(tmp_path / "plain").values())
    assert trees.tree(kit.settings, "24.4") == made
    shutil.rmtree(tmp_path / "releases")
    told = []
    assert trees.prepared(kit.settings, "24.4", tell=told.append) == made
    assert "there already" in told[0]
    assert left(kit) == {"24.4", "24.4.json"}


def test_all_can_read_a_tree_and_only_we_can_write_it_whatever_the_umask(kit, release):
    release("24.4")
    old = os.umask(0o077)
    try:
        made = trees.prepared(kit.settings, "24.4")
    finally:
        os.umask(old)
    modes = {oct(path.stat().st_mode & 0o7777) for path in [made.path, *made.path.rglob("*")]}
    assert modes == {"0o755", "0o644"}
    assert oct((kit.settings.cache / "trees").stat().st_mode & 0o777) == "0o700"


def test_two_releases_share_what_they_have_in_common(kit, release):
    for version in ("24.4", "24.5"):
        release(version)
    first, second = (trees.prepared(kit.settings, version) for version in ("24.4", "24.5"))
    one, two = inodes(first.path), inodes(second.path)
    same = {name for name in one.keys() & two.keys()
            if (second.path / name).read_bytes() == (first.path / name).read_bytes()}
    assert {name for name in two if two[name].st_nlink == 2} == same
    assert all(one[name].st_ino == two[name].st_ino for name in same)
    assert 0 < second.shared_bytes == sum(two[name].st_size for name in same) < second.bytes
    assert MANAGER.used_bytes(str(first.path), str(second.path)) < 2 * MANAGER.used_bytes(str(first.path))
    trees.check(first)
    trees.check(second)


def test_two_equal_files_of_one_tree_stay_two(kit, release):
    """rsync -H would give a site one file with two names, and writing one would write the other."""
    for version in ("24.4", "24.5"):
        release(version, **{"one.php": "<?php // same", "two.php": "<?php // same"})
    found = [inodes(trees.prepared(kit.settings, version).path) for version in ("24.4", "24.5")]
    assert all(len({status.st_ino for status in tree.values()}) == len(tree) for tree in found)
    assert found[1]["one.php"].st_nlink == 2


def test_a_site_that_is_changed_changes_no_tree(kit, release, tmp_path):
    for version in ("24.4", "24.5"):
        release(version)
    made = [trees.prepared(kit.settings, version) for version in ("24.4", "24.5")]
    site = tmp_path / "site"
    transfer.put(str(made[0].path), MANAGER, str(site))
    for path in site.rglob("*.php"):
        with open(path, "a") as file:
            file.write("// changed\n")
    transfer.put(str(made[1].path), MANAGER, str(site))
    for one in made:
        trees.check(one)


def test_a_file_written_in_place_is_found_by_the_check(kit, release):
    release("24.4")
    made = trees.prepared(kit.settings, "24.4")
    path = made.path / "tiki-index.php"
    path.write_bytes(path.read_bytes()[::-1])
    assert trees.tree(kit.settings, "24.4") == made
    with pytest.raises(ArchiveError, match="something was changed in it.*FORCE=1"):
        trees.check(made)
    trees.check(trees.prepared(kit.settings, "24.4", force=True))


@pytest.mark.parametrize("harm", [
    lambda made: (made.path / "index.php").unlink(), lambda made: (made.path / "index.php").write_text("longer" * 99),
    lambda made: made.path.with_name("24.4.json").unlink(), lambda made: shutil.rmtree(made.path),
    lambda made: made.path.with_name("24.4.json").write_text('{"files"')])
def test_a_tree_that_is_not_whole_does_not_count_and_is_made_anew(kit, release, harm):
    release("24.4")
    made = trees.prepared(kit.settings, "24.4")
    harm(made)
    assert trees.tree(kit.settings, "24.4") is None
    again = trees.prepared(kit.settings, "24.4")
    assert again.digest == made.digest
    assert left(kit) == {"24.4", "24.4.json"}


def test_a_release_file_that_holds_another_version_is_refused(kit, release):
    release("24.4", says="21.2")
    with pytest.raises(ArchiveError, match=r"tiki-24\.4\.tar\.gz: its code says it is Tiki 21\.2, which is not 24\.4"):
        trees.prepared(kit.settings, "24.4")
    assert left(kit) == set()


def test_a_version_that_nobody_has_is_told_with_where_to_look(kit, release):
    release("24.4")
    with pytest.raises(HostError, match=r"24\.9 cannot be had: no place offers it.*make versions"):
        trees.prepared(kit.settings, "24.9")


def test_without_a_branch_its_newest_release_is_taken_and_that_is_said(kit, release):
    for version in ("24.4", "24.10", "25.1"):
        release(version)
    told = []
    assert trees.prepared(kit.settings, "24.x", tell=told.append).version == "24.10"
    assert any("its newest release is taken, 24.10" in line for line in told)


# SOURCE


@pytest.mark.parametrize("ending", [".tar.gz", ".zip", ""])
def test_a_source_names_the_code_itself(kit, tmp_path, ending):
    top = tmp_path / "mine" / "tiki"
    write_code(top, version="24.4", files=FILES)
    if ending:
        shutil.make_archive(str(tmp_path / "mine"), {".tar.gz": "gztar", ".zip": "zip"}[ending], top.parent)
    made = trees.prepared(kit.settings, "24.4", str(tmp_path / f"mine{ending}") if ending else str(top))
    wanted = {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    assert {name: (made.path / name).read_bytes() for name in inodes(made.path)} == wanted


def test_a_changed_source_is_prepared_again_and_the_same_one_is_not(kit, release, tmp_path):
    source = str(release("24.4", folder=tmp_path / "mine"))
    made = trees.prepared(kit.settings, "24.4", source)
    assert trees.prepared(kit.settings, "24.4", source) == made
    release("24.4", folder=tmp_path / "mine", **{"new.php": "<?php"})
    assert (trees.prepared(kit.settings, "24.4", source).path / "new.php").exists()
    assert left(kit) == {"24.4", "24.4.json"}


def test_a_checkout_is_taken_without_its_history(kit, tmp_path):
    write_code(tmp_path / "mine", version="24.4", files=FILES)
    subprocess.run(["git", "init", "-q", tmp_path / "mine"], check=True)
    assert not (trees.prepared(kit.settings, "24.x", str(tmp_path / "mine")).path / ".git").exists()


def test_a_living_site_is_no_source(kit, tmp_path):
    write_code(tmp_path / "site", version="24.4", files=FILES)
    (tmp_path / "site" / "db" / "local.php").write_text("<?php $pass_tiki='secret';")
    with pytest.raises(RefusedError, match="this is a site, not a release: it holds db/local.php"):
        trees.prepared(kit.settings, "24.4", str(tmp_path / "site"))
    assert left(kit) == set()


@pytest.mark.parametrize(("name", "problem"), [
    ("nowhere", "no such file or folder"), ("notes.txt", "expected a folder"), ("empty", "this is not a Tiki")])
def test_a_source_that_is_no_code_is_told_so(kit, tmp_path, name, problem):
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "empty").mkdir()
    with pytest.raises((HostError, ArchiveError), match=problem):
        trees.prepared(kit.settings, "24.4", str(tmp_path / name))


# A web page


def test_a_release_is_downloaded_from_a_page_that_links_it(kit, release, web, tmp_path):
    release("24.4", folder=tmp_path / "web")
    kit.set(releases_url=web)
    made = trees.prepared(kit.settings, "24.4")
    assert made.origin == f"{web}tiki-24.4.tar.gz"
    kept = kit.settings.cache / "downloads"
    noted = (kept / "tiki-24.4.tar.gz.sha256").read_text()
    assert subprocess.run(["sha256sum", "--status", "-c"], input=noted, text=True, cwd=kept).returncode == 0
    assert made.identity == f"sha256:{noted.split()[0]}"


def test_a_download_that_is_cut_off_leaves_nothing(kit, release, web, tmp_path):
    release("24.6", folder=tmp_path / "web")
    kit.set(releases_url=web)
    with pytest.raises(HostError, match="the download is cut off: .* bytes came"):
        trees.prepared(kit.settings, "24.6")
    assert list((kit.settings.cache / "downloads").iterdir()) == [] and left(kit) == set()


def test_a_damaged_download_is_not_kept(kit, release, web, tmp_path):
    path = release("24.4", folder=tmp_path / "web")
    good = path.read_bytes()
    path.write_bytes(good[:-500])
    kit.set(releases_url=web)
    with pytest.raises(ArchiveError, match="the next run loads it again"):
        trees.prepared(kit.settings, "24.4")
    path.write_bytes(good)
    assert trees.prepared(kit.settings, "24.4").version == "24.4"


def test_a_page_that_cannot_be_reached_does_not_hide_the_other_places(kit, release):
    release("24.4")
    kit.set(releases_url="http://127.0.0.1:9/releases/")
    offers, problems = sources.everything(kit.settings)
    assert [offer.word.text for offer in offers] == ["24.4"]
    assert len(problems) == 1 and "cannot be reached" in problems[0]
    with pytest.raises(HostError, match="24.9 cannot be had: http://127.0.0.1:9/releases/: cannot be reached"):
        trees.prepared(kit.settings, "24.9")


@pytest.mark.parametrize(("key", "address"), [("releases_url", "https://me:secret@example.org/"),
                                              ("git_remote", "https://secret@example.org/tiki.git")])
def test_an_address_with_an_account_in_it_is_refused_without_showing_it(kit, key, address):
    kit.set(**{key: address})
    _, problems = sources.everything(kit.settings)
    assert "holds an account" in problems[0] and "secret" not in problems[0]
    with pytest.raises((RegistryError, HostError)) as fault:
        trees.prepared(kit.settings, "24.4")
    assert "secret" not in str(fault.value)


# Git


def test_branches_tags_and_trunk_are_prepared_from_one_small_mirror(kit, remote):
    kit.set(git_remote=remote.bare)
    found = {version: trees.prepared(kit.settings, version) for version in ("24.4", "24.x", "master")}
    assert {name: one.version for name, one in found.items()} == {"24.4": "24.4", "24.x": "24.5vcs",
                                                                  "master": "28.0vcs"}
    assert found["24.x"].identity == remote.git("rev-parse", "24.x").strip()
    assert not (found["24.x"].path / ".git").exists()
    mirror = str(kit.settings.cache / "tiki.git")
    assert remote.git("--git-dir", mirror, "rev-list", "--count", "24.x").strip() == "1"


def test_a_branch_is_looked_at_again_and_made_anew_only_when_it_moved(kit, remote):
    kit.set(git_remote=remote.bare)
    first = trees.prepared(kit.settings, "24.x")
    assert trees.prepared(kit.settings, "24.x") == first
    remote.commit("24.x", "24.6vcs", **{"new.php": "<?php"})
    second = trees.prepared(kit.settings, "24.x")
    assert second.version == "24.6vcs" and (second.path / "new.php").exists() and second.shared_bytes
    assert left(kit) == {"24.x", "24.x.json"}


def test_what_was_fetched_once_is_there_without_the_remote(kit, remote):
    kit.set(git_remote=remote.bare)
    for version in ("24.4", "24.x"):
        trees.prepared(kit.settings, version)
    remote.bare.rename(remote.bare.with_name("gone.git"))
    shutil.rmtree(kit.settings.cache / "trees")
    told = []
    assert trees.prepared(kit.settings, "24.4", tell=told.append).version == "24.4"
    assert not any("cannot be read" in line for line in told)
    assert trees.prepared(kit.settings, "24.x", tell=told.append).version == "24.5vcs"
    assert any("cannot be read" in line for line in told) and any("as it was fetched last" in line for line in told)


def test_a_prepared_branch_serves_when_no_place_can_be_reached(kit, remote):
    kit.set(git_remote=remote.bare)
    made = trees.prepared(kit.settings, "24.x")
    shutil.rmtree(remote.bare)
    shutil.rmtree(kit.settings.cache / "tiki.git")
    told = []
    assert trees.prepared(kit.settings, "24.x", tell=told.append) == made
    assert "Taken as it was prepared" in told[-1]
    with pytest.raises(HostError, match="24.x cannot be had"):
        trees.prepared(kit.settings, "24.x", force=True)


def test_a_fetch_that_died_with_the_machine_does_not_stop_the_next(kit, remote):
    kit.set(git_remote=remote.bare)
    trees.prepared(kit.settings, "24.4")
    mirror = kit.settings.cache / "tiki.git"
    for name in ("shallow.lock", "refs/heads/24.x.lock"):
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).touch()
    assert trees.prepared(kit.settings, "24.x").version == "24.5vcs"


# Composer


@pytest.fixture
def needs_vendor(remote, tmp_path) -> Remote:
    """A branch as it is in git: without its vendor folder, which composer makes of packages in a folder."""
    package = tmp_path / "packages" / "hello"
    (package / "src").mkdir(parents=True)
    (package / "composer.json").write_text(json.dumps({"name": "lab/hello", "version": "1.0.0", "type": "library"}))
    (package / "src" / "Hello.php").write_text("<?php\n")
    wanted = {"repositories": [{"packagist.org": False},
                               {"type": "path", "url": str(package), "options": {"symlink": False}}],
              "require": {"lab/hello": "1.0.0"}, "config": {"platform": {"php": "7.4.0"}}}
    remote.git("checkout", "-q", "24.x")
    remote.git("rm", "-rq", "vendor_bundled/vendor")
    (remote.work / "vendor_bundled").mkdir(exist_ok=True)
    (remote.work / "vendor_bundled" / "composer.json").write_text(json.dumps(wanted))
    remote.git("add", "-A", "-f")
    remote.git("commit", "-q", "-m", "as in git")
    remote.git("push", "-q", "origin", "24.x")
    return remote


def test_composer_makes_the_vendor_folder_that_git_does_not_have(kit, needs_vendor):
    kit.set(git_remote=needs_vendor.bare)
    made = trees.prepared(kit.settings, "24.x")
    assert (made.path / "vendor_bundled" / "vendor" / "autoload.php").is_file()
    assert (made.path / "vendor_bundled" / "vendor" / "lab" / "hello" / "src" / "Hello.php").is_file()
    trees.check(made)


@pytest.mark.parametrize(("composer", "problem"), [
    ("composer-is-missing", "apt-get install composer"), ("ls", "unrecognized option"),
    ("true", "vendor_bundled/vendor/autoload.php is not there")])
def test_a_tree_that_composer_did_not_complete_is_not_kept(kit, needs_vendor, composer, problem):
    kit.set(git_remote=needs_vendor.bare, composer=composer)
    with pytest.raises((HostError, CommandError), match=problem):
        trees.prepared(kit.settings, "24.x")
    assert left(kit) == set()


def test_composer_s_own_words_are_shown_when_it_cannot(kit, needs_vendor, tmp_path):
    shutil.rmtree(tmp_path / "packages")
    kit.set(git_remote=needs_vendor.bare)
    with pytest.raises(CommandError, match=r"composer install .*ended with exit code.*hello.*Next: "):
        trees.prepared(kit.settings, "24.x")
    assert left(kit) == set()


# Broken runs


def test_a_tree_that_is_copied_is_not_replaced_meanwhile(kit, release):
    release("24.4")
    made = trees.prepared(kit.settings, "24.4")
    with locks.hold(kit.settings, [made.lock], "instance"):
        assert trees.prepared(kit.settings, "24.4") == made
        with pytest.raises(BusyError, match="24.4.tree: another run holds it: make instance"):
            trees.prepared(kit.settings, "24.4", force=True)


def test_a_dry_run_tells_where_it_would_come_from_and_makes_nothing(kit, release, remote):
    release("24.4")
    kit.set(git_remote=remote.bare)
    process.conduct.dry_run = True
    told = []
    planned = [trees.prepared(kit.settings, version, tell=told.append) for version in ("24.4", "24.x")]
    assert [one.files for one in planned] == [0, 0]
    assert "tiki-24.4.tar.gz" in told[0] and "refs/heads/24.x" in told[1]
    assert not kit.settings.cache.exists()


def test_every_program_that_goes_wrong_leaves_no_tree_or_the_right_one_and_the_next_run_needs_no_help(
        kit, remote, tmp_path):
    """The kill before sync is the one between build and rename. What was fetched may serve when a later call fails."""
    kit.set(git_remote=remote.bare)
    shims = Shims(tmp_path / "shims")
    good = forked.run(kit.top, "prepare", shims, version="24.x")
    assert good.is_success, good
    calls = sorted(shims.calls())
    assert {"git", "tar", "chmod", "sync"} <= {call.program for call in calls}
    wanted = trees.tree(kit.settings, "24.x").digest
    for call in calls:
        for mode in (FAIL, TRUNCATE, KILL):
            shutil.rmtree(kit.settings.cache)
            shims.reset(call, mode)
            ended = forked.run(kit.top, "prepare", shims, version="24.x")
            assert shims.fired is not None, (call, mode)
            assert not ended.is_bug, (call, mode, ended)
            if ended.is_success:
                assert mode != KILL and trees.tree(kit.settings, "24.x").digest == wanted, (call, mode, ended)
            else:
                assert left(kit) <= ({"24.x.partial"} if mode == KILL else set()), (call, mode, ended)
            assert forked.run(kit.top, "prepare", version="24.x").is_success, (call, mode)
            assert trees.tree(kit.settings, "24.x").digest == wanted and left(kit) == {"24.x", "24.x.json"}


def test_a_run_killed_before_the_rename_keeps_the_tree_that_was_there(kit, remote, tmp_path):
    kit.set(git_remote=remote.bare)
    before = trees.prepared(kit.settings, "24.x")
    remote.commit("24.x", "24.6vcs")
    shims = Shims(tmp_path / "shims")
    shims.reset(Call(HERE, "sync", 1), KILL)
    assert forked.run(kit.top, "prepare", shims, version="24.x").code < 0
    assert trees.tree(kit.settings, "24.x") == before
    assert trees.prepared(kit.settings, "24.x").version == "24.6vcs"
