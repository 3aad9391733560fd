"""make mods-new: a control file to start from, in the collection."""

from scripts.errors import RefusedError, UsageError
from scripts.hosts.local import MANAGER
from scripts.mods import names
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection

TEXT = """\
# {mod}: a block has its label on a line of its own, a value a line, and a blank line behind it.
# All labels and their forms: docs/mods.md. What is wrong in this file says: make mods-lint MOD={mod}

revision:
0.1

description:
{name}: say here in one sentence what it does

licence:
LGPL

version:
24+

# One file a line: where it is below the mods folder, where it goes below Tiki's. A name that begins with sample: has
# placeholders in it, [:::[variable]:::], which get the answers to the questions of the configuration.
#files:
#{type}/{name}/{name}.php {name}.php
#{type}/{name}/sample:{name}.conf lib/{name}.conf

#requires:
#lib-something>=1.2<2

# Question, variable, default. $HTTP_HOST, $DOCUMENT_ROOT and the like stand for the site's own.
#configuration:
#Name of the server,server,$HTTP_HOST

# A statement a line; $variable is replaced by its answer.
#sql-install:
#CREATE TABLE {type}_{table} (id int NOT NULL, server varchar(255));

# For who has an older revision: all blocks above it, in their order.
#sql-upgrade:
#:0.2
#ALTER TABLE {type}_{table} ADD added int;

#sql-remove:
#DROP TABLE IF EXISTS {type}_{table};

changelog:
0.1 first version
"""


def mods_new(settings: Settings, type_: str, name: str) -> dict[str, object]:
    """Write the control file, and return where it is."""
    mod = f"{type_}-{name}"
    if not type_ or not name:
        raise UsageError(f"{'TYPE' if not type_ else 'NAME'}= is missing: a mod is TYPE-NAME. Types "
                         f"are {', '.join(names.TYPES)}")
    if "-" in type_ or not names.is_mod(mod):
        raise UsageError(f"{mod}: is no name that a mod may have: a type of letters, digits and _, a name of these and "
                         ". + - too")
    if type_ not in names.TYPES:
        output.warn(f"nobody knows the type {type_!r}; known are {', '.join(names.TYPES)}")
    path = mods_collection.packages_of(settings) / names.control_file(mod)
    if path.exists():
        raise RefusedError(f"{path}: is there already. Nothing was changed")
    mods_collection.ready(settings)
    table = "".join(letter if letter.isalnum() else "_" for letter in name)
    text = TEXT.format(mod=mod, type=type_, name=name, table=table)
    MANAGER.write(str(path), text.encode(), 0o644)
    output.say(f"{path}: edit it, put its files below {mods_collection.folder(settings)}. Next: make mods-lint "
               f"MOD={mod}")
    return {"mod": mod, "path": str(path)}
