"""make bench: each verb against the classic way and against its floor, measured in one run.

    make bench [WHAT=a,b] [SIZE=small] [TREE=folder] [ROUNDS=5] [JSON=1 or JSON=file] [MARKDOWN=1]

Ends with 1 when a limit is missed or a way failed, with 2 for a word that means nothing here.
"""

import importlib
import json
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scripts.errors import UsageError
from scripts.registry.env_file import nearest
from tests.bench import limits, machine, sizes, table
from tests.bench.context import Context
from tests.bench.measuring import FailedWay, Report, progress
from tests.bench.sizes import Size
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit

# WHAT= and what takes it, module and function, in the order in which they run.
WHAT = {"create": "creation.measure", "update": "updates.measure", "watch": "watch.measure",
        "backup": "backups.measure", "backup-ssh": "backups.measure_far",
        "restore": "restores.measure", "restore-ssh": "restores.measure_far",
        "prove": "proofs.measure", "extract": "extracts.measure", "clone": "clones.measure",
        "startup": "startup.measure", "fleet": "fleet.measure", "growth": "growth.measure"}
BY_WORD_ALONE = ("growth",)     # takes as long as all others together
VARIABLES = ("WHAT", "SIZE", "TREE", "ROUNDS", "JSON", "MARKDOWN")
DEFAULT_SIZE, DEFAULT_ROUNDS = "small", 5
SWITCH = {"1": True, "yes": True, "on": True, "0": False, "no": False, "off": False}


@dataclass(frozen=True)
class Wishes:
    """What was asked for; json is empty, "1" for standard output, or a file."""

    what: tuple[str, ...] = tuple(name for name in WHAT if name not in BY_WORD_ALONE)
    size: Size = field(default_factory=lambda: sizes.of(DEFAULT_SIZE))
    tree: str = ""
    rounds: int = DEFAULT_ROUNDS
    json: str = ""
    markdown: bool = False


def main(words: list[str]) -> int:
    """Measure and print; return the exit code."""
    try:
        wishes = wishes_of(words)
    except UsageError as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 2
    # A killed run takes its servers and its folder with it, and tells what it has.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    report = Report(wishes.rounds, is_small=not wishes.tree and wishes.size.files < limits.REAL_FILES)
    if report.is_small:
        report.note(f"a site of {wishes.size.files} files is too small for limits that are shares of the classic way "
                    "or of a floor: they are not judged")
    with Lab() as lab:
        facts = machine.facts(lab.folder)
    if warning := machine.warning(facts["load_at_start"]):
        progress(warning)
    try:
        for name in wishes.what:
            _measure(name, wishes, report)
    except (KeyboardInterrupt, SystemExit):
        report.fail("bench", FailedWay("was interrupted; what was measured until then is told"))
    facts["load_at_end"] = machine.load()
    _tell(wishes, report, facts, time.monotonic() - started)
    return 1 if report.missed else 0


def wishes_of(words: list[str]) -> Wishes:
    """Return what NAME=value words ask for; raises UsageError with the one line that helps."""
    given = dict(word.split("=", 1) for word in words)
    for name in given:
        if name not in VARIABLES:
            raise UsageError(f"{name}= is not a variable of make bench{nearest(name, VARIABLES)}. It takes: "
                             f"{', '.join(VARIABLES)}")
    tree = given.get("TREE", "")
    if tree and not (Path(tree) / "tiki-setup.php").exists():
        raise UsageError(f"TREE={tree}: there is no tiki-setup.php in it; give the folder of a Tiki's files")
    if tree and "SIZE" in given:
        raise UsageError("SIZE= is of a site that is made up; with TREE= leave it out")
    markdown = given.get("MARKDOWN", "no").lower()
    if markdown not in SWITCH:
        raise UsageError(f"MARKDOWN={given['MARKDOWN']}: expected 1, yes, on, or 0, no, off")
    rounds = given.get("ROUNDS", str(DEFAULT_ROUNDS))
    if not rounds.isdecimal() or int(rounds) < 1:
        raise UsageError(f"ROUNDS={rounds}: expected a number from 1 on")
    output = given.get("JSON", "")
    if SWITCH.get(output.lower()) is None and output and not Path(output).resolve().parent.is_dir():
        raise UsageError(f"JSON={output}: the folder of that file is not there; give 1 or a file")
    return Wishes(_what(given.get("WHAT", "")), sizes.of(given.get("SIZE", DEFAULT_SIZE)), tree, int(rounds),
                  {True: "1", False: ""}.get(SWITCH.get(output.lower()), output), SWITCH[markdown])


def _what(text: str) -> tuple[str, ...]:
    wanted = [word for word in text.split(",") if word]
    for word in wanted:
        if word not in WHAT:
            raise UsageError(f"WHAT={word}: expected {', '.join(WHAT)}{nearest(word, WHAT)}")
    return tuple(name for name in WHAT if name in wanted) if wanted else Wishes.what


def _measure(name: str, wishes: Wishes, report: Report) -> None:
    """Take one measurement in a lab of its own; one that breaks down is told and counted, and the next one begins."""
    progress(f"{name}: begins")
    try:
        with Lab() as lab:
            context = Context(lab, Toolkit(lab.folder / "toolkit", lab), report, wishes.size, wishes.tree)
            module, function = WHAT[name].split(".")
            getattr(importlib.import_module(f"tests.bench.{module}"), function)(context)
    except Exception as error:
        report.fail(name, error)


def _tell(wishes: Wishes, report: Report, facts: dict[str, object], seconds: float) -> None:
    size = wishes.size
    document = {"bench": 1, "moment": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": round(seconds, 1),
                "what": list(wishes.what), "rounds": wishes.rounds, "machine": facts,
                "site": {"tree": True} if wishes.tree else
                {"size": size.name, "files": size.files, "code_bytes": size.code_bytes,
                 "upload_bytes": size.upload_bytes, "sql_bytes": size.sql_bytes},
                "rows": [row.document() for row in report.rows], "notes": report.notes, "missed": report.missed,
                "failed": sum(bool(row.failed) for row in report.rows)}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    if wishes.json == "1":
        print(text)
        return
    if wishes.json:
        Path(wishes.json).write_text(text + "\n", encoding="utf-8")
    print(table.shown(report, facts, wishes.markdown))
    print(f"\nbench: {report.missed} limits missed" if report.missed else "\nbench: all within their limits")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
