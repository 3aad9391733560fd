"""Patches as texts: where a site's are kept, which files one changes, and what it makes of them. No site is touched.

git does the work in a folder of ours: every hunk must fit exactly, though it may have moved; or nothing is taken.
"""

import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import CommandError, RefusedError, UsageError
from scripts.hosts import process
from scripts.hosts.command import Command, shown
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.tiki import layout, maintenance

NAME = re.compile(r"[^/\0-\x1f\x7f.][^/\0-\x1f\x7f]{0,150}")
LARGEST = 20 << 20      # bytes of a patch; a whole release's difference has a tenth of it
# No one's configuration: it may turn whitespace around or make git look for a repository above.
PLAINLY = ("GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_DIR=/dev/null/none")
SAID = re.compile(r"^error: (?:patch failed: )?(.+)$", re.MULTILINE)
# In the header of a file alone: a commit's message may have such a line too.
RENAMES = re.compile(rb"^diff --git .*\n(?:(?:old mode|new mode|similarity index|dissimilarity index) .*\n)*"
                     rb"(?:rename|copy) from ", re.MULTILINE)
FORBIDDEN = (*layout.CHECKOUTS, *maintenance.OWN_NAMES)

Texts = dict[str, bytes | None]
"""What is in files, by path; None for one that is not there."""


@dataclass(frozen=True)
class Patch:
    """A patch and the name that it goes by. strip is how many folders its paths begin with that are not the site's."""

    name: str
    text: bytes
    strip: int = 1


class DoesNotFit(RefusedError):
    """A patch that cannot be applied, or taken back, as it is; files are those that are to blame."""


# Where they are kept

def folder(instance: Instance) -> Path:
    return instance.settings.state / "patches" / instance.name


def registered(instance: Instance) -> list[Patch]:
    """Return the patches of a site, in order of their names."""
    place = folder(instance)
    if not place.is_dir():
        return []
    paths = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
    return [stripped(Patch(path.name, path.read_bytes())) for path in paths]


def keep(instance: Instance, patch: Patch) -> Path:
    """Keep the text of a patch, and return where."""
    path = folder(instance) / patch.name
    MANAGER.make_folder(str(path.parent), 0o700)
    MANAGER.write(str(path), patch.text, 0o600)
    return path


def forget(instance: Instance, patch: Patch) -> None:
    MANAGER.remove(str(folder(instance) / patch.name))


def named(name: str, text: bytes) -> Patch:
    """Return a patch that was just read; raise UsageError when it is none, RefusedError when it leaves the web root."""
    if not NAME.fullmatch(name):
        raise UsageError(f"FILE={name}: give the file a name of its own, which does not begin with a dot")
    if len(text) > LARGEST:
        raise UsageError(f"{name}: longer than {LARGEST >> 20} MB: this is no patch for a site")
    if RENAMES.search(text):
        raise UsageError(f"{name}: it was made with renames, and does not say what was in the renamed files. Next: "
                         "make it with git diff --no-renames")
    found = stripped(Patch(name, text))
    for path in touched(found):
        _refuse_path(found, path)
    return found


def stripped(patch: Patch) -> Patch:
    """Return a patch with the number of folders to take off: 1 as git and diff -r have it, 0 as svn has it."""
    is_plain = re.search(rb"^Index: ", patch.text, re.MULTILINE) and not re.search(rb"^diff --git ", patch.text,
                                                                                   re.MULTILINE)
    return Patch(patch.name, patch.text, 0 if is_plain else 1)


