"""make mods-run: runs the SQL of a maintenance mod on a site; nothing is installed.

The tables that it may touch are dumped before, and the dump stays.
"""

from datetime import datetime

from scripts.errors import RefusedError, UsageError
from scripts.hosts import process
from scripts.mods import names
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import (
    mods_answers,
    mods_changing,
    mods_collection,
    mods_state,
    mods_steps,
    mods_tables,
    mods_transaction,
    mods_work,
    site,
)
from scripts.steps.mods_changing import Wishes
from scripts.steps.mods_steps import RUN, Step
from scripts.steps.mods_switching import Files
from scripts.steps.mods_tables import Script
from scripts.steps.mods_transaction import Work
from scripts.steps.mods_work import STAMP

VERB = "mods-run"


def mods_run(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Run maintenance mods; return what was done, None in a dry run."""
    if not wishes.mod:
        raise UsageError("MOD= is missing: which mod of the type maintenance?")
    if not mods_changing.begin(instance, wishes.confirm):
        return None
    steps = _steps(instance, wishes)
    with site.opened(instance) as found:
        script = Script(tuple(line for step in steps for line in step.lines))
        mods_tables.require_confined(script, found.client)
        place = mods_state.folder(instance) / "before" / f"{steps[0].mod}_{datetime.now().strftime(STAMP)}.sql"
        work = Work(VERB, {"INSTANCE": instance.name, **(wishes.given or {})}, Files(), script,
                    mods_state.read(instance), keeps_dump=place)
        tables = sorted(mods_tables.touched(script, found))
        for step in steps:
            output.say(f"{_would()}{instance.name}: run {step}")
        for line in script.lines:
            output.say(f"{_would()}{instance.name}: SQL of {line.mod}: {mods_answers.printable(line.written)}")
        output.say(f"{_would()}{instance.name}: tables that are kept before: {', '.join(tables) or 'none'}")
        if process.conduct.dry_run:
            return None
        mods_work.require_agreed(instance.name, wishes.yes)
        mods_transaction.carry_out(found, work)
    output.say(f"{instance.name}: done; what the tables held before is in {place}")
    return {"instance": instance.name, "mods": [step.mod for step in steps], "tables": tables, "dump": str(place),
            "sql": [{"mod": line.mod, "statement": line.written} for line in script.lines]}


def _steps(instance: Instance, wishes: Wishes) -> list[Step]:
    available = mods_changing.newest(mods_collection.available(instance.settings, wishes.provider))
    chosen = names.select(wishes.mod, available, "the collection")
    if wrong := [mod for mod in chosen if names.parts(mod)[0] != names.MAINTENANCE]:
        raise RefusedError(f"{wrong[0]}: is not of the type {names.MAINTENANCE}; it is installed: make mods-install "
                           f"INSTANCE={instance.name} MOD={wrong[0]}")
    packages = [mods_steps.package(instance.settings, available[mod]) for mod in chosen]
    new = mods_answers.given(wishes.set, wishes.answers, [one.control for one in packages])
    known = mods_state.read(instance)
    return [Step(RUN, one.control.mod, one, None,
                 mods_answers.collect(instance, one.control, known.answers_of(one.control.mod), new))
            for one in packages]


def _would() -> str:
    return "would: " if process.conduct.dry_run else ""
