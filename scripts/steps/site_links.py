"""Links of a site that lead out of the folder they lie in, and where they are to lead at a copy of it.

A link within its folder travels as it is. One into a folder of the site leads into the copy's own place for that
folder: through any other the copy would write into the site that it is a copy of.
"""

import os
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from scripts.errors import CommandError
from scripts.hosts.host import Host
from scripts.tiki import folder_facts, layout
from scripts.tiki.data_folders import is_within

END = "that is all"
THE_PROGRAMS = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/proc", "/sys", "/dev/null")
"""Where a machine keeps what sites read and no site writes."""
SHOWN = 5       # links in a sentence; of more only their number
MOST = 500      # links that rsync is told to pass over, or a host is asked of: more words do not go into a call
WHOLE, CAREFUL = "whole", "careful"
LAID, STAYS, RIGHT = "laid ", "stays ", "right "
# Each of: the link, where it is to lead, whether a folder in its place may go with all in it, its owner.
LAY = """cd -- "$1" || exit 1; exec xargs -0 -r -n 4 sh -c '
[ -L "$1" ] && [ "$(realpath -m -- "$1"; echo .)" = "$(realpath -m -- "$2"; echo .)" ] && {
    printf "right %s\\0" "$1"; exit; }
if [ -d "$1" ] && [ ! -L "$1" ]; then
    if [ "$3" = whole ]; then rm -rf --one-file-system -- "$1" || exit 255
    else rmdir -- "$1" 2>/dev/null || { printf "stays %s\\\\0" "$1"; exit 0; }; fi
fi
mkdir -p -- "${1%/*}" && ln -sfT -- "$2" "$1" && { [ -z "$4" ] || chown -h -- "$4" "$1"; } || exit 255
printf "laid %s\\\\0" "$1"' sh"""


@dataclass(frozen=True)
class Link:
    """A link that leads out of its folder: its name there, its text, and where it leads as it says and in the end."""

    name: str
    text: str
    hop: str
    real: str


@dataclass(frozen=True)
class Moved:
    """A link that is to lead elsewhere at the copy. was is where it leads now.

    is_whole: what has its name there goes for it, a folder with all in it too.
    """

    name: str
    target: str
    was: str
    is_whole: bool = True


class Leads:
    """Tells where paths of a site are at its copy.

    goes gives the copy's place for each of the site's folders; aliases gives one of these for its path without links,
    real the copy's places without links.
    """

    def __init__(self, goes: Mapping[str, str], aliases: Mapping[str, str], real: Mapping[str, str]) -> None:
        self._goes = {**{alias: goes[path] for alias, path in aliases.items()}, **goes}
        self._real = real

    def to(self, path: str) -> str | None:
        """Return where a path is at the copy; None when it is no part of the site."""
        outer = max((one for one in self._goes if is_within(path, one)), key=len, default=None)
        return None if outer is None else posixpath.normpath(f"{self._goes[outer]}/{posixpath.relpath(path, outer)}")

    def of(self, link: Link) -> str | None:
        """Return where a link is to lead at the copy; None when it leads to no part of the site."""
        return self.to(link.hop) or self.to(link.real)

    def is_elsewhere(self, real: str) -> bool:
        """Whether a path without links is in none of the copy's places."""
        return not any(is_within(real, one) for one in self._real.values())

    def real(self, place: str) -> str:
        """Return one of the copy's places, or what lies in it, without the links above."""
        outer = max((one for one in self._real if is_within(place, one)), key=len, default=None)
        return place if outer is None else posixpath.normpath(
            f"{self._real[outer]}/{posixpath.relpath(place, outer)}")


def find(host: Host, folder: str) -> list[tuple[str, str]]:
    """Return name and text of the links below a folder of a host that lead out of it; those in caches are left out.

    Raises CommandError when the answer is cut off. What vanishes meanwhile is not in it.
    """
    pruned = [word for cache in layout.CACHES
              for word in ("-path", re.sub(r"([*?\[\]\\])", r"\\\1", f"{folder}/{cache}"), "-prune", "-o")]
    told = host.read_names("find", "-H", folder, "/", "-path", "/", "-prune", "-printf", f"{END}\\0", "-o", "-name",
                           layout.DISKS_OWN, "-prune", "-o", *pruned, "-type", "l", "-printf", "%P\\0%l\\0", ok=(0, 1))
    if told[-1:] != [END] or len(told) % 2 != 1:
        raise CommandError(f"[{host.name}] find {folder}: its answer is cut off")
    return [(name, text) for name, text in zip(told[:-1:2], told[1::2]) if name and _leaves(name, text)]


def _leaves(name: str, text: str) -> bool:
    inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), text))
    return inside.startswith(("/", "../")) or inside == ".."


