"""A place to break runs in: a toolkit with shims, a site, and the judgement of what a broken run left.

A bench is used by one process at a time; what it finds wrong it returns as sentences, so that one test tells of
every call.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.steps import restoring, updating_journal
from scripts.store.archive import COMPANIONS
from scripts.tiki import maintenance
from tests.lab import forked, releases
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.mariadb import identifier
from tests.lab.sample_tiki import SampleTiki
from tests.lab.shims import FAR, HANG, HERE, KILL, SIDE, TRUNCATE, Call, Shims
from tests.lab.sshd import Sshd
from tests.lab.toolkit import Toolkit

PATIENT = "120"                 # STALL_SECONDS of a run that must succeed
# Of one that will hang. Half of its output makes a hang of what answers questions, as rsync's far side does.
HASTY = {HANG: "1", TRUNCATE: "3"}
ORPHANS_LIVE = 5                # seconds in which everything a killed run started must have ended
CONNECTING = Call(HERE, "ssh", 1)  # after a run the shared connection is there; without it this call opens it
CONFIG = b"db/local.php"
PAGE_FILES = frozenset(map(os.fsencode, maintenance.OWN_NAMES))  # beside what visitors see
PREFERENCES = "tiki_preferences"
PAGE_MARK = b"TRIM maintenance page"
# Of the sample's 33 tables these stay: making and dropping tables is most of a restore's time.
KEPT_TABLES = ("tiki_preferences", "tiki_pages", "tiki_history", "users_users", "users_groups", "tiki_forums",
               "tiki_schema", "tiki_forum_attachments", "tiki_files", "custom_types")


@dataclass(frozen=True)
class Left:
    """What is there between two runs; two equal ones are the same place to start from."""

    site: str
    is_begun: bool              # the note of a restore that did not end
    is_closed: bool             # the maintenance page is on
    work: str                   # work copies
    archives: frozenset[str]
    leavings: tuple[str, ...]   # what only a killed run may leave, without numbers in it

    @property
    def place(self) -> tuple:
        """What a next run meets; names of archives make no difference to it."""
        return (self.site, self.is_begun, self.is_closed, self.work, self.leavings)


class Bench:
    """One toolkit with one sample site, here or behind ssh. Subclasses say what is run and what must come of it."""

    verb = ""
    goal = ""       # the archive that a restore is to bring back
    choices: dict[str, object] = {}     # of its site

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        self.lab, self.name, self.is_far = lab, name, is_far
        self.shims = Shims(lab.folder / f"shims-{name}")
        self.kit = Toolkit(lab.folder / f"kit-{name}", lab)
        # Every question a call of its own: so each of them can be made to fail.
        self.kit.set(compress="zst", stall_seconds=PATIENT, database_sessions="no")
        self.sshd = self._start_sshd() if is_far else None
        self.reached = self.kit.over_ssh(self.sshd) if is_far else {}
        self.sample = small_site(lab, name, is_far, **self.choices)
        self.instance = self.kit.register(name, web_root=self.sample.folder, **self.reached)
        self._whole: dict[tuple, bool] = {}
        self._proven: set[tuple] = set()    # places that a plain run has led from to its goal

    def _start_sshd(self) -> Sshd:
        """Start an sshd of the bench's own: benches of other processes know nothing of each other."""
        folder = self.lab.folder / f"ssh-{self.name}"
        folder.mkdir(mode=0o755)
        sshd = Sshd(folder, path=self.shims.path, environment={SIDE: FAR, "TMPDIR": str(self.shims.temporary)})
        sshd.start()
        return sshd

    def end(self) -> None:
        """End what the bench itself started; the lab ends the rest."""
        if self.sshd:
            self.sshd.stop()

    def disconnect(self) -> None:
        """Close the shared connection, so that the next run has to open it."""
        for control in (self.kit.top / "var" / "ssh").iterdir():
            subprocess.run(["ssh", "-S", control, "-O", "exit", "nobody"], capture_output=True, check=False)

    # What is run

    def variables(self) -> dict[str, str]:
        return {"instance": self.target}

    @property
    def target(self) -> str:
        return self.name

    @property
    def web_root(self) -> Path:
        return self.sample.folder

    @property
    def database(self) -> str:
        return self.sample.database

    @property
    def folders(self) -> list[Path]:
        return [self.web_root, self.web_root.with_name(f"{self.web_root.name}-data")]

    def run(self, shims: Shims | None = None, **variables: str) -> Ended:
        return forked.run(self.kit.top, self.verb, shims, **{**self.variables(), **variables})

    def advised(self, ended: Ended) -> Ended | None:
        """Run the restore that a broken one told to run, if it did."""
        told = re.search(r"Next: make restore INSTANCE=(\S+) ARCHIVE=([^\s,;]+)", ended.stderr)
        return forked.run(self.kit.top, "restore", instance=told[1], archive=told[2]) if told else None

    def recorded(self) -> dict[Call, list[bytes]]:
        """Return the calls of a good run, which leaves the bench as it was."""
        self.shims.reset()
        ended = self.run(self.shims)
        assert ended.is_success, ended
        calls = self.shims.calls()
        self.after_good()
        return calls

    def started(self) -> list[str]:
        """Return what the newest run log says was started."""
        logs = (self.kit.top / "var" / "logs").glob(f"*_{self.verb}_*.log")
        log = max(logs, key=lambda path: path.stat().st_mtime_ns)
        return [line.split(" run ", 1)[1] for line in log.read_text().splitlines() if " run " in line[:14]]

    # What must come of it

    def case(self, call: Call, mode: str) -> list[str]:
        """Break one call in one way; return what was wrong then and with the next plain run."""
        before = self.left()
        self.shims.reset(call, mode)
        self.kit.set(stall_seconds=HASTY.get(mode, PATIENT))
        try:
            ended = self.run(self.shims)
        except TimeoutError:
            return [f"{self.verb} {call} {mode}: the run never ended"]
        finally:
            self.kit.set(stall_seconds=PATIENT)
        fired = self.shims.fired
        wrong = [] if fired else ["the call was never made"]
        if mode in HASTY and fired and call.side == FAR:
            end_hanging(fired)
        if mode == KILL:
            wrong += [f"outlived its run: {one}" for one in self.orphans()]
        after = self.left()
        wrong += self.judge(ended, mode, before, after)
        place = (self.goal, len(after.archives) - len(before.archives), after.place)
        if place not in self._proven or (after.site, after.is_begun) != (before.site, False):
            again = self.advised(ended) or self.run()
            if again.is_success:
                self._proven.add(place)
            else:
                wrong.append(f"the next run failed: {again.stderr}")
            wrong += self.judge(again, "", after, self.left())
            self.after_good()
        self.drop_new(before)
        return [f"{self.verb} {call} {mode}: {one} [exit {ended.code}: {ended.stderr.strip()}]" for one in wrong]

    def judge(self, ended: Ended, mode: str, before: Left, after: Left) -> list[str]:
        wrong = []
        if ended.is_bug:
            wrong.append("a fault of TRIM itself")
        if mode != KILL and not ended.is_success and not ended.stderr.startswith(f"{self.verb}: ") \
                and f"\n{self.verb}: " not in ended.stderr:
            wrong.append("no line says what went wrong")
        wrong += [f"{name} is not a whole archive" for name in sorted(after.archives) if not self.is_whole(name)]
        wrong += [f"{name} is gone" for name in sorted(before.archives - after.archives)]
        if mode != KILL:
            wrong += [f"left behind: {path.name}" for path in self.leavings()]
        return wrong + (self.judge_result(after) if ended.is_success else self.judge_failure(before, after))

    def judge_result(self, after: Left) -> list[str]:
        """Return what is wrong with a success."""
        raise NotImplementedError

    def judge_failure(self, before: Left, after: Left) -> list[str]:
        """Return what is wrong after a failure."""
        raise NotImplementedError

    def after_good(self) -> None:
        """Make ready for the next case, after a run that succeeded."""

    # What is there

    def left(self) -> Left:
        path = self.kit.instance(self.target)
        htaccess = self.web_root / ".htaccess"
        is_closed = htaccess.is_file() and PAGE_MARK in htaccess.read_bytes()
        work, leavings = self.kit.top / "var" / "work", self.leavings()
        scratch = {os.fsencode(path.name) for path in leavings}
        sockets = sum(path.is_socket() for path in (self.kit.top / "var" / "ssh").glob("*"))
        return Left(self.site(), restoring.unfinished(path) is not None, is_closed,
                    digest(describe_tree(work, without=scratch)), frozenset(path.name for path in self.archives()),
                    tuple(sorted(re.sub(r"[0-9_.-]+", "", path.name) for path in leavings)) + (f"{sockets} sockets",))

    def site(self) -> str:
        """Return a digest of all that visitors get from: trees and database."""
        trees = [describe_tree(folder, without=PAGE_FILES) for folder in self.folders]
        if own := trees[0].get(CONFIG):
            trees[0][CONFIG] = (own[0], own[1], own[3])  # a blank gets its own when it is restored
        return digest([*trees, tables(self.lab, self.database)])

    @property
    def archive_folder(self) -> Path:
        return self.kit.settings.archives / self.target

    def archives(self) -> list[Path]:
        folder = self.archive_folder
        return sorted(path for path in folder.glob("*.tar.*")
                      if path.suffix in (".zst", ".bz2")) if folder.is_dir() else []

    def is_whole(self, name: str) -> bool:
        path = self.archive_folder / name
        status = path.stat()
        key = (name, status.st_size, status.st_mtime_ns)
        if key not in self._whole:
            self._whole[key] = is_whole(path)
        return self._whole[key]

    def leavings(self) -> list[Path]:
        """Return what a run that could clean up must not leave."""
        lonely = [path for ending in COMPANIONS for path in self.archive_folder.glob(f"*{ending}")
                  if not path.with_name(path.name.removesuffix(ending)).exists()]
        return [*self.archive_folder.glob("*.partial"), *self.archive_folder.glob(".*"), *lonely,
                *(self.kit.top / "var" / "work").glob("scratch-*")]

    def drop_new(self, before: Left) -> None:
        for path in self.archives():
            if path.name not in before.archives:
                self.drop(path)

    def drop(self, archive: Path) -> None:
        for one in (archive, *(Path(f"{archive}{ending}") for ending in COMPANIONS)):
            one.unlink(missing_ok=True)

    def orphans(self) -> list[str]:
        """Return what still runs of a killed run when it had the time to end, on both sides."""
        deadline = time.monotonic() + ORPHANS_LIVE
        while (found := running_with(f"{self.kit.top}", f"{self.shims.path}")) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


