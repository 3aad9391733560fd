"""Ways measured turn by turn in one run, and the rows that come of it: medians, ratios, bytes, memory, limits.

A way that fails costs its own row and no other: the row says why, and counts as missed.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tests.bench import limits
from tests.bench.limits import Limit
from tests.bench.peak import Peak
from tests.bench.relay import Relay

CLASSIC, FLOOR = "classic", "floor"
TAIL = 1200              # characters of what a failed program said: the fault, and what was done about it


class FailedWay(RuntimeError):
    """A way that did not do what it is measured for."""


@dataclass(frozen=True)
class Way:
    """One way to do a thing.

    run is timed; before puts the world in place and is not. disk tells how many bytes it left; after looks whether
    it did what it should, once, after the last round, and raises FailedWay. limit is a name in limits.LIMITS; floor,
    classic and disk_of name the ways that its time and its bytes are compared with.
    """

    name: str
    run: Callable[[], object]
    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None
    disk: Callable[[], int] | None = None
    limit: str | Limit = ""
    is_ours: bool = True
    classic: str = CLASSIC
    floor: str = FLOOR
    disk_of: str = CLASSIC


def classic(run: Callable[[], object], name: str = CLASSIC, **more) -> Way:
    """Return what people do by hand, one step after the other."""
    return Way(name, run, is_ours=False, **more)


def floor(run: Callable[[], object], name: str = FLOOR, **more) -> Way:
    """Return the best that can be written by hand for this one case."""
    return Way(name, run, is_ours=False, **more)


@dataclass(frozen=True)
class Row:
    """What was found of one way; rounds are seconds, ratios are None where there is nothing to compare with."""

    what: str
    way: str
    rounds: tuple[float, ...] = ()
    limit: Limit = limits.NONE
    to_classic: float | None = None
    to_floor: float | None = None
    disk_bytes: int | None = None
    disk_ratio: float | None = None
    wire_bytes: int | None = None
    cpu_seconds: float | None = None
    peak_mb: float | None = None
    peak_name: str = ""
    failed: str = ""
    also_missed: tuple[str, ...] = field(default=())

    @property
    def seconds(self) -> float | None:
        return statistics.median(self.rounds) if self.rounds else None

    @property
    def missed(self) -> list[str]:
        """Return each limit that is missed, as a sentence; what cannot be judged is missed too."""
        if self.failed:
            return [f"failed: {self.failed}"]
        judged = [("of classic", self.to_classic, self.limit.classic), ("of floor", self.to_floor, self.limit.floor),
                  ("seconds", self.seconds, self.limit.seconds), ("of the bytes", self.disk_ratio, self.limit.disk),
                  ("bytes over the wire", self.wire_bytes, self.limit.wire_bytes),
                  ("MB of memory", self.peak_mb if self.peak_name else 0.0, self.limit.memory_mb)]
        told = [f"{value:.4g} {unit}, limit {limit:.4g}" if value is not None else f"{unit}: nothing to compare with"
                for unit, value, limit in judged
                if limit is not None and (value is None or value > limit + limits.ROUNDING * min(limit, 1))]
        return [*told, *self.also_missed]

    def document(self) -> dict[str, object]:
        """Return the row for programs."""
        least, most = (min(self.rounds), max(self.rounds)) if self.rounds else (None, None)
        return {"what": self.what, "way": self.way, "seconds": _short(self.seconds), "least_seconds": _short(least),
                "most_seconds": _short(most), "rounds": [_short(one) for one in self.rounds],
                "cpu_seconds": _short(self.cpu_seconds), "to_classic": _short(self.to_classic),
                "to_floor": _short(self.to_floor), "limit_to_classic": self.limit.classic,
                "limit_to_floor": self.limit.floor, "limit_seconds": self.limit.seconds,
                "disk_bytes": self.disk_bytes, "disk_ratio": _short(self.disk_ratio),
                "limit_disk_ratio": self.limit.disk, "wire_bytes": self.wire_bytes,
                "limit_wire_bytes": self.limit.wire_bytes, "peak_mb": _short(self.peak_mb),
                "peak_name": self.peak_name, "limit_peak_mb": self.limit.memory_mb, "failed": self.failed,
                "missed": self.missed}


class Report:
    """All rows of a run; notes are lines below the table; limits that a small site cannot keep are not judged."""

    def __init__(self, rounds: int, is_small: bool = False) -> None:
        self.rounds, self.is_small = rounds, is_small
        self.rows: list[Row] = []
        self.notes: list[str] = []

    def compare(self, what: str, ways: Sequence[Way], wire: Relay | None = None, rounds: int = 0) -> dict[str, Row]:
        """Measure the ways turn by turn and keep a row of each; return the rows by the names of their ways."""
        rows = self.measured(what, ways, wire, rounds)
        for row in rows.values():
            self.add(row)
        return rows

    def measured(self, what: str, ways: Sequence[Way], wire: Relay | None = None, rounds: int = 0) -> dict[str, Row]:
        """Measure the ways turn by turn; rounds is another number of turns than that of the run."""
        taken = {way.name: _Taken(way) for way in ways}
        for turn in range(1, (rounds or self.rounds) + 1):
            for one in taken.values():
                one.turn(wire)
                progress(f"{what}: round {turn}: {one.told}")
        for one in taken.values():
            one.look()
        return {name: replace(row, limit=row.limit.for_small()) if self.is_small else row
                for name, row in _compared(what, taken).items()}

    def add(self, row: Row) -> None:
        """Keep a row; what it missed is said at once."""
        self.rows.append(row)
        for line in row.missed:
            progress(f"MISSED: {row.what}, {row.way}: {line}")

    def fail(self, what: str, error: Exception) -> None:
        """Keep a measurement that broke down as a row of its own."""
        self.add(Row(what, "all", failed=reason(error)))

    def note(self, line: str) -> None:
        self.notes.append(line)

    @property
    def missed(self) -> int:
        """Return how many limits were missed, failed ways included."""
        return sum(len(row.missed) for row in self.rows)


class _Taken:
    """What was measured of one way until now."""

    def __init__(self, way: Way) -> None:
        self.way, self.rounds, self.failed = way, [], ""
        self.peak_mb, self.peak_name, self.cpu = 0.0, "", []
        self.disk: int | None = None
        self.wire: int | None = None

    def turn(self, wire: Relay | None) -> None:
        """Do it once more, unless it failed before."""
        if self.failed:
            return
        try:
            if self.way.before:
                self.way.before()
            self._measure(wire)
            self.disk = self.way.disk() if self.way.disk else None
        except Exception as error:
            self.failed = reason(error)

    def _measure(self, wire: Relay | None) -> None:
        passed, used = wire.bytes if wire else 0, _cpu_seconds()
        with Peak() as peak:
            taken = seconds(self.way.run)
        self.rounds.append(taken)
        self.cpu.append(_cpu_seconds() - used)
        self.wire = wire.bytes - passed if wire else None
        if peak.megabytes > self.peak_mb:
            self.peak_mb, self.peak_name = peak.megabytes, peak.name_of_largest

    def look(self) -> None:
        """See that it did what it is measured for."""
        try:
            if self.way.after and not self.failed:
                self.way.after()
        except Exception as error:
            self.failed = reason(error)

    @property
    def told(self) -> str:
        return f"{self.way.name}: " + (f"FAILED: {self.failed}" if self.failed else f"{self.rounds[-1]:.2f} s")

    def row(self, what: str) -> Row:
        limit = limits.of(self.way.limit) if self.way.is_ours else limits.FREE
        return Row(what, self.way.name, tuple(self.rounds), limit, disk_bytes=self.disk, wire_bytes=self.wire,
                   cpu_seconds=statistics.median(self.cpu) if self.cpu else None, peak_mb=self.peak_mb,
                   peak_name=self.peak_name, failed=self.failed)


def _compared(what: str, taken: dict[str, _Taken]) -> dict[str, Row]:
    rows = {name: one.row(what) for name, one in taken.items()}
    right = {name: row for name, row in rows.items() if not row.failed}
    for name, one in taken.items():
        if name not in right:
            continue
        mine, way = rows[name], one.way
        other = right.get(way.classic), right.get(way.floor), right.get(way.disk_of)
        rows[name] = replace(mine, to_classic=_share(mine.seconds, other[0] and other[0].seconds),
                             to_floor=_share(mine.seconds, other[1] and other[1].seconds),
                             disk_ratio=_share(mine.disk_bytes, other[2] and other[2].disk_bytes))
    return rows


def flat(larger: Row, smaller: Row) -> Row:
    """Return the row of something larger, with what it misses when its largest process grew with it."""
    if not larger.peak_mb or not smaller.peak_mb or larger.peak_mb <= smaller.peak_mb * limits.GROWTH_OF_MEMORY:
        return larger
    return replace(larger, also_missed=(*larger.also_missed, f"{larger.peak_mb:.0f} MB of memory where the smaller "
                                        f"takes {smaller.peak_mb:.0f}, limit {limits.GROWTH_OF_MEMORY} times"))


def _share(mine: float | None, other: float | None) -> float | None:
    return mine / other if mine is not None and other else None


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _cpu_seconds() -> float:
    """Return the processor time of all processes that were started and have ended, servers of the lab apart."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(way: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.monotonic()
    way()
    return time.monotonic() - started


def reason(error: BaseException) -> str:
    """Return one line of why something failed, with the end of what a program said."""
    said = getattr(error, "stderr", None) or b""
    text = f"{type(error).__name__}: {error}" if not isinstance(error, FailedWay) else str(error)
    tail = (said.decode(errors="replace") if isinstance(said, bytes) else said).strip()[-TAIL:]
    return " ".join(f"{text} {tail}".split())


def progress(line: str) -> None:
    """Say how far the measuring is; standard output is the table's or the document's."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


def parsed(text: str) -> dict:
    """Return the only document that a verb printed with JSON=1."""
    try:
        return json.loads(text)[0]
    except (ValueError, LookupError, TypeError) as error:
        raise FailedWay(f"no document came, but: {text[-TAIL:]}") from error
