"""One commit of a branch is found and prepared, beside the branch's newest code; from a real git remote."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.code import history, mirror, revisions, trees, words
from scripts.errors import ArchiveError, HostError, UsageError
from scripts.hosts import process
from scripts.registry import locks
from scripts.steps import release_files
from tests.lab.sample_code import write_code
from tests.lab.toolkit import Toolkit

AGES = (200, 20, 8, 1)  # days of the commits of branch 24.x, the oldest first


class Remote:
    """A bare repository: trunk, and a branch whose commits have their ages; a side line came by a merge."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "remote.git", folder / "work"
        self.git("init", "-q", "--bare", "-b", "master", self.bare, at=folder)
        self.git("clone", "-q", self.bare, self.work, at=folder)
        write_code(self.work, version="28.0vcs", files=3)
        self.git("checkout", "-q", "-B", "master")
        self.commit("trunk", 300)
        self.git("checkout", "-q", "-B", "24.x")
        write_code(self.work, version="24.5vcs", files=3)
        self.commits = [self.commit(f"number {number}", age) for number, age in enumerate(AGES[:-1])]
        self.git("tag", "-a", "-m", "number 1", "tags/24.4", self.commits[1])
        self.git("checkout", "-q", "-b", "side", self.commits[1])
        self.side = self.commit("on the side", 9, "side")
        self.git("checkout", "-q", "24.x")
        self.git("merge", "-q", "--no-ff", "-m", "number 3", "side", date=self.date(AGES[-1]))
        self.commits.append(self.git("rev-parse", "HEAD").strip())
        self.git("push", "-q", "--tags", "origin", "master", "24.x")

    def commit(self, subject: str, age: int, name: str = "marked") -> str:
        (self.work / f"{name}.txt").write_text(subject)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "-m", subject, date=self.date(age))
        return self.git("rev-parse", "HEAD").strip()

    def date(self, age: int) -> str:
        return f"{datetime.now(UTC) - timedelta(days=age, minutes=1):%Y-%m-%dT%H:%M:%SZ}"

    def git(self, *words: str | Path, at: Path | None = None, date: str = "") -> str:
        dated = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date} if date else {}
        return subprocess.run(["git", "-c", "user.name=lab", "-c", "user.email=lab@example.org", *words],
                              cwd=at or self.work, check=True, capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", **dated}).stdout


@pytest.fixture(scope="module")
def remote(tmp_path_factory) -> Remote:
    return Remote(tmp_path_factory.mktemp("remote"))


@pytest.fixture(params=["modern", "limited", "ancient"])
def kit(request, tmp_path, remote, monkeypatch) -> Toolkit:
    """A toolkit whose server leaves out what is not wanted, or sends whole commits, or knows nothing but its tips."""
    kit = Toolkit(tmp_path / "trim", None)
    remote.git("--git-dir", remote.bare, "config", "uploadpack.allowFilter", str(request.param == "modern").lower())
    if request.param == "ancient":
        for name, value in {"COUNT": "1", "KEY_0": "protocol.version", "VALUE_0": "0"}.items():
            monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    kit.set(git_remote=f"file://{remote.bare}")
    return kit


def resolve(kit: Toolkit, revision: str = "", lag: str = "", version: str = "24.x") -> str:
    return revisions.resolve(kit.settings, words.parse(version), revision, lag, "update")


def test_a_commit_is_older_than_those_that_came_to_the_branch_after_it(kit, remote):
    first, later = remote.commits[0], remote.commits[3]
    asked = [revisions.is_older(kit.settings, words.parse("24.x"), *pair, "update")
             for pair in ((first, later), (later, first), (first, first), (first, "0" * 40))]
    assert asked == [True, False, False, False]


def test_a_lag_means_the_newest_commit_of_that_age(kit, remote):
    found = [resolve(kit, lag=lag) for lag in ("1d", "2d", "2w", "1m", "9m")]
    assert found == [remote.commits[3], remote.commits[2], remote.commits[1], remote.commits[0],
                     remote.git("rev-parse", "master").strip()]
    with pytest.raises(UsageError, match="LAG=900d: no commit of 24.x is that old"):
        resolve(kit, lag="900d")


def test_a_revision_is_a_tag_or_the_start_of_a_commit_of_that_branch(kit, remote):
    assert resolve(kit) == ""
    assert resolve(kit, "24.4") == resolve(kit, "tags/24.4") == remote.commits[1]
    for commit in (*remote.commits, remote.side):
        assert resolve(kit, commit) == resolve(kit, commit[:9]) == resolve(kit, commit[:9].upper()) == commit
    with pytest.raises(UsageError, match="no commit of trunk begins like that"):
        resolve(kit, remote.commits[2], version="trunk")
    with pytest.raises(UsageError, match="is no tag of GIT_REMOTE, and no commit"):
        resolve(kit, "yesterday")
    with pytest.raises(HostError, match="has no branch 23.x"):
        resolve(kit, lag="1d", version="23.x")


def test_the_tree_of_a_commit_and_that_of_the_branch_are_never_taken_for_each_other(kit, remote):
    tip = trees.prepared(kit.settings, "24.x")
    old = trees.prepared(kit.settings, "24.x", commit=remote.commits[1])
    assert [(one.path / "marked.txt").read_text() for one in (tip, old)] == ["number 2", "number 1"]
    assert (old.name, old.commit) == (f"24.x@{remote.commits[1][:12]}", remote.commits[1])
    assert trees.tree(kit.settings, "24.x") == tip == trees.prepared(kit.settings, "24.x")
    again = trees.prepared(kit.settings, "24.x", commit=remote.commits[3])
    assert (again.path, again.commit) != (tip.path, "") and again.commit == tip.commit
    told = []
    assert trees.prepared(kit.settings, "24.x", commit=remote.commits[1], tell=told.append) == old
    assert "there already" in told[0]
    assert kit.make("versions").returncode == 0
    release_files.of_tree(old)
    trees.forget(kit.settings, old, "bisect")
    assert [one.name for one in trees.all_trees(kit.settings)] == ["24.x", again.name]
    assert not list((kit.settings.cache / "trees").glob(f"{old.name}*"))
    assert f"refs/trim/{old.commit}" not in mirror.own_refs(kit.settings)
    assert mirror.own_refs(kit.settings)[f"refs/trim/{again.commit}"] == again.commit


def test_trees_of_commits_that_no_update_used_last_go(kit, remote):
    tip = trees.prepared(kit.settings, "24.x")
    one, other = (kit.register(name, web_root=f"/srv/{name}") for name in ("one", "other"))
    made = []
    for place, (instance, commit) in enumerate([(other, 0), (one, 1), (one, 2), (one, 3)]):
        tree = trees.prepared(kit.settings, "24.x", commit=remote.commits[commit])
        note = tree.path.with_name(f"{tree.name}.json")  # one second is all that a moment tells
        note.write_text(note.read_text().replace(tree.moment, f"2026-01-0{place + 1}T00:00:00+00:00"))
        release_files.remember(instance, release_files.of_tree(tree))
        made.append(tree)
    names = {tree.name for tree in trees.all_trees(kit.settings)}
    assert names == {"24.x", made[0].name, made[2].name, made[3].name}
    assert not list((kit.settings.cache / "trees").glob(f"{made[1].name}*"))
    kept = {ref for ref in mirror.own_refs(kit.settings) if ref.startswith("refs/trim/")}
    assert kept == {f"refs/trim/{tree.commit}" for tree in (made[0], made[2], made[3])}
    assert trees.prepared(kit.settings, "24.x", commit=remote.commits[1]).digest == made[1].digest
    with locks.hold(kit.settings, [made[2].lock], "update"):
        for tree in (made[3], made[0]):
            release_files.remember(one, release_files.of_tree(tree))
    assert trees.tree(kit.settings, "24.x") == tip
    assert made[2].name in {tree.name for tree in trees.all_trees(kit.settings)}
    release_files.remember(one, release_files.of_tree(made[0]))
    assert made[2].name not in {tree.name for tree in trees.all_trees(kit.settings)}


def test_a_commit_of_another_series_is_refused(kit, remote):
    with pytest.raises(ArchiveError, match="its code says it is Tiki 28.0vcs, which is not 24.x"):
        trees.prepared(kit.settings, "24.x", commit=remote.git("rev-parse", "master").strip())


def test_what_lies_between_two_commits_is_told_as_the_branch_went(kit, remote):
    one, last = remote.commits[0], remote.commits[3]
    found = revisions.between(kit.settings, words.parse("24.x"), one, last, "bisect")
    assert [(each.id, each.subject) for each in found] == [(remote.commits[place], f"number {place}")
                                                           for place in (1, 2, 3)]
    with pytest.raises(UsageError, match="is not later on 24.x than"):
        revisions.between(kit.settings, words.parse("24.x"), last, one, "bisect")
    with pytest.raises(UsageError, match="BAD=.* came to 24.x by a merge"):
        revisions.between(kit.settings, words.parse("24.x"), one, remote.side, "bisect")


def test_the_branch_that_moved_on_is_looked_at_again(tmp_path):
    remote = Remote(tmp_path)
    kit = Toolkit(tmp_path / "trim", None)
    kit.set(git_remote=f"file://{remote.bare}")
    assert resolve(kit, remote.commits[3][:9]) == remote.commits[3]
    newer = remote.commit("number 4", 0)
    remote.git("push", "-q", "origin", "24.x")
    assert resolve(kit, newer[:9]) == newer
    assert resolve(kit, lag="1d") == remote.commits[3]


def test_a_dry_run_says_which_commit_it_would_be_and_prepares_nothing(kit, remote, monkeypatch):
    monkeypatch.setattr(process.conduct, "dry_run", True)
    told = []
    commit = resolve(kit, remote.commits[1][:9])
    planned = trees.prepared(kit.settings, "24.x", commit=commit, tell=told.append)
    assert (planned.commit, planned.files) == (remote.commits[1], 0) and remote.commits[1] in told[0]
    assert not (kit.settings.cache / "trees").exists()


def test_no_file_comes_with_the_history_where_the_server_can_leave_them_out(tmp_path, remote):
    kit = Toolkit(tmp_path / "trim", None)
    remote.git("--git-dir", remote.bare, "config", "uploadpack.allowFilter", "true")
    kit.set(git_remote=f"file://{remote.bare}")
    resolve(kit, remote.commits[3][:9])
    kinds = remote.git("--git-dir", history.folder(kit.settings), "cat-file", "--batch-all-objects",
                       "--batch-check=%(objecttype)").split()
    assert set(kinds) == {"commit"}
    assert str(len(kinds)) == remote.git("rev-list", "--count", "24.x").strip()
