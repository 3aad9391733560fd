"""What may hurt a site though its files are as they shipped: its release, its PHP, its certificate, and a restriction
that is gone. Nothing here hangs.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from scripts.code import mirror
from scripts.errors import CommandError, Fault, RefusedError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import known_releases, looking, restricting
from scripts.steps.findings import CERTIFICATE, PHP, RELEASE, RESTRICTION, Finding
from scripts.tiki import php_support
from scripts.tiki.probe import Probe

CERTIFICATE_DAYS = 21           # those that renew themselves do it a month before
ASK_AGAIN_SECONDS = 20 * 3600   # a nightly look asks once a night for the releases there are
DAY_SECONDS = 86400


def findings(instance: Instance, found: Probe) -> list[Finding]:
    """Return what is wrong around a site."""
    return [*_restriction(instance), *_release(instance, found), *_php(found), *_certificate(instance)]


def _restriction(instance: Instance) -> list[Finding]:
    """Look whether a site is as closed as its env file says: without the block its .htaccess is what shipped."""
    try:
        wrong = restricting.problems(instance)
    except (RefusedError, CommandError) as fault:
        return [Finding(RESTRICTION, "restriction", str(fault).removeprefix(f"{instance.name}: "))]
    return [Finding(RESTRICTION, "restriction", f"{one}. Next: make restrict INSTANCE={instance.name}")
            for one in wrong]


def _release(instance: Instance, found: Probe) -> list[Finding]:
    _ask_git_once_a_day(instance.settings)
    version = str(found.version)
    newest = known_releases.newest(version, known_releases.all_of(instance.settings))
    if not newest:
        return []
    return [Finding(RELEASE, "release", f"Tiki {version} lacks what {newest}, a later release of its branch, has "
                    f"mended. Next: make update INSTANCE={instance.name}", f"{version} {newest}")]


def _ask_git_once_a_day(settings: Settings) -> None:
    """Let the mirror learn which releases there are; a remote that does not answer is not asked again today."""
    asked = settings.cache / "releases-asked.json"
    if not settings.git_remote or process.conduct.dry_run or _was_asked(asked, settings.git_remote):
        return
    MANAGER.make_folder(str(asked.parent), 0o700)
    MANAGER.write(str(asked), json.dumps({"remote": settings.git_remote, "time": time.time()}).encode(), 0o600)
    try:
        mirror.remote_refs(settings)
    except Fault:
        return  # what is known counts


def _was_asked(asked: Path, remote: str) -> bool:
    try:
        last = json.loads(asked.read_text(encoding="utf-8"))
        return last["remote"] == remote and 0 <= time.time() - last["time"] < ASK_AGAIN_SECONDS
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _php(found: Probe) -> list[Finding]:
    until = php_support.ended(found.php_version, datetime.now(UTC).date())
    if not until:
        return []
    series = ".".join(found.php_version.split(".")[:2])
    return [Finding(PHP, "php", f"PHP {found.php_version} gets no security fixes from its makers since {until}. If its "
                    "host's distribution mends it, accept this", series)]


def _certificate(instance: Instance) -> list[Finding]:
    ends, wrong = looking.certificate(instance)
    if wrong:
        return [Finding(CERTIFICATE, "certificate", f"of {instance.web_url}: {wrong}", wrong)]
    if not ends:
        return []
    end = datetime.fromisoformat(ends)
    days = int((end - datetime.now(UTC)).total_seconds() // DAY_SECONDS)
    if days > CERTIFICATE_DAYS:
        return []
    told = f"ends in {days} days" if days >= 0 else "has ended"
    return [Finding(CERTIFICATE, "certificate", f"of {instance.web_url} {told}, on {end:%Y-%m-%d}", f"{end:%Y-%m-%d}")]
