"""Looks at a tree where it is: what is there, what it belongs to, and checksums that are computed on its host.

Nothing is written there. Names are told between NULs and as they are: line breaks, bytes that are no UTF-8 (as
Python's surrogates) and leading dashes do no harm.
"""

import io
import re
import shlex
import tarfile
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.hosts.host import Host

FILE, FOLDER, LINK = "f", "d", "l"  # find's letters
FIELDS = 9                          # of one record below
RECORD = "%y\\0%m\\0%u\\0%g\\0%s\\0%T@\\0%l\\0%P\\0"
READABLE = ("(", "-readable", "(", "!", "-type", "d", "-o", "-executable", ")", "-printf", "r\\0", "-o", "-printf",
            "-\\0", ")")
END = "that is all"
STREAMS = 4                         # of sha256sum at a host: more only wait for its disk
STREAM_FILES = 400                  # below that a further stream costs more than it saves
# The empty file comes last: its sum proves that the whole list arrived. xargs ends with 123 when a file was gone.
SUMS = 'cd -- "$1" || exit 1; shift; xargs -0 -r "$@" -z --; printf "end %s\\0" "$?"'
LAST = "/dev/null"
LINE = re.compile(r"([0-9a-f]{32,64})  (.*)", re.DOTALL)
SHA256, MD5 = "sha256sum", "md5sum"
# Each name is a place where find begins and looks no further; what is not there is passed over in silence.
NAMED = ('cd -- "$1" || exit 1; xargs -0 -r sh -c \'exec find "$@" -maxdepth 0 '
         + " ".join(map(shlex.quote, (*READABLE, "-printf", RECORD.replace("%P", "%p")))).replace("'", "'\\''")
         + """ 2>/dev/null' find; printf '%s\\0' "end $?" """)
VANISHED = 123


class Entry(NamedTuple):
    """What a tree holds at one place. kind is find's letter, mode octal digits, target a link's.

    time is the decimal text of the last change; is_readable says whether this account may read it.
    """

    kind: str
    mode: str
    owner: str
    group: str
    size: int
    time: str = ""
    target: str = ""
    is_readable: bool = True


def read(host: Host, folder: str, without: Iterable[str] = ()) -> dict[str, Entry]:
    """Return everything below a folder by relative path, and the folder itself as "".

    without are absolute paths that are passed over with all in them. What vanishes meanwhile is not in the answer.
    Costs one call. Raises CommandError when the folder is not there, or when the answer is cut off.
    """
    passed = [word for path in without for word in ("-path", literally(path), "-prune", "-o")]
    # The root is asked for last: its words prove that the rest arrived. find ends with 1 for what vanished.
    told = host.read_names("find", "-H", folder, "/", "-path", "/", "-prune", "-printf", f"{END}\\0", "-o", *passed,
                           *READABLE, "-printf", RECORD, ok=(0, 1))
    if told[-1:] != [END] or len(told) % FIELDS != 1:
        raise CommandError(f"[{host.name}] find {folder}: its answer is cut off")
    found = _entries(told[:-1])
    if "" not in found:
        raise CommandError(f"[{host.name}] {folder}: there is no such folder, or this account may not look into it")
    return found


def named(host: Host, folder: str, names: Iterable[str]) -> dict[str, Entry]:
    """Return those of the named files and folders below a folder that are there, by name. Costs one call.

    Raises CommandError when the folder is not there, or when the answer is cut off.
    """
    asked = "".join(f"./{name}\0" for name in names) + ".\0"  # the folder last: it proves that the rest arrived
    told = host.read_names("sh", "-c", NAMED, "named", folder, stdin=asked.encode("utf-8", "surrogateescape"))
    if told[-1:] not in (["end 0"], [f"end {VANISHED}"]) or len(told) % FIELDS != 1 or told[-2:-1] != ["."]:
        raise CommandError(f"[{host.name}] find in {folder}: its answer is cut off: {' '.join(told[-1:])[:80]}")
    return {path.removeprefix("./"): entry for path, entry in _entries(told[:-1]).items()
            if path != "."}


def _entries(told: list[str]) -> dict[str, Entry]:
    fields = iter(told)
    return {path: Entry(kind, mode, owner, group, int(size), time, target, may == "r")
            for may, kind, mode, owner, group, size, time, target, path in zip(*[fields] * FIELDS)}


def sums(host: Host, folder: str, sizes: Mapping[str, int], program: str = SHA256) -> dict[str, str]:
    """Return the sha256 (or md5) of files below a folder, by name; a file that is gone, or may not be read, has none.

    sizes are their bytes: the work is divided by them among several streams, which run at the same time. One call
    each; only names and sums travel. Raises CommandError when an answer is cut off.
    """
    streams = min(STREAMS, 1 + len(sizes) // STREAM_FILES)
    shares: list[list[str]] = [[] for _ in range(streams)]
    weights = [0] * streams
    for name, size in sorted(sizes.items(), key=lambda one: -one[1]):
        lightest = weights.index(min(weights))
        shares[lightest].append(name)
        weights[lightest] += size + 4096  # a small file costs its opening
    told = process.side_by_side(*(lambda share=share: _sums(host, folder, share, program) for share in shares if share))
    return {name: digest for one in told for name, digest in one.items()}


def _sums(host: Host, folder: str, names: list[str], program: str) -> dict[str, str]:
    asked = "".join(f"./{name}\0" for name in names) + f"{LAST}\0"
    told = host.read_names("sh", "-c", SUMS, "sums", folder, program,
                           stdin=asked.encode("utf-8", "surrogateescape"))
    lines = [LINE.fullmatch(line) for line in told[:-1]]
    if told[-1:] not in (["end 0"], [f"end {VANISHED}"]) or not all(lines) or not lines or lines[-1][2] != LAST:
        raise CommandError(f"[{host.name}] {program} in {folder}: its answer is cut off: {' '.join(told[-1:])[:80]}")
    found = {line[2].removeprefix("./"): line[1] for line in lines[:-1]}
    if told[-1] == "end 0" and len(found) != len(names):
        raise CommandError(f"[{host.name}] {program} in {folder}: it was asked for {len(names)} files and told of "
                           f"{len(found)}")
    return found


def contents(host: Host, folder: str, names: Iterable[str]) -> dict[str, bytes]:
    """Return what is in some files below a folder; those that are gone, or no files, are left out. Costs one call."""
    asked = "".join(f"./{name}\0" for name in names) + ".\0"  # the folder last: it proves that the rest arrived
    # 2 is tar's code for a missing file, 1 for one that changes.
    stream = host.read("tar", "-C", folder, "--format=gnu", "--hard-dereference", "--no-recursion", "--null", "-cf",
                       "-", "-T", "-", stdin=asked.encode("utf-8", "surrogateescape"), ok=(0, 1, 2))
    found, is_whole = {}, False
    try:
        with tarfile.open(fileobj=io.BytesIO(stream), encoding="utf-8", errors="surrogateescape") as members:
            for member in members:
                name = member.name.removeprefix("./").rstrip("/")
                is_whole = is_whole or name in (".", "")
                if member.isreg():
                    found[name] = members.extractfile(member).read()
    except tarfile.TarError as error:
        raise CommandError(f"[{host.name}] tar -C {folder}: its answer is no archive: {error}") from error
    if not is_whole:
        raise CommandError(f"[{host.name}] tar -C {folder}: cannot be read, or the answer is cut off")
    return found


def literally(path: str) -> str:
    """Return a path as find's pattern that means it alone."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", path)
