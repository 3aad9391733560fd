"""Puts together what a change of mods does to a site, checks it there, and shows it before anything happens."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from scripts.errors import RefusedError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.mods import index
from scripts.mods.demands import Demand
from scripts.mods.resolver import Candidate
from scripts.present import output, prompts
from scripts.steps import mods_answers, mods_places, mods_state, mods_steps, mods_tables
from scripts.steps.mods_files import Layout
from scripts.steps.mods_places import INSTALLED, Places
from scripts.steps.mods_state import State
from scripts.steps.mods_steps import AGAIN, NEW, REMOVED, RUN, UPGRADED, Step
from scripts.steps.mods_tables import Script
from scripts.steps.mods_transaction import Work
from scripts.steps.site import Site
from scripts.tiki.small_files import SmallFile

LIST = f"{INSTALLED}/00_list.txt"
OLD_PAGE = "tiki-mods.php"      # whoever has it reads mods/Installed
STAMP = "%Y-%m-%d_%H-%M-%S"
WORDS = {NEW: "install", UPGRADED: "upgrade to", AGAIN: "put again the files of", REMOVED: "remove", RUN: "run"}
SHOWN_FILES = 20


@dataclass(frozen=True)
class Told:
    """What a plan tells beside its steps: what is suggested by whom, and what nobody needs any more."""

    suggested: Sequence[tuple[Demand, str]] = ()
    not_needed: Sequence[Candidate] = ()
    broken: Sequence[str] = ()


NOTHING_MORE = Told()


def make(found: Site, verb: str, variables: Mapping[str, str], steps: Sequence[Step], state: State,
         force: bool = False, wanted: Iterable[str] = ()) -> tuple[Work, Layout]:
    """Return the work of these steps, checked at the site; raise RefusedError for what must not be done."""
    script = Script(tuple(line for step in steps for line in step.lines))
    later = (line for step in steps for line in step.later)
    mods_tables.require_confined(Script((*script.lines, *later)), found.client)
    coming = {step.mod: mods_steps.contents(step) for step in steps if step.kind in (NEW, UPGRADED, AGAIN)}
    targets = {path for files in coming.values() for path in files}
    listed = _is_listed(found, state)
    ours = {path for one in state.mods.values() for path in one.files}
    others = [LIST, *(_info(mod) for mod in {*state.listed, *(step.mod for step in steps)})] if listed else []
    places = mods_places.look(found, targets, {*ours, *others})
    layout = Layout(found.instance, places, state, force)
    for step in steps:
        if step.kind == REMOVED:
            layout.take_out(step.mod)
    for step in steps:
        if step.mod in coming:
            layout.put_in(step.mod, _installed(step, state, step.mod in set(wanted)),
                          _by_place(step, places, coming[step.mod]))
    record, after = _record(layout, places, state, steps) if listed else ({}, state)
    emptied = state.listed_folders if state.listed_folders and not after.listed_folders else ()
    files = layout.files(record, emptied)
    gone = {step.mod for step in steps if step.kind == REMOVED}
    after = replace(after, mods=layout.mods, owners=layout.kept_owners(),
                    answers={mod: one for mod, one in state.answers.items() if mod not in {*coming, *gone}})
    return Work(verb, variables, files, script, after), layout


def _installed(step: Step, state: State, is_wanted: bool) -> mods_state.Installed:
    known = state.mods.get(step.mod)
    return mods_state.Installed(step.mod, step.revision, step.package.text, step.package.origin,
                                datetime.now(UTC).isoformat(timespec="seconds"), dict(step.answers),
                                is_wanted=is_wanted or bool(known and known.is_wanted))


def _by_place(step: Step, places: Places, files: Mapping[str, tuple[bytes, str]]) -> dict[str, SmallFile]:
    found: dict[str, SmallFile] = {}
    for target, (content, moment) in files.items():
        if places.real[target] in found:
            raise RefusedError(f"{places.site.instance.name}: {target} of {step.mod} leads to {places.real[target]}, "
                               "where another of its files goes. Nothing was changed")
        found[places.real[target]] = places.new_file(content, moment)
    return found


# What old Tikis read

def _is_listed(found: Site, state: State) -> bool:
    """Whether the site's own mods/Installed is kept: old Tikis have a page that reads it."""
    root = found.instance.web_root
    return bool(state.listed) or bool(found.instance.host.present(f"{root}/{OLD_PAGE}", f"{root}/{INSTALLED}"))


def _info(mod: str) -> str:
    return f"{INSTALLED}/{mod}.info.txt"


