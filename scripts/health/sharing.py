"""Do two sites use one database? A copy that was made by hand brings the db/local.php of its original along."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from scripts.database import whereabouts
from scripts.database.whereabouts import Whereabouts
from scripts.health import mends
from scripts.health.finding import MANAGER, Checked, Wrong, checked
from scripts.registry.instance import Instance


def checks(instances: Mapping[str, Instance], databases: Mapping[str, Whereabouts]) -> Checked:
    """Compare all that were looked at; databases, by instance, are those that could be asked."""
    return checked(MANAGER, "shared databases", _shared(instances, databases))


def _shared(instances: Mapping[str, Instance], databases: Mapping[str, Whereabouts]) -> Iterator[Wrong]:
    for one, other in combinations(sorted(databases), 2):
        # Two names of one site are a finding of their own.
        if whereabouts.same(databases[one], databases[other]) and instances[one].place != instances[other].place:
            yield Wrong(f"{one} and {other} use one database, {databases[one].shown}: who changes or empties one "
                        "changes the other. Give the copy a database and a db/local.php of its own. To look",
                        mends.make(instances[one].settings, "detect", INSTANCE=f"{one},{other}"))
