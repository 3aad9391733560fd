"""What a control file holds, as data: control.py reads and writes it."""

from dataclasses import dataclass

from scripts.mods import names
from scripts.mods.demands import Demand
from scripts.mods.revision import Revision

SAMPLE = "sample:"      # before a file's name: the placeholders in it get the answers


@dataclass(frozen=True)
class FileLine:
    """One file of a mod: source is below the mods folder, target below the web root."""

    source: str
    target: str

    @property
    def is_sample(self) -> bool:
        """Whether the placeholders in it are to be replaced."""
        return self.source.rpartition("/")[2].startswith(SAMPLE)


@dataclass(frozen=True)
class ConfigLine:
    """One question of a mod: what to ask, the variable that gets the answer, and what it is when nobody answers."""

    prompt: str
    variable: str
    default: str = ""


@dataclass(frozen=True)
class Problem:
    """What is wrong in a control file, and where; certain when the meaning is certain all the same."""

    line: int
    message: str
    certain: bool
    path: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Named:
    """What a control file and a line of a list have in common: type, name and revision make the other names."""

    type: str
    name: str
    revision: Revision

    @property
    def mod(self) -> str:
        """The mod's whole name, TYPE-NAME."""
        return f"{self.type}-{self.name}"

    @property
    def archive_name(self) -> str:
        return names.archive(self.mod, self.revision.text)


@dataclass(frozen=True, kw_only=True)
class ControlFile(Named):
    """One mod in one revision. Lists hold lines as they stand in the file, without blanks around them.

    sql_upgrade holds blocks in the file's order, each for who comes from below its revision; md5 and sha256 are those
    of the archive, where the packager noted them; others are blocks with labels of nobody's.
    """

    type: str
    name: str
    revision: Revision = Revision()
    contributor: tuple[str, ...] = ()
    lastmodif: str = ""
    requires: tuple[Demand, ...] = ()
    suggests: tuple[Demand, ...] = ()
    conflicts: tuple[Demand, ...] = ()
    description: str = ""
    licence: str = ""
    versions: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    url: tuple[str, ...] = ()
    devurl: tuple[str, ...] = ()
    docurl: tuple[str, ...] = ()
    changelog: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    files: tuple[FileLine, ...] = ()
    configuration: tuple[ConfigLine, ...] = ()
    configuration_help: tuple[str, ...] = ()
    sql_install: tuple[str, ...] = ()
    sql_upgrade: tuple[tuple[Revision, tuple[str, ...]], ...] = ()
    sql_remove: tuple[str, ...] = ()
    others: tuple[tuple[str, tuple[str, ...]], ...] = ()
    md5: str = ""
    sha256: str = ""

    @property
    def sources(self) -> list[str]:
        """The paths of its files below the mods folder, each once."""
        return list(dict.fromkeys(line.source for line in self.files))
