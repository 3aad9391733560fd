"""A clone against what people do by hand, through ssh where it is behind ssh.

Everything changed: `rsync -a` of the trees and `mysqldump | mysql`, one after the other. Nothing changed: `rsync -an`
of the trees and CHECKSUM TABLE of both databases. A real Tiki's database gets a table of a gigabyte first: memory and
disk must not notice.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from tests.bench import hand, limits, measuring, real_clone
from tests.bench.context import Context
from tests.bench.hand import Hand
from tests.bench.measuring import FailedWay, Way
from tests.bench.peak import Peak
from tests.lab.accounts import give_to, lab_user
from tests.lab.sample_tiki import SampleTiki

BIG_ROWS = 1_000_000     # of about 1 kB each


def measure(context: Context) -> None:
    site = context.site("cloned")
    context.kit.register("cloned", web_root=site.folder)
    if context.tree:
        site.sql("CREATE TABLE tiki_bench (id int PRIMARY KEY, moment int, body text) ENGINE=InnoDB; "
                 "INSERT INTO tiki_bench SELECT seq, seq * 7, REPEAT(MD5(seq), 31) "
                 f"FROM seq_1_to_{BIG_ROWS}; ANALYZE TABLE tiki_bench")
    for is_far in (False, True):
        _Clones(context, site, is_far).measure()


class _Clones:
    """One blank that becomes a clone, and a copy by hand beside it."""

    def __init__(self, context: Context, site: SampleTiki, is_far: bool) -> None:
        self.context, self.site = context, site
        self.where, self.wire = ("behind ssh", context.relay) if is_far else ("here", None)
        self.name = f"clone-{'far' if is_far else 'near'}"
        self.database = context.kit.blank(self.name, ssh=is_far).db_name
        if is_far:
            env_file = context.kit.top / "instances.d" / f"{self.name}.env"
            env_file.write_text(env_file.read_text().replace(f"SSH_PORT={context.lab.sshd().port}",
                                                             f"SSH_PORT={context.relay.port}"))
        self.temporary = context.lab.folder / f"temporary-{self.name}"
        self.temporary.mkdir()
        database, user, password = context.lab.account(f"hand{self.name}")
        folder = context.lab.sites(is_far) / f"by-hand-{self.name}"
        self.copy = replace(site, folder=folder / site.folder.name, outside=folder / site.outside.name,
                            database=database, user=user, password=password)
        self.source, self.target = Hand(context, site), Hand(context, self.copy, is_far)
        self.checksums = self.target.folder / "checksums.sql"
        self.checksums.write_text(real_clone.checksum_statement(context.lab, site.database))

    def measure(self) -> None:
        report = self.context.report
        with Peak(self.context.kit.settings.work, self.temporary) as lying:
            report.compare(f"clone of everything, {self.where}", [
                measuring.classic(self._copy_by_hand, after=lambda: self._look(self.copy.database)),
                Way("make clone", self._clone, after=self._look, limit="clone everything")],
                self.wire, rounds=1)
            report.compare(f"clone of nothing new, {self.where}", [
                measuring.classic(self._look_by_hand), Way("make clone", self._clone, limit="clone nothing new")],
                self.wire)
        # What is copied goes through pipes: beside the clients' option files nothing may lie about.
        is_much = lying.temporary_bytes > limits.OPTION_FILES_BYTES
        report.add(measuring.Row(f"files that lie about while cloning, {self.where}", "make clone",
                                 disk_bytes=lying.temporary_bytes, also_missed=(
                                     f"{lying.temporary_bytes} bytes, limit {limits.OPTION_FILES_BYTES}",) * is_much))
        shutil.rmtree(self.copy.folder.parent)
        self.context.lab.mariadb.sql(f"DROP DATABASE {self.copy.database}")

    def _clone(self) -> None:
        self.context.make("clone", "FROM=cloned", f"TO={self.name}", TMPDIR=os.fspath(self.temporary))

    def _look(self, database: str = "") -> None:
        """Raise FailedWay when a table is missing or differs, but for those that a clone has of its own."""
        own = set() if database else real_clone.OF_ITS_OWN | {"tiki_forum_attachments"}
        theirs = real_clone.checksums(self.context.lab, database or self.database)
        ours = real_clone.checksums(self.context.lab, self.site.database)
        differing = {table for table in ours.keys() | theirs.keys() if ours.get(table) != theirs.get(table)} - own
        if differing:
            raise FailedWay(f"tables differ: {', '.join(sorted(differing))}")

    def _pairs(self) -> dict[Path, Path]:
        return {self.site.folder: self.copy.folder, self.site.outside: self.copy.outside}

    def _copy_by_hand(self) -> None:
        self.copy.folder.parent.mkdir()
        give_to(lab_user(), self.copy.folder.parent)
        self.target.put(self._pairs())
        hand.pipe([self.source.dump_command(), self.target.client])

    def _look_by_hand(self) -> None:
        self.target.put(self._pairs(), "--dry-run")
        for one in (self.source, self.target):
            hand.pipe([one.client], out_of=self.checksums)
