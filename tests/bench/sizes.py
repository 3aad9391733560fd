"""How large a made-up site is: SIZE= of make bench."""

import re
from dataclasses import dataclass

from scripts.errors import UsageError
from scripts.registry.env_file import nearest

BYTES_A_FILE = 9_000         # the mean of a real Tiki 24.4 with its vendor folder
UPLOADS_SHARE = 0.12         # of the bytes: what users stored outside the web root
UNITS = {"kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
FORM = re.compile(r"(\d+)x(\d+(?:\.\d+)?)(kb|mb|gb)", re.IGNORECASE)


@dataclass(frozen=True)
class Size:
    """files are those of the code; sql_bytes are those of the dump, about."""

    name: str
    files: int
    sql_bytes: int

    @property
    def code_bytes(self) -> int:
        return self.files * BYTES_A_FILE

    @property
    def upload_bytes(self) -> int:
        return int(self.code_bytes * UPLOADS_SHARE)

    def grown(self, files: int = 1, sql: int = 1) -> "Size":
        """Return a size so many times as large."""
        return Size(f"{self.files * files}x{self.sql_bytes * sql / 1e6:g}MB", self.files * files,
                    self.sql_bytes * sql)


SIZES = {one.name: one for one in (
    Size("tiny", 200, 500_000),
    Size("small", 2_000, 10_000_000),
    Size("r1", 42_000, 500_000_000))}


def of(word: str) -> Size:
    """Return the size that SIZE= names: one of SIZES, or FILESxSQL as 420000x0.5GB."""
    if word in SIZES:
        return SIZES[word]
    if found := FORM.fullmatch(word):
        return Size(word, int(found[1]), int(float(found[2]) * UNITS[found[3].lower()]))
    raise UsageError(f"SIZE={word}: expected {', '.join(SIZES)} or FILESxSQL as 420000x0.5GB{nearest(word, SIZES)}")
