"""One bare git repository, CACHE_DIR/tiki.git, into which wanted branches, tags and commits are fetched.

They are fetched without their history: a site needs no more, and Tiki's whole past is large.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.code import download, unpack
from scripts.errors import CommandError, HostError
from scripts.hosts import process
from scripts.hosts.command import Command, shown
from scripts.hosts.local import MANAGER
from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings

ANSWER_SECONDS = "120"   # for the list of branches and tags, a few thousand lines
NO_SUCH_PROGRAM = 127
TIMED_OUT = 124          # timeout's own code
ENDLESS = "--depth=2147483647"  # git's own number for the whole past, also where it is there already
# A server that sends less than this many bytes a second for a minute is gone.
PATIENCE = ("-c", "http.lowSpeedLimit=100", "-c", "http.lowSpeedTime=60")


def remote_refs(settings: Settings) -> dict[str, str]:
    """Return the commits of all branches and tags of GIT_REMOTE by the full name of their ref."""
    command = git(settings, "ls-remote", "--heads", "--tags", "--", settings.git_remote, seconds=ANSWER_SECONDS)
    found = _by_name(reached(settings, lambda: process.read(command)), command)
    _remember(settings, found)
    return found


def known_refs(settings: Settings) -> dict[str, str]:
    """Return the same as GIT_REMOTE told it last; nothing when it was never asked. Needs no network."""
    try:
        told = json.loads(_remembered(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told["refs"] if told["remote"] == settings.git_remote else {}


def own_refs(settings: Settings, place: Path | None = None) -> dict[str, str]:
    """Return the same of what was fetched before; nothing when there is no mirror, or repository at place, yet."""
    if not ((place or folder(settings)) / "HEAD").exists():
        return {}
    command = git(settings, "show-ref", "-d", place=place)
    return _by_name(process.read(command, ok=(0, 1)), command)


def fetch(settings: Settings, ref: str, commit: str, verb: str) -> str:
    """Fetch one ref unless the mirror has this commit of it; return the commit that it has then."""
    if own_refs(settings).get(ref) == commit:
        return commit
    with opened(settings, folder(settings), verb):
        command = git(settings, "fetch", "-q", "--depth=1", "--no-tags", "--", settings.git_remote, f"+{ref}:{ref}")
        reached(settings, lambda: process.run(command))
        if ref not in (there := own_refs(settings)):
            raise CommandError(f"{command.shown}: ended without a fault, and {ref} is not there")
        return there[ref]


def fetch_commit(settings: Settings, commit: str, verb: str) -> None:
    """Fetch one commit, without its history, unless the mirror has it."""
    kept = f"refs/trim/{commit}"  # without a name of its own git would throw it away one day
    if own_refs(settings).get(kept) == commit:
        return
    with opened(settings, folder(settings), verb):
        alone = git(settings, "fetch", "-q", "--depth=1", "--no-tags", "--", settings.git_remote, f"+{commit}:{kept}")
        try:
            reached(settings, lambda: process.run(alone))
        except HostError:
            # A server may give nothing but the tips of its branches; then their past has to come along.
            whole = git(settings, "fetch", "-q", ENDLESS, "--no-tags", "--", settings.git_remote,
                        "+refs/heads/*:refs/trim-heads/*")
            reached(settings, lambda: process.run(whole))
            process.run(git(settings, "update-ref", kept, commit))
        if own_refs(settings).get(kept) != commit:
            raise CommandError(f"{alone.shown}: ended without a fault, and the commit is not there")


def forget_commit(settings: Settings, commit: str, verb: str) -> None:
    """Let git throw away one commit that was fetched by itself, unless another ref has it."""
    kept = f"refs/trim/{commit}"
    if kept in own_refs(settings):
        with opened(settings, folder(settings), verb):
            process.run(git(settings, "update-ref", "-d", kept))


@contextmanager
def opened(settings: Settings, place: Path, verb: str) -> Iterator[None]:
    """Make a bare repository in the cache, if there is none, and hold its lock."""
    # By read: a look at GIT_REMOTE, which a dry run takes too, writes into our own cache and nowhere else.
    MANAGER.read("mkdir", "-p", "-m", "700", "--", str(settings.cache))
    with locks.hold(settings, [Lock(place.name, exclusive=True)], verb):
        MANAGER.read("git", "init", "-q", "--bare", "--", str(place))
        # Left by a run that was ended: whoever holds our lock is alone here.
        MANAGER.read("find", str(place), "-name", "*.lock", "-delete")
        yield


def unpacked(settings: Settings, commit: str, into: Path) -> None:
    """Put the files of a commit into an empty folder."""
    unpack.from_tar(git(settings, "archive", "--format=tar", commit), into, f"git commit {commit[:12]}")


def folder(settings: Settings) -> Path:
    """Return the place of the mirror."""
    return settings.cache / "tiki.git"


def git(settings: Settings, *words: str, seconds: str = "0", place: Path | None = None) -> Command:
    """Return a call of git on the mirror, or on the repository at place; it never asks and leaves nothing that runs.

    seconds is how long it may take; 0 leaves that to who watches for runs that stand still.
    """
    ssh = os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    quietly = ("env", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", f"GIT_SSH_COMMAND={ssh}", "timeout", seconds)
    own = ("git", f"--git-dir={place or folder(settings)}", "-c", "gc.autoDetach=false")
    return Command((*quietly, *own, *PATIENCE, *words), shown("manager", ("git", *words)))


def reached(settings: Settings, ask: Callable[[], bytes]) -> bytes:
    """Return what git answers; a remote that cannot be reached is a HostError that says why."""
    download.refuse_secret(settings.git_remote, "GIT_REMOTE")
    try:
        return ask()
    except CommandError as error:
        if error.code == NO_SUCH_PROGRAM:
            raise HostError("git is not installed on the manager. Next: apt-get install git") from error
        if error.code == TIMED_OUT:
            raise HostError(f"{settings.git_remote} (GIT_REMOTE): no answer within {ANSWER_SECONDS} seconds") from error
        said = " / ".join(line.strip() for line in error.stderr.splitlines() if line.strip())
        raise HostError(f"{settings.git_remote} (GIT_REMOTE): cannot be read: {said or error}") from error


def _remember(settings: Settings, refs: dict[str, str]) -> None:
    if not process.conduct.dry_run:
        MANAGER.make_folder(str(settings.cache), 0o700)
        text = json.dumps({"remote": settings.git_remote, "refs": refs})
        MANAGER.write(str(_remembered(settings)), text.encode("utf-8"), 0o600)


def _remembered(settings: Settings) -> Path:
    return settings.cache / "remote_refs.json"


def _by_name(listed: bytes, command: Command) -> dict[str, str]:
    """Return commits by ref; of an annotated tag the commit it stands for, which follows it with ^{} at its end."""
    if listed and not listed.endswith(b"\n"):
        raise CommandError(f"{command.shown}: its list is cut off. Try again")
    lines = [line.split() for line in listed.decode("utf-8", "replace").splitlines()]
    return {ref.removesuffix("^{}"): commit for commit, ref in lines}

