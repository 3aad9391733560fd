"""How control panels lay out a host: which folders are web roots, whose PHP and temporary folder goes with each.

Decides only, from what host_facts gathered. The layouts are those the panels document; a folder is recognised by
where it lies, a panel by the files it installs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scripts.tiki.host_facts import Folder, HostFacts, Php
from scripts.tiki.requirements import Requirement

SIGNS = {"usr/sbin/virtualmin": "Virtualmin", "usr/bin/virtualmin": "Virtualmin", "usr/local/cpanel": "cPanel",
         "usr/local/psa": "Plesk", "opt/psa": "Plesk", "usr/local/ispconfig": "ISPConfig",
         "usr/local/directadmin": "DirectAdmin"}

# Where a web root lies, what lies around it, nearest first, and whether its folder bears the domain's name.
PLACES = (
    re.compile(r"(?P<around>(?P<home>.*)/domains/(?P<domain>[^/]+))/public_html(?:/.*)?"),
    re.compile(r"(?P<around>.*/home/[^/]+)/public_html(?:/.*)?"),
    re.compile(r"(?P<around>/var/www/vhosts/(?P<domain>[^/]+))/httpdocs(?:/.*)?"),
    re.compile(r"(?P<around>/var/www/clients/client\d+/web\d+)/web(?:/.*)?"),
)
KINDS = ("tiki", "empty", "other", "closed")  # in the order a person would want them


@dataclass(frozen=True)
class WebRoot:
    """A web root with what belongs to it; php, temp and domain are empty where the layout tells nothing."""

    path: str
    owner: str = ""
    kind: str = ""
    php: str = ""
    temp: str = ""
    domain: str = ""


def panel(facts: HostFacts) -> str:
    """Return the name of the panel that is installed, or nothing."""
    return next((name for sign, name in SIGNS.items() if sign in facts.signs), "")


def web_roots(facts: HostFacts) -> list[WebRoot]:
    """Return the web roots, Tikis first, then empty ones, those of the account itself before others."""
    found = [_web_root(facts, folder) for folder in facts.folders]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), one.owner != facts.user, one.path))


def web_root_at(facts: HostFacts, path: str) -> WebRoot:
    """Return what the layout says of a web root, whether it was found or not."""
    known = next((folder for folder in facts.folders if folder.path == path), Folder(path, "", ""))
    return _web_root(facts, known)


def suitable(phps: Iterable[Php], wanted: Requirement | None, preferred: str = "") -> Php | None:
    """Return the PHP to take: the preferred path when it suits, else the newest that does, the first of equals.

    Without a requirement every PHP suits.
    """
    fitting = [php for php in phps if wanted is None or wanted.php_suits(php.version)]
    for php in fitting:
        if php.path == preferred:
            return php
    return max(fitting, key=lambda php: [int(part) for part in re.findall(r"\d+", php.version)], default=None)


def _web_root(facts: HostFacts, folder: Folder) -> WebRoot:
    place = folder.path.removeprefix(facts.root)
    found = next(filter(None, (form.fullmatch(place) for form in PLACES)), None)
    if not found:
        return WebRoot(folder.path, folder.owner, folder.kind)
    parts = found.groupdict()
    around = [f"{facts.root}{parts[name]}" for name in ("around", "home") if parts.get(name)]

    def beside(name: str) -> str:
        return next((path for path in (f"{one}/{name}" for one in around) if path in facts.beside), "")

    return WebRoot(folder.path, folder.owner, folder.kind, beside("bin/php"), beside("tmp"), parts.get("domain") or "")
