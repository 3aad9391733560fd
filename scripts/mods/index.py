"""Lists of mods, one a line: written in the form of eight fields, read in every form there ever was.

Fields: type, name, revision, description, licence, first Tiki version, md5 of the archive, dependencies; each in single
quotes, escaped as PHP's addslashes does. The sha256 of the archive stands in a remark below its line, which old Tikis
pass over.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.errors import ArchiveError
from scripts.mods import demands, names
from scripts.mods.demands import Demand
from scripts.mods.parts import ControlFile, Named, Problem
from scripts.mods.revision import Revision

FIELD = r"'((?:[^'\\]|\\.)*)'"
LINE = re.compile(rf"{FIELD}(?:\s*,\s*{FIELD})*", re.DOTALL)
BETWEEN = re.compile(r"'\s*,\s*'")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
SUM = re.compile(r"#\s*sha256 (\S+) ([0-9a-f]{64})")
MD5 = re.compile(r"[0-9a-f]{32}")
KINDS = ("requires", "suggests", "conflicts")
FULL = 8            # fields of a line as it is written today
FORM_OF_1_9 = 5     # of the oldest that has a licence
FEWEST = 3
CUT = "is cut off: its last quote is missing"
LARGEST = 16 << 20  # bytes of a list; that of 92 real mods had 10,000


@dataclass(frozen=True, kw_only=True)
class IndexLine(Named):
    """What a list says of one mod. version is the first of its control file; md5 and sha256 are the archive's."""

    type: str
    name: str
    revision: Revision
    description: str = ""
    licence: str = ""
    version: str = ""
    md5: str = ""
    requires: tuple[Demand, ...] = ()
    suggests: tuple[Demand, ...] = ()
    conflicts: tuple[Demand, ...] = ()
    sha256: str = ""


def of_control(control: ControlFile, md5: str = "", sha256: str = "") -> IndexLine:
    """Return the line of a control file; the sums are known once its archive is."""
    return IndexLine(type=control.type, name=control.name, revision=control.revision, description=control.description,
                     licence=control.licence, version=control.versions[0] if control.versions else "", md5=md5,
                     requires=control.requires, suggests=control.suggests, conflicts=control.conflicts, sha256=sha256)


def read(text: str) -> list[IndexLine]:
    """Return the mods of a list, sorted; lines that cannot be understood are left out (`examine` tells them)."""
    return examine(text)[0]


