"""What the values of each block of a control file mean, and the lines they are written as."""

import re
from collections.abc import Callable, Iterator

from scripts.mods import demands, names
from scripts.mods.parts import ConfigLine, ControlFile, FileLine
from scripts.mods.revision import Revision

Tell = Callable[[int, str, bool], None]
"""Takes a fault: line, message, whether the meaning is certain all the same."""

PROSE = ("description", "changelog", "help", "author", "contributor", "licence", "configuration help", "lastmodif",
         "url", "devurl", "docurl", "version")
"""Blocks in which a word that is a label too may stand as a word."""
LISTS = ("contributor", "author", "url", "devurl", "docurl", "changelog", "help", "version", "configuration help")
DEMANDS = ("requires", "suggests", "conflicts")
MACRO = re.compile(r"\$\w+:([^$]*)\$", re.ASCII)
UNEXPANDED = re.compile(r"\$\w+:?\s*\$", re.ASCII)
WITH_LABEL = re.compile(r"(?:revision|rev)\s*:\s*([0-9].*)", re.IGNORECASE)
VARIABLE = re.compile(r"\w+", re.ASCII)
EDGES = " \t\n\r\0\x0b"    # what PHP's trim takes away
BLANKS = re.compile(r"[ \t\0\x0b]+")
SUM_LENGTHS = {"md5": 32, "sha256": 64}


