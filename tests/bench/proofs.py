"""A proof against reading the whole archive and loading its dump by hand, which proves less: nothing is compared."""

import shutil
from pathlib import Path

from tests.bench import hand, measuring
from tests.bench.context import Context
from tests.bench.hand import Hand
from tests.bench.measuring import Way


def measure(context: Context) -> None:
    site = context.site("prove")
    context.kit.register("prove", web_root=site.folder)
    archive = Path(context.told("backup", "INSTANCE=prove", "COMPRESS=bz2")["path"])
    by_hand = _ByHand(context, Hand(context, site), archive)
    context.report.compare("proof of an archive", [
        measuring.classic(by_hand.classic), measuring.floor(by_hand.floor),
        Way("make prove", lambda: context.make("prove", "INSTANCE=prove"))])
    shutil.rmtree(by_hand.hand.folder)


class _ByHand:
    """Loads into the database that the site had: the archive has all that was in it."""

    def __init__(self, context: Context, one: Hand, archive: Path) -> None:
        self.context, self.hand, self.archive = context, one, archive
        self.dump, self.pieces = one.folder / hand.DUMP, one.folder / "pieces"
        self._take_dump()
        hand.split(self.dump, self.pieces)

    def classic(self) -> None:
        """A listing of the whole archive, then the dump out of it, then that into the database."""
        hand.run(["tar", "-tjf", self.archive])
        self._take_dump()
        self.hand.load(self.dump)

    def floor(self) -> None:
        """The archive through tar once, unpacked on all cores; the tables side by side."""
        unpacked = self.hand.folder / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir()
        hand.unpack(self.archive, unpacked)
        self.hand.load_pieces(self.pieces)

    def _take_dump(self) -> None:
        hand.pipe([["tar", "-xjOf", self.archive, f"prove/{hand.DUMP}"]], self.dump)
