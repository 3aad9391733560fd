"""Lets the git of a checkout follow its files: the new commit comes before, HEAD and index when all is proven.

What a site committed itself stays reachable under KEPT, and its changes lie in the files as local ones.
"""

from dataclasses import dataclass
from pathlib import Path

from scripts.code import mirror, words
from scripts.code.trees import PreparedTree
from scripts.code.words import BRANCH, RELEASE, TRUNK
from scripts.errors import CommandError, Fault
from scripts.hosts import process, transfer
from scripts.hosts.host import Host
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import checkouts
from scripts.steps.release_files import ARROW, Release
from scripts.steps.site import Site
from scripts.steps.switching import Job

KEPT = "refs/trim/before"
HEADS = "refs/heads/"
TRUNK_BRANCH = "master"
CARRIED = "refs/heads/carried"
ANY_COMMIT = "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack"


@dataclass(frozen=True)
class Checkout:
    """Where git stands and where it goes. head is what HEAD names, empty when it is a commit itself."""

    commit_before: str
    head_before: str
    commit: str
    head: str


def branch(instance: Instance) -> str:
    """Return the name of the branch that a checkout is on; nothing when it is on none."""
    return _head(instance.host, instance.web_root).removeprefix(HEADS)


def plan(found: Site, tree: PreparedTree) -> Checkout | None:
    """Return what becomes of the site's git; None where there is none, or where it stands there already."""
    instance = found.instance
    if "git" not in found.probe.checkouts:
        return None
    if not tree.commit:
        output.warn(f"{instance.name}: Tiki {tree.version} comes from {tree.origin}, not from git: its git status will "
                    "show all that is new")
        return None
    head, commit = _head(instance.host, instance.web_root), checkouts.head(instance.host, instance.web_root)
    wanted = _head_for(tree, head)
    return Checkout(commit, head, tree.commit, wanted) if (commit, head) != (tree.commit, wanted) else None


def untold(found: Site, tree: PreparedTree, old: Release) -> tuple[set[str], dict[str, bytes]]:
    """Return the files of the commit that a prepared tree does not hold, and the texts of those that changed in it.

    What git leaves out of archives, a checkout has.
    """
    if "git" not in found.probe.checkouts or not tree.commit:
        return set(), {}
    place = str(mirror.folder(found.instance.settings))
    try:
        listed = checkouts.files(MANAGER, place, tree.commit)
    except CommandError:
        return set(), {}
    more = {path: one for path, one in listed.items() if not (tree.path / path).exists() and not one.startswith(ARROW)}
    changed = {path: one for path, one in more.items() if old.files.get(path) not in (None, one)}
    texts = checkouts.texts(MANAGER, place, changed.values())
    return set(more), {path: texts[one] for path, one in changed.items() if one in texts}


def fetch(instance: Instance, checkout: Checkout, job: Job, scratch: Path) -> None:
    """Bring the new commit into the site's git: from its own remote, or from this machine's mirror."""
    host, web_root = instance.host, instance.web_root
    if _has(host, web_root, checkout.commit):
        return
    shallow = host.read_line(*checkouts.call(web_root, "rev-parse", "--is-shallow-repository")) == "true"
    remotes = host.read(*checkouts.call(web_root, "remote")).decode("utf-8", "surrogateescape").split()
    depth = ["--depth=1"] if shallow else []
    for remote in sorted(remotes, key=lambda name: name != "origin")[:1]:
        try:
            host.run(*_patiently(web_root, "fetch", "-q", "--no-tags", *depth, "--", remote, checkout.commit))
        except CommandError as error:
            output.say(f"{instance.name}: its remote {remote} does not give {checkout.commit[:checkouts.SHORT]}: "
                       f"{error.stderr.strip().splitlines()[-1] if error.stderr.strip() else error}")
        if _has(host, web_root, checkout.commit):
            return
    _carry(instance, checkout.commit, job, scratch / "commit.git")


def follow(instance: Instance, commit: str, head: str) -> None:
    """Let HEAD and index stand on a commit; the files are there. A failure is a warning: the site itself is whole."""
    host, web_root = instance.host, instance.web_root
    try:
        before = checkouts.head(host, web_root)
        if (before, _head(host, web_root)) == (commit, head):
            return
        host.run(*checkouts.call(web_root, "update-ref", KEPT, before))
        if head:
            host.run(*checkouts.call(web_root, "symbolic-ref", "HEAD", head))
        else:
            host.run(*checkouts.call(web_root, "update-ref", "--no-deref", "HEAD", commit))
        host.run(*checkouts.call(web_root, "reset", "-q", "--mixed", commit, "--"))
        if not process.conduct.dry_run and checkouts.head(host, web_root) != commit:
            raise CommandError(f"[{host.name}] git reset: ended without a fault, and HEAD is elsewhere")
    except Fault as fault:
        output.warn(f"{instance.name}: the code is new, and git does not know it: {fault}. Next, on that host: git -C "
                    f"{web_root} reset {commit}")


def _head_for(tree: PreparedTree, head: str) -> str:
    word, present = words.of_tree(tree.name), words.understood(head.removeprefix(HEADS)) if head else None
    if word.kind == TRUNK:
        return head if present and present.kind == TRUNK else f"{HEADS}{TRUNK_BRANCH}"
    if word.kind == BRANCH:
        return f"{HEADS}{word.text.partition('@')[0]}"
    is_of_branch = present and present.kind != RELEASE and present.kind != TRUNK and present.holds(word.numbers)
    return head if is_of_branch else ""


def _head(host: Host, web_root: str) -> str:
    return host.read_line(*checkouts.call(web_root, "symbolic-ref", "-q", "HEAD"), ok=(0, 1))


def _has(host: Host, web_root: str, commit: str) -> bool:
    said = host.read(*checkouts.call(web_root, "cat-file", "--batch-check"), stdin=f"{commit}^{{tree}}\n".encode())
    return said.split()[1:2] == [b"tree"]


def _patiently(web_root: str, *given: str) -> tuple[str, ...]:
    """Return a call of git that gives up on a server that sends nothing, and never asks for a password."""
    env, *rest = checkouts.call(web_root, *mirror.PATIENCE, *given)
    return (env, "GIT_ASKPASS=true", "GIT_SSH_COMMAND=ssh -o BatchMode=yes", *rest)


def _carry(instance: Instance, commit: str, job: Job, small: Path) -> None:
    """Send one commit of the mirror to the host as a repository of its own, and fetch it there."""
    host, web_root = instance.host, instance.web_root
    MANAGER.run("git", "init", "-q", "--bare", "--", str(small))
    MANAGER.run("git", f"--git-dir={small}", "fetch", "-q", "--depth=1", "--no-tags", ANY_COMMIT, "--",
                str(mirror.folder(instance.settings)), f"{commit}:{CARRIED}")
    place = f"{job.folder}/commit.git"
    host.make_folder(place, 0o700)
    transfer.put(str(small), host, place)
    host.run(*checkouts.call(web_root, "fetch", "-q", "--no-tags", "--depth=1", "--", place, CARRIED))
    if not process.conduct.dry_run and not _has(host, web_root, commit):
        raise CommandError(f"[{host.name}] git fetch in {web_root}: ended without a fault, and {commit} is not there")
