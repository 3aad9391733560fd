"""make mods-diff: the files of mods in a site's tree against their sources in the collection; nothing is changed."""

from collections.abc import Sequence

from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_developing
from scripts.steps.mods_developing import COLUMNS, SAME


def mods_diff(instance: Instance, mod: str) -> Sequence[dict[str, object]]:
    """Show what differs, text by text, when mods are named; return every file with how it stands."""
    found = mods_developing.pairs(instance, mod)
    rows = []
    for pair in found:
        lines = mods_developing.difference(pair) if mod else []
        for line in lines:
            output.tell_secret(line)  # a sample's file may hold answers: not into the log
        rows.append({"instance": instance.name, **pair.row, **({"difference": lines} if mod else {})})
    return rows


def show(rows: Sequence[Sequence[dict[str, object]]], mod: str) -> None:
    """Show the files; with MOD= those that differ alone."""
    every = [row for one in rows for row in one]
    if output.manner.is_json:
        output.show(every, COLUMNS, "")
        return
    output.show([row for row in every if not mod or row["state"] != SAME], COLUMNS,
                "Every file is the same on both sides" if mod else "No mod of the collection is installed")
