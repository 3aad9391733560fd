"""Remembers that a site is in the middle of a restore, so that a killed run is never taken for a good site.

The note lies on the manager, is written before the first change and removed after the last one.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.errors import RefusedError
from scripts.hosts.host import MANAGER
from scripts.present import output
from scripts.registry.instance import Instance


@dataclass(frozen=True)
class Note:
    """A restore that was begun: which archive, since when (ISO, UTC), and the archive taken for safety, if any."""

    archive: str
    since: str
    safety: str = ""

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.since)


def begin(instance: Instance, archive: str, safety: str) -> Note:
    """Write the note of a restore that changes the site from now on."""
    note = Note(archive, datetime.now(UTC).isoformat(timespec="seconds"), safety)
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), json.dumps(asdict(note)).encode(), 0o600)
    return note


def end(instance: Instance) -> None:
    """Remove the note: the site is whole."""
    MANAGER.remove(str(_path(instance)))


def unfinished(instance: Instance) -> Note | None:
    """Return the note of a restore that did not come to its end."""
    try:
        return Note(**json.loads(_path(instance).read_text()))
    except FileNotFoundError:
        return None


def way_out(instance: Instance, note: Note) -> str:
    """Return the sentence that says how to go on after a broken restore."""
    back = f", or put back what was there before: make restore INSTANCE={instance.name} ARCHIVE={note.safety}" \
        if note.safety else ""
    return (f"Next: make restore INSTANCE={instance.name} ARCHIVE={note.archive}{back}; to open the site as it is: "
            f"make maintenance INSTANCE={instance.name} STATE=off")


def refuse_half_restored(instance: Instance) -> None:
    """Raise RefusedError when the site is half restored: its archive would look good and be worthless."""
    note = unfinished(instance)
    if note:
        raise RefusedError(f"{instance.name}: a restore of {note.archive} that began {output.local(note.moment)} did "
                           f"not come to its end: the site is a mixture. {way_out(instance, note)}")


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.restoring.json"
