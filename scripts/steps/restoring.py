"""Remembers that a site is being changed as a whole, so that a killed run is never taken for a good site.

The note lies on the manager, is written before the first change and removed after the last one.
"""

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from scripts.errors import RefusedError
from scripts.hosts.local import MANAGER
from scripts.notify.secrets import HIDDEN
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import notes

NOTE, LOOK = "restoring", "looking"
OUT, IN = "The maintenance page stays", "Visitors are in"
CLONES = ("clone", "refresh", "mirror", "cloneandupdate", "cloneandupgrade")  # what makes a site another one's copy
UNCONFIRMED = ("bisect", "profile")     # they ask nobody for CONFIRM
UPDATES = ("update", "upgrade", "rollback")  # what changes the code of a site to another release


@dataclass(frozen=True)
class Note:
    """What was begun: of which archive, since when (ISO, UTC), and the archive taken for safety, if any.

    verb with variables is the call of make that goes on; older versions noted no variables of a restore. For what is no
    restore, source is the instance that this one becomes equal to, and only the part of it that comes (code or data;
    empty for both). For a change of the site's own code, version is what it goes to. is_open: visitors may be in, and
    the site is whole: the page is not up yet, or was taken away again. earlier are the safety archives of calls before
    this one that broke off as well. where is the location of a site that is restored or becomes a clone, as `location`
    notes it; None in notes of older versions.
    """

    archive: str
    since: str
    safety: str = ""
    source: str = ""
    only: str = ""
    verb: str = "restore"
    variables: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    is_open: bool = False
    earlier: tuple[str, ...] = ()
    where: Mapping[str, object] | None = None

    @property
    def is_update(self) -> bool:
        """Whether the code of the site itself is being changed; updating_journal.py knows how far that got."""
        return self.verb in UPDATES

    @property
    def is_clone(self) -> bool:
        """Whether the site may be, in part, another one that must not act as itself here."""
        return bool(self.source)

    def makes_clone(self, what: Collection[str]) -> bool:
        """Whether this is a clone of all these parts, code and data, so that none of them is to be kept."""
        return self.verb in CLONES and self.is_clone and (not self.only or set(what) <= {self.only})

    @property
    def what(self) -> str:
        """Return what was begun, in words."""
        if self.is_update:
            return f"{'a' if self.verb == 'rollback' else 'an'} {self.verb} to {self.version}"
        return f"a {self.verb} of {self.source or self.archive}" if self.source or self.archive else f"a {self.verb}"

    @property
    def left(self) -> str:
        """Return what is there now, in words."""
        return "visitors are in: it ended before the maintenance page came, or after it went" if self.is_open else \
            "the site is a mixture"

    @property
    def remark(self) -> str:
        """Return what is said behind the call that goes on, where a secret of it is not shown."""
        hidden = [name for name, value in self.variables.items() if value == HIDDEN]
        return f" (give {', '.join(f'{name}=' for name in hidden)} as before in place of {HIDDEN})" if hidden else ""

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.since)


def begin(instance: Instance, archive: str, safety: str, *, source: str = "", only: str = "", verb: str = "restore",
          variables: Mapping[str, str] | None = None, version: str = "", is_open: bool = False,
          where: Mapping[str, object] | None = None) -> Note:
    """Write the note of what changes the site from now on, or as soon as visitors are out."""
    now, before = datetime.now(UTC).isoformat(timespec="seconds"), unfinished(instance)
    earlier = [one for one in (*before.earlier, before.safety) if one and one != safety] if before else []
    note = Note(archive, now, safety, source, only, verb, dict(variables or {}), version, is_open,
                tuple(dict.fromkeys(earlier)), where)
    notes.write(instance, NOTE, note)
    return note


def begin_look(instance: Instance, source: str, verb: str, variables: Mapping[str, str]) -> None:
    """Note that the page is up for a look before a change: nothing of the site is changed yet."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    notes.write(instance, LOOK, Note("", now, source=source, verb=verb, variables=dict(variables)))


def mark(instance: Instance, *, is_open: bool) -> None:
    """Note that visitors are out now, or may be in from now on."""
    note = unfinished(instance)
    if note and note.is_open != is_open:
        notes.write(instance, NOTE, replace(note, is_open=is_open))


def end(instance: Instance) -> None:
    """Remove the notes: the site is whole."""
    notes.remove(instance, NOTE)
    end_look(instance)
    MANAGER.remove(str(dump(instance)))


def end_look(instance: Instance) -> None:
    notes.remove(instance, LOOK)


def dump(instance: Instance) -> Path:
    """Return the place of a dump that a way out may need; it goes with the note."""
    return instance.settings.state / "status" / f"{instance.name}.{NOTE}.sql"


def unfinished(instance: Instance) -> Note | None:
    """Return the note of what did not come to its end."""
    return notes.read(instance, NOTE, Note)


def is_mixture(instance: Instance) -> bool:
    """Whether something that did not come to its end had visitors out, and changed what they left."""
    note = unfinished(instance)
    return note is not None and not note.is_open


def looked(instance: Instance) -> Note | None:
    """Return the note of a look under the page that did not come to its end; the site is as it was."""
    return notes.read(instance, LOOK, Note)


def seen(instance: Instance) -> str:
    """Return what visitors see of a site whose change broke off, in words, as far as that is on record."""
    return OUT if is_mixture(instance) else IN


def again(instance: Instance, note: Note) -> dict[str, str]:
    """Return the variables of the call that goes on, with the name that a guarded instance asks for."""
    given = dict(note.variables) or {"INSTANCE": instance.name, "ARCHIVE": note.archive}
    confirm = {"CONFIRM": instance.name} if instance.guarded and note.verb not in UNCONFIRMED else {}
    return given | confirm


def way_out(instance: Instance, note: Note) -> str:
    """Return the sentence that says how to go on after a run that broke; its calls can be given as they stand there."""
    name, confirm = instance.name, f" CONFIRM={instance.name}" if instance.guarded else ""
    back = f", or put back what was there before: make restore INSTANCE={name} ARCHIVE={note.safety}{confirm}" \
        if note.safety else ""
    if note.is_update:
        return (f"Next: make rollback INSTANCE={name}, which takes back what it changed and needs neither the "
                f"site's PHP nor its code{back}")
    given = shlex.join(f"{key}={value}" for key, value in again(instance, note).items())
    # What is no restore is not offered to visitors as it is: a clone may still act as its source.
    as_it_is = f"; to open the site as it is: make maintenance INSTANCE={name} STATE=off" \
        if note.verb == "restore" and not note.is_clone else ""
    return f"Next: make {note.verb} {given}{note.remark}{back}{as_it_is}"


def refuse_half_restored(instance: Instance) -> None:
    """Raise RefusedError when the site is half restored or cloned: its archive would look good and be worthless."""
    if note := unfinished(instance):
        raise _mixture(instance, note)


def refuse_half_cloned(instance: Instance) -> None:
    """Raise RefusedError when the site is half another's: a program of its would act on what is the other's."""
    if (note := unfinished(instance)) and note.is_clone and not note.is_open:
        raise _mixture(instance, note)


def _mixture(instance: Instance, note: Note) -> RefusedError:
    return RefusedError(f"{instance.name}: {note.what} that began {output.local(note.moment)} did not come to its "
                        f"end: {note.left}. {way_out(instance, note)}")
