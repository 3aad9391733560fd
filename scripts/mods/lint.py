"""Everything that is wrong with a mod: what reading its control file tells, and what its meaning and its files do."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.mods import control as controls
from scripts.mods import index, names, packages, revision
from scripts.mods.control import Standing
from scripts.mods.parts import ControlFile, Problem
from scripts.mods.revision import Revision

OLD_LINE = 1023         # bytes after which old Tikis cut a line of a control file
OLD_INDEX_LINE = 4095   # and lose one of a list
OLD_MEMBER = 100        # bytes of a name that old Tikis can put into an archive
STATEMENT = re.compile(r"(alter|analyze|call|commit|create|delete|do|drop|flush|grant|insert|load|lock|optimize|"
                       r"rename|repair|replace|revoke|select|set|show|start|truncate|unlock|update|use|with)\b",
                       re.IGNORECASE)
TABLE_TYPE = re.compile(r"\)[^()']*\bTYPE\s*=\s*\w+", re.IGNORECASE)
MAKES_TABLE = re.compile(r"create\s+table", re.IGNORECASE)
PLACEHOLDER = re.compile(rb"\[:::\[(\w+)\]:::\]")
SQL = ("sql-install", "sql-upgrade", "sql-remove")

Told = Iterator[tuple[int, str, bool]]


def lint(path: Path, folder: Path | None = None) -> list[Problem]:
    """Return the problems of a control file by line; with the mods folder its sources are looked at too."""
    text = controls.text_of(path.read_bytes(), str(path))
    control, problems, standing = controls.examine(text, str(path))
    more = [*_form(text), *_meaning(control, standing), *_sql(control, standing)]
    more += _files(control, standing, folder) if folder else []
    problems += [Problem(line, message, certain, str(path)) for line, message, certain in more]
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line)


def _form(text: str) -> Told:
    for number, line in enumerate(text.split("\n"), 1):
        length = len(line.encode("utf-8", "surrogateescape"))
        if length > OLD_LINE:
            yield number, f"{length} bytes: old Tikis cut a line after {OLD_LINE} and take the rest for another", True
        if re.search("[\ud800-\udfff]", line):
            yield number, "has bytes that are no UTF-8", True


def _meaning(control: ControlFile, standing: Sequence[Standing]) -> Told:
    if control.type and control.type not in names.TYPES:
        yield 1, f"nobody knows the type {control.type!r}; known are {', '.join(names.TYPES)}", True
    for label in ("description", "licence"):
        if not getattr(control, label):
            yield 1, f"has no {label}", True
    for number, label, value in standing:
        if label == "version" and not revision.is_understood(value):
            yield number, f"{value!r} says for no Tiki whether the mod is for it; as in 24, or 24+", True
        if label in index.KINDS and re.split("[<>=!]", value)[0].strip() == control.mod:
            yield number, f"{label} itself", True
    line = index.write([index.of_control(control)]) if control.revision.is_plain else ""
    if len(line.encode("utf-8", "surrogateescape")) > OLD_INDEX_LINE:
        yield _first(standing, "description"), f"its line in a list has more than {OLD_INDEX_LINE} bytes: old Tikis " \
                                               "lose it", True


def _sql(control: ControlFile, standing: Sequence[Standing]) -> Told:
    for number, label, value in standing:
        if label not in SQL:
            continue
        if label == "sql-upgrade" and value.startswith(":"):
            block = Revision(value[1:].strip(" \t:"))
            if control.revision.text and block > control.revision:
                yield number, f"the block {value} is above the mod's own revision {control.revision}", True
        elif not STATEMENT.match(value):
            yield number, f"{label}: {value[:40]!r} begins no statement: each stands whole on one line", False
        elif TABLE_TYPE.search(value):
            yield number, f"{label}: TYPE= behind a table is unknown to MySQL 5.5 and later; it is ENGINE= now", True
    if any(MAKES_TABLE.match(line) for line in control.sql_install) and not control.sql_remove:
        yield _first(standing, "sql-install"), "makes tables, and there is no sql-remove that takes them away", True
    if control.type == names.MAINTENANCE and (control.files or control.sql_remove):
        yield 1, "is of the type maintenance, which is never installed: its files and its sql-remove are not used", True


def _files(control: ControlFile, standing: Sequence[Standing], folder: Path) -> Told:
    where = {value.split()[0]: number for number, label, value in standing if label == "files"}
    asked = {line.variable for line in control.configuration}
    for fault in packages.missing_sources(control, folder):
        yield where.get(fault.split(" ")[0], 1), fault, False
    for source in control.sources:
        if len(source.encode("utf-8", "surrogateescape")) > OLD_MEMBER:
            yield where.get(source, 1), f"{source}: more than {OLD_MEMBER} bytes: old Tikis pack it wrongly", True
    for file in control.files:
        whole = os.path.join(folder, file.source)
        wanted = set(PLACEHOLDER.findall(Path(whole).read_bytes())) if file.is_sample and os.path.isfile(whole) else ()
        for name in sorted(one.decode() for one in wanted):
            if name not in asked:
                yield where.get(file.source, 1), f"{file.source}: [:::[{name}]:::] is in it, and no question of the " \
                                                 f"configuration asks for {name}", False


def _first(standing: Sequence[Standing], label: str) -> int:
    return next((number for number, one, _ in standing if one == label), 1)
