"""One file and one table out of an archive, which should take as long as they are large, not as the archive is."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.bench import hand, limits, real_clone
from tests.bench.context import Context
from tests.bench.hand import Hand
from tests.bench.measuring import CLASSIC, FLOOR, FailedWay, Way
from tests.lab.sample_tiki import SampleTiki

TABLE = "tiki_history"
CHECKED = "bench_extracted"
OURS = "make extract"
SQL = f"{TABLE}.sql"


def measure(context: Context) -> None:
    site = context.site("extract")
    context.kit.register("extract", web_root=site.folder)
    archive = Path(context.told("backup", "INSTANCE=extract", "COMPRESS=bz2")["path"])
    one = _Extracts(context, site, archive)
    one.file()
    one.table()
    shutil.rmtree(one.hand.folder)


class _Extracts:
    """Each way has a folder of its own, emptied before each turn."""

    def __init__(self, context: Context, site: SampleTiki, archive: Path) -> None:
        self.context, self.site, self.archive = context, site, archive
        self.hand = Hand(context, site)
        hand.pipe([["tar", "-xjOf", archive, "extract/manifest.txt"]], self.hand.folder / "manifest.txt")
        self.app = hand.parts(self.hand.folder)[site.folder].relative_to(self.hand.folder)

    def file(self) -> None:
        """A file of the middle, whose neighbours are packed with it."""
        files = sorted(path for path in self.site.folder.rglob("*") if path.is_file() and not path.is_symlink())
        chosen = files[len(files) // 2].relative_to(self.site.folder)
        inside = f"extract/{self.app / chosen}"
        self.context.report.compare("one file out of an archive", [
            self._way(CLASSIC, lambda folder: hand.run(["tar", "-xjf", self.archive, "-C", folder, inside]), chosen),
            self._way(FLOOR, lambda folder: hand.pipe([
                hand.UNPACKERS["bz2"], ["tar", "-xf", "-", "-C", folder, inside]], out_of=self.archive), chosen),
            self._way(OURS, self._extract(f"FILE={chosen}"), chosen, limit="extract file")])

    def table(self) -> None:
        """The floor is the bare dump of that table: what a table's size costs at all."""
        listed = f"/^{hand.TABLE.decode()}`{TABLE}`/,/^{hand.TABLE.decode()}/p"
        rows = self.context.report.measured("one table out of an archive", [
            self._way(CLASSIC, lambda folder: hand.pipe([
                ["tar", "-xjOf", self.archive, f"extract/{hand.DUMP}"], ["sed", "-n", listed]], folder / SQL)),
            self._way(FLOOR, lambda folder: self.hand.dump(folder / SQL, TABLE)),
            self._way(OURS, self._extract(f"TABLE={TABLE}"))])
        wanted, bare = limits.of("extract table"), rows[FLOOR].seconds or 0.0
        rows[OURS] = replace(rows[OURS], limit=replace(wanted, seconds=wanted.seconds + bare))
        for row in rows.values():
            self.context.report.add(row)

    def _way(self, name: str, run: Callable[[Path], object], chosen: Path | None = None, limit: str = "") -> Way:
        folder = self.hand.folder / name

        def before() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        return Way(name, lambda: run(folder), before,
                   lambda: self._require_file(folder, chosen) if chosen else self._require_table(folder / SQL),
                   limit=limit, is_ours=name == OURS)

    def _extract(self, *words: str) -> Callable[[Path], str]:
        return lambda folder: self.context.make("extract", "INSTANCE=extract", f"DEST={folder}", *words)

    def _require_file(self, folder: Path, chosen: Path) -> None:
        """Raise FailedWay when what came is not the site's file."""
        found = [path for path in folder.rglob(chosen.name) if path.is_file()]
        if len(found) != 1 or found[0].read_bytes() != (self.site.folder / chosen).read_bytes():
            raise FailedWay(f"{chosen} is not what came: {len(found)} files of that name")

    def _require_table(self, sql: Path) -> None:
        """Raise FailedWay when what came is not the site's table; by hand the dump's first lines are missing."""
        text = sql.read_bytes()
        with open(sql, "wb") as file:
            file.write(b"SET NAMES utf8mb4;\n" + text)
        hand.load_as_root(self.context.lab, sql, CHECKED)
        ours = real_clone.checksums(self.context.lab, CHECKED)
        if ours != {TABLE: real_clone.checksums(self.context.lab, self.site.database)[TABLE]}:
            raise FailedWay(f"the table that came is not {TABLE}: {ours}")
