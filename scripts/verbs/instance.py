"""make instance: takes over a living Tiki. Looks at everything, writes one env file here and nothing there."""

from scripts.errors import RegistryError
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import enrolling, site
from scripts.steps.site import Site
from scripts.tiki import probe


def instance(settings: Settings, name: str | None, given: dict[str, str]) -> None:
    """Register the Tiki in given's WEB_ROOT under a new name."""
    name = enrolling.new_name(settings, name)
    answers = enrolling.ask_place(given)
    taken, told = enrolling.ask_until_it_works(settings, name, answers, lambda one: _look(settings, one))
    for line in told:
        output.say(f"{name}: {line}")
    if "WEB_URL" not in given:
        answers["WEB_URL"] = enrolling.ask("WEB_URL", "")
    if "STAGE" not in given:
        answers["STAGE"] = enrolling.ask("STAGE", "")
    enrolling.write(settings, enrolling.made(settings, name, answers),
                    f"taken over. Next: make backup INSTANCE={name}")


def _look(settings: Settings, one: Instance) -> list[str]:
    """Return what was found, a line each; raise what keeps us from taking the site over."""
    enrolling.refuse_twins(settings, one)
    found = probe.look(one)
    if found.state in ("empty", "missing"):
        raise RegistryError(f"{one.name}: {one.web_root} is {found.state}: there is no Tiki to take over. For a place "
                            f"to restore into: make blank NAME={one.name} WEB_ROOT={one.web_root}")
    with site.opened(one) as opened:
        return _lines(opened)


def _lines(found: Site) -> list[str]:
    probed, client = found.probe, found.client
    checkout = f", a {'/'.join(probed.checkouts)} checkout" if probed.checkouts else ""
    lines = [f"Tiki {probed.version} ({probed.branch or 'branch unknown'}){checkout}, "
             f"in {found.instance.web_root}, owned by {probed.owner}:{probed.group}",
             f"PHP {probed.php_version or 'was not found: the dump works, the console does not'}",
             f"database {found.account.name} on {found.account.socket or found.account.host}, "
             f"{len(found.tables)} tables, {output.size(found.database_bytes)}, server {client.server_version()}"]
    lines += [f"data folder {folder.path} ({', '.join(folder.used_by)})" for folder in found.folders]
    lines += [f"data folder {folder.path} ({', '.join(folder.used_by)}) IS NOT THERE" for folder in found.missing]
    if not found.instance.site and probed.sites:
        lines.append(f"virtual sites with databases of their own: {', '.join(probed.sites)}. Register each with SITE=")
    return lines
