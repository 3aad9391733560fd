"""make detect: looks again at a site and its host, and shows where the env file says something else.

Nothing is changed but the env file, with WRITE=1, and there only what was found for certain or was empty.
"""

from dataclasses import asdict, dataclass

from scripts.errors import Fault
from scripts.present import output
from scripts.registry import change
from scripts.registry.instance import Instance
from scripts.steps import site
from scripts.steps.site import Site
from scripts.tiki import host_facts, panels, probe, requirements
from scripts.tiki.host_facts import HostFacts
from scripts.tiki.panels import WebRoot
from scripts.tiki.probe import Probe
from scripts.tiki.requirements import Requirement

COLUMNS = {"key": "WHAT", "mark": "MARK", "in_env": "IN THE ENV FILE", "found": "FOUND"}
DIFFERS, GUESS, WRONG = "differs", "guess", "wrong"
URL_SQL = "SELECT value FROM tiki_preferences WHERE name = 'fallbackBaseUrl' AND value LIKE 'http%'"


@dataclass(frozen=True)
class Row:
    """One thing looked at. key is an env key in capitals, or words; value is what WRITE=1 would write, None if none."""

    key: str
    in_env: str
    found: str
    mark: str = ""
    value: str | None = None


def detect(instance: Instance, is_write: bool) -> dict[str, object]:
    """Show what is found of one instance; with is_write let its env file say it."""
    facts = host_facts.gather(instance.host)
    found = probe.look(instance)
    rows = [_web_root(instance, facts, found)]
    if rows[0].value:
        instance = instance.with_(web_root=rows[0].value)
        found = probe.look(instance)
    place, wanted = panels.web_root_at(facts, instance.web_root), requirements.of(str(found.version))
    rows += [*_tiki(found, facts, place), _php(instance, facts, found, place, wanted), _site(instance, found),
             *_database(instance, found, place, wanted)]
    output.say(f"{instance.name}:")
    if not output.manner.is_json:
        output.show([asdict(row) for row in rows], COLUMNS, "")
    written = {row.key: row.value for row in rows if row.value is not None}
    if is_write and written:
        change.set_values(instance.settings, instance.name, written)
        output.say(f"{instance.name}: {', '.join(written)} written")
    elif written:
        output.say(f"{instance.name}: to write {', '.join(written)}: make detect INSTANCE={instance.name} WRITE=1")
    return {"instance": instance.name, "found": [asdict(row) for row in rows],
            "written": sorted(written) if is_write else []}


def _web_root(instance: Instance, facts: HostFacts, found: Probe) -> Row:
    """Tell whether the Tiki is where the env file says; when it is gone and one other is there, that is it."""
    here = instance.web_root
    if found.is_tiki:
        return Row("WEB_ROOT", here, here)
    others = [one for one in panels.web_roots(facts) if one.kind == "tiki" and one.path != here]
    free = [one.path for one in others if not _is_registered(instance, one.path)]
    if found.state in ("missing", "empty") and len(free) == 1 and not instance.db_name:
        return Row("WEB_ROOT", here, f"{free[0]} ({here} is {found.state})", DIFFERS, free[0])
    also = f"; Tikis there: {', '.join(free)}" if free else ""
    return Row("WEB_ROOT", here, f"{found.state}{also}", "" if instance.db_name else WRONG)


def _is_registered(instance: Instance, path: str) -> bool:
    try:
        change.refuse_twin(instance.settings, instance.with_(web_root=path))
        return False
    except Fault:
        return True


def _tiki(found: Probe, facts: HostFacts, place: WebRoot) -> list[Row]:
    rows = [Row("version", "", str(found.version) or "unknown"), Row("branch", "", found.branch or "unknown"),
            Row("checkout", "", ", ".join(found.checkouts) or "a release"),
            Row("owner", "", f"{found.owner}:{found.group}")] if found.is_tiki else []
    about = {"panel": panels.panel(facts), "temporary folder": place.temp}
    return rows + [Row(key, "", text) for key, text in about.items() if text]


def _php(instance: Instance, facts: HostFacts, found: Probe, place: WebRoot, wanted: Requirement | None) -> Row:
    """Tell whether the PHP of the env file suits this Tiki, and which other one does."""
    now = found.php_version
    if now and (wanted is None or wanted.php_suits(now)):
        return Row("PHP", instance.php, f"{instance.php} ({now})")
    better = panels.suitable(facts.phps, wanted, place.php)
    if better:
        reason = f"{instance.php} is {now}" if now else f"{instance.php} is no PHP"
        return Row("PHP", instance.php, f"{better.path} ({better.version}); {reason}", DIFFERS, better.path)
    there = ", ".join(dict.fromkeys(php.version for php in facts.phps)) or "none"
    needs = f"Tiki {wanted.series} needs {wanted.php_range}; " if wanted else ""
    return Row("PHP", instance.php, f"{needs}there is {there}", WRONG)


def _site(instance: Instance, found: Probe) -> Row:
    """Tell whether the virtual site of the env file is there."""
    known = ", ".join(found.sites) or "no virtual sites"
    if instance.site and instance.site not in found.sites and found.is_tiki:
        only = found.sites[0] if len(found.sites) == 1 else None
        return Row("SITE", instance.site, known, DIFFERS if only else WRONG, only)
    return Row("SITE", instance.site, instance.site or known)


def _database(instance: Instance, found: Probe, place: WebRoot, wanted: Requirement | None) -> list[Row]:
    """Tell what the site's own database says, and what the address may be."""
    try:
        with site.opened_target(instance) as opened:
            server = opened.client.server_version()
            problem = wanted.database_problem(server) if wanted else ""
            url = _stored_url(opened)
            rows = [Row("database", instance.db_name, f"{opened.account.name} on {_server(opened)}, "
                        f"{len(opened.tables)} tables, server {server}{f'; {problem}' if problem else ''}",
                        WRONG if problem else "")]
            rows += [Row("data folder", "", f"{one.path} ({', '.join(one.used_by)})") for one in opened.folders]
            rows += [Row("data folder", "", f"{one.path} ({', '.join(one.used_by)}) {one.why_missing}", WRONG)
                     for one in opened.missing]
    except Fault as fault:
        url, rows = "", [Row("database", instance.db_name, str(fault), WRONG)]
    return [_web_url(instance, url or (f"https://{place.domain}/" if place.domain else "")), *rows]


def _server(opened: Site) -> str:
    account = opened.account
    return account.socket or (f"{account.host}:{account.port}" if account.port else account.host)


def _stored_url(opened: Site) -> str:
    if "tiki_preferences" not in opened.table_names:
        return ""
    rows = opened.client.query(URL_SQL)
    return rows[0][0].strip() if rows and rows[0][0] else ""


def _web_url(instance: Instance, guessed: str) -> Row:
    """Tell the address; a guess fills an empty key and never replaces what a person wrote."""
    if not guessed:
        return Row("WEB_URL", instance.web_url, instance.web_url or "not known")
    if instance.web_url:
        same = instance.web_url.rstrip("/") == guessed.rstrip("/")
        return Row("WEB_URL", instance.web_url, guessed, "" if same else GUESS)
    return Row("WEB_URL", "", guessed, GUESS, guessed)