class BackupBench(Bench):
    """A backup of a site that has one archive already; it reads the whole site all the same."""

    verb = "backup"

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        super().__init__(lab, name, is_far)
        self.kit.set(full_read_days="0")    # else tar would have nothing to do, and could not break
        assert self.run().is_success
        self.first = self.archives()[0].name
        self.expected = self.content(self.first)

    def judge_result(self, after: Left) -> list[str]:
        made = sorted(after.archives - {self.first})
        if not made:
            return ["success without an archive"]
        return [f"{name} does not hold the site" for name in made if self.content(name) != self.expected]

    def judge_failure(self, before: Left, after: Left) -> list[str]:
        # Killed after the one moment at which the archive counts: it is whole then, and holds the site.
        return [f"{name} does not hold the site" for name in sorted(after.archives - before.archives)
                if self.content(name) != self.expected] + (["the site changed"] if after.site != before.site else [])

    def after_good(self) -> None:
        for path in self.archives():
            if path.name != self.first:
                self.drop(path)

    def content(self, name: str) -> str:
        """Return a digest of what is in an archive, but for what says when it was made."""
        place = self.kit.top / "var" / "look"
        unpack(self.archive_folder / name, place)
        found = describe_tree(place, without={f"{self.name}/trim-manifest.json".encode()})
        found = {path: told for path, told in found.items() if not path.endswith(b"trim-files.sha256")}
        texts = {path: told[-1] if path.count(b"/") == 1 else told for path, told in found.items()}
        shutil.rmtree(place)
        return digest(texts)


