"""make watch: has anybody changed a site who should not have, or is it open to somebody? Quiet when all is well.

The look of make check for the crontab: what it finds ends the run with Findings, which an unattended run mails.
"""

from scripts.errors import Findings
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import baselines, findings, watching, watching_database


def watch(instance: Instance) -> dict[str, object]:
    """Look at an instance and return what is to be told of it; raise Findings when anything is wrong."""
    done = watching.look(instance)
    tell_first(done)
    if done.found:
        raise found_something(done)
    output.say(f"{instance.name}: {all_well(done)}")
    return {"instance": instance.name, "findings": []}


def all_well(done: watching.Look) -> str:
    """Return what is said where nothing was found."""
    return "is a blank: there is nothing to look at yet" if done.is_blank else \
        "nothing was changed, and nothing is open"


def found_something(done: watching.Look) -> Findings:
    """Return the fault that ends a look which found something."""
    name, count = done.instance.name, len(done.found)
    first = done.found[0]
    return Findings(f"{name}: {count} finding{'s' if count > 1 else ''} ({findings.summary(done.found)}), as "
                    f"{first}. Next: make check INSTANCE={name}", details=findings.details(done.found))


def tell_first(done: watching.Look) -> None:
    """Say what the first baseline was made of."""
    if not (done.is_first and done.baseline and done.may_be_kept):
        return
    name = done.instance.name
    output.say(f"{name}: this is its first look: what {done.baseline.release} shipped is right, and what goes beyond "
               "it is a finding until it is accepted")
    if done.release and done.release.is_partial:
        output.say(f"{name}: that does not tell of every kind of file: the others are taken as they are now. Better: "
                   f"make prepare VERSION={done.release.version}, then rm {baselines.file_of(done.instance)}, then "
                   f"make check INSTANCE={name} ACCEPT=baseline")
    if done.database is not None:
        output.say(watching_database.names_of(done.instance, done.database))
