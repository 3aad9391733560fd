"""A restore onto a place where nothing is, and onto one that is what the archive says already; here and behind ssh.

All ways begin with the same archive. The floor's dump was cut beforehand: it loads tables side by side.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import hand, measuring, real, real_clone, sites
from tests.bench.context import Context
from tests.bench.hand import Hand
from tests.bench.measuring import FailedWay, Way
from tests.lab.sample_tiki import SampleTiki

# Tables that name folders: a restore elsewhere writes the new place into them.
WITH_PLACES = {"tiki_preferences", "tiki_forums", "tiki_forum_attachments"}


def measure(context: Context, is_far: bool = False) -> None:
    site = context.site("restore-far" if is_far else "restore-near")
    context.kit.register(site.folder.name, web_root=site.folder)
    archive = Path(context.told("backup", f"INSTANCE={site.folder.name}", "COMPRESS=bz2")["path"])
    where, wire = ("behind ssh", context.relay) if is_far else ("here", None)
    ours = _Ours(context, site, _target(context, site, "ours", is_far, is_registered=True))
    by_hand = _ByHand(site, Hand(context, _target(context, site, "hand", is_far), is_far), archive)
    for case, is_equal in (("where nothing is", False), ("where all is equal", True)):
        context.report.compare(f"restore, {where}, {case}",
                               [*by_hand.ways(is_equal), ours.way(is_equal)], wire)
    shutil.rmtree(by_hand.hand.folder)


def measure_far(context: Context) -> None:
    measure(context, is_far=True)


def _target(context: Context, site: SampleTiki, kind: str, is_far: bool, is_registered: bool = False) -> SampleTiki:
    """Return an empty place for a copy of the site."""
    name = f"{site.folder.name}-{kind}"
    database, user, password = context.lab.account(name)
    folder = context.lab.sites(is_far) / name
    if is_registered:
        context.kit.register(name, web_root=folder, db_name=database, db_user=user, db_pass=password,
                             db_host=f"127.0.0.1:{context.lab.mariadb.port}", **(context.far_keys() if is_far else {}))
    return replace(site, folder=folder, outside=folder.with_name(f"{name}-data"), database=database, user=user,
                   password=password, url=None)


@dataclass(frozen=True)
class _Ours:
    context: Context
    site: SampleTiki
    target: SampleTiki

    def way(self, is_equal: bool) -> Way:
        return Way("make restore", lambda: self._run(is_equal), None if is_equal else lambda: _empty(self.target),
                   lambda: _require_equal(self.context, self.site, self.target, WITH_PLACES), limit="restore")

    def _run(self, is_equal: bool) -> None:
        name = self.target.folder.name
        self.context.make("restore", f"INSTANCE={name}", f"FROM={self.site.folder.name}",
                          *(["SAFETY=no", f"CONFIRM={name}"] if is_equal else []))


class _ByHand:
    """The classic way and the floor, onto a place of their own."""

    def __init__(self, site: SampleTiki, by_hand: Hand, archive: Path) -> None:
        self.site, self.hand, self.archive = site, by_hand, archive
        self.unpacked, self.pieces = by_hand.folder / "unpacked", by_hand.folder / "pieces"
        self._unpack_fast()
        hand.split(self.top / hand.DUMP, self.pieces)

    def ways(self, is_equal: bool) -> list[Way]:
        before = None if is_equal else lambda: _empty(self.hand.site)
        return [measuring.classic(self._way(self._unpack_slow, lambda: self.hand.load(self.top / hand.DUMP)),
                                  before=before, after=self._look),
                measuring.floor(self._way(self._unpack_fast, lambda: self.hand.load_pieces(self.pieces)),
                                before=before, after=self._look)]

    def _way(self, unpack: Callable[[], None], load: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            unpack()
            self.hand.put({copy: self._place_of(source) for source, copy in hand.parts(self.top).items()})
            load()
        return run

    @property
    def top(self) -> Path:
        return hand.top_of(self.unpacked)

    def _place_of(self, source: Path) -> Path:
        target = self.hand.site
        return target.folder if source == self.site.folder else target.outside / source.name

    def _unpack_slow(self) -> None:
        self._make_room()
        hand.run(["tar", "-xjf", self.archive, "-C", self.unpacked])

    def _unpack_fast(self) -> None:
        self._make_room()
        hand.unpack(self.archive, self.unpacked)

    def _make_room(self) -> None:
        shutil.rmtree(self.unpacked, ignore_errors=True)
        self.unpacked.mkdir()
        self.hand.site.outside.mkdir(exist_ok=True)
        hand.give_to(hand.lab_user(), self.hand.site.outside)

    def _look(self) -> None:
        _require_equal(self.hand.context, self.site, self.hand.site, set())


def _empty(target: SampleTiki) -> None:
    """Take away all that a restore has put there."""
    for folder in (target.folder, target.outside):
        shutil.rmtree(folder, ignore_errors=True)
    target.server.sql(f"DROP DATABASE {target.database}; CREATE DATABASE {target.database}")


def _require_equal(context: Context, site: SampleTiki, copy: SampleTiki, may_differ: set[str]) -> None:
    """Raise FailedWay when a copy is not the site, but for its account and the tables that name places."""
    hand.require_equal(site.folder, copy.folder, real.KEPT)
    hand.require_equal(site.outside / sites.GALLERY, copy.outside / sites.GALLERY)
    one, other = (real_clone.checksums(context.lab, name) for name in (site.database, copy.database))
    differing = {table for table in one.keys() | other.keys() if one.get(table) != other.get(table)}
    if differing - may_differ:
        raise FailedWay(f"tables differ: {', '.join(sorted(differing - may_differ))}")
