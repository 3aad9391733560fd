"""The journal of a change of code: how far it got, so that a killed run is taken back, or brought to its end.

It lies on the manager and is written before what it tells of is begun. It counts only together with the note of
restoring.py: a restore or clone that came after it made it void.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from scripts.registry.instance import Instance
from scripts.steps import notes, restoring, switching, way_back
from scripts.steps.switching import Job

NOTE, FAILED_NOTE = "updating", "updating-failed"
STAGING, SWITCHING, MIGRATING, BACK = "staging", "switching", "migrating", "back"
OPENED, FAILED, PROVEN = "opened", "failed", "proven"


@dataclass
class Journal:
    """One change. phase is the step that was begun: in staging nothing of the site is changed, in switching its files
    may be, from migrating on its database too. In opened visitors may be in again: from there a killed run is brought
    to its end, because what they write must not be lost. In failed it was seen that the site does not work: what they
    wrote is kept first, and then it is migrating again. proven is past every look. In back all was put back but the
    page.

    moment is ISO, UTC; way_back is what is to be remembered at the end, or None to forget the one there is; commit and
    head are what the git of a checkout is to stand on then.
    """

    verb: str
    variables: dict[str, str]
    moment: str
    folder: str
    root: str
    web_root: str
    archive: str
    dump: str
    was_closed: bool
    version: str
    phase: str = STAGING
    way_back: dict | None = None
    commit: str = ""
    head: str = ""

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.moment)

    def job(self, instance: Instance) -> Job:
        return Job(instance.host, self.web_root, self.root, self.folder)


def write(instance: Instance, journal: Journal, phase: str) -> None:
    """Note that this phase begins."""
    journal.phase = phase
    notes.write(instance, NOTE, journal)


def may_fail(instance: Instance, journal: Journal) -> None:
    """Write beforehand what `fail` puts in place: the disk may be full by then."""
    notes.write(instance, FAILED_NOTE, replace(journal, phase=FAILED))


def fail(instance: Instance, journal: Journal) -> None:
    """Note that visitors were in and the site does not work."""
    journal.phase = FAILED
    notes.put_in_place_of(instance, FAILED_NOTE, NOTE)


def read(instance: Instance) -> Journal | None:
    """Return the journal of a change that did not come to its end."""
    return notes.read(instance, NOTE, Journal)


def forget(instance: Instance) -> None:
    """Remove the journal: nothing is left of the change but its result."""
    for name in (NOTE, FAILED_NOTE):
        notes.remove(instance, name)


def counts(instance: Instance, journal: Journal) -> bool:
    """Whether the site is in the middle of this change, not only its folder at the host left."""
    note = restoring.unfinished(instance)
    return journal.phase != STAGING and note is not None and note.is_update


def forget_changes(instance: Instance) -> None:
    """Forget the way back and what a killed change left: the site was made something else since."""
    way_back.forget(instance)
    if journal := read(instance):
        switching.remove(journal.job(instance))
        forget(instance)
