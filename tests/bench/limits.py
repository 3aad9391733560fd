"""What each measurement may cost at most: all limits of make bench, in one place."""

from dataclasses import dataclass, replace

MEMORY_MB = 150          # of the largest process that TRIM starts, whatever the size of the site


@dataclass(frozen=True)
class Limit:
    """The most a way may take: as a share of the classic way's and of its floor's time, in seconds, in bytes.

    disk is a share of the bytes that another way leaves (of the classic way, unless the way names another). None is no
    limit. Shares are those of a real site: of a small one, where starting up is all there is, they are judged only
    with is_of_any_size.
    """

    classic: float | None = None
    floor: float | None = None
    seconds: float | None = None
    disk: float | None = None
    wire_bytes: int | None = None
    memory_mb: float | None = MEMORY_MB
    is_of_any_size: bool = False

    def for_small(self) -> "Limit":
        """Return what of it holds for a site of any size."""
        return self if self.is_of_any_size else replace(self, classic=None, floor=None, disk=None)


ROUNDING = 0.005         # of a ratio: one that is shown as the limit itself is not missed
NONE = Limit()
# A way that is not TRIM's: measured, never judged.
FREE = Limit(memory_mb=None)

LIMITS = {
    # issue 8, 1: a tenth of a per cent is what a night changes
    "backup first bz2": Limit(classic=0.40, disk=1.03),
    "backup first zst": Limit(classic=0.10, disk=1.0),
    "backup nothing changed": Limit(classic=1 / 20, floor=1.5),
    "backup 0.1 % changed": Limit(classic=1 / 20, floor=1.5),
    # issue 8, 3
    "restore": Limit(floor=1.2),
    "extract file": Limit(seconds=1.0),
    # and for a table as long again as its bare dump takes
    "extract table": Limit(seconds=1.0),
    # issue 8, 6
    "status of 100": Limit(seconds=8.0, is_of_any_size=True),
    "backup of 100, four at a time": Limit(classic=1 / 1.7, is_of_any_size=True),
    "start-up": Limit(floor=1.5, is_of_any_size=True),
    # of a real Tiki; the installer of the sample does next to nothing
    "create second": Limit(classic=1.5),
    "clone everything": Limit(classic=1.15),
    "clone nothing new": Limit(classic=1.3),
    # seconds under the page, beyond those of the schema update
    "update beyond schema": Limit(seconds=3.0),
    "watch nothing changed": Limit(classic=1.5, wire_bytes=8_000_000),
}
GROWTH_OF_MEMORY = 1.3   # times, at ten times the size
REAL_FILES = 40_000      # from here on a site that is made up counts as a real one
OPTION_FILES_BYTES = 1024    # that the clients' accounts may take while cloning; nothing else may lie about


def of(key: str | Limit) -> Limit:
    """Return the limit of that name; a name that is not listed is a mistake in the bench."""
    if isinstance(key, Limit):
        return key
    return LIMITS[key] if key else NONE
