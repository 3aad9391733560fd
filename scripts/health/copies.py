"""Clones and mirrors: past their day, unused, standing still, elsewhere, open to all, quiet where none must be."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from scripts.health import leftovers, mends
from scripts.health.finding import Checked, Wrong, checked
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import lineage, quieting, restoring, restricting
from scripts.steps.lineage import Lineage
from scripts.steps.site import Site
from scripts.store import archive, choosing
from scripts.tiki import visits

NEVER_VISITED = "failover"  # nobody ought to be there


def check(instance: Instance) -> Checked | None:
    """Look at what makes an instance a copy of another one; None when it is none."""
    known = lineage.read(instance)
    if not (known or instance.mirror_of or instance.kind or instance.expires or quieting.is_muted(instance)):
        return None
    return checked(instance.name, "copy", [*_expired(instance, known), *_open(instance, known), *_muted(instance),
                                           *late(instance, known)])


def strayed(found: Site) -> Iterator[Wrong]:
    """Look whether a clone is where it was made: by its env file or db/local.php it may be another site by now."""
    if told := lineage.strayed(found):
        instance, known = found.instance, lineage.read(found.instance)
        yield Wrong(f"it is not where it was made a clone of {known.source}: {'; '.join(told)}. It may be another "
                    "site: correct db/local.php or its env file, or clone again with "
                    f"CONFIRM={instance.name} if what is there may go. To look",
                    mends.make(instance.settings, "detect", INSTANCE=instance.name))


def is_visited(found: Site) -> bool:
    """Whether a site is one that somebody ought to look at now and then; what is made anew each night is young."""
    kind = found.instance.kind
    return bool(found.instance.settings.unvisited_days and lineage.read(found.instance)) and kind != NEVER_VISITED


def unvisited(found: Site) -> Iterator[Wrong]:
    """Ask a clone's database when somebody was there; what came from its source was before it was made."""
    instance, known, now = found.instance, lineage.read(found.instance), datetime.now(UTC)
    most = timedelta(days=instance.settings.unvisited_days)
    if known is None or now - known.made <= most:
        return
    asked = visits.question(found.client.query(visits.COLUMNS), int(known.made.timestamp()), int(now.timestamp()))
    seen = [datetime.fromtimestamp(int(row[0]), UTC) for row in found.client.query(asked) if row[0]]
    if now - max([known.made, *seen]) > most:
        was = f"since {output.local(max(seen))}" if seen else f"since it was made, {output.local(known.made)}"
        yield Wrong(f"nobody has logged in or worked there {was}, more than {instance.settings.unvisited_days} days: "
                    f"is this copy of {known.source} still needed? Its database does not tell of readers without a "
                    "login, unless feature_stats is on. To remove it, with a last archive", _removal(instance, known))


def _expired(instance: Instance, known: Lineage | None) -> Iterator[Wrong]:
    try:
        is_past = bool(instance.expires) and date.fromisoformat(instance.expires) <= date.today()
    except ValueError:
        yield Wrong(f"EXPIRES={instance.expires} is no day of the calendar", mends.edit_env(instance))
        return
    if is_past:
        what = f"this copy of {known.source}" if known else "it, which is no clone,"
        yield Wrong(f"{what} was meant to be gone from {instance.expires} on (EXPIRES). To keep it longer: make edit "
                    f"INSTANCE={instance.name}; otherwise", _removal(instance, known))


def _removal(instance: Instance, known: Lineage | None) -> str:
    """Return what removes a clone; for what is none, or is guarded, where to look."""
    if known is None or instance.guarded:
        return mends.edit_env(instance)
    return mends.make(instance.settings, "delete", INSTANCE=instance.name, DESTROY="1", CONFIRM=instance.name)


def _open(instance: Instance, known: Lineage | None) -> Iterator[Wrong]:
    """Look for what was meant for few and stands open; who may enter only a person knows: it begins with one login."""
    shows_the_past = instance.mirror_of or (instance.kind or (known and known.kind)) == "before"
    if known and shows_the_past and not restricting.is_restricted(instance):
        yield Wrong(f"everybody can read what {known.source} was at {output.local(known.moment)}, with all that was "
                    "taken out since: no RESTRICT_ALLOW or RESTRICT_USERS is in its env file", _restriction(instance))


def _restriction(instance: Instance) -> str:
    return mends.make(instance.settings, "restrict", INSTANCE=instance.name, USERS="admin")


def _muted(instance: Instance) -> Iterator[Wrong]:
    if instance.stage == "production" and quieting.is_muted(instance):
        yield Wrong("it is in production and still muted as a copy: its mail does not go out, its jobs do not run, and "
                    "each page says that it is a copy",
                    mends.make(instance.settings, "unmute", INSTANCE=instance.name))


def late(instance: Instance, known: Lineage | None) -> Iterator[Wrong]:
    """Look for a mirror that does not show what it could: its nightly run failed, or there is none."""
    delay = instance.mirror_distance
    is_busy = leftovers.is_running(instance.settings, instance.name) or restoring.unfinished(instance)
    if not delay or is_busy:
        return
    archives, now = archive.of_instance(instance.settings, instance.mirror_of), datetime.now(UTC)
    chosen = choosing.newest_before(archives, now - delay)
    shown = known.moment if known and known.source == instance.mirror_of else None
    if chosen is None or (shown and (chosen.shows <= shown or chosen.path.name == known.archive)):
        return  # a better one is not there; make backup and make mirror tell of that
    if shown is None:
        problem = f"it was never made, and there is an archive of {instance.mirror_of} for it"
    elif (off := now - delay - shown) > choosing.tolerated(delay, archives):
        problem = (f"it shows {instance.mirror_of} as of {output.local(shown)}, {output.days(off)} more than "
                   f"{instance.mirror_delay} ago, and there is an archive that is nearer: its last run failed")
    else:
        return
    confirm = {"CONFIRM": instance.name} if instance.guarded else {}
    mend = mends.make(instance.settings, "mirror", TO=instance.name, **confirm)
    is_open = not restricting.is_restricted(instance)
    yield Wrong(problem, f"{_restriction(instance)} && {mend}" if is_open and not shown else mend)