class RestoreBench(Bench):
    """A restore onto a site that lives: two archives of it take turns, so that each run has something to change."""

    verb = "restore"

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        super().__init__(lab, name, is_far)
        self.kit.set(full_read_days="0")    # else the safety archive may need no tar that could break
        self.known: dict[str, str] = {}     # the site's digest by archive
        for change in (lambda: None, lambda: change_site(self.sample)):
            change()
            ended = forked.run(self.kit.top, "backup", instance=name)
            assert ended.is_success, ended
            new = next(path.name for path in self.archives() if path.name not in self.known)
            self.known[new] = self.site()
        self.goal, self.other = list(self.known)

    def variables(self) -> dict[str, str]:
        return {"instance": self.target, "archive": self.goal}

    def judge_result(self, after: Left) -> list[str]:
        wrong = [] if after.site == self.known[self.goal] else ["success, and the site is not what the archive says"]
        rubbish = [name for name in maintenance.OWN_NAMES if (self.web_root / name).exists()]
        has_page = after.is_closed or after.is_begun or rubbish
        return wrong + (["the maintenance page stayed"] if has_page else [])

    def judge_failure(self, before: Left, after: Left) -> list[str]:
        if after.is_begun:
            safety = restoring.unfinished(self.kit.instance(self.target)).safety
            lost = [] if safety in after.archives or before.is_begun else ["what was there is in no archive"]
            is_hidden = after.is_closed or after.site in self.known.values()
            return lost + ([] if is_hidden else ["visitors see a mixture"])
        if after.site not in (before.site, self.known[self.goal]):
            return ["the site is a mixture, and no note says so"]
        return ["the page is on, and no note says why"] if after.is_closed else []

    def after_good(self) -> None:
        self.goal, self.other = self.other, self.goal