def _refuse_path(patch: Patch, path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or not path or ".." in parts or "" in parts or "\0" in path:
        raise RefusedError(f"{patch.name}: it changes {path!r}, which is outside the web root. Nothing was changed")
    if path in (layout.LOCAL_PHP, layout.HTACCESS) or re.fullmatch(r"db/[^/]+/local\.php", path) \
            or parts[0] in FORBIDDEN:
        raise RefusedError(f"{patch.name}: it changes {path}, which is the site's own configuration and no code. "
                           "Nothing was changed")


# What they do

def touched(patch: Patch) -> tuple[str, ...]:
    """Return the files that a patch changes, makes or removes; raise UsageError when it is no patch."""
    try:
        told = process.read(_git("/", patch, "apply", "--numstat", "-z"))
    except CommandError as error:
        raise UsageError(f"{patch.name}: this is no patch that git understands ({_reason(error)}). Expected is what "
                         "git diff, diff -ru or git format-patch write") from error
    fields, names = iter(told.decode("utf-8", "surrogateescape").split("\0")), []
    for line in fields:
        name = line.split("\t", 2)[-1]
        names += [name] if name else [next(fields), next(fields)] if line else []
    if not names:
        raise UsageError(f"{patch.name}: no file is changed by it. Expected is what git diff or diff -ru write")
    return tuple(dict.fromkeys(names))


def applied(patch: Patch, texts: Mapping[str, bytes | None], *, reverse: bool = False,
            only: Collection[str] = ()) -> Texts:
    """Return the files as a patch makes them; of those it changes, texts must tell all, or those of only.

    Raises DoesNotFit with the first file, and the line where its hunk begins.
    """
    with _folder(texts) as place:
        words = ["--reverse"] if reverse else []
        words += [f"--include={_literally(path)}" for path in only]
        try:
            process.read(_git(str(place), patch, "apply", "--whitespace=nowarn", *words))
        except CommandError as error:
            if error.code != 1:
                raise
            raise DoesNotFit(f"{patch.name}: does not fit{' backwards' if reverse else ''}: {_reason(error)}") \
                from error
        return _read(place, patch, texts)


def fits(patch: Patch, texts: Mapping[str, bytes | None], *, reverse: bool = False, only: Collection[str] = ()) -> bool:
    """Tell whether a patch can be applied to files, or taken back."""
    try:
        applied(patch, texts, reverse=reverse, only=only)
        return True
    except DoesNotFit:
        return False


def difference(name: str, before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]) -> Patch | None:
    """Return the patch that makes files of one text out of another; None when there is none."""
    with tempfile.TemporaryDirectory(prefix="trim-patch-") as place:
        for side, texts in (("a", before), ("b", after)):
            (Path(place) / side).mkdir()
            _lay(Path(place) / side, texts)
        words = ("diff", "--no-index", "--no-prefix", "--no-renames", "--no-ext-diff", "--no-textconv", "--binary",
                 "--full-index", "--no-color", "a", "b")
        argv = ("env", "-C", place, *PLAINLY, "git", *words)
        text = process.read(Command(argv, shown("manager", ("git", *words))), ok=(0, 1))
    return Patch(name, text) if text else None


def merged(site: bytes, base: bytes, new: bytes) -> bytes | None:
    """Return what both sides made of a text, joined; None where they changed the same lines."""
    # The last line, the same in all three, proves that the answer is whole.
    proof = b"\n-- " + os.urandom(12).hex().encode() + b"\n"
    with tempfile.TemporaryDirectory(prefix="trim-merge-") as place:
        for name, text in (("site", site), ("base", base), ("new", new)):
            (Path(place) / name).write_bytes(text + proof)
        words = ("merge-file", "-p", "-q", "site", "base", "new")
        command = Command(("env", "-C", place, *PLAINLY, "git", *words), shown("manager", ("git", *words)))
        try:
            told = process.read(command)
        except CommandError as error:
            if 0 < (error.code or 0) < 128:  # the number of conflicts
                return None
            raise
    if not told.endswith(proof):
        raise CommandError(f"{command.shown}: its answer is cut off")
    return told.removesuffix(proof)


def _git(place: str, patch: Patch, *words: str) -> Command:
    words = (*words, f"-p{patch.strip}", "-")
    return Command(("env", "-C", place, *PLAINLY, "git", *words), shown("manager", ("git", *words)), patch.text)


@contextmanager
def _folder(texts: Mapping[str, bytes | None]) -> Iterator[Path]:
    """Yield a folder that holds these files."""
    with tempfile.TemporaryDirectory(prefix="trim-patch-") as place:
        _lay(Path(place), texts)
        yield Path(place)


def _lay(place: Path, texts: Mapping[str, bytes | None]) -> None:
    for path, text in texts.items():
        if text is not None:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(text)


def _read(place: Path, patch: Patch, texts: Mapping[str, bytes | None]) -> Texts:
    found: Texts = dict.fromkeys(texts)
    for at, folders, names in os.walk(place):
        for name in (*names, *folders):
            path = Path(at) / name
            if path.is_symlink():
                raise RefusedError(f"{patch.name}: it makes a link, {path.relative_to(place)}. Nothing was changed")
            if path.is_file():
                found[str(path.relative_to(place))] = path.read_bytes()
    return found


def _reason(error: CommandError) -> str:
    """Return what git says is wrong, its files and lines: `lib/a.php:12`."""
    said = list(dict.fromkeys(SAID.findall(error.stderr)))
    return "; ".join(" ".join(line.split()) for line in said if not line.startswith("while searching for"))[:500] \
        or str(error)


def _literally(path: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", path)
