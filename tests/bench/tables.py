"""A database of the size that is asked for: a few large tables, many small ones; text, hexadecimal blobs, short rows.

The server itself multiplies a pool of texts, which is many times as fast as sending them.
"""

import random
from collections.abc import Callable

from tests.bench import content

POOL = 2_000             # texts of 2.4 kB that all others are cut from
TEXT_BYTES = 2_550       # of a text made of two of them, on average
VERSIONS = 20            # of a page, of which most of the text stays
SMALL_TABLES = 200       # at most, as many as a real Tiki has besides the large ones
SMALL_ROWS = 60
SMALL_ROW_BYTES = 110
SHARES = {"history": 0.40, "pages": 0.12, "files": 0.20, "log": 0.25}    # of the dump's bytes; the rest is small tables
LOG_ROW_BYTES = 95
BLOB_PARTS = 32          # of 64 bytes each


def fill(sql: Callable[[str], str], sql_bytes: int) -> None:
    """Add tables and rows until the dump is about that large; sql runs statements in the site's database."""
    chance = random.Random("tables")
    texts = content.pages(chance)
    sql("CREATE TABLE bench_pool (id int PRIMARY KEY, body text) ENGINE=InnoDB; INSERT INTO bench_pool VALUES "
        + ", ".join(f"({number}, '{next(texts)}')" for number in range(POOL)))
    wanted = {name: int(share * sql_bytes) for name, share in SHARES.items()}
    # A blob is written as hexadecimal digits: two bytes each.
    _history(sql, wanted["history"] // (2 * TEXT_BYTES))
    _pages(sql, wanted["pages"] // TEXT_BYTES)
    _files(sql, wanted["files"] // (2 * 64 * BLOB_PARTS))
    _log(sql, wanted["log"] // LOG_ROW_BYTES)
    left = sql_bytes - sum(wanted.values())
    _small(sql, min(SMALL_TABLES, left // (SMALL_ROWS * SMALL_ROW_BYTES)), chance)
    sql("DROP TABLE bench_pool")


def _text(versions: int) -> str:
    """Return SQL for a text: the end of one of the pool, the same for so many versions, then one of their own."""
    return (f"CONCAT(SUBSTRING(a.body, 1 + CRC32(CONCAT(s.seq DIV {versions}, 'from')) % 2000), ' ', "
            "SUBSTRING(b.body, 1, 200 + CRC32(CONCAT(s.seq, 'to')) % 2000))")


def _joined(count: int, versions: int) -> str:
    return (f"FROM seq_1_to_{max(count, 1)} AS s "
            f"JOIN bench_pool AS a ON a.id = CRC32(CONCAT(s.seq DIV {versions}, 'a')) % {POOL} "
            f"JOIN bench_pool AS b ON b.id = CRC32(CONCAT(s.seq, 'b')) % {POOL} ORDER BY s.seq")


def _history(sql: Callable[[str], str], count: int) -> None:
    sql("INSERT INTO tiki_history (pageName, version, lastModif, data) "
        f"SELECT CONCAT('Page ', s.seq DIV {VERSIONS}), 1000 + s.seq, 1700000000 + s.seq, {_text(VERSIONS)} "
        f"{_joined(count, VERSIONS)}")


def _pages(sql: Callable[[str], str], count: int) -> None:
    sql("CREATE TABLE bench_pages (id int PRIMARY KEY, title varchar(120), body mediumtext, KEY (title)) "
        "ENGINE=InnoDB; "
        f"INSERT INTO bench_pages SELECT s.seq, CONCAT('A page ', s.seq), {_text(1)} {_joined(count, 1)}")


def _files(sql: Callable[[str], str], count: int) -> None:
    parts = ", ".join(f"SHA2(CONCAT(seq, 'part', {part}), 512)" for part in range(BLOB_PARTS))
    sql("CREATE TABLE bench_files (id int PRIMARY KEY, body longblob) ENGINE=InnoDB; "
        f"INSERT INTO bench_files SELECT seq, UNHEX(CONCAT({parts})) FROM seq_1_to_{max(count, 1)}")


def _log(sql: Callable[[str], str], count: int) -> None:
    sql("CREATE TABLE bench_log (id int PRIMARY KEY, action varchar(40), object varchar(80), moment int, "
        "ip varchar(39), KEY (moment)) ENGINE=InnoDB; "
        "INSERT INTO bench_log SELECT seq, ELT(1 + seq % 4, 'Viewed', 'Updated', 'Created', 'Removed'), "
        "CONCAT('Page ', CRC32(seq) % 50000, ' of the wiki'), 1700000000 + seq * 7, "
        f"INET_NTOA(CRC32(seq DIV 9)) FROM seq_1_to_{max(count, 1)}")


def _small(sql: Callable[[str], str], count: int, chance: random.Random) -> None:
    statements = []
    for number in range(count):
        rows = ", ".join(f"({row}, '{' '.join(chance.choices(content.WORDS, k=3))}', {chance.getrandbits(30)}, "
                         f"'{' '.join(chance.choices(content.WORDS, k=6))}')" for row in range(SMALL_ROWS))
        statements.append(f"CREATE TABLE bench_small_{number:03} (id int PRIMARY KEY, name varchar(80), value int, "
                          f"note varchar(200)) ENGINE=InnoDB; INSERT INTO bench_small_{number:03} VALUES {rows}")
    sql("; ".join(statements) or "SELECT 1")