class BlankBench(RestoreBench):
    """A restore of another site's archive onto a place where nothing is."""

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        Bench.__init__(self, lab, name, is_far)
        assert forked.run(self.kit.top, "backup", instance=name).is_success
        self.goal = next((self.kit.settings.archives / name).glob("*.zst")).name
        self.blank_root = lab.sites(ssh=is_far) / f"{name}-blank"
        database, user, password = lab.account(f"{name}-blank")
        self.blank_database = database
        self.kit.register(f"{name}-blank", web_root=self.blank_root, db_name=database, db_user=user, db_pass=password,
                          db_host=f"127.0.0.1:{lab.mariadb.port}", **self.reached)
        self.known = {"nothing": self.site()}
        ended = self.run()
        assert ended.is_success, ended
        self.known[self.goal] = self.site()
        self.after_good()

    @property
    def target(self) -> str:
        return f"{self.name}-blank"

    @property
    def web_root(self) -> Path:
        return self.blank_root

    @property
    def database(self) -> str:
        return self.blank_database

    def variables(self) -> dict[str, str]:
        return {"instance": self.target, "from_": self.name, "archive": self.goal}

    def judge_failure(self, before: Left, after: Left) -> list[str]:
        if after.is_begun:
            is_whole = after.site in self.known.values()
            return [] if after.is_closed or is_whole or not self.has_entrance() else ["visitors see a mixture"]
        return super().judge_failure(before, after)

    def has_entrance(self) -> bool:
        return (self.web_root / "tiki-setup.php").exists()

    def after_good(self) -> None:
        """Make it blank again."""
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
        name = identifier(self.database)
        self.lab.mariadb.sql(f"DROP DATABASE {name}; CREATE DATABASE {name}")


