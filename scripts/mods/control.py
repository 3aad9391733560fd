"""Reads and writes control files, TYPE-NAME.info.txt.

A file is blocks with blank lines between them; the first line of a block is its label, the others are its values, one
a line. Where the form is broken and the meaning certain, the meaning is taken and the fault told; where it is in
doubt, the fault says so, and nobody installs such a mod.
Source: the TikiMods page; what lib/mods/modslib.php of Tiki 2 to 18 makes of a file.
"""

import os
import re
from pathlib import Path

from scripts.errors import ArchiveError, UsageError
from scripts.mods import block_values, names
from scripts.mods.parts import ControlFile, Problem
from scripts.registry.env_file import nearest

LABELS = ("contributor", "revision", "lastmodif", "requires", "suggests", "conflicts", "description", "licence",
          "version", "author", "url", "devurl", "docurl", "changelog", "help", "files", "configuration",
          "configuration help", "sql-install", "sql-upgrade", "sql-remove", "md5", "sha256")
MEANT = {"license": "licence", "licences": "licence", "authors": "author", "contributors": "contributor",
         "versions": "version", "file": "files", "change log": "changelog", "require": "requires",
         "suggest": "suggests", "conflict": "conflicts", "configuration-help": "configuration help"}
SWALLOWED = tuple(label for label in LABELS if "-" in label or " " in label)
"""Labels that are no words of a sentence: with a text behind them they are still labels."""
BLANKS = block_values.EDGES
SUM = re.compile(r"#\s*(md5|sha256):?\s+([0-9a-fA-F]+)\s*")
Standing = tuple[int, str, str]
"""A line's number, the label of its block, and the value in it."""
LARGEST = 4 << 20           # bytes of a control file; the largest known has 47,000


def load(path: Path | str) -> tuple[ControlFile, list[Problem]]:
    """Read a control file of the manager's disk. Raises ArchiveError when it cannot be read or is too large."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read: {error.strerror}") from error
    return read(text_of(data, str(path)), str(path))


def text_of(data: bytes, shown: str) -> str:
    """Return the text of a control file; bytes that are no UTF-8 are kept as they are."""
    if len(data) > LARGEST:
        raise ArchiveError(f"{shown}: larger than {LARGEST >> 20} MB: this is no control file")
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def read(text: str, path: str) -> tuple[ControlFile, list[Problem]]:
    """Return what a control file says, and everything that is wrong with it, by line.

    The mod's name is the file's name. A value that cannot be understood is left out.
    """
    return examine(text, path)[:2]


def examine(text: str, path: str) -> tuple[ControlFile, list[Problem], list[Standing]]:
    """Return what `read` does, and which value stands where."""
    reader = _Reader(str(path))
    for number, line in enumerate(text.split("\n"), 1):
        reader.take(number, line)
    return *reader.finished(), reader.standing


def trusted(text: str, path: str) -> ControlFile:
    """Return what a control file says; raise ArchiveError when its meaning is in doubt anywhere."""
    control, problems = read(text, path)
    doubts = [problem for problem in problems if not problem.certain]
    if doubts:
        more = f" ({len(doubts) - 1} more: make mods-lint)" if len(doubts) > 1 else ""
        raise ArchiveError(f"{doubts[0]}{more}. Nothing is done with a mod whose control file is in doubt")
    return control


def write(control: ControlFile) -> str:
    """Return a control file's text, from which `read` gives the same.

    Checksums stand in remarks, where the readers of old Tikis do not stumble over them. Raises UsageError for what no
    control file can hold: a value of several lines, one that reads as a remark or a label.
    """
    sums = [f"# {kind}: {value}" for kind, value in (("md5", control.md5), ("sha256", control.sha256)) if value]
    blocks = [*(["\n".join(sums)] if sums else []),
              *("\n".join((f"{label}:", *values)) for label, values in block_values.lines(control) if values)]
    text = "\n\n".join(blocks) + "\n"
    again, problems = read(text, names.control_file(control.mod))
    if again != control or again.revision.text != control.revision.text:
        told = f": {problems[0]}" if problems else ""
        raise UsageError(f"{control.mod}: a control file cannot hold this: a value has a line break, is empty, or "
                         f"reads as a label or a remark{told}")
    return text


def with_sums(text: str, md5: str, sha256: str) -> str:
    """Return a control file's text with the sums of its archive in remarks on top; everything else stays as it is."""
    kept = [line for line in text.split("\n") if not SUM.fullmatch(line.strip(BLANKS))]
    return f"# md5: {md5}\n# sha256: {sha256}\n" + "\n".join(kept)


