"""make prepare: the complete code of a version, made once on the manager, so that sites get it in seconds.

Touches no site. A release is made once; of a branch the newest code is fetched each time.
"""

import time

from scripts.code import trees, words
from scripts.errors import UsageError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry.settings import Settings


def prepare(settings: Settings, version: str | None, source: str | None, force: bool) -> dict[str, object]:
    """Make the tree of a version, or compare the one that is there with its record; return what is to be told."""
    version = version or _ask()
    started = time.monotonic()
    before = trees.tree(settings, version)
    made = trees.prepared(settings, version, source, force=force, tell=output.say)
    is_new = before is None or made.moment != before.moment
    if not is_new and not process.conduct.dry_run:
        trees.check(made)
        output.say(f"{made.name}: every file is as it was prepared {output.local_text(made.moment)}")
    seconds = time.monotonic() - started
    if is_new and not process.conduct.dry_run:
        shared = f", {output.size(made.shared_bytes)} of it shared with others" if made.shared_bytes else ""
        output.say(f"{made.name}: Tiki {made.version} is ready in {made.path}: {made.files} files, "
                   f"{output.size(made.bytes)}{shared}, in {output.duration(seconds)}")
    return {"name": made.name, "version": made.version, "path": str(made.path), "origin": made.origin,
            "files": made.files, "bytes": made.bytes, "shared_bytes": made.shared_bytes, "moment": made.moment,
            "is_new": is_new, "seconds": round(seconds, 1)}


def _ask() -> str:
    if not prompts.can_ask():
        raise UsageError("VERSION= is missing: a release as in 24.4, a branch as in 24.x, or trunk. What can be had "
                         "says: make versions")
    return prompts.ask("VERSION, a release as in 24.4, a branch as in 24.x, or trunk", check=words.parse)
