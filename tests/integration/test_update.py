"""make update, upgrade and rollback: code and database change together, and go back together, whatever breaks."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from scripts.hosts.local import MANAGER
from scripts.registry import change
from scripts.steps import final_dump, switch_over, switching, way_back
from scripts.store import archive
from scripts.tiki import maintenance
from tests.lab import releases
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.releases import EDITED, GONE_FILE, NEW_FILE, PATCH
from tests.lab.toolkit import Toolkit
from tests.lab.update_fixtures import Site, code, in_a_hurry, kit_with, lab, numbers, shared
from tests.lab.web import fetch

__all__ = ["code", "in_a_hurry", "lab", "shared"]  # fixtures

TOOLS = ["sh", "env", "find", "grep", "sort", "comm", "cat", "mv", "cp", "rm", "rmdir", "tar", "xargs", "wc", "tail",
         "sed", "sleep", "kill", "sync", "head"]
"""What a host without perl has."""


# The whole way

@pytest.mark.parametrize("far", [False, True], ids=["here", "ssh"])
def test_an_update_changes_code_and_database_and_a_rollback_takes_both_back(shared, far):
    site = Site(shared, far=far)
    found = site.told("update")
    assert (found["version_before"], found["version"], found["updated"]) == ("24.3", "24.4", [PATCH])
    assert (site.version(), site.is_open(), site.left()) == ("24.4", True, [])
    assert (site.root / NEW_FILE).exists()
    assert not (site.root / GONE_FILE).parent.parent.exists()
    assert "came_new" in site.sample.sql("SHOW TABLES")
    assert found["answers"] == 200
    now = site.everything()
    released = {os.fsencode(path.relative_to(site.root)) for path in site.root.rglob("*") if path.is_file()}
    assert {path: told for path, told in site.first[0].items() if path.startswith(b"files/")} == \
        {path: told for path, told in now[0].items() if path.startswith(b"files/")}
    assert (b"db/local.php" in released, now[0][b"db/local.php"], now[0][b".htaccess"]) == \
        (True, site.first[0][b"db/local.php"], site.first[0][b".htaccess"])
    (site.root / "files/later.txt").write_text("came after the update")
    site.sample.sql("UPDATE tiki_pages SET data = 'written after the update'")
    back = site.told("rollback")
    assert (back["version"], site.version()) == ("24.3", "24.3")
    assert (site.root / "files/later.txt").read_text() == "came after the update"
    (site.root / "files/later.txt").unlink()
    site.assert_untouched()
    assert archive.of_instance(shared.settings, site.name)[0].path.name == back["archive"]
    assert way_back.read(site.instance) is None
    assert final_dump.all_of(site.instance) == []


def test_an_update_with_nothing_newer_changes_nothing(shared):
    site = Site(shared)
    site.told("update")
    before, archives = site.everything(), archive.of_instance(shared.settings, site.name)
    ended = site.run("update")
    assert ended.is_success, ended
    assert "is Tiki 24.4 already, and there is nothing newer" in ended.stdout
    assert (site.everything(), archive.of_instance(shared.settings, site.name)) == (before, archives)
    site.sample.sql(f"DELETE FROM tiki_schema WHERE patch_name = '{PATCH}'; DROP TABLE came_new")
    found = site.told("update")
    assert (found["updated"], found["replaced"], found["version"]) == ([PATCH], 0, "24.4")


def test_a_dry_update_and_a_dry_rollback_change_nothing(shared):
    site = Site(shared)
    ended = site.run("update", dry="1")
    assert ended.is_success, ended
    assert "1 patches come with the code" in ended.stdout
    site.assert_untouched()
    assert archive.of_instance(shared.settings, site.name) == []
    site.told("update")
    before = site.everything()
    assert site.run("rollback", dry="1").is_success
    assert (site.everything(), way_back.read(site.instance) is not None) == (before, True)


# What is refused

def test_an_upgrade_needs_a_version_above_and_a_php_that_can_run_it(lab, code):
    kit = kit_with(lab, code, {})
    releases.release(Path(kit.settings.releases_dir), "25.0")
    site = Site(kit)
    for version in ("24.3", "24.2", "12.x"):
        ended = site.run("upgrade", version=version)
        assert (ended.code, "is not above it" in ended.stderr) == (9, True), ended
    ended = site.run("upgrade", version="25.0")
    assert (ended.code, "needs PHP 7.4" in ended.stderr, "PHP_CHECK=no" in ended.stderr) == (4, True, True), ended
    assert site.run("upgrade").code == 2
    site.assert_untouched()
    assert site.told("upgrade", version="25.0", php_check="no")["version"] == "25.0"
    site.told("rollback")
    site.assert_untouched()


def test_a_guarded_site_is_asked_for_by_its_name(shared):
    site = Site(shared, stage="production")
    ended = site.run("update")
    assert (ended.code, f"CONFIRM={site.name}" in ended.stderr) == (9, True), ended
    site.assert_untouched()
    site.told("update", confirm=site.name)
    assert site.run("rollback").code == 9
    assert site.version() == "24.4"


def test_a_rollback_without_a_way_back_says_so(shared):
    site = Site(shared)
    ended = site.run("rollback")
    assert (ended.code, "make archives" in ended.stderr) == (9, True), ended
    site.assert_untouched()


def test_an_account_that_may_not_alter_its_database_is_refused(shared):
    site = Site(shared)
    site.sample.server.sql(f"REVOKE ALTER ON `{site.sample.database}`.* FROM '{site.sample.user}'@'localhost'; "
                           f"REVOKE ALTER ON `{site.sample.database}`.* FROM '{site.sample.user}'@'127.0.0.1'")
    ended = site.run("update")
    assert (ended.code, "ALTER" in ended.stderr) == (4, True), ended
    site.assert_untouched()


# Local changes

def test_a_local_change_is_carried_over_and_a_conflict_is_refused(shared):
    site = Site(shared)
    file = site.root / EDITED
    file.write_text(file.read_text().replace("// one", "// mine"))
    found = site.told("update")
    assert found["carried"] == [EDITED]
    assert "// mine" in file.read_text()
    assert "// 24.4" in file.read_text()
    site.told("rollback")
    assert "// 24.3" in file.read_text()
    file.write_text(file.read_text().replace("// 24.3", "// mine too"))
    site.first = site.everything()
    ended = site.run("update")
    assert (ended.code, EDITED in ended.stderr) == (9, True), ended
    site.assert_untouched()
    assert site.told("update", local="discard")["version"] == "24.4"
    assert "mine" not in file.read_text()


# What visitors see

def test_visitors_get_the_old_site_the_page_or_the_new_one_and_nothing_else(shared):
    site = Site(shared)
    seen, stop = [], threading.Event()

    def visit() -> None:
        while not stop.is_set():
            answer = fetch(f"{site.sample.url}tiki-index.php")
            seen.append((answer.status, "id=\"page-data\"" in answer.body))
    visitor = threading.Thread(target=visit)
    visitor.start()
    site.told("update")
    stop.set()
    visitor.join()
    assert set(seen) == {(200, True), (503, False)}


def test_a_page_that_was_up_before_stays(shared):
    site = Site(shared)
    assert site.run("maintenance", state="on", reason="for a reason").is_success
    site.told("update")
    state = maintenance.state(site.instance.host, site.instance.web_root)
    assert (state.is_on, state.complete, state.reason) == (True, True, "for a reason")
    assert site.run("maintenance", state="off").is_success
    assert (site.version(), site.is_open()) == ("24.4", True)


# git

class Remote:
    """A bare repository with branch 24.x, and a way to add commits."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.bare, self.work = folder / "remote.git", folder / "work"
        self.git("init", "-q", "--bare", "-b", "master", self.bare, at=folder)
        self.git("clone", "-q", self.bare, self.work, at=folder)
        self.git("checkout", "-q", "-b", "24.x")

    def commit(self, version: str, **choices) -> str:
        for path in self.work.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        releases.write(self.work, version, **choices)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "-m", version)
        self.git("push", "-q", "origin", "24.x")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str | Path, at: Path | None = None) -> str:
        return subprocess.run(["git", "-c", "safe.directory=*", "-c", "user.name=lab", "-c", "user.email=lab@lab",
                               *words], cwd=at or self.work, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("far", [False, True], ids=["its own remote", "the manager's mirror"])
def test_the_git_of_a_checkout_follows_its_files_and_goes_back(lab, far):
    remote = Remote(lab.folder / f"remote{next(numbers)}")
    old = remote.commit("24.3vcs", is_newer=False)
    kit = Toolkit(lab.folder / f"kit{next(numbers)}", lab)
    kit.set(compress="zst", releases_dir="", git_remote=remote.bare)
    site = Site(kit, far=far)
    clone = lab.folder / f"clone{next(numbers)}"
    remote.git("clone", "-q", "--depth=1", "-b", "24.x", f"file://{remote.bare}", clone)
    shutil.rmtree(site.root / "lib/setup")
    subprocess.run(["rsync", "-a", f"{clone}/", f"{site.root}/"], check=True)
    remote.git("remote", "set-url", "origin", "/gone" if far else f"file://{remote.bare}", at=site.root)
    (site.root / ".git/info/exclude").write_text("*\n")
    give_to(lab_user(), site.root)
    if not far:
        (site.root / EDITED).write_text((site.root / EDITED).read_text().replace("// one", "// mine"))
    new = remote.commit("24.4vcs")
    site.first = site.everything()

    def stands(commit: str) -> bool:
        status = remote.git("status", "--porcelain", at=site.root)
        return remote.git("rev-parse", "HEAD", at=site.root).strip() == commit and \
            status == ("" if far else f" M {EDITED}\n")
    assert stands(old)
    found = site.told("update")
    assert (found["commit"], found["version"]) == (new, "24.4vcs")
    assert stands(new), remote.git("status", "--porcelain", at=site.root)
    assert remote.git("symbolic-ref", "--short", "HEAD", at=site.root).strip() == "24.x"
    site.told("rollback")
    assert stands(old)
    assert site.version() == "24.3vcs"
    found = site.told("update", revision=new[:12])
    assert (found["commit"], stands(new)) == (new, True)


# What else knows of it

def test_a_promotion_can_be_rolled_back(shared):
    above, below = Site(shared), Site(shared)
    below.told("update")
    change.set_values(shared.settings, below.name, {"PARENT": above.name})
    (above.root / "files/mine.txt").write_text("of a user")
    above.first = above.everything()
    ended = below.run("promote")
    assert ended.is_success, ended
    assert (above.version(), "came_new" in above.sample.sql("SHOW TABLES")) == ("24.4", True)
    (above.root / "files/later.txt").write_text("after the promotion")
    assert above.told("rollback")["version"] == "24.3"
    (above.root / "files/later.txt").unlink()
    above.assert_untouched()


def test_the_archive_of_a_way_back_outlives_retention_and_a_restore_ends_the_way_back(shared):
    site = Site(shared)
    kept = site.told("update")["archive"]
    for _ in range(2):
        assert site.run("backup", keep="1").is_success
    assert kept in {one.path.name for one in archive.of_instance(shared.settings, site.name)}
    assert site.run("restore", archive=kept).is_success
    site.assert_untouched()
    assert site.run("rollback").code == 9
    assert final_dump.all_of(site.instance) == []


def test_a_web_root_whose_parent_may_not_be_written_holds_the_folder_of_the_switch_itself(shared, monkeypatch):
    site = Site(shared)
    monkeypatch.setattr(switch_over.switching, "is_writable", lambda host, folder: False)
    seen = []
    put = switch_over.switching.put

    def look(job, lists):
        seen.append((job.folder, fetch(f"{site.sample.url}{Path(job.folder).name}/new/tiki-index.php").status))
        (site.kit.top / "seen").write_text(repr(seen))
        put(job, lists)
    monkeypatch.setattr(switch_over.switching, "put", look)
    site.told("update")
    (folder, status), = eval((site.kit.top / "seen").read_text())
    assert (Path(folder).parent, status) == (site.root, 403)
    site.told("rollback")
    site.assert_untouched()


@pytest.mark.parametrize("program", ["perl", "cp"])
def test_names_of_any_kind_are_switched_and_put_back_with_perl_and_without(tmp_path, program, monkeypatch):
    root, job_folder = tmp_path / "root", tmp_path / "job"
    odd = ["plain.php", "-rf.php", "two\nlines.php", "a b/ü\udcff.php", "deep/er/x.php", "gone/only/old.php"]
    for name in odd:
        _write(root / name, "old")
    _write(root / "files/mine.txt", "mine")
    (root / "points").symlink_to("nowhere")
    if program == "cp":
        tools = tmp_path / "bin"
        tools.mkdir()
        for tool in TOOLS:
            (tools / tool).symlink_to(shutil.which(tool))
        monkeypatch.setenv("PATH", str(tools))
    before = describe_tree(root)
    job = switching.Job(MANAGER, str(root), str(root), str(job_folder))
    lists = switching.Lists(tuple(sorted([*odd[:5], "new/y.php", "points"])), tuple(sorted([*odd[:5], "points"])),
                            ("gone/only/old.php",), ("gone/only", "gone"))
    switching.make(job, lists, ["files"])
    for name in lists.put:
        _write(job_folder / "new" / name, "new")
    switching.farm(job)
    held = (job_folder / "reserve").stat()
    assert held.st_blocks * 512 > 2_000_000    # what the way back gets on a disk that is full by then
    _write(root / "files/beside", "a new one")
    (root / "files/beside").rename(root / "files/mine.txt")     # as an upload does while all is made ready
    before = describe_tree(root)
    switching.mark(job)
    switching.put(job, lists)
    now = describe_tree(root)
    assert {name for name, told in now.items() if told[0] == "file" and told[-1] != before.get(name, ("",))[-1]} == \
        {os.fsencode(name) for name in lists.put}
    assert not (root / "gone").exists()
    _write(root / "files/later.txt", "came meanwhile")
    switching.back(job)
    assert not (job_folder / "reserve").exists()
    (root / "files/later.txt").unlink()
    assert describe_tree(root) == before


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
