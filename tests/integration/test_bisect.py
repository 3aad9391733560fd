"""make bisect: the commit that broke something is found on a clone, which is what it was afterwards."""

import json
import subprocess
from pathlib import Path

import pytest

from scripts.code import trees
from scripts.steps import answering, bisecting, restoring, switch_over
from tests.lab import forked
from tests.lab.compare import describe_database, describe_tree
from tests.lab.lab import Lab
from tests.lab.sample_code import write_code
from tests.lab.shims import KILL, Shims
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

PATCH = "installer/schema/20260101_more_tiki.sql"
BROKEN_PATCH = "installer/schema/20260102_wrong_tiki.sql"
# What each commit after the first brings; the fault is what RUN looks for.
LINE = ({"one.txt": "1"}, {PATCH: "CREATE TABLE more (id int);\n"}, {"two.txt": "2"},
        {"lib/fault.php": "<?php // broken\n"}, {"three.txt": "3"}, {"four.txt": "4"})
FAULT = 4
COMMAND, REFUSED = 5, 9      # exit codes
RUN = 'test ! -e "$TRIM_WEB_ROOT/lib/fault.php"'


class Remote:
    """A bare repository with a branch; commits are its names in order."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work, self.commits = folder / "remote.git", folder / "work", []
        self.git("init", "-q", "--bare", "-b", "24.x", self.bare, at=folder)
        self.git("clone", "-q", self.bare, self.work, at=folder)
        self.git("checkout", "-q", "-B", "24.x")
        write_code(self.work, version="24.5vcs", files=5)
        self.commit({"start.txt": "0"})

    def commit(self, files: dict[str, str]) -> str:
        for name, text in files.items():
            (self.work / name).parent.mkdir(parents=True, exist_ok=True)
            (self.work / name).write_text(text)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "-m", f"brings {', '.join(files)}")
        self.git("push", "-q", "origin", "24.x")
        self.commits.append(self.git("rev-parse", "HEAD").strip())
        return self.commits[-1]

    def git(self, *words: str | Path, at: Path | None = None) -> str:
        return subprocess.run(["git", "-c", "user.name=lab", "-c", "user.email=lab@example.org", *words],
                              cwd=at or self.work, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        for host in ("localhost", "127.0.0.1"):
            lab.mariadb.sql(f"CREATE USER boss@'{host}' IDENTIFIED BY 'boss'; GRANT ALL ON *.* TO boss@'{host}' WITH "
                            "GRANT OPTION")
        yield lab


@pytest.fixture(scope="module")
def remote(tmp_path_factory) -> Remote:
    return Remote(tmp_path_factory.mktemp("remote"))


@pytest.fixture(scope="module")
def kit(lab, remote) -> Toolkit:
    """A site made of the first commit, its clone, and what came to the branch since then."""
    kit = Toolkit(lab.folder / "kit", lab)
    kit.set(compress="zst", git_remote=f"file://{remote.bare}")
    admin = lab.folder / "admin.cnf"
    admin.write_text(f'[client]\nuser=boss\npassword="boss"\nhost=127.0.0.1\nport={lab.mariadb.port}\n')
    admin.chmod(0o600)
    root = lab.sites() / "prod"
    made = kit.make("instance", "NAME=prod", f"WEB_ROOT={root}", f"WEB_URL={lab.apache.serve(root)}/", "VERSION=24.x",
                    f"DB_ADMIN={admin}")
    assert made.returncode == 0, made.stderr
    lab.mariadb.sql("INSERT INTO tiki_pages (pageName, data) VALUES ('Ours', 'of the start'); "
                    "REPLACE INTO tiki_preferences VALUES ('browsertitle', 'Prod')", "prod")
    copy = lab.sites() / "copy"
    kit.blank("copy", web_url=f"{lab.apache.serve(copy)}/")
    assert kit.make("clone", "FROM=prod", "TO=copy").returncode == 0
    (copy / "own.txt").write_text("a file of the clone's own")
    fetch(kit.instance("copy").web_url)
    for files in LINE:
        remote.commit(files)
    return kit


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """Wait for no opcode cache: the lab's Apache has none."""
    monkeypatch.setattr(switch_over, "OPCACHE_SECONDS", 0)
    monkeypatch.setattr(answering, "PATIENT_SECONDS", 1)
    monkeypatch.setattr(answering, "PAUSE_SECONDS", 0.2)


