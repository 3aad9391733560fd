"""Looks at a whole tree in two calls: what is there, and the sha256 of every file, computed where it lies.

For trees of forty thousand files: nothing but names, facts and sums travels, packed when it goes over a wire, and no
name has to be sent. What this way cannot tell for certain it leaves out, for listing.sums to tell.
"""

import gzip
import hashlib
import os
import re
import shlex
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from scripts.errors import CommandError
from scripts.hosts.host import Host

# Numbers of owners: to look up their names takes find three times as long as all the rest.
RECORD = "%y\\0%m\\0%U\\0%G\\0%l\\0%P\\0"
WHOLE = RECORD.replace("%P", "%p")
FIELDS = 6
# A folder whose content this account may not see; a web server may run what is in it all the same.
SHUT = "shut"
IF_SHUT = ("-type", "d", "(", "!", "-readable", "-o", "!", "-executable", ")", "-printf")
# Each name is a place where find begins and looks no further; what is not there is passed over in silence.
NAMED = ('cd -- "$1" || exit 1; xargs -0 -r sh -c \'find "$@" -maxdepth 0 -printf "' + WHOLE
         + '" 2>/dev/null || :\' find')
END = "that is all"
NOT_THERE = 1               # find's code when something was not there, or not to be read
PACK = "if command -v gzip >/dev/null; then gzip -1 -c; else cat; fi"
MAGIC = b"\x1f\x8b"
STREAMS = 4                 # more only wait for the disk
BATCH = 400_000             # bytes of names a program is given at once: it starts seldom, and all streams end together
# openssl knows the processor's own instructions for it. Line by line, so that streams do not cut each other's lines.
SUMS = """cd -- "$1" || exit 1
if command -v openssl >/dev/null && command -v stdbuf >/dev/null && openssl dgst -sha256 -r /dev/null >/dev/null 2>&1
then set -- stdbuf -oL openssl dgst -sha256 -r
elif command -v sha256sum >/dev/null; then set -- sha256sum --
else set -- php -n -r 'foreach (array_slice($argv, 1) as $f) { $h = @hash_file("sha256", $f);
  if ($h !== false && strpos($f, "\\\\") === false) { echo "$h  $f\\n"; } }' --
fi
streams=$(nproc 2>/dev/null || echo 1); [ "$streams" -le @STREAMS@ ] || streams=@STREAMS@
{ @FIND@ | xargs -0 -r -P "$streams" -s @BATCH@ "$@" 2>/dev/null; echo "end $?"; }"""
LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *]\./(.+)")
ENDED = re.compile(r"end (?:0|123)")    # 123: a file was gone, or not to be read
ESCAPE = re.compile(r"\\(.)")
ESCAPED = {"n": "\n", "r": "\r", "\\": "\\"}


class Seen(NamedTuple):
    """What is at a path. kind is find's letter or SHUT, mode octal digits, owner and group are numbers.

    target is a link's.
    """

    kind: str
    mode: str
    owner: str
    group: str
    target: str


@dataclass(frozen=True)
class Answer:
    """What a host told, as it told it: two equal ones tell the same, and need not be understood twice."""

    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8", "surrogateescape")).hexdigest()


class Entries(Answer):
    """What is below a folder."""

    def parsed(self) -> dict[str, Seen]:
        """Return it by relative path; the folder itself is ""."""
        return _seen(self.text.split("\0")[:-2])


class Sums(Answer):
    """The sums of its files; in order, because streams end as they like."""

    def parsed(self) -> dict[str, str]:
        """Return them by relative path."""
        found = {}
        for line in self.text.split("\n"):
            # The common form first: forty thousand times.
            if line[64:68] in ("  ./", " *./"):
                found[line[68:]] = line[:64]
            elif parts := LINE.fullmatch(line):
                found[ESCAPE.sub(lambda one: ESCAPED.get(one[1], ""), parts[3])] = parts[2]
        return found


