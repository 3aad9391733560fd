"""Tells which files of a site's code were replaced, removed or added between two looks, by inode, size and time."""

from collections.abc import Collection
from typing import NamedTuple

from scripts.errors import CommandError
from scripts.steps import switch_over
from scripts.steps.site import Site
from scripts.tiki import guard, layout, maintenance

END = "that is all"


class Difference(NamedTuple):
    """Paths from the web root, in order."""

    replaced: tuple[str, ...]
    removed: tuple[str, ...]
    added: tuple[str, ...]


def read(found: Site) -> dict[str, str]:
    """Return a mark of every file of the web root that is no user's and not cached. Costs one call, and one question.

    The entrances have none: the maintenance page replaces them.
    """
    host, root = found.instance.host, found.instance.web_root
    own = (layout.HTACCESS, *maintenance.OWN_NAMES, *layout.CHECKOUTS, *guard.ENTRANCES)
    passed = [word for path in (*(f"{root}/{name}" for name in own), f"{root}/.trim-*",
                                *(f"{root}/{cache}/*" for cache in layout.CACHES))
              for word in ("-path", path, "-prune", "-o")]
    told = host.read_names("find", root, "/", "-path", "/", "-prune", "-printf", f"{END}\\0", "-o", *passed,
                           "!", "-type", "d", "-printf", "%P\\0%i %T@ %s %l\\0", ok=(0, 1))
    if told[-1:] != [END] or len(told) % 2 != 1:
        raise CommandError(f"[{host.name}] find {root}: its answer is cut off")
    data = switch_over.data_folders(found)
    return {path: mark for path, mark in zip(told[:-1:2], told[1:-1:2]) if _is_code(path, data)}


def _is_code(path: str, data: Collection[str]) -> bool:
    """Whether a file is no user's: a release brings some into their folders as well."""
    folder, _, name = path.rpartition("/")
    return not path.startswith(tuple(f"{one}/" for one in data)) or (folder in data and name in layout.GUARD_FILES) \
        or path.startswith(tuple(f"{one}/" for one in layout.SHIPPED_IN_DATA))


def difference(before: dict[str, str], now: dict[str, str]) -> Difference:
    """Return what became of the files."""
    replaced = {path for path in before.keys() & now.keys() if before[path] != now[path]}
    return Difference(tuple(sorted(replaced)), tuple(sorted(before.keys() - now.keys())),
                      tuple(sorted(now.keys() - before.keys())))
