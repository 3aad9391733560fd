"""Finds the tables of a database that a dump would make no different: the same rows, and how they were made.

Their own dump is digested, which costs a fourth of loading them.
"""

from collections.abc import Mapping

from scripts.database import dump, load, structure
from scripts.database.client import Client
from scripts.database.digest import DumpDigest, TableDigest
from scripts.database.faults import explained
from scripts.hosts import process

FEWEST = 20                # tables that are worth a look: each costs a file of the server
FEWEST_BYTES = 8 << 20     # or what they hold


def alike(client: Client, tables: Mapping[str, TableDigest]) -> dict[str, str]:
    """Return the tables of a database that hold what tables says, each with the statement that makes it now.

    Whether the dump has the same statement, who loads it has to compare. Nobody may write meanwhile.
    """
    client = dump.lossless(client)
    candidates = _candidates(client, tables)
    there = {table.name: table.size_bytes for table in client.tables()}
    if len(candidates) < FEWEST and sum(there.get(name, 0) for name in candidates) < FEWEST_BYTES:
        return {}
    digest, others = DumpDigest(), sorted(there.keys() - candidates.keys())
    dumped = dump.stream(client, skip_tables=others, consistent=dump.consistency(client, others))
    with explained(client.place):
        process.read_through(*dumped, lambda source, sink: [digest.feed(chunk) for chunk in source.chunks()])
    found = digest.finish()
    return {name: made for name, made in candidates.items() if found.get(name) == tables[name]}


def _candidates(client: Client, tables: Mapping[str, TableDigest]) -> dict[str, str]:
    """Return the tables with as many rows as wanted, and how each was made.

    Not those with triggers, which the dump makes anew, or with foreign keys: tables that they lead to may be made anew.
    """
    found = structure.read(client)
    made = {name: parts[0][0] for name, parts in found.made.items()
            if name in tables and len(parts) == 1 and found.kinds[name] == "BASE TABLE"
            and " FOREIGN KEY " not in parts[0][0] and "UNLOCK TABLES" not in parts[0][0]}
    counts = load.row_counts(client, sorted(made))
    return {name: text for name, text in made.items() if counts[name] == tables[name].rows}