class CloneBench(Bench):
    """A clone onto a clone: two sources take turns, so that each run has something to change. Neither is written to."""

    verb = "clone"

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        super().__init__(lab, name, is_far)
        self.second = small_site(lab, f"{name}-second", is_far)
        change_site(self.second)
        self.kit.register(f"{name}-second", web_root=self.second.folder, **self.reached)
        self.copy_root = lab.sites(ssh=is_far) / f"{name}-copy"
        database, user, password = lab.account(f"{name}-copy")
        self.copy_database = database
        self.kit.register(self.target, web_root=self.copy_root, db_name=database, db_user=user, db_pass=password,
                          db_host=f"127.0.0.1:{lab.mariadb.port}", **self.reached)
        self.sources = self.source_sites()
        self.known: dict[str, str] = {}     # the copy's digest by source
        for source in (name, f"{name}-second"):
            self.goal = source
            ended = self.run()
            assert ended.is_success, ended
            self.known[source] = self.site()
        assert len(set(self.known.values())) == 2, "the sources do not differ: nothing would be seen"
        self.after_good()

    @property
    def target(self) -> str:
        return f"{self.name}-copy"

    @property
    def web_root(self) -> Path:
        return self.copy_root

    @property
    def database(self) -> str:
        return self.copy_database

    def variables(self) -> dict[str, str]:
        return {"from_": self.goal, "to": self.target}

    def advised(self, ended: Ended) -> Ended | None:
        told = re.search(r"Next: make clone FROM=(\S+) TO=(\S+?)[,\s]", ended.stderr)
        return forked.run(self.kit.top, "clone", from_=told[1], to=told[2]) if told else None

    def site(self) -> str:
        """Return a digest of the copy, without the banner, which says of which moment it is."""
        trees = [describe_tree(folder, without=PAGE_FILES | {CONFIG}) for folder in self.folders]
        names = set(self.lab.mariadb.sql("SHOW TABLES", self.database).splitlines())
        rows = self.lab.mariadb.sql(f"SELECT name, value FROM {PREFERENCES} WHERE value NOT LIKE '%{self.target}%' "
                                    f"OR name LIKE '%dir' ORDER BY name", self.database) \
            if PREFERENCES in names else ""
        return digest([*trees, rows, tables(self.lab, self.database, without={PREFERENCES})])

    def source_sites(self) -> str:
        """Return a digest of both sources, times and all."""
        samples = (self.sample, self.second)
        return digest([[describe_tree(one.folder), describe_tree(one.outside), tables(self.lab, one.database)]
                       for one in samples])

    def leavings(self) -> list[Path]:
        return [*super().leavings(), *(self.kit.top / "var" / "status").glob("*.partial")]

    def judge(self, ended: Ended, mode: str, before: Left, after: Left) -> list[str]:
        wrong = [] if self.source_sites() == self.sources else ["a source was written to"]
        return wrong + super().judge(ended, mode, before, after)

    def judge_result(self, after: Left) -> list[str]:
        wrong = [] if after.site == self.known[self.goal] else ["success, and the copy is not what its source is"]
        rubbish = [name for name in maintenance.OWN_NAMES if (self.web_root / name).exists()]
        return wrong + (["the maintenance page stayed"] if after.is_closed or after.is_begun or rubbish else [])

    def judge_failure(self, before: Left, after: Left) -> list[str]:
        if after.is_begun:
            return [] if after.is_closed or after.site in self.known.values() else ["visitors see a mixture"]
        if restoring.looked(self.kit.instance(self.target)):
            return self.judge_look(before, after)
        if after.site not in (before.site, self.known[self.goal]):
            return ["the copy is a mixture, and no note says so"]
        return ["the page is on, and no note says why"] if after.is_closed else []

    def judge_look(self, before: Left, after: Left) -> list[str]:
        """Return what is wrong where a note says that the page is up and nothing was changed."""
        opened = forked.run(self.kit.top, "maintenance", instance=self.target, state="off")
        if not opened.is_success:
            return [f"the page does not go: {opened.stderr}"]
        wrong = [] if self.site() == before.site else ["the copy was changed, and the note says that it was not"]
        if after.is_closed:  # as it was found, for the run that comes next
            forked.run(self.kit.top, "maintenance", instance=self.target, state="on")
        return wrong

    def after_good(self) -> None:
        self.goal = next(source for source in self.known if source != self.goal)


