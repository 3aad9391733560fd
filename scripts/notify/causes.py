"""Names the cause of a fault in a few words, as a mail's subject wants it, and says what to do first.

Decides from the words of the fault: they are the same whether it was raised here or came from a run of its own.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from scripts import errors
from scripts.errors import Fault
from scripts.registry import registry
from scripts.registry.settings import Settings

PLACE = re.compile(r"\[([a-z0-9][a-z0-9-]*)\]")
NO_SPACE = re.compile(r"no space|disk quota exceeded|errcode: 28\b|errno: 28\b", re.IGNORECASE)
NO_RIGHTS = re.compile(r"permission denied|operation not permitted|read-only file system", re.IGNORECASE)
HARDLY_ANY_BYTES = 1_000_000    # free: this disk is the one that is full
BUG, KILLED, FAILED, UNSAID = "a fault of TRIM itself", "killed", "failed", "output not written"
HOST_FULL, FULL, RIGHTS = "disk full on the host", "disk full on the manager", "no rights"
# In this order: what stands first explains what follows from it.
BY_WORDS = {
    "host key changed": r"host key of \S+ is not the one on record|IDENTIFICATION HAS CHANGED",
    "host key unknown": r"host key of \S+ is not known|Host key verification failed",
    "ssh login refused": r"does not let us in by key|Permission denied \([^)]*publickey",
    "ssh dropped": r"closed by remote host|client_loop|Connection reset|connection unexpectedly closed"
                   r"|mux_client|Timeout, server \S+ not responding|Broken pipe|exit code 255\b",
    "ssh refused": r"cannot reach \S+ on port \d+: .*(?:Connection refused|Connection closed|kex_exchange)",
    "host not reached": r"cannot reach \S+ on port \d+|Could not resolve hostname|No route to host",
    "database down": r"database server cannot be reached|Lost connection to|server has gone away"
                     r"|Can't connect to .*server",
    "wrong database password": r"refuses the account or its password|Access denied for user",
    "database missing": r"may not enter this database|has no such database|Unknown database",
    "program missing": r"there is no program|command not found|exit code 127\b|is not installed",
    "hung": r"moved no bytes and used no processor time",
    KILLED: r"ended by signal 9\b|exit code 137\b",
}
BY_KIND = {errors.BusyError: "busy", errors.Findings: "findings", errors.UsageError: "wrong call",
           errors.UnsaidError: UNSAID, errors.ReaderGoneError: UNSAID,
           errors.RefusedError: "refused by a guard", errors.RegistryError: "wrong settings",
           errors.ArchiveError: "archive damaged or missing", errors.DatabaseError: "database",
           errors.HostError: FAILED}
WHATEVER_IT_SAYS = (errors.BusyError, errors.Findings, errors.UsageError, errors.UnsaidError, errors.ReaderGoneError)
ADVICE = {
    "host key changed": "Ask the host's administrator whether it was reinstalled, before anybody logs in.",
    "host key unknown": "make copysshkey INSTANCE={instance}",
    "ssh login refused": "make copysshkey INSTANCE={instance}",
    "ssh dropped": "The next run starts afresh. If it comes again, look at the network and the host: make doctor "
                   "INSTANCE={instance}",
    "ssh refused": "Is sshd running there, on this port? make doctor INSTANCE={instance}",
    "host not reached": "Is it up, is the network? make doctor INSTANCE={instance}",
    "database down": "Is the database server running there, has it room? make doctor INSTANCE={instance}",
    "wrong database password": "Compare the login in db/local.php (of a blank: in its env file) with the server.",
    "database missing": "Compare db/local.php with what the server has.",
    "program missing": "make doctor says what to install, and where.",
    "hung": "It was ended after STALL_SECONDS. make doctor INSTANCE={instance}",
    KILLED: "Was memory short, did somebody end it? dmesg | tail tells of memory. make doctor looks for leftovers.",
    "busy": "If the run that holds it hangs, end that one; if the two meet often, move one of them in the crontab.",
    "wrong call": "Correct the line: crontab -e",
    UNSAID: "Look where the line sends its output: is there room (df -h), does its reader stay to the end?",
    "refused by a guard": "Nothing was changed; the message says which word lets it pass.",
    "wrong settings": "Correct the line that is named.",
    "archive damaged or missing": "make archives INSTANCE={instance}",
    HOST_FULL: "Make room there: df -h in make access INSTANCE={instance}",
    FULL: "Make room here: make clean, make archives; or a larger disk.",
    RIGHTS: "Compare owner and mode with what make doctor says.",
    BUG: "Please report it, with the log.",
}


def of(settings: Settings, fault: Fault, instance: str = "") -> str:
    """Return the cause of a fault of this instance, in a few words."""
    text = " ".join(str(fault).split())
    if isinstance(fault, WHATEVER_IT_SAYS):
        return BY_KIND[type(fault)]
    if NO_SPACE.search(text):
        return _full(settings, text, instance)
    for words, pattern in BY_WORDS.items():
        if re.search(pattern, text):
            return words
    if NO_RIGHTS.search(text):
        return _named(settings, RIGHTS, text)
    return next((words for kind, words in BY_KIND.items() if isinstance(fault, kind)), FAILED)


def advice(cause: str, instance: str) -> str:
    """Return what to do first about a cause; nothing where only the message knows."""
    return next((text for words, text in ADVICE.items() if cause.startswith(words)), "").format(instance=instance)


def is_the_same(cause: str) -> bool:
    """Whether two faults of this cause are one, though their words differ: their numbers, the command that met it."""
    return cause in BY_WORDS or cause.startswith((HOST_FULL, FULL, RIGHTS, BY_KIND[errors.BusyError]))


def _full(settings: Settings, text: str, instance: str) -> str:
    named = _named(settings, FULL, text)
    if named != FULL:
        return named
    if _is_far(settings, text, instance):
        return HOST_FULL
    full = [key for key, path in _places(settings).items() if _has_no_room(path)]
    return f"{FULL} ({full[0]})" if full else FULL


def _named(settings: Settings, words: str, text: str) -> str:
    """Return these words with the setting whose folder the text names."""
    found = [key for key, path in _places(settings).items() if _names(text, path)]
    return f"{words} ({found[0]})" if found else words


def _places(settings: Settings) -> dict[str, Path]:
    """Return the manager's folders by their setting, those inside others first."""
    places = {"ARCHIVES_DIR": settings.archives, "WORK_DIR": settings.work, "CACHE_DIR": settings.cache,
              "STATE_DIR": settings.state}
    return dict(sorted(places.items(), key=lambda place: -len(str(place[1]))))


def _has_no_room(path: Path) -> bool:
    with suppress(OSError):
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize < HARDLY_ANY_BYTES
    return False


def _names(text: str, path: Path) -> bool:
    return re.search(rf"{re.escape(str(path))}(?![\w-])", text) is not None


def _is_far(settings: Settings, text: str, instance: str) -> bool:
    """Whether a fault tells of another machine: its commands name the instance as their place."""
    places = PLACE.findall(text) or [instance]
    try:
        return any(registry.load(settings, name).access == "ssh" for name in places if name in registry.names(settings))
    except Fault:
        return False