def _record(layout: Layout, places: Places, state: State, steps: Sequence[Step]
            ) -> tuple[dict[str, SmallFile | None], State]:
    """Return the files of mods/Installed as they are to be, and the state that knows of them."""
    now = f"{time.time():.9f}"
    listed = sorted({*(mod for mod in state.listed if mod in layout.mods), *(step.mod for step in steps
                                                                             if step.mod in layout.mods)})
    here = places.present.get(LIST)
    foreign = _foreign_lines(here.content.decode("utf-8", "surrogateescape") if here else "",
                             {*listed, *state.listed, *(step.mod for step in steps)})
    ours = index.write([index.of_control(mods_steps.of_installed(layout.mods[mod])) for mod in listed])
    text = (foreign + ours).encode("utf-8", "surrogateescape")
    record: dict[str, SmallFile | None] = {LIST: places.new_file(text, now) if text else None}
    for mod in {*listed, *state.listed, *(step.mod for step in steps)}:
        info = layout.mods[mod].control.encode("utf-8", "surrogateescape") if mod in layout.mods else None
        record[_info(mod)] = None if info is None else places.new_file(info, now)
    made = tuple(places.made_for([LIST])) if listed else ()
    folders = tuple(dict.fromkeys((*state.listed_folders, *made))) if listed else ()
    return record, replace(state, listed=tuple(listed), listed_folders=folders)


def _foreign_lines(text: str, ours: set[str]) -> str:
    """Return the lines of a list that are not of our mods, as they are."""
    return "".join(line for line in text.splitlines(keepends=True)
                   if not {one.mod for one in index.read(line)} & ours)


# Shown and agreed to

def tell(found: Site, steps: Sequence[Step], work: Work, layout: Layout, told: Told = NOTHING_MORE) -> None:
    """Show what will be done: mods, SQL, files, and what else is worth knowing."""
    name = found.instance.name
    say = (lambda line: output.say(f"would: {line}")) if process.conduct.dry_run else output.say
    for step in steps:
        say(f"{name}: {WORDS[step.kind]} {step}{_from(step)}")
    for line in work.script.lines:
        say(f"{name}: SQL of {line.mod}: {mods_answers.printable(line.written)}")
    if work.script.lines:
        tables = sorted(mods_tables.touched(work.script, found))
        say(f"{name}: tables that are kept before: {', '.join(tables) or 'none, it only makes new ones'}")
    for word, paths in (("write", work.files.put), ("remove", work.files.gone)):
        for path in sorted(paths)[:SHOWN_FILES]:
            say(f"{name}: {word} {path}{' (in place of what is there)' if path in layout.replaced else ''}")
        if len(paths) > SHOWN_FILES:
            say(f"{name}: {word} {len(paths) - SHOWN_FILES} files more")
    for path in sorted(layout.lost()):
        output.warn(f"{name}: {path} was changed by hand since a mod put it there; what it is now will be kept in "
                    f"{mods_state.folder(found.instance) / 'saved'}")
    for demand, who in told.suggested:
        say(f"{name}: {who} suggests {demand}")
    for one in told.not_needed:
        say(f"{name}: {one} was installed for another mod, and none requires it any more. Next: make mods-remove "
            f"INSTANCE={name} MOD={one.mod}")
    for line in told.broken:
        output.warn(f"{name}: {line}, which does not hold")
    for kind in mods_steps.unknown_types(steps):
        output.warn(f"{name}: nobody knows mods of the type {kind}")


def _from(step: Step) -> str:
    return f" from {step.package.origin}" if step.package and step.package.origin else ""


def require_agreed(name: str, is_agreed: bool) -> None:
    """Ask whether the plan that was shown is to be carried out; raise RefusedError without a yes."""
    if is_agreed:
        return
    if not prompts.can_ask():
        raise RefusedError(f"{name}: nothing was changed: somebody has to agree to the plan. Next: the same with YES=1")

    def is_word(answer: str) -> None:
        if answer.lower() not in ("yes", "no"):
            raise RefusedError("yes or no, please")

    if prompts.ask(f"{name}: carry this out? yes or no", check=is_word).lower() != "yes":
        raise RefusedError(f"{name}: nothing was changed: the answer was no")


def save_lost(found: Site, layout: Layout) -> list[str]:
    """Keep what was changed by hand on the manager, before it is replaced or removed; return where."""
    lost, saved = layout.lost(), []
    place = mods_state.folder(found.instance) / "saved" / datetime.now().strftime(STAMP)
    for path, file in lost.items():
        into = Path(place) / path
        MANAGER.make_folder(str(into.parent), 0o700)
        MANAGER.write(str(into), file.content, 0o600)
        output.say(f"{found.instance.name}: {path} was changed by hand: kept in {into}")
        saved.append(str(into))
    return saved


def result(found: Site, steps: Sequence[Step], work: Work, layout: Layout, saved: Sequence[str] = ()) -> dict:
    """Return what a change did, for programs."""
    return {"instance": found.instance.name,
            "mods": [{"mod": step.mod, "what": step.kind, "revision": step.revision,
                      "before": step.old.revision if step.old else "",
                      "from": step.package.origin if step.package else step.old.origin} for step in steps],
            "sql": [{"mod": line.mod, "statement": line.written} for line in work.script.lines],
            "written": sorted(work.files.put), "removed": list(work.files.gone), "replaced": sorted(layout.replaced),
            "saved": list(saved)}
