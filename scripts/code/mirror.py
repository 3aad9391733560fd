"""One bare git repository, CACHE_DIR/tiki.git, into which wanted branches and tags are fetched.

Only the newest commit of each is fetched, without its history: 70 MB instead of Tiki's whole past.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from scripts.code import download, unpack
from scripts.errors import CommandError, HostError
from scripts.hosts.host import MANAGER
from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.registry.settings import Settings

ANSWER_SECONDS = "120"   # for the list of branches and tags, a few thousand lines
NO_SUCH_PROGRAM = 127
# A server that sends less than this many bytes a second for a minute is gone.
PATIENCE = ("-c", "http.lowSpeedLimit=100", "-c", "http.lowSpeedTime=60")


def remote_refs(settings: Settings) -> dict[str, str]:
    """Return the commits of all branches and tags of GIT_REMOTE by the full name of their ref."""
    words = ("timeout", ANSWER_SECONDS, *_git(settings, *PATIENCE, "ls-remote", "--heads", "--tags", "--"),
             settings.git_remote)
    said = _reached(settings, lambda: MANAGER.read(*words)).decode("utf-8", "replace")
    if said and not said.endswith("\n"):
        raise HostError(f"{settings.git_remote} (GIT_REMOTE): its list of branches is cut off. Try again")
    return _by_name(line.split("\t") for line in said.splitlines())


def own_refs(settings: Settings) -> dict[str, str]:
    """Return the same of what was fetched before; nothing when there is no mirror yet."""
    if not (folder(settings) / "HEAD").exists():
        return {}
    said = MANAGER.read(*_git(settings, "show-ref", "-d"), ok=(0, 1)).decode("utf-8", "replace")
    return _by_name(line.split(" ") for line in said.splitlines())


def fetch(settings: Settings, ref: str, commit: str, verb: str) -> str:
    """Fetch one ref unless the mirror has this commit of it; return the commit that it has then."""
    if own_refs(settings).get(ref) == commit:
        return commit
    place = folder(settings)
    MANAGER.make_folder(str(settings.cache), 0o700)
    with locks.hold(settings, [Lock("tiki.git", exclusive=True)], verb):
        MANAGER.run("git", "init", "-q", "--bare", "--", str(place))
        # Left by a run that was ended: whoever holds our lock is alone here.
        MANAGER.remove(*(str(path) for path in (*place.glob("*.lock"), *place.glob("refs/**/*.lock"))))
        words = _git(settings, *PATIENCE, "fetch", "-q", "--depth=1", "--no-tags", "--", settings.git_remote,
                     f"+{ref}:{ref}")
        _reached(settings, lambda: MANAGER.run(*words))
        return MANAGER.read_line(*_git(settings, "rev-parse", "--verify", f"{ref}^{{commit}}"))


def unpacked(settings: Settings, commit: str, into: Path) -> None:
    """Put the files of a commit into an empty folder."""
    words = _git(settings, "archive", "--format=tar", commit)
    unpack.from_tar(MANAGER.command(*words), into, f"git commit {commit[:12]}")


def folder(settings: Settings) -> Path:
    """Return the place of the mirror."""
    return settings.cache / "tiki.git"


def _git(settings: Settings, *words: str) -> tuple[str, ...]:
    """Return a call of git on the mirror, which never asks and leaves nothing behind that still runs."""
    ssh = os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    return ("env", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", f"GIT_SSH_COMMAND={ssh}", "git",
            f"--git-dir={folder(settings)}", "-c", "gc.autoDetach=false", *words)


def _reached(settings: Settings, ask: Callable[[], bytes]) -> bytes:
    """Return what git answers; a remote that cannot be reached is a HostError that says why."""
    download.refuse_secret(settings.git_remote, "GIT_REMOTE")
    try:
        return ask()
    except CommandError as error:
        if error.code == NO_SUCH_PROGRAM:
            raise HostError("git is not installed on the manager. Next: apt-get install git") from error
        said = " / ".join(line.strip() for line in error.stderr.splitlines() if line.strip())
        raise HostError(f"{settings.git_remote} (GIT_REMOTE): cannot be read: {said or error}") from error


def _by_name(pairs: Iterable[list[str]]) -> dict[str, str]:
    """Return commits by ref; of an annotated tag the commit it stands for, which follows it with ^{} at its end."""
    found: dict[str, str] = {}
    for commit, ref in pairs:
        found[ref.removesuffix("^{}")] = commit
    return found

