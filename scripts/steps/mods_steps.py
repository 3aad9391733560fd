"""What each mod of a change brings: which SQL, with the answers in it, and which files, read from its package.

Decides and reads; nothing is changed here.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.errors import ArchiveError, RefusedError
from scripts.mods import control as controls
from scripts.mods import names
from scripts.mods.parts import ControlFile, FileLine
from scripts.mods.resolver import LOCAL, Candidate
from scripts.mods.revision import Revision
from scripts.registry.settings import Settings
from scripts.steps import mods_collection, mods_samples, mods_sql
from scripts.steps.mods_state import Installed
from scripts.steps.mods_tables import Line

NEW, UPGRADED, AGAIN, REMOVED, RUN = "new", "upgraded", "again", "removed", "run"


@dataclass(frozen=True)
class Package:
    """A mod as it lies on the manager: folder is what the sources of its files begin at, origin where it is from."""

    control: ControlFile
    text: str = field(repr=False)
    folder: Path
    origin: str = ""


def package(settings: Settings, chosen: Candidate) -> Package:
    """Return the package of a candidate; one of a provider is downloaded. Raises ArchiveError when it is in doubt."""
    control, text, folder = mods_collection.content(settings, chosen)
    return Package(control, text, folder, "the collection" if chosen.origin == LOCAL else chosen.origin)


@dataclass(frozen=True)
class Step:
    """One mod that changes. kind is one of the words above; of a removed one there is no package. Without runs_sql its
    SQL does not run.
    """

    kind: str
    mod: str
    package: Package | None = None
    old: Installed | None = None
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    runs_sql: bool = True

    @property
    def control(self) -> ControlFile:
        return self.package.control if self.package else of_installed(self.old)

    @property
    def revision(self) -> str:
        return self.control.revision.text

    @property
    def sql(self) -> tuple[str, ...]:
        """Return the lines of SQL that this step runs, as they were written."""
        if not self.runs_sql:
            return ()
        if self.kind in (NEW, RUN):
            return self.control.sql_install
        if self.kind == REMOVED:
            return self.control.sql_remove
        if self.kind == UPGRADED:
            return upgrade_sql(self.control, self.old.number)
        return ()

    @property
    def lines(self) -> list[Line]:
        """Return the same as they are run; raise RefusedError for an answer that would change a statement."""
        return self._lines(self.sql)

    @property
    def later(self) -> list[Line]:
        """Return the lines that will run when what comes now goes: what may not run then must not come."""
        return self._lines(self.control.sql_remove) if self.kind in (NEW, UPGRADED) else []

    def _lines(self, texts: Iterable[str]) -> list[Line]:
        found = []
        for text in texts:
            try:
                found.append(Line(self.mod, text, mods_sql.substituted(text, self.answers), self.answers))
            except RefusedError as fault:
                raise RefusedError(f"{self.mod}: {fault}. Nothing was changed") from fault
        return found

    def __str__(self) -> str:
        was = f" (is {self.old.revision})" if self.kind == UPGRADED else ""
        return f"{self.mod} {self.revision}{was}"


def of_installed(one: Installed) -> ControlFile:
    """Return the control file of an installed mod; what is in doubt in it was refused when it came."""
    return controls.read(one.control, names.control_file(one.mod))[0]


def upgrade_sql(control: ControlFile, installed: Revision) -> tuple[str, ...]:
    """Return the SQL of all blocks above an installed revision, the lowest first; without blocks there is none."""
    blocks = sorted((block for block in control.sql_upgrade if block[0] > installed), key=lambda block: block[0])
    return tuple(line for _, lines in blocks for line in lines)


def contents(step: Step) -> dict[str, tuple[bytes, str]]:
    """Return what is in a mod's files, with the answers in it, and its time, by destination as it is written.

    Raises RefusedError for what its package lacks, and for two files with one destination.
    """
    package, found, wrong = step.package, {}, []
    for line in package.control.files:
        if line.target in found:
            wrong.append(f"{line.target} is the place of two of its files")
            continue
        try:
            found[line.target] = _content(package, line, step.answers)
        except (ArchiveError, RefusedError) as fault:
            wrong.append(str(fault))
    if wrong:
        more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise RefusedError(f"{step.mod} {step.revision}: {'; '.join(wrong[:5])}{more}. Nothing was changed")
    return found


def _content(package: Package, line: FileLine, answers: Mapping[str, str]) -> tuple[bytes, str]:
    if why := names.fault_of_source(line.source):
        raise ArchiveError(f"{line.source}: {why}")
    content, time = read_source(package.folder, line.source)
    if line.is_sample:
        try:
            content = mods_samples.filled(content, line.target, answers)
        except RefusedError as fault:
            raise RefusedError(f"{line.source}: {fault}") from fault
    return content, time


def read_source(folder: Path, source: str) -> tuple[bytes, str]:
    """Return a file of a package and its time; raise ArchiveError unless it is a file in that very folder."""
    top, path = os.path.realpath(folder), f"{os.path.realpath(folder)}/{source}"
    try:
        if os.path.realpath(path) != path or os.path.commonpath([top, path]) != top:
            raise ArchiveError(f"{source}: is a link, or lies behind one")
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            raise ArchiveError(f"{source}: is no file in its package")
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read(), f"{status.st_mtime_ns // 10**9}.{status.st_mtime_ns % 10**9:09d}"
    except FileNotFoundError as error:
        raise ArchiveError(f"{source}: is not in its package") from error
    except OSError as error:
        raise ArchiveError(f"{source}: cannot be read: {error.strerror}") from error


def unknown_types(steps: Iterable[Step]) -> list[str]:
    """Return the types of these mods that nobody knows."""
    return sorted({step.control.type for step in steps} - set(names.TYPES))
