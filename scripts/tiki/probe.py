"""Looks at a web root: is it a Tiki, which one, what does its db/local.php say, whom does it belong to.

One call of the host's PHP tells it all (probe.php); without PHP the parser in local_php.py has to do.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import CommandError, HostError, RegistryError
from scripts.registry.instance import Instance
from scripts.tiki import layout, without_php
from scripts.tiki.local_php import LocalConfig
from scripts.tiki.version import Edition, Version, parse_version

PROGRAM = (Path(__file__).parent / "probe.php").read_bytes()
BEGIN, END = b"\n--trim-probe--\n", b"\n--trim-end--\n"

# php.ini stays in force, because an included file may need an extension; what it could add to ours does not.
SETTINGS = ("auto_prepend_file=", "auto_append_file=", "open_basedir=", "opcache.enable_cli=0", "display_errors=0")
NO_SUCH_PROGRAM = 127


@dataclass(frozen=True)
class Probe:
    """What was found in an instance's web root.

    state is tiki, empty, missing, unreadable, or other: a folder that holds something else. config is None,
    and config_problem says why, when db/local.php tells nothing. certificates are paths on the host. php_version
    is empty on a host without PHP, and extensions are then unknown. entries are the first few names in a folder
    that is no Tiki.
    """

    state: str
    entries: tuple[str, ...] = ()
    edition: Edition | None = None
    config: LocalConfig | None = None
    config_problem: str = ""
    sites: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    checkouts: tuple[str, ...] = ()
    has_console: bool = False
    htaccess: str = ""
    php_version: str = ""
    extensions: frozenset[str] = frozenset()
    owner: str = ""
    group: str = ""
    mode: int = 0

    @property
    def is_tiki(self) -> bool:
        return self.state == "tiki"

    @property
    def version(self) -> Version:
        return self.edition.version if self.edition else Version("")

    @property
    def branch(self) -> str:
        return self.edition.branch if self.edition else ""


def probe(instance: Instance) -> Probe:
    """Return what is in the web root of an instance that must be an installed Tiki.

    Raises RegistryError or HostError that says what is there instead and what to do next.
    """
    found = look(instance)
    if fault := why_not_installed(instance, found):
        raise fault
    return found


def look(instance: Instance) -> Probe:
    """Return what is in the web root, whatever it is. Costs one call; three on a host without PHP."""
    host, web_root, site = instance.host, instance.web_root, instance.site
    settings = [word for setting in SETTINGS for word in ("-d", setting)]
    try:
        answer = host.read(instance.php, *settings, "--", web_root, site, stdin=PROGRAM)
    except CommandError as error:
        if error.code != NO_SUCH_PROGRAM:
            raise
        return _probe(without_php.report(host, web_root, site), web_root)
    return _probe(_report(answer, f"{instance.name}: {instance.php}"), web_root)


def look_anyhow(instance: Instance) -> Probe:
    """Return the same where PHP itself may be broken: by files and the parser alone then. Costs three calls then."""
    try:
        return look(instance)
    except CommandError:
        return _probe(without_php.report(instance.host, instance.web_root, instance.site), instance.web_root)


def why_not_installed(instance: Instance, found: Probe) -> RegistryError | HostError | None:
    """Return the fault that keeps us from working with what was found, or None."""
    place, name = f"{instance.name}: {instance.web_root}", instance.name
    if found.state == "missing":
        return RegistryError(f"{place}: there is no such folder on the host. {_where_nothing_is(name)}")
    if found.state == "unreadable":
        return HostError(f"{place}: this account may not read the folder. Give the site's owner as SSH_USER, or run "
                         "TRIM as one who may")
    if found.state == "empty":
        return RegistryError(f"{place}: the folder is empty. {_where_nothing_is(name)}")
    if not found.is_tiki:
        instead = ", ".join(" ".join(entry.split()) for entry in found.entries)
        return RegistryError(f"{place}: this is not a Tiki: there is no {layout.SETUP}, but {instead}. Give another "
                             f"WEB_ROOT in {name}.env")
    return _why_no_config(instance, found)


def _where_nothing_is(name: str) -> str:
    return (f"To bring the site back there: make restore INSTANCE={name}; where it moved, give another WEB_ROOT: "
            f"make edit INSTANCE={name}")


def _why_no_config(instance: Instance, found: Probe) -> RegistryError | HostError | None:
    path = f"{instance.name}: {instance.web_root}/{layout.local_php(instance.site)}"
    if not found.config_problem:
        return None
    if found.config_problem == "missing" and instance.site:
        known = ", ".join(found.sites) or "none"
        return RegistryError(f"{path}: is not there, so there is no site {instance.site}. Sites of this Tiki: {known}. "
                             f"Give another SITE in {instance.name}.env")
    if found.config_problem == "missing":
        return RegistryError(f"{path}: is not there: this Tiki was never installed. Finish its installer in a "
                             f"browser, or put a backup there: make restore INSTANCE={instance.name}")
    if found.config_problem == "unreadable":
        return HostError(f"{path}: this account may not read it. Give the site's owner as SSH_USER, or run TRIM as "
                         "one who may")
    if found.config_problem == "exits":
        return RegistryError(f"{path}: ends the program instead of setting its variables when PHP runs it on the "
                             "command line. Take the exit or die out of it")
    reason = " ".join(found.config_problem.split())
    return RegistryError(f"{path}: {reason}. Correct the file, or set PHP= to a version that suits this Tiki")


def _report(answer: bytes, place: str) -> dict[str, object]:
    """Return what probe.php printed between its marks; what others print around it does not matter."""
    try:
        text = answer[answer.rindex(BEGIN) + len(BEGIN):answer.rindex(END)]
        return _decoded(json.loads(text))
    except (ValueError, binascii.Error) as error:
        # Only what came before the report is shown: the report holds a password.
        said = " ".join(answer.partition(BEGIN)[0][:200].decode("utf-8", "replace").split()) or "nothing else was said"
        raise CommandError(f"{place}: the report about the web root is cut off or was never made ({said}). Is this a "
                           "PHP program for the command line?") from error


def _decoded(value: object) -> object:
    if isinstance(value, str):
        return base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if isinstance(value, dict):
        return {key: _decoded(one) for key, one in value.items()}
    return value


def _probe(report: Mapping, web_root: str) -> Probe:
    names, variables = report.get("names", ()), report.get("variables") or {}
    installed = report["state"] == "tiki" and not report["problem"]
    return Probe(
        state=report["state"], entries=tuple(report.get("entries", ())),
        edition=parse_version(report.get("version_text", "")),
        config=LocalConfig.of(variables) if installed else None, config_problem=report.get("problem", ""),
        sites=tuple(report.get("sites", ())),
        certificates=tuple(f"{web_root}/{layout.CERTIFICATES}/{name}" for name in report.get("certificates", ())),
        checkouts=tuple(kind for name, kind in layout.CHECKOUTS.items() if name in names),
        has_console=layout.CONSOLE in names, htaccess=report.get("htaccess", ""), php_version=report.get("php", ""),
        extensions=frozenset(report.get("extensions", ())),
        owner=report.get("owner", ""), group=report.get("group", ""), mode=report.get("mode", 0))
