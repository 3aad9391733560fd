"""How much room shows take, and whether there is room for one more."""

from collections.abc import Sequence

from scripts.errors import CommandError, HostError, RefusedError
from scripts.hosts.local import MANAGER
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import showing, showing_bases, showing_building
from scripts.steps import showing_places as places
from scripts.steps.showing import Show
from scripts.steps.showing_bases import Base

RESERVE = 500_000_000   # bytes that stay free on the disk of the shows: each of them goes on growing


def used(settings: Settings, shows: Sequence[Show]) -> dict[str, int]:
    """Return the bytes of files that each show has for itself. Costs one call."""
    asked = {str(path): show.id for show in shows for path in _own(settings, show.id)}
    totals = {show.id: 0 for show in shows}
    if not asked:
        return totals
    # The last name proves that the rest arrived; du ends with 1 for what went away meanwhile.
    names = "".join(f"{path}\0" for path in [*asked, "/dev/null"]).encode()
    lines = MANAGER.read("du", "-s", "-B1", "-0", "--files0-from=-", stdin=names, ok=(0, 1)).split(b"\0")[:-1]
    if not lines or not lines[-1].endswith(b"\t/dev/null"):
        raise CommandError("[manager] du: its answer is cut off")
    for line in lines[:-1]:
        size, _, path = line.decode().partition("\t")
        totals[asked[path]] += int(size)
    return totals


def of_base(settings: Settings, base: Base | None) -> int:
    """Return what each show of a base takes before anybody works in it, without what `used` counts."""
    if base is None:
        return 0
    return base.database_bytes + (base.own_bytes if places.php_account(settings) else 0)


def totals(settings: Settings, shows: Sequence[Show]) -> dict[str, int]:
    """Return the bytes of each show: its own files, the folders of its code, and its database as it was made."""
    bases = {base.key: base for base in showing_bases.all_of(settings)}
    return {name: size + of_base(settings, bases.get(next(show.base for show in shows if show.id == name)))
            for name, size in used(settings, shows).items()}


def refuse(settings: Settings, base: Base) -> None:
    """Raise RefusedError or HostError when there is no room for one more show of a base."""
    shows = showing.all_of(settings)
    due = [show.id for show in shows if show.is_due(showing.now())]
    advice = "Next: make show-destroy ID=due" if due else "Next: make shows, and make show-destroy ID="
    if len(shows) >= settings.show_max:
        raise RefusedError(f"there are {len(shows)} shows, and SHOW_MAX is {settings.show_max}. {advice}")
    taken = sum(totals(settings, shows).values())
    needed = of_base(settings, base) + (0 if places.php_account(settings) else base.bytes)
    if taken + needed > settings.show_max_bytes:
        raise RefusedError(f"shows take {output.size(taken)}, and one more would go beyond SHOW_MAX_BYTES, "
                           f"{output.size(settings.show_max_bytes)}. {advice}")
    free = MANAGER.free_bytes(settings.show_root)
    if free < needed + RESERVE:
        raise HostError(f"no space: {output.size(free)} are free in {settings.show_root}, and "
                        f"{output.size(needed + RESERVE)} are needed. {advice}")


def _own(settings: Settings, show_id: str) -> list:
    home = places.home(settings, show_id)
    if not places.php_account(settings):
        return [home] if home.exists() else []
    web = places.web_root(settings, show_id)
    names = (*showing_building.WRITTEN, showing_building.SNAPSHOTS)
    found = [*(web / name for name in names), home / showing_building.SESSIONS, home / showing_building.OLD]
    return [path for path in found if path.exists()]
