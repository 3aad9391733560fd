"""What a git checkout says of itself, asked where it lies: the commit it stands on, its files, what is in them.

The site's own git configuration is not trusted: nothing that it names (hooks, a file watcher, filters) is started, and
what counts as changed is told by content alone, not by git's index, in which an administrator can hide files.
"""

from collections.abc import Collection, Iterable, Mapping

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.hosts.listing import STREAM_FILES, STREAMS

SAFELY = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
QUIETLY = ("env", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0")
TREE = 'cd -- "$1" || exit 1; shift; "$@" && printf "end\\0"'
IDS = 'cd -- "$1" || exit 1; shift; xargs -0 -r "$@"; echo "end $?"'
LINK, SUBMODULE = "120000", "160000"    # modes of a tree
SHORT = 12                              # characters of a commit in messages


def call(web_root: str, *words: str) -> tuple[str, ...]:
    """Return a call of git in a web root of anybody's, which starts nothing that is configured there."""
    return (*QUIETLY, "git", "-C", web_root, *SAFELY, *words)


def head(host: Host, web_root: str) -> str:
    """Return the commit that a checkout stands on, in full."""
    return host.read_line(*call(web_root, "rev-parse", "--verify", "HEAD^{commit}"))


def upstream(host: Host, web_root: str, also: Collection[str]) -> tuple[str, int]:
    """Return the newest commit of Tiki's own that a checkout is built on, and how many of the site's lie above it.

    also are commits that are known to be Tiki's. What a remote has is; so is a commit that was fetched alone. Raises
    CommandError when there is none.
    """
    own = head(host, web_root)
    named = host.read(*call(web_root, "for-each-ref", "--format=%(objectname)", "refs/remotes")).decode().split()
    asked = "".join(f"{commit}^{{commit}}\n" for commit in sorted({*named, *also}))
    told = host.read(*call(web_root, "cat-file", "--batch-check"), stdin=asked.encode()).decode().splitlines()
    theirs = [facts[0] for facts in map(str.split, told) if facts[1:2] == ["commit"]]
    if own in theirs:
        return own, 0
    if theirs:
        base = host.read_line(*call(web_root, "merge-base", own, *theirs), ok=(0, 1))
        if base:
            above = host.read_line(*call(web_root, "rev-list", "--count", f"{base}..{own}"))
            return base, int(above)
    fetched = host.read(*call(web_root, "rev-list", "--max-parents=0", own)).decode().split()
    shallow = host.read_line(*call(web_root, "rev-parse", "--is-shallow-repository"))
    if shallow == "true" and fetched == [own]:
        return own, 0
    raise CommandError(f"[{host.name}] {web_root}: no remote of this checkout has its commit {own[:SHORT]}, nor one "
                       "that it is built on")


def files(host: Host, web_root: str, commit: str) -> dict[str, str]:
    """Return the files of a commit by path: git's own id of the content, or `-> target` of a link."""
    words = call(web_root, "ls-tree", "-r", "-z", "--full-tree", commit)
    told = host.read_names("sh", "-c", TREE, "tree", web_root, *words)
    if told[-1:] != ["end"]:
        raise CommandError(f"[{host.name}] git ls-tree in {web_root}: its answer is cut off")
    entries = [(facts.split(), path) for facts, path in (line.split("\t", 1) for line in told[:-1])]
    targets = texts(host, web_root, [facts[2] for facts, _ in entries if facts[0] == LINK])
    return {path: f"-> {targets[facts[2]].decode('utf-8', 'surrogateescape')}" if facts[0] == LINK else facts[2]
            for facts, path in entries if facts[0] != SUBMODULE}


def texts(host: Host, web_root: str, ids: Iterable[str]) -> dict[str, bytes]:
    """Return what is in some of git's own objects, by their ids; what is not there has none."""
    wanted, found = sorted(set(ids)), {}
    if not wanted:
        return found
    told = host.read(*call(web_root, "cat-file", "--batch"), stdin="".join(f"{one}\n" for one in wanted).encode())
    place = 0
    for one in wanted:
        line, newline, _ = told[place:place + 200].partition(b"\n")
        place += len(line) + 1
        if line == f"{one} missing".encode():
            continue
        size = int(line.split()[2]) if newline and line.startswith(f"{one} blob ".encode()) else len(told)
        found[one] = told[place:place + size]
        place += size + 1
        if place > len(told):
            raise CommandError(f"[{host.name}] git cat-file in {web_root}: its answer is cut off")
    return found


def ids(host: Host, web_root: str, names: Iterable[str]) -> Mapping[str, str]:
    """Return the ids that git would give to files as they are now; raises CommandError when one vanishes meanwhile."""
    wanted = sorted(names)
    streams = min(STREAMS, 1 + len(wanted) // STREAM_FILES)
    shares = [wanted[place::streams] for place in range(streams)]
    told = process.side_by_side(*(lambda share=share: _ids(host, web_root, share) for share in shares if share))
    return {name: one for share in told for name, one in share.items()}


def _ids(host: Host, web_root: str, names: list[str]) -> dict[str, str]:
    asked = "".join(f"./{name}\0" for name in names).encode("utf-8", "surrogateescape")
    words = call(web_root, "hash-object", "--no-filters", "--")
    told = host.read("sh", "-c", IDS, "ids", web_root, *words, stdin=asked).decode().splitlines()
    if told[-1:] != ["end 0"] or len(told) != len(names) + 1:
        raise CommandError(f"[{host.name}] git hash-object in {web_root}: it was asked for {len(names)} files and told "
                           f"of {len(told) - 1}. Was the site changed meanwhile? Try again")
    return dict(zip(names, told))
