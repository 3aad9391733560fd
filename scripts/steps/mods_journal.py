"""The journal of a change of mods: how far it got, so that a killed run is taken back, or brought to its end.

It counts only together with the note of restoring.py: a restore or clone that came after it made it void.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scripts.registry.instance import Instance
from scripts.steps import notes, restoring
from scripts.steps.switching import Job

NOTE = "mods"
STAGING, DUMPING, CHANGING = "staging", "dumping", "changing"
VERBS = ("mods-install", "mods-upgrade", "mods-remove", "mods-run")


@dataclass
class Journal:
    """One change. In staging nothing of the site is changed; in dumping its page is on; in changing its database and
    its files may be. What the state of the instance names as its job is past all that.

    names are those that the SQL speaks of, tables those that were there before; has_sql tells whether there is a dump,
    keeps_dump where it is to stay in the end. accepted are the sums of the files that watch takes for right then.
    """

    verb: str
    variables: Mapping[str, str]
    folder: str
    root: str
    web_root: str
    was_closed: bool
    has_sql: bool
    names: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    phase: str = STAGING
    moment: str = ""
    keeps_dump: str = ""
    accepted: dict[str, str | None] = field(default_factory=dict)

    def job(self, instance: Instance) -> Job:
        return Job(instance.host, self.web_root, self.root, self.folder)


def write(instance: Instance, journal: Journal, phase: str) -> None:
    """Note that this phase begins."""
    journal.phase = phase
    journal.moment = journal.moment or datetime.now(UTC).isoformat(timespec="seconds")
    notes.write(instance, NOTE, journal)


def read(instance: Instance) -> Journal | None:
    """Return the journal of a change that did not come to its end."""
    return notes.read(instance, NOTE, Journal)


def forget(instance: Instance) -> None:
    """Remove the journal: nothing is left of the change but its result."""
    notes.remove(instance, NOTE)


def counts(instance: Instance, journal: Journal) -> bool:
    """Whether the site is in the middle of this change, not only its folder at the host left."""
    note = restoring.unfinished(instance)
    return journal.phase != STAGING and note is not None and note.verb in VERBS