class UpdateBench(Bench):
    """An update to a newer release, which is rolled back after each success: so each run has something to change."""

    verb = "update"
    choices = {"version": "24.3", "keeps": ("tiki_secdb",)}
    volatile = ("tiki_schema", "tiki_preferences", "tiki_secdb")   # dates, and the name of a search index

    def __init__(self, lab: Lab, name: str, is_far: bool) -> None:
        super().__init__(lab, name, is_far)
        folder = lab.folder / f"releases-{name}"
        releases.release(folder, "24.3", is_newer=False)
        releases.release(folder, "24.4")
        self.kit.set(releases_dir=folder, git_remote="")
        releases.complete(self.web_root, "24.3", is_newer=False)
        give_to(lab_user(), self.web_root)
        self.old = self.site()
        ended = self.run()
        assert ended.is_success, ended
        self.new = self.site()
        self.after_good()
        assert self.site() == self.old != self.new

    def site(self) -> str:
        """Return a digest of code and data; of the new release's database without what differs from run to run."""
        trees = [{path: told for path, told in describe_tree(folder, without=PAGE_FILES).items()
                  if not path.startswith((b"temp/", b".trim-"))} for folder in self.folders]
        names = self.lab.mariadb.sql("SHOW TABLES", self.database).split()
        is_new = "came_new" in names
        without = {name for name in names if is_new and (name in self.volatile or name.startswith("index_"))}
        return digest([*trees, tables(self.lab, self.database, without)])

    def leavings(self) -> list[Path]:
        """Return what must not be left, the folder of a switch too, unless a journal tells of it."""
        journal = updating_journal.read(self.kit.instance(self.name))
        known = Path(journal.folder).name if journal else ""
        return [*super().leavings(),
                *(path for path in self.web_root.parent.glob(f".trim-{self.name}-*") if path.name != known)]

    def judge_result(self, after: Left) -> list[str]:
        wrong = [] if after.site == self.new else ["success, and the site is not the new one"]
        rubbish = [name for name in maintenance.OWN_NAMES if (self.web_root / name).exists()]
        return wrong + (["the maintenance page stayed"] if after.is_closed or after.is_begun or rubbish else [])

    def judge_failure(self, before: Left, after: Left) -> list[str]:
        if after.is_begun:
            return [] if after.is_closed or after.site in (self.old, self.new) else ["visitors see a mixture"]
        if after.site not in (before.site, self.old, self.new):
            return ["the site is a mixture, and no note says so"]
        return ["the page is on, and no note says why"] if after.is_closed else []

    def advised(self, ended: Ended) -> Ended | None:
        told = re.search(r"Next: make rollback INSTANCE=(\S+?),", ended.stderr)
        if told and not (done := forked.run(self.kit.top, "rollback", instance=told[1])).is_success:
            return done
        return None

    def after_good(self) -> None:
        ended = forked.run(self.kit.top, "rollback", instance=self.name)
        assert ended.is_success, ended


def small_site(lab: Lab, name: str, is_far: bool, *, web: bool = False, version: str | None = None,
               keeps: tuple[str, ...] = ()) -> SampleTiki:
    """Build a site with one data folder outside and few tables: what is broken here is the way, not the content.

    keeps are tables that stay too.
    """
    sample = lab.tiki(name, ssh=is_far, web=web, files=20, versions=2, version=version)
    present = sample.sql("SHOW TABLES").split()
    gone = ", ".join(identifier(table) for table in present if table not in (*KEPT_TABLES, *keeps))
    sample.sql(f"SET foreign_key_checks = 0; DROP VIEW IF EXISTS {gone}; DROP TABLE IF EXISTS {gone}; "
               "UPDATE tiki_preferences SET value = '' WHERE name = 'w_use_dir'; "
               "UPDATE tiki_forums SET att_store_dir = ''; UPDATE tiki_forum_attachments SET dir = ''")
    return sample