def everything(kit: Toolkit) -> tuple:
    root = Path(kit.instance("copy").web_root)
    tree = {path: told for path, told in describe_tree(root).items() if not path.startswith(b"temp/")}
    return tree, describe_database(kit.lab.mariadb, "copy")


def bisect(kit: Toolkit, remote: Remote, shims: Shims | None = None, **words: str) -> forked.Ended:
    words = {"good": remote.commits[0][:10], "bad": remote.commits[len(LINE)], "run": RUN, **words}
    return forked.run(kit.top, "bisect", shims, instance="copy", **words)


def nothing_is_left(kit: Toolkit) -> bool:
    one = kit.instance("copy")
    return bisecting.read(one) is None and not bisecting.dump(one).exists() and not restoring.unfinished(one) \
        and not [tree for tree in trees.all_trees(kit.settings) if tree.is_of_commit] \
        and fetch(one.web_url).status == 200


def test_a_local_change_that_does_not_go_with_a_commit_is_left_out_when_asked(kit, remote):
    """The first of all: later the clone was restored, and Tiki's own sums alone tell what its release shipped."""
    own = Path(kit.instance("copy").web_root) / "start.txt"
    own.write_text("ours")
    good, _, bad = remote.commits[-1], remote.commit({"start.txt": "theirs"}), remote.commit({"lib/other.php": "<?php"})
    before, words = everything(kit), {"good": good, "bad": bad, "run": 'test ! -e "$TRIM_WEB_ROOT/lib/other.php"'}
    ended = bisect(kit, remote, **words)
    assert ended.code == REFUSED and "LOCAL=discard" in ended.stderr, ended.stdout
    ended = bisect(kit, remote, json="1", **words, local="discard")
    assert ended.is_success, ended.stderr
    assert json.loads(ended.stdout)[0]["first_bad"] == bad
    assert everything(kit) == before and nothing_is_left(kit)
    own.write_text("0")


def test_the_first_bad_commit_is_found_and_the_clone_put_back(kit, remote, tmp_path):
    before, seen = everything(kit), tmp_path / "seen"
    watched = (f'{RUN}; code=$?; echo "$TRIM_COMMIT" >>{seen}; grep -q "of the start" /dev/null; '
               'cd "$TRIM_WEB_ROOT" && php console.php list | grep -q "database:update" || exit 125; exit $code')
    ended = bisect(kit, remote, json="1", run=watched)
    assert ended.is_success, ended.stderr
    found = json.loads(ended.stdout)[0]
    assert (found["first_bad"], found["subject"]) == (remote.commits[FAULT], "brings lib/fault.php")
    assert len(seen.read_text().split()) == len(found["verdicts"]) <= 3
    assert f"the first bad commit is {remote.commits[FAULT][:12]} of 20" in ended.stderr
    assert everything(kit) == before and nothing_is_left(kit)


def test_each_commit_gets_the_database_of_the_start_and_its_own_patches(kit, remote):
    tables = ('cd "$TRIM_WEB_ROOT"; has() { php -r \'require "db/tiki-db.php"; exit(tiki_connect()->query('
              '"SHOW TABLES LIKE \\"more\\"")->fetch() ? 0 : 1);\'; }; ')
    wanted = f'{tables} if test -e {PATCH}; then has || exit 125; else has && exit 125; fi; {RUN}'
    ended = bisect(kit, remote, json="1", run=wanted)
    assert ended.is_success, ended.stderr
    found = json.loads(ended.stdout)[0]
    assert found["first_bad"] == remote.commits[FAULT] and "skip" not in found["verdicts"].values()


