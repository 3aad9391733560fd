"""make mods-config: the answers to what a mod asks, shown or changed; kept for its install and its upgrades."""

from collections.abc import Sequence
from dataclasses import replace

from scripts.errors import UsageError
from scripts.hosts import process
from scripts.mods import names
from scripts.mods.parts import ControlFile
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import mods_answers, mods_changing, mods_collection, mods_state, mods_steps
from scripts.steps.mods_changing import Wishes
from scripts.steps.mods_state import State

COLUMNS = {"mod": "Mod", "variable": "Variable", "value": "Value", "question": "Question"}
EMPTY = "These mods ask for nothing"


def mods_config(instance: Instance, wishes: Wishes) -> Sequence[dict[str, object]]:
    """Ask for or take the answers of mods, keep them, and return all of them; secrets are not shown."""
    state = mods_state.read(instance)
    controls = _controls(instance, state, wishes)
    new = mods_answers.given(wishes.set, wishes.answers, controls)
    rows, answers = [], dict(state.answers)
    for control in controls:
        # What the call brings is all that is meant; without it everything is asked for.
        found = mods_answers.collect(instance, control, state.answers_of(control.mod), new, asks=not new)
        if found:
            answers[control.mod] = found
        rows += [{"mod": control.mod, "variable": line.variable,
                  "value": mods_answers.told(found)[line.variable], "question": mods_answers.plain(line.prompt)}
                 for line in control.configuration]
        if control.mod in state.mods and found != dict(state.mods[control.mod].answers):
            output.say(f"{instance.name}: {control.mod} is installed; its files get these answers with: make "
                       f"mods-install INSTANCE={instance.name} MOD={control.mod} FORCE=1")
    if answers != state.answers and not process.conduct.dry_run:
        mods_state.write(instance, replace(state, answers=answers))
    return rows


def _controls(instance: Instance, state: State, wishes: Wishes) -> list[ControlFile]:
    """Return the control files that are meant: those of what is installed, else the newest that there are."""
    available = mods_changing.newest(mods_collection.available(instance.settings, wishes.provider))
    if not wishes.mod:
        raise UsageError("MOD= is missing: which mods? A name (TYPE-NAME), several with commas, or a glob")
    chosen = names.select(wishes.mod, {*available, *state.mods}, "the collection")
    return [mods_steps.of_installed(state.mods[mod]) if mod in state.mods
            else mods_steps.package(instance.settings, available[mod]).control for mod in chosen]


def show(rows: Sequence[dict[str, object]]) -> None:
    output.show(rows, COLUMNS, EMPTY)
