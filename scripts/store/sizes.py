"""How large the segments of an archive are, and where the content of a large file is cut.

A bz2 block takes 900,000 bytes after its run length coding, so segments of one block each cost nothing: measured on a
real Tiki, 16.55 MB as against 16.54 in one stream. A zstd frame forgets what came before it; from 4 MB on that costs
less than what bz2 gives away.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Bytes of a segment before packing: target; beyond grown it is cut, below tiny it is joined with a neighbour.

    A member from large on is cut inside, into pieces of least to most bytes.
    """

    target: int
    marks: int      # a place to cut comes every 2**marks bytes

    @property
    def grown(self) -> int:
        return self.target * 13 // 10

    @property
    def tiny(self) -> int:
        return self.target // 4

    @property
    def large(self) -> int:
        return self.target * 2

    @property
    def least(self) -> int:
        return self.target * 6 // 10

    @property
    def most(self) -> int:
        return self.target


SIZES = {"bz2": Sizes(860_000, 17), "zst": Sizes(4 << 20, 19)}

# Which bytes before a place speak for it, one bit for each value of what they make together, and a row of such bits
# that is looked for: all arbitrary, and the same for ever.
_BEFORE = (3, 7, 12, 20, 33, 47)
_BITS = bytes(48 + (hashlib.sha256(bytes([value])).digest()[0] & 1) for value in range(256))
_ROW = b"00101101110001010011010"


def cut(data: bytes | bytearray, sizes: Sizes) -> int:
    """Return where to cut data that holds at least sizes.most bytes.

    The place depends on some sixty bytes before it alone, so that what is put in or taken out elsewhere moves no other
    cut. Where no such place is (zeros), it is at the most.
    """
    row = _ROW[:sizes.marks]
    start = sizes.least - len(row) - _BEFORE[-1]
    number = mixed = int.from_bytes(data[start:sizes.most], "big")
    for distance in _BEFORE:
        mixed ^= number >> 8 * distance     # all bytes at once: a loop in Python would take seconds
    bits = mixed.to_bytes(sizes.most - start, "big").translate(_BITS)
    found = bits.find(row, _BEFORE[-1])
    return sizes.most if found < 0 else start + found + len(row)