def resolved(host: Host, folder: str, found: Iterable[tuple[str, str]]) -> list[Link]:
    """Return links of a folder, whose path has no links itself, with where they lead on a host."""
    found = list(found)
    hops = [there(folder, name, text) for name, text in found]
    return [Link(name, text, hop, real)
            for (name, text), hop, real in zip(found, hops, real_paths(host, hops))]


def there(folder: str, name: str, text: str) -> str:
    """Return where a link of this name and text leads that lies in a folder."""
    return "/" + posixpath.normpath(posixpath.join(folder, posixpath.dirname(name), text)).lstrip("/")


def real_paths(host: Host, paths: Sequence[str]) -> list[str]:
    """Return paths without links, however many there are."""
    if host.reads_in_place or not paths:
        return host.real_paths(*paths)
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    told = host.read_names("xargs", "-0", "-r", "realpath", "-m", "-z", "--", stdin=asked)
    if len(told) != len(paths):
        raise CommandError(f"[{host.name}] realpath: its answer is cut off")
    return told


def without_code(links: Iterable[Link], web_root: str, folders: Collection[str]) -> list[Link]:
    """Leave out links to single files of the web root that are no data: those are read alone, and travel as they are.

    folders are those of the places in the web root where links lead that are folders.
    """
    data = [f"{web_root}/{folder}" for folder in layout.SITE_DATA]
    return [link for link in links if not is_within(link.hop, web_root) or link.hop in folders
            or any(is_within(link.hop, folder) for folder in data)]


def moved(links: Iterable[Link], into: str, leads: Leads) -> list[Moved]:
    """Return those of a folder's links that would not lead to the copy's own place as they are.

    into is where the folder goes.
    """
    found = []
    for link in links:
        wanted = leads.of(link)
        if wanted is not None and leads.real(wanted) != there(leads.real(into), link.name, link.text):
            found.append(Moved(link.name, wanted, link.hop))
    return found


def shared(host: Host, into: str, links: Iterable[Link], leads: Leads) -> str:
    """Return in words which links would lead out of the copy too, to what is there for others; programs are for all.

    into is where their folder goes on the copy's host.
    """
    out = [link for link in links if leads.of(link) is None]
    ends = real_paths(host, [there(leads.real(into), link.name, link.text) for link in out])
    found = {link.name: end for link, end in zip(out, ends)
             if leads.is_elsewhere(end) and not any(is_within(end, one) for one in THE_PROGRAMS)}
    found = dict(list(found.items())[:MOST])
    facts = folder_facts.look(host, found.values()).facts if found else {}
    told = [f"{into}/{name} to {end}" for name, end in found.items() if facts[end].leads_on]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return f"links lead out of the site: {', '.join(told[:SHOWN])}{more}" if told else ""


def filters(names: Sequence[str]) -> list[str]:
    """Return the filters that keep rsync from links; of very many none, so that they lead elsewhere until `lay`."""
    return [f"--exclude=/{_literally(name)}" for name in names] if len(names) <= MOST else []


def _literally(name: str) -> str:
    """Return a name as a pattern of rsync: a backslash means itself in one without wildcards."""
    return re.sub(r"([*?\[\\])", r"\\\1", name) if re.search(r"[*?\[]", name) else name


def folders_of(host: Host, paths: Sequence[str]) -> set[str]:
    """Return which of these paths are, or lead to, folders."""
    found = [path for start in range(0, len(paths), MOST)
             for path in host.present(*(f"{one}/." for one in paths[start:start + MOST]), kind="d")]
    return {path.removesuffix("/.") for path in found}


def lay(host: Host, folder: str, links: Sequence[Moved], owner: str | None) -> tuple[int, list[str]]:
    """Let links lead where they are to; return how many did not, and a warning of each that could not be laid."""
    if not links:
        return 0, []
    words = [word for one in links
             for word in (f"./{one.name}", one.target, WHOLE if one.is_whole else CAREFUL, owner or "")]
    told = host.run("sh", "-c", LAY, "sh", folder, stdin=b"".join(os.fsencode(word) + b"\0" for word in words))
    lines, by_name = [os.fsdecode(line) for line in told.split(b"\0")[:-1]], {one.name: one for one in links}
    if len(lines) != len(links) or not all(line.startswith((LAID, STAYS, RIGHT)) for line in lines):
        raise CommandError(f"[{host.name}] links in {folder}: the answer is cut off: they may lead to the source still")
    stays = [by_name[line.removeprefix(f"{STAYS}./")] for line in lines if line.startswith(STAYS)]
    return sum(line.startswith(LAID) for line in lines), [
        f"{folder}/{one.name} is a folder, and at the source a link to {one.was}: it stays as it is. Next: what "
        f"belongs there is in {one.target}; put a link to that in its place" for one in stays]