def load(path: Path) -> list[IndexLine]:
    """Return the mods of a list on the manager's disk; there is none when it is not there."""
    try:
        return read(path.read_bytes().decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        return []


def examine(text: str, path: str = "") -> tuple[list[IndexLine], list[Problem]]:
    """Return the mods of a list, sorted, and what could not be understood; of two lines for one mod the later is."""
    found: dict[str, IndexLine] = {}
    sums: dict[str, str] = {}
    problems: list[Problem] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r\0\x0b")
        if noted := SUM.fullmatch(line):
            sums[noted[1]] = noted[2]
        elif line.startswith("'"):
            fields = _fields(line)
            read_line = _line(fields) if fields else CUT
            if isinstance(read_line, str):
                problems.append(Problem(number, f"{line[:60]}: {read_line}", False, path))
            else:
                found[read_line.mod] = read_line
    lines = [_with_sum(line, sums) for line in found.values()]
    return sorted(lines, key=lambda line: (line.type, line.name)), problems


def of_provider(data: bytes, shown: str) -> list[IndexLine]:
    """Return the list that a provider answered with; an empty one is a list, anything else but a list is a fault."""
    if len(data) > LARGEST:
        raise ArchiveError(f"{shown}: larger than {LARGEST >> 20} MB: this is no list of mods")
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines, problems = examine(text, shown)
    first = text.lstrip(" \t\r\n\0")[:1]
    if first and first not in "'#" and not (lines and first == ","):
        raise ArchiveError(f"{shown}: is no list of mods, it begins with {text.strip()[:40]!r}. The earlier one stays")
    if not text.endswith("\n") and problems and problems[-1].message.endswith(CUT):
        raise ArchiveError(f"{problems[-1]}, and nothing follows. The earlier one stays")
    if problems and not lines:
        raise ArchiveError(f"{problems[0]}: no line of it can be used. The earlier one stays")
    return lines


def write(lines: Iterable[IndexLine]) -> str:
    """Return a list's text: sorted, one line a mod."""
    text = ""
    for line in sorted(lines, key=lambda line: (line.type, line.name)):
        fields = (line.type, line.name, line.revision.text, line.description, line.licence, line.version, line.md5,
                  _dependencies(line))
        text += ",".join(f"'{_escaped(field)}'" for field in fields) + "\n"
        text += f"# sha256 {line.mod}-{line.revision} {line.sha256}\n" if line.sha256 else ""
    return text


def _fields(line: str) -> list[str]:
    """Return the fields of a line without their escapes; quotes within a field may have lost theirs."""
    if LINE.fullmatch(line):
        return [_unescaped(field) for field in re.findall(FIELD, line, re.DOTALL)]
    ended = line.rstrip(", ;\t")
    if len(ended) < 2 or not ended.endswith("'"):
        return []
    return [_unescaped(field) for field in BETWEEN.split(ended[1:-1])]


def _line(fields: list[str]) -> IndexLine | str:
    """Return what a line says, or why it says nothing."""
    if len(fields) < FEWEST:
        return f"has {len(fields)} of at least {FEWEST} fields"
    type_, name, revision = fields[:3]
    if not names.is_mod(f"{type_}-{name}") or "-" in type_:
        return f"{type_}-{name} is no name that a mod may have"
    if not Revision(revision).is_plain:
        return f"{revision!r} is no revision"
    further = [*fields[3:FORM_OF_1_9], "", ""][:2]
    version, md5, dependencies = fields[FORM_OF_1_9:FULL] if len(fields) >= FULL else _guessed(fields[FORM_OF_1_9:])
    if md5 and not MD5.fullmatch(md5.lower()):
        return f"{md5!r} is no md5 sum"
    wanted = _demands(dependencies)
    if isinstance(wanted, str):
        return wanted
    return IndexLine(type=type_, name=name, revision=Revision(revision), description=further[0], licence=further[1],
                     version=version, md5=md5.lower(), **wanted)


def _guessed(fields: list[str]) -> tuple[str, str, str]:
    """Return version, md5 and dependencies of a line with six or seven fields, of which no place is certain."""
    version = md5 = dependencies = ""
    for field in fields:
        if MD5.fullmatch(field.lower()):
            md5 = field
        elif re.match(rf"({'|'.join(KINDS)}):", field):
            dependencies = field
        elif re.fullmatch(r"[0-9]+(\.[0-9]+)*\+?", field):
            version = field
    return version, md5, dependencies


def _demands(text: str) -> dict[str, tuple[Demand, ...]] | str:
    found: dict[str, tuple[Demand, ...]] = {}
    for section in filter(None, text.split(";")):
        kind, _, listed = section.partition(":")
        if kind not in KINDS:
            return f"{kind!r} is no kind of dependency"
        wanted, doubts = demands.read(listed)
        if any(not doubt.certain for doubt in doubts):
            return f"{kind}: {doubts[0].message}"
        found[kind] = found.get(kind, ()) + tuple(wanted)
    return found


def _dependencies(line: IndexLine) -> str:
    return ";".join(f"{kind}:{'&'.join(map(str, getattr(line, kind)))}" for kind in KINDS if getattr(line, kind))


def _with_sum(line: IndexLine, sums: dict[str, str]) -> IndexLine:
    return replace(line, sha256=sums.get(f"{line.mod}-{line.revision}", ""))


def _escaped(field: str) -> str:
    plain = re.sub(r"[\r\n]+", " ", field)  # a line break would be the line's end
    return re.sub(r"(['\"\\])", r"\\\1", plain).replace("\0", "\\0")


def _unescaped(field: str) -> str:
    return ESCAPED.sub(lambda found: "\0" if found[1] == "0" else found[1], field)