def change_site(sample: SampleTiki) -> None:
    """Do what a year does: files come, go and change, here and in the data folder; rows and tables too."""
    root, fgal = sample.folder, sample.outside / "fgal"
    (root / "files/came later.txt").write_text("new\n")
    (root / "robots.txt").write_text("changed\n")
    (root / "files/empty file").unlink()
    (fgal / "came later").write_bytes(b"new")
    next(path for path in fgal.iterdir() if len(path.name) == 32).unlink()
    sample.sql("CREATE TABLE came_later (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO came_later VALUES (1), (2); "
               "UPDATE tiki_pages SET data = 'changed' WHERE pageName = 'HomePage'; DELETE FROM tiki_history; "
               "DROP TABLE custom_types")
    give_to(lab_user(), root, sample.outside)


def tables(lab: Lab, database: str, without: Collection[str] = ()) -> str:
    """Return definition and checksum of every table, in two calls whatever their number."""
    names = [name for name in lab.mariadb.sql("SHOW TABLES", database).splitlines() if name not in without]
    return lab.mariadb.sql("; ".join(f"SHOW CREATE TABLE {name}; CHECKSUM TABLE {name} EXTENDED"
                                     for name in map(identifier, names)), database) if names else ""


def digest(told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()


def is_whole(archive: Path) -> bool:
    """Whether bystanders' programs find an archive whole: sha256sum, the unpacker, tar."""
    commands = (f"sha256sum --status -c {archive.name}.sha256", f"tar tf {archive.name} >/dev/null")
    return all(subprocess.run(["bash", "-c", command], cwd=archive.parent, capture_output=True).returncode == 0
               for command in commands)


def unpack(archive: Path, place: Path) -> None:
    place.mkdir(parents=True)
    subprocess.run(["tar", "-xpf", archive, "-C", place], check=True, capture_output=True)


def running_with(*marks: str) -> list[str]:
    """Return the command lines of processes that have one of these words in their environment or command line.

    Not counted: sshd's own, and ssh's shared connection, which is meant to stay for the next run.
    """
    words = [mark.encode() for mark in marks]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            if not any(word in said for word in words) or int(folder.name) == os.getpid():
                continue
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
            is_shared = "[mux]" in line or " -fN " in line
            if line and not is_shared and not (folder / "comm").read_text().startswith("sshd"):
                found.append(line)
        except (OSError, ProcessLookupError):
            continue
    return found


def end_hanging(pid: int) -> None:
    """End a program of the far side that nobody there will end: sshd leaves it alone when its connection is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


BENCHES: dict[str, Callable[[Lab, str, bool], Bench]] = {
    "backup": BackupBench, "restore": RestoreBench, "restore onto a blank": BlankBench, "clone": CloneBench,
    "update": UpdateBench}


def broken(lab: Lab, story: str, is_far: bool, cases: list[tuple[Call, str]], workers: int) -> list[str]:
    """Try all cases, on so many benches side by side, each in a process of its own; return what went wrong."""
    reports = [lab.folder / f"report-{os.getpid()}-{number}.json" for number in range(workers)]
    pids = [_fork(lab, story, is_far, cases[number::workers], report) for number, report in enumerate(reports)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    told = [json.loads(report.read_text()) if report.exists() else ["a bench broke down"] for report in reports]
    assert not any(codes), (codes, told)
    return [sentence for report in told for sentence in report]


def _fork(lab: Lab, story: str, is_far: bool, cases: list[tuple[Call, str]], report: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    code, told = 1, []
    try:
        forked.die_with_the_parent()
        bench = BENCHES[story](lab, f"site-{os.getpid()}", is_far)
        try:
            for call, mode in cases:
                told += bench.case(call, mode)
                if is_far and call == CONNECTING:
                    bench.disconnect()
                    told += bench.case(call, mode)
            code = 0
        finally:
            bench.end()
    except BaseException:  # noqa: BLE001 - told to the parent
        told.append(traceback.format_exc())
    finally:
        report.write_text(json.dumps(told))
        os._exit(code)
