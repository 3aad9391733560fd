"""make mods: what mods there are, by type, and which of them a site has; what tiki-mods.php shows, from outside."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scripts.errors import Fault
from scripts.hosts.local import MANAGER
from scripts.mods import index, revision
from scripts.mods.index import IndexLine
from scripts.mods.resolver import Candidate
from scripts.mods.revision import Revision
from scripts.present import output, report
from scripts.registry.instance import Instance
from scripts.steps import mods_answers, mods_changing, mods_collection, mods_journal, mods_state, mods_steps, site
from scripts.steps.mods_state import State

COLUMNS = {"mod": "Mod", "installed": "Installed", "local": "Local", "remote": "Remote", "published": "Published",
           "state": "State", "licence": "Licence", "description": "Description"}
EMPTY = "No mod is known. Next: make mods-update, or make mods-new"
UP_TO_DATE, UPGRADABLE, NOT_INSTALLED = "up to date", "upgrade available", "not installed"
WIDTH = 60      # characters of a description in the table


@dataclass(frozen=True)
class Wishes:
    """What is shown: of one type, with a word or glob in name or description, for one version of Tiki."""

    type: str = ""
    find: str = ""
    tiki: str = ""
    provider: str = ""
    is_html: bool = False


def mods(instance: Instance, wishes: Wishes) -> list[dict[str, object]]:
    """Return the mods, a row each, sorted by type and name; reads only."""
    settings = instance.settings
    if journal := mods_journal.read(instance):
        output.warn(f"{instance.name}: a {journal.verb} did not come to its end. Next: make fix "
                    f"INSTANCE={instance.name}")
    state = _state(instance)
    local = {mod: index.of_control(control) for mod, control in mods_collection.local(settings).items()}
    remote = _newest(mods_collection.remotes(settings, wishes.provider).values())
    published = {line.mod: line for line in mods_collection.published(settings)}
    available = mods_collection.available(settings, wishes.provider)
    known = {**remote, **local, **{mod: index.of_control(mods_steps.of_installed(one))
                                   for mod, one in state.mods.items() if mod not in local and mod not in remote}}
    rows = [_row(instance, line, state, local, remote, published)
            for line in sorted(known.values(), key=lambda line: (line.type, line.name))
            if _is_wanted(line, [one for one in available if one.mod == line.mod], wishes)]
    if wishes.is_html:
        _write_panel(instance, rows)
    return rows


def _state(instance: Instance) -> State:
    """Return what is installed; the site's own list needs its host, which may be away."""
    try:
        with site.opened(instance) as found:
            return mods_changing.state_of(found)
    except Fault as fault:
        output.warn(f"{instance.name}: what its own page has installed is not known: {fault}")
        return mods_state.read(instance)


def _newest(lists: Iterable[Sequence[IndexLine]]) -> dict[str, IndexLine]:
    found: dict[str, IndexLine] = {}
    for line in (line for lines in lists for line in lines):
        if line.mod not in found or line.revision > found[line.mod].revision:
            found[line.mod] = line
    return found


def _row(instance: Instance, line: IndexLine, state: State, *places: Mapping[str, IndexLine]) -> dict[str, object]:
    one = state.mods.get(line.mod)
    local, remote, published = (place[line.mod].revision if line.mod in place else None for place in places)
    newest = max((known for known in (local, remote) if known is not None), default=None)
    return {"instance": instance.name, "type": line.type, "mod": line.mod, "installed": one.revision if one else None,
            "local": _text(local), "remote": _text(remote), "published": _text(published),
            "state": _standing(one.number if one else None, newest), "from": one.origin if one else "",
            "licence": line.licence, "description": line.description}


def _standing(installed: Revision | None, newest: Revision | None) -> str:
    if installed is None:
        return NOT_INSTALLED
    return UPGRADABLE if newest is not None and newest > installed else UP_TO_DATE


def _text(known: Revision | None) -> str | None:
    return known.text if known is not None else None


def _is_wanted(line: IndexLine, candidates: Sequence[Candidate], wishes: Wishes) -> bool:
    if wishes.type and line.type != wishes.type:
        return False
    if wishes.tiki and candidates and not any(revision.is_for(one.versions, wishes.tiki) for one in candidates):
        return False
    pattern = f"*{wishes.find.lower()}*"
    return not wishes.find or any(fnmatch.fnmatchcase(text.lower(), pattern) for text in (line.mod, line.description))


def _write_panel(instance: Instance, rows: Sequence[dict[str, object]]) -> None:
    """Write the panel: one page of HTML with a table for each type."""
    types = list(dict.fromkeys(str(row["type"]) for row in rows))
    parts = [part for kind in types for part in (
        report.heading(kind), report.table(list(COLUMNS.values()), [
            [None if row[key] is None else str(row[key]) for key in COLUMNS] for row in rows if row["type"] == kind]))]
    path = instance.settings.state / "reports" / f"mods_{instance.name}.html"
    MANAGER.make_folder(str(path.parent), 0o700)
    MANAGER.write(str(path), report.page(f"Mods of {instance.name}", parts or [report.lines([EMPTY])]).encode(), 0o600)
    output.say(f"{instance.name}: the panel is {path}")


def show(found: Sequence[Sequence[dict[str, object]]]) -> None:
    """Show a table for each site and type, or everything as JSON."""
    rows = [row for one in found for row in one]
    if output.manner.is_json or not rows:
        output.show(rows, COLUMNS, EMPTY)
        return
    for one in found:
        for kind in dict.fromkeys(str(row["type"]) for row in one):
            title = f"{one[0]['instance']}: {kind}" if len(found) > 1 else kind
            output.say(f"\n{title}")
            output.show([{**row, "description": _short(str(row["description"] or ""))} for row in one
                         if row["type"] == kind], COLUMNS, EMPTY)


def _short(text: str) -> str:
    shown = mods_answers.printable(text)
    return shown if len(shown) <= WIDTH else f"{shown[:WIDTH - 3]}..."