class _Reader:
    """Takes a file line by line; `finished` says what it was."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.values = block_values.Values(self._tell)
        self._label: str | None = None      # of the block we are in
        self._label_line = 0
        self._sums: dict[str, tuple[int, str]] = {}
        self.standing: list[Standing] = []

    def take(self, number: int, raw: str) -> None:
        line = raw.strip(BLANKS)
        if "\r" in line:
            self._tell(number, "a line end of old Macs in the line: it counts as text, the lines are one", False)
        if not line:
            self._label = None
        elif line.startswith("#"):
            self._remark(number, line)
        elif self._label is None:
            self._start(number, line)
        else:
            self._value(number, line)

    def finished(self) -> tuple[ControlFile, list[Problem]]:
        mod = names.mod_of(os.path.basename(self.path))
        if mod is None:
            self._tell(1, "the file's name is no TYPE-NAME.info.txt with letters, digits, . _ + - in it", False)
        type_, name = names.parts(mod or "")
        if not self.values.revision_line:
            self._tell(1, "has no revision", False)
        for kind, (number, value) in self._sums.items():
            self.values.keep(kind, number, value)
        control = self.values.control(type_, name)
        return control, sorted(self.problems, key=lambda problem: problem.line)

    def _remark(self, number: int, line: str) -> None:
        if found := SUM.fullmatch(line):
            self._sums[found[1]] = number, found[2].lower()

    def _start(self, number: int, line: str) -> None:
        """Begin a block with its label; a value on the label's line is taken, which old Tikis do not."""
        label = line.lower().replace(":", " ").strip(BLANKS)
        if label in LABELS or label in MEANT:
            self._label, self._label_line = self._known(number, label), number
            return
        found = re.match(r"\s*([A-Za-z][A-Za-z _-]*?)\s*:\s*(?=\S)", line)
        inline = found and found[1].lower()
        if inline and (inline in LABELS or inline in MEANT):
            self._tell(number, f"a value on the line of its label {found[1]!r}: old Tikis take the whole line for an "
                               "unknown label. It belongs on the next line", True)
            self._label, self._label_line = self._known(number, inline), number
            self._value(number, line[found.end():])
            return
        self._label, self._label_line = f"?{label}", number

    def _known(self, number: int, label: str) -> str:
        if label in LABELS:
            return label
        self._tell(number, f"the label is {MEANT[label]!r}, not {label!r}", True)
        return MEANT[label]

    def _value(self, number: int, line: str) -> None:
        if self._swallowed(number, line):
            return
        if line == "0":
            self._tell(number, "a line with 0 alone: old Tikis end the block here", self._label == "revision")
        self.standing.append((number, self._label.lstrip("?"), line))
        if self._label.startswith("?"):
            self._of_nobody(number, line)
        else:
            self.values.keep(self._label, number, line)

    def _swallowed(self, number: int, line: str) -> bool:
        """Whether a value is the next block's label, because the blank line before it was forgotten."""
        label = line.lower().replace(":", " ").strip(BLANKS)
        is_label = label in LABELS or label in MEANT
        if is_label and line.endswith(":"):
            self._tell(number, f"no blank line before the label {line!r}: old Tikis read it and all below as values of "
                               f"{self._label.lstrip('?')!r}", True)
            self._label, self._label_line = self._known(number, label), number
            return True
        if is_label and label in SWALLOWED:
            self._tell(number, f"{line!r} reads as a label, and no blank line is before it", False)
        elif re.match(rf"(?:{'|'.join(SWALLOWED)})\s*:", line, re.IGNORECASE):
            self._tell(number, f"{line[:40]!r} reads as a label with a value, and no blank line is before it", False)
        elif is_label and self._label not in block_values.PROSE:
            self._tell(number, f"{line!r} reads as a label, and no blank line is before it", False)
        return False

    def _of_nobody(self, number: int, line: str) -> None:
        label = self._label[1:]
        if not self.values.keep_other(label, line):
            return
        near = nearest(label, [*LABELS, *MEANT])
        self._tell(self._label_line, f"{label[:60]!r} is no known label{near}: old Tikis stop here", not near)

    def _tell(self, line: int, message: str, certain: bool) -> None:
        self.problems.append(Problem(line, message, certain, self.path))