def test_a_killed_bisect_is_gone_on_with_by_the_same_call(kit, remote, tmp_path):
    """Killed while a commit is brought there, while it is proven, and while the clone is put back."""
    before, shims = everything(kit), Shims(tmp_path / "shims")
    near = {"good": remote.commits[FAULT - 2], "bad": remote.commits[FAULT]}
    assert bisect(kit, remote, shims, **near).is_success
    calls = sorted(shims.calls())
    loads, pages = ([call for call in calls if call.program == name] for name in ("mariadb", "php"))
    for call in (loads[len(loads) // 3], pages[len(pages) // 2], loads[-4]):
        shims.reset(call, KILL)
        killed = bisect(kit, remote, shims, **near)
        assert killed.code < 0, (call, killed.stderr)
        ended = bisect(kit, remote, json="1", **near)
        assert ended.is_success, (call, ended.stderr)
        assert remote.commits[FAULT][:12] in ended.stderr + killed.stdout, call
        assert everything(kit) == before and nothing_is_left(kit), call


def test_what_cannot_be_told_is_said(kit, remote):
    ended = bisect(kit, remote, json="1", good=remote.commits[2], run='test ! -e "$TRIM_WEB_ROOT/two.txt" || exit 125')
    assert ended.is_success, ended.stderr
    found = json.loads(ended.stdout)[0]
    assert found["first_bad"] == "" and found["suspects"] == remote.commits[3:7]
    assert "the first bad commit is one of these" in ended.stderr
    assert nothing_is_left(kit)


def test_a_commit_that_tiki_does_not_survive_counts_as_bad(kit, remote):
    wrong = remote.commit({BROKEN_PATCH: "ALTER TABLE nowhere ADD x int;\n"})
    ended = bisect(kit, remote, json="1", good=remote.commits[6], bad=remote.commit({"five.txt": "5"}), run="true")
    assert ended.is_success, ended.stderr
    assert json.loads(ended.stdout)[0]["first_bad"] == wrong
    assert "does not work here, and counts as bad" in ended.stderr
    assert nothing_is_left(kit)


def test_a_copy_that_leads_to_another_site_by_now_is_not_broken(kit, remote):
    config = Path(kit.instance("copy").web_root) / "db/local.php"
    own = config.read_text()
    config.write_text((Path(kit.instance("prod").web_root) / "db/local.php").read_text())
    before = everything(kit)
    try:
        ended = bisect(kit, remote, run="true", good=remote.commits[2], bad=remote.commits[5])
        assert ended.code == 9, ended
        assert "copy: is not where it was made a clone: its database is prod at" in ended.stderr
        assert everything(kit) == before
    finally:
        config.write_text(own)


@pytest.mark.parametrize("run", ["no-such-program --version", "/etc/passwd"], ids=["missing", "no program"])
def test_a_run_that_cannot_be_started_blames_no_commit(kit, remote, run):
    before = everything(kit)
    ended = bisect(kit, remote, run=run)
    assert ended.code == COMMAND, ended.stderr
    assert "could not be started" in ended.stderr and "first bad commit" not in ended.stderr
    assert not bisecting.read(kit.instance("copy")).verdicts
    ended = bisect(kit, remote, json="1")
    assert ended.is_success, ended.stderr
    assert json.loads(ended.stdout)[0]["first_bad"] == remote.commits[FAULT]
    assert everything(kit) == before and nothing_is_left(kit)


def test_a_clone_that_was_made_anew_meanwhile_keeps_what_was_done_in_it_since(kit, remote):
    assert bisect(kit, remote, run="kill -9 $PPID").code == -9
    assert forked.run(kit.top, "clone", from_="prod", to="copy", changed="discard").is_success
    kit.lab.mariadb.sql("INSERT INTO tiki_pages (pageName, data) VALUES ('Work', 'of weeks')", "copy")
    before = everything(kit)
    ended = bisect(kit, remote, json="1")
    assert ended.is_success, ended.stderr
    assert json.loads(ended.stdout)[0]["first_bad"] == remote.commits[FAULT]
    assert everything(kit) == before and nothing_is_left(kit)
    assert "was made anew" in ended.stderr


def test_only_a_clone_of_a_branch_is_taken_and_the_words_are_looked_at_first(kit, remote):
    before = everything(kit)
    assert "prod: is no clone, and a bisect breaks what it works on" in forked.run(
        kit.top, "bisect", instance="prod", good="a", bad="b", run="true").stderr
    assert "GOOD= is missing" in forked.run(kit.top, "bisect", instance="copy", bad="b", run="true").stderr
    assert "RUN= is missing" in bisect(kit, remote, run="").stderr
    turned = bisect(kit, remote, good=remote.commits[5], bad=remote.commits[2])
    assert "is not later on 24.x than GOOD" in turned.stderr
    unknown = bisect(kit, remote, good="0000000")
    assert "GOOD=0000000: no commit of 24.x begins like that" in unknown.stderr
    plan = bisect(kit, remote, dry="1")
    assert plan.is_success and "would: try copy with 3 of the 6 commits between" in plan.stdout
    assert everything(kit) == before and nothing_is_left(kit)