def look(host: Host, folder: str, passed: Iterable[str]) -> Entries:
    """Return what is below a folder. Costs one call.

    Of passed, folders relative to it, only these themselves are told. Raises CommandError when the folder is not there,
    or when the answer is cut off.
    """
    words = ["find", "-H", folder, "/", "-path", "/", "-prune", "-printf", f"{END}\\0", "-o",
             *_pruned([f"{folder}/{one}" for one in passed], "-printf", RECORD),
             *IF_SHUT, RECORD.replace("%y", SHUT), "-o", "-printf", RECORD]
    text = _answer(host, f"{shlex.join(words)} 2>/dev/null", "")
    if not text.endswith(f"\0{END}\0") or text.count("\0") % FIELDS != 1:
        raise CommandError(f"[{host.name}] find {folder}: there is no such folder, this account may not look into it, "
                           "or the answer is cut off")
    return Entries(text)


def matching(host: Host, folders: Collection[str], wanted: Iterable[str]) -> dict[str, Seen]:
    """Return what is wanted, in find's words, below some folders, by whole path, and what is SHUT, these folders
    included; folders that are not there hold nothing. Costs one call.
    """
    words = ["find", "-H", *folders, "/", "-path", "/", "-prune", "-printf", f"{END}\\0", "-o",
             *IF_SHUT, WHOLE.replace("%y", SHUT), "-o", "(", *wanted, ")", "-printf", WHOLE]
    text = _answer(host, f"{shlex.join(words)} 2>/dev/null", "")
    if not text.endswith(f"{END}\0") or text.count("\0") % FIELDS != 1:
        raise CommandError(f"[{host.name}] find: its answer is cut off")
    return {path: one for path, one in _seen(text.split("\0")[:-2]).items()
            if path not in folders or one.kind == SHUT}


def named(host: Host, folder: str, names: Iterable[str]) -> dict[str, Seen]:
    """Return those of the named files and folders below a folder that are there, by name. Costs one call."""
    asked = "".join(f"./{name}\0" for name in names) + ".\0"  # the folder last: it proves that the rest arrived
    told = host.read_names("sh", "-c", NAMED, "named", folder, stdin=asked.encode("utf-8", "surrogateescape"))
    if len(told) % FIELDS or told[-1:] != ["."]:
        raise CommandError(f"[{host.name}] find in {folder}: its answer is cut off")
    return {path.removeprefix("./"): one for path, one in _seen(told[:-FIELDS]).items()}


def sums(host: Host, folder: str, passed: Iterable[str]) -> Sums:
    """Return the sha256 of the files below a folder, without those in the passed folders.

    Files with a line break in their name, and those that may not be read, have none. Costs one call.
    """
    find = ["find", "-H", ".", *_pruned([f"./{one}" for one in passed]), "-type", "f", "!", "-path", "*\n*", "-print0"]
    program = SUMS.replace("@FIND@", shlex.join(find) + " 2>/dev/null").replace("@STREAMS@", str(STREAMS)) \
        .replace("@BATCH@", str(BATCH))
    lines = _answer(host, program, folder).split("\n")
    if lines[-1] != "" or not ENDED.fullmatch(lines[-2] if lines[1:] else ""):
        raise CommandError(f"[{host.name}] sums of {folder}: its answer is cut off: {' '.join(lines[-2:])[:80]}")
    return Sums("\n".join(sorted(lines[:-2])))


def _pruned(paths: Iterable[str], *told: str) -> list[str]:
    """Return find's words that pass paths over, and tell these themselves where told says how."""
    words = [word for path in paths for word in ("-o", "-path", _literally(path))][1:]
    return ["(", *words, ")", "-prune", *told, "-o"] if words else []


def _literally(path: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", path)


def _answer(host: Host, program: str, folder: str) -> str:
    """Return what a program prints, packed for the way where there is one."""
    if not host.is_remote:
        return os.fsdecode(host.read("sh", "-c", program, "look", folder, ok=(0, NOT_THERE)))
    packed = host.read("sh", "-c", f"{{ {program}\n}} | {{ {PACK}; }}", "look", folder)
    if not packed.startswith(MAGIC):
        return packed.decode("utf-8", "surrogateescape")
    try:
        return gzip.decompress(packed).decode("utf-8", "surrogateescape")
    except (EOFError, OSError, zlib.error) as error:
        raise CommandError(f"[{host.name}] {folder or 'find'}: its answer is cut off: {error}") from error


def _seen(fields: list[str]) -> dict[str, Seen]:
    columns = [fields[place::FIELDS] for place in range(FIELDS)]
    return dict(zip(columns[-1], map(Seen._make, zip(*columns[:-1]))))