class Values:
    """Collects the values of a file; `control` is what they say together."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._lists: dict[str, list] = {}
        self._words: dict[str, str] = {}
        self._others: dict[str, list[str]] = {}
        self._targets: dict[str, FileLine] = {}
        self._variables: set[str] = set()
        self.revision_line = 0
        self._keepers: dict[str, Callable[[int, str], None]] = {
            "revision": self._revision, "lastmodif": self._lastmodif, "description": self._description,
            "licence": lambda number, line: self._words.update(licence=line), "files": self._file,
            "configuration": self._question, "sql-upgrade": self._upgrade}

    def keep(self, label: str, number: int, line: str) -> None:
        """Take one value of a known block."""
        if label in DEMANDS:
            self._demands(label, number, line)
        elif label in SUM_LENGTHS:
            self._sum(label, number, line)
        elif label in self._keepers:
            self._keepers[label](number, line)
        elif text := self._plain(line) if label == "contributor" else line:
            self._list(label).append(text)

    def keep_other(self, label: str, line: str) -> bool:
        """Take one value of a block that nobody knows; True for the block's first."""
        is_first = label not in self._others
        self._others.setdefault(label, []).append(line)
        return is_first

    def control(self, type_: str, name: str) -> ControlFile:
        lists = {label.replace("-", "_").replace(" ", "_"): tuple(values) for label, values in self._lists.items()}
        if "version" in lists:
            lists["versions"] = lists.pop("version")
        lists["sql_upgrade"] = tuple((revision, tuple(statements)) for revision, statements in
                                     lists.get("sql_upgrade", ()))
        others = tuple((label, tuple(values)) for label, values in self._others.items())
        revision = Revision(self._words.pop("revision", ""))
        return ControlFile(type=type_, name=name, revision=revision, others=others, **lists, **self._words)

    def _list(self, label: str) -> list:
        return self._lists.setdefault(label, [])

    def _revision(self, number: int, line: str) -> None:
        text = self._plain(line)
        if self.revision_line or not text:
            return  # the first that says something counts
        self.revision_line = number
        if found := WITH_LABEL.fullmatch(text):
            self._tell(number, f"{line!r}: the number is meant, but old Tikis compare the words with it and read 0.x",
                       True)
            text = found[1]
        if UNEXPANDED.fullmatch(text):
            self._tell(number, f"the keyword {text} was never replaced by a number: it counts as 0", False)
        elif not Revision(text).is_plain:
            self._tell(number, f"{text!r} is no revision: digits and dots, as in 1.2", False)
        self._words["revision"] = text

    def _lastmodif(self, number: int, line: str) -> None:
        if text := self._plain(line):
            self._words.setdefault("lastmodif", text)

    def _description(self, number: int, line: str) -> None:
        self._words["description"] = f"{self._words['description']} {line}" if "description" in self._words else line

    def _plain(self, line: str) -> str:
        """Return a line with the keywords of CVS and Subversion replaced by what they say."""
        while (plain := MACRO.sub(lambda found: found[1], line)) != line:
            line = plain
        return line.strip(EDGES)

    def _demands(self, label: str, number: int, line: str) -> None:
        found, doubts = demands.read(line)
        for doubt in doubts:
            self._tell(number, doubt.message, doubt.certain)
        self._list(label).extend(found)

    def _sum(self, kind: str, number: int, line: str) -> None:
        if not re.fullmatch(rf"[0-9a-f]{{{SUM_LENGTHS[kind]}}}", line.lower()):
            self._tell(number, f"{line[:70]!r} is no {kind} sum", False)
            return
        self._words[kind] = line.lower()

    def _file(self, number: int, line: str) -> None:
        columns = BLANKS.split(line)
        if len(columns) == 1:
            self._tell(number, f"{line!r} has one column: where the file comes from and where it goes are two", False)
            return
        if "\t" in line:
            self._tell(number, "a tab between the columns: old Tikis know blanks alone", True)
        if len(columns) > 2:
            self._tell(number, f"{len(columns)} columns, the first two count; names cannot hold blanks", True)
        file = FileLine(columns[0], self._target(number, *columns[:2]))
        for place, path, why in (("source", file.source, names.fault_of_source(file.source)),
                                 ("destination", file.target, names.fault_of_path(file.target))):
            if why:
                self._tell(number, f"the {place} {path!r} {why}", False)
                return
        self._add_file(number, file)

    def _target(self, number: int, source: str, target: str) -> str:
        """Return where a file goes; a destination that ends with / is a folder for it."""
        if not target.endswith("/") or target.strip("/.") == "":
            return target
        own = source.rpartition("/")[2].removeprefix("sample:")
        self._tell(number, f"the destination {target!r} is a folder: old Tikis fail there. Meant is {target}{own}",
                   True)
        return target + own

    def _add_file(self, number: int, file: FileLine) -> None:
        before = self._targets.get(file.target)
        if before == file:
            self._tell(number, f"{file.source} stands here again", True)
            return
        if before:
            self._tell(number, f"{file.target} gets a second file: {before.source} goes there too", False)
            return
        for other in self._targets:
            if other.startswith(f"{file.target}/") or file.target.startswith(f"{other}/"):
                self._tell(number, f"{min(other, file.target, key=len)} is a file of this mod and a folder in "
                                   f"{max(other, file.target, key=len)}", False)
                return
        self._targets[file.target] = file
        self._list("files").append(file)

    def _question(self, number: int, line: str) -> None:
        fields = [field.strip(EDGES) for field in line.split(",", 2)]
        if len(fields) < 2 or not VARIABLE.fullmatch(fields[1]):
            self._tell(number, f"{line!r} is no question: text, variable (letters, digits, _), default", False)
            return
        if fields[1] in self._variables:
            self._tell(number, f"the variable {fields[1]} is asked for twice", False)
            return
        if "," in (fields[2:] or [""])[0]:
            self._tell(number, "the default has a comma in it: old Tikis lose what is behind it", True)
        self._variables.add(fields[1])
        self._list("configuration").append(ConfigLine(*fields))

    def _upgrade(self, number: int, line: str) -> None:
        blocks = self._list("sql-upgrade")
        if line.startswith(":"):
            text = line[1:].strip(EDGES + ":")
            if not Revision(text).is_plain:
                self._tell(number, f"{line!r} begins the statements of no revision: a colon and digits, as in :1.2",
                           False)
            blocks.append((Revision(text), []))
        elif not blocks:
            self._tell(number, "a statement before the first :revision: old Tikis never run it", False)
        else:
            blocks[-1][1].append(line)


def lines(control: ControlFile) -> Iterator[tuple[str, list[str]]]:
    """Yield each block that a control file is written as: its label and its values."""
    yield "contributor", list(control.contributor)
    yield "revision", [control.revision.text] if control.revision.text else []
    yield "lastmodif", [control.lastmodif] if control.lastmodif else []
    for label in DEMANDS:
        yield label, [str(demand) for demand in getattr(control, label)]
    yield "description", [control.description] if control.description else []
    yield "licence", [control.licence] if control.licence else []
    yield "version", list(control.versions)
    for label in ("author", "url", "devurl", "docurl", "changelog", "help"):
        yield label, list(getattr(control, label))
    yield "files", [f"{file.source} {file.target}" for file in control.files]
    yield "configuration", [_question(line) for line in control.configuration]
    yield "configuration help", list(control.configuration_help)
    yield "sql-install", list(control.sql_install)
    yield "sql-upgrade", [line for revision, block in control.sql_upgrade for line in (f":{revision}", *block)]
    yield "sql-remove", list(control.sql_remove)
    yield from ((label, list(values)) for label, values in control.others)


def _question(line: ConfigLine) -> str:
    return f"{line.prompt},{line.variable}" + (f",{line.default}" if line.default else "")
