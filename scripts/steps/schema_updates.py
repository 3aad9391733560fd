"""Brings a database to the schema of its code, by Tiki's own console, and judges that by what is left to do.

A database needs an update when a patch of the tree is not on its record; it is newer than the tree when its record
has patches that the tree lacks, which Tiki itself does not notice.
"""

from collections.abc import Iterable

from scripts.database.client import Client
from scripts.errors import CommandError, DatabaseError
from scripts.hosts import process
from scripts.registry.instance import Instance
from scripts.steps.site import Site
from scripts.tiki import console, layout

SAID_LINES = 4          # of the console's last words, in a message
RECORDED = "SELECT patch_name FROM tiki_schema"


def patches(instance: Instance) -> set[str]:
    """Return the names of the patches of a tree, without those that are never applied by themselves."""
    files = instance.host.read_names("find", f"{instance.web_root}/{layout.PATCHES}", "-maxdepth", "1",
                                     "-name", "*_*.*", "-printf", "%f\\0")
    return _patches(files)


def patches_of(files: Iterable[str]) -> set[str]:
    """Return the same of a release, of which these are the files."""
    folder = f"{layout.PATCHES}/"
    return _patches([name for path in files if path.startswith(folder)
                     and "_" in (name := path.removeprefix(folder)) and "/" not in name])


def _patches(files: Iterable[str]) -> set[str]:
    names = {name.rsplit(".", 1)[0] for name in files if name.endswith((".sql", ".php", ".yml"))}
    return {name for name in names if not name.startswith("optional")}


def recorded(client: Client) -> set[str]:
    """Return the names of the patches that a database has had."""
    return {name for (name,) in client.query(RECORDED) if name}


def recorded_if_any(site: Site) -> set[str]:
    """Return the same, nothing where there is no such record; old Tikis had none."""
    return recorded(site.client) if "tiki_schema" in site.table_names else set()


def newer(data: Site, code: Site) -> list[str]:
    """Return the patches that one site's database has had, its own tree knows, and another's tree does not."""
    if "tiki_schema" not in data.table_names:
        return []
    return sorted(recorded(data.client) & patches(data.instance) - patches(code.instance))


def unapplied(site: Site, known: set[str] | None = None) -> list[str]:
    """Return the patches of the site's tree that its database has not had; known are those of the tree, if known."""
    wanted = patches(site.instance) if known is None else known
    has_record = site.client.query("SHOW TABLES LIKE 'tiki\\_schema'")
    return sorted(wanted - recorded(site.client) if has_record else wanted)


def update(site: Site, known: set[str] | None = None) -> list[str]:
    """Run Tiki's database:update and return the patches that it applied.

    known are those of the tree, where that is known already. Raises DatabaseError when any is left, whatever the
    console says of itself.
    """
    before = unapplied(site, known)
    instance = site.instance
    try:
        said = instance.host.run(*console.call(instance, site.probe, ["database:update", "-n"]))
    except CommandError as error:
        raise CommandError(f"{instance.name}: Tiki's database:update failed: {error}", code=error.code) from error
    if process.conduct.dry_run:
        return before
    lines = said.decode("utf-8", "replace").splitlines()
    failures = [failure for line in lines if (failure := console.failure(line))]
    left = unapplied(site, known)
    if failures or left:
        words = " / ".join(failures or [console.plain(line) for line in lines[-SAID_LINES:]]) or "nothing"
        what = f"left {', '.join(left[:3])} undone" if left else "failed"
        raise DatabaseError(f"{instance.name}: Tiki's database:update {what}; it said: {words}")
    return before
