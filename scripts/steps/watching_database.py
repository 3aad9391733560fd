"""Looks at who may do everything in a site's database, and at the preferences that decide over code and logins."""

from collections.abc import Callable

from scripts.registry.instance import Instance
from scripts.steps import baselines
from scripts.steps.baselines import Baseline
from scripts.steps.findings import ADMINISTRATOR, DATABASE, Finding
from scripts.steps.site import Site
from scripts.tiki import privileges
from scripts.tiki.privileges import Told

SHOWN = 60      # characters of a value in a line
SEALED = "sealed "


def read(found: Site) -> Told:
    """Return what is watched in the site's database; two questions."""
    wanted = privileges.queries(found.client.query(privileges.COLUMNS))
    if not wanted:
        return {}
    asked = ";\n".join(f"SELECT '{key}', told.* FROM ({sql}) AS told" for key, sql in wanted.items())
    rows: dict[str, list[tuple]] = {key: [] for key in wanted}
    for key, *values in found.client.query(asked):
        rows[str(key)].append(tuple(values))
    return privileges.told(rows, lambda text: baselines.sealed(found.instance, text))


def read_if_watched(found: Site, source: str = "") -> Told:
    """Return the same where a baseline may want it; else nothing, and nothing is asked."""
    names = {found.instance.name, *([source] if source else [])}
    return read(found) if any(baselines.exists(found.instance.with_(name=name)) for name in names) else {}


def following(found: Site) -> Callable[[], None]:
    """Return what is to be called once TRIM has changed the database: what it changed becomes right."""
    before = read_if_watched(found)

    def follow() -> None:
        if before:
            baselines.follow_database(found.instance, before, read(found))

    return follow


def compare(known: Baseline, now: Told) -> tuple[list[Finding], Told]:
    """Return what is not as it was, and what is to be remembered: what is less than before is no finding."""
    if known.database is None:
        return [], now
    found, settled = [], {}
    for name in sorted(known.database.keys() | now.keys()):
        before, value = known.database.get(name), now.get(name)
        if before == value or known.is_database_stale and (value is None or value in known.database_past.get(name, ())):
            settled |= {} if value is None else {name: value}
        elif value is None and not name.startswith("preference:"):
            continue
        else:
            settled |= {} if before is None else {name: before}
            found.append(_finding(name, before, value))
    return found, settled


def names_of(instance: Instance, now: Told) -> str:
    """Return who is an administrator, as a sentence of the first look."""
    admins = sorted(name.partition(":")[2] for name in now if name.startswith("administrator:"))
    return f"{instance.name}: administrators, taken as they are: {', '.join(admins) or 'none'}"


def _finding(name: str, before: str | None, value: str | None) -> Finding:
    kind, _, rest = name.partition(":")
    if kind == "administrator":
        told = f"is in {value}, which may do everything" + (f"; was in {before}" if before else " and was not before")
        return Finding(ADMINISTRATOR, name, told, value or "")
    if kind == "permission":
        return Finding(DATABASE, name, "was granted", value or "")
    if kind == "inclusion":
        return Finding(DATABASE, name, "this group has the rights of the other one now", value or "")
    if kind == "job":
        return Finding(DATABASE, name, "a scheduled job is new or another one", value or "")
    return Finding(DATABASE, name, f"is {_shown(value)}; was {_shown(before)}", value or "")


def _shown(value: str | None) -> str:
    if value is None:
        return "Tiki's default"
    if value.startswith(SEALED):
        return "a secret value"
    text = " ".join(value.split())
    return f"'{text}'" if len(text) <= SHOWN else f"'{text[:SHOWN]}...'"
