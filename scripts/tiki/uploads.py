"""What may lie in folders that a Tiki writes into, users' files and caches: nothing that a server runs or obeys.

Decides only, from names. What is there by the release, or was accepted, is compared as code is.
"""

import posixpath
import re

# As Apache reads names: with AddHandler a .php in the middle counts too, and a dot or a blank at the end is overlooked.
PHP = re.compile(r"\.(?:php\d*|phtml?|pht|phps?|phar)(?=[.\s]|$)", re.IGNORECASE)
RUN = re.compile(r"\.(?:cgi|fcgi|pl|shtml?|stm|aspx?|jspx?|cfm)[.\s]*$", re.IGNORECASE)
RULES = frozenset({".htaccess", ".user.ini", "php.ini", "web.config"})
# What find is asked for: more than is judged wrong below, so that it is decided in one place.
WANTED = ("-type", "l", "-o", "-name", ".*", "-o", "-iname", "*.ph*", "-o", "-iname", "*.*cgi*", "-o", "-iname",
          "*.pl*", "-o", "-iname", "*.s[ht]*m*", "-o", "-iname", "*.asp*", "-o", "-iname", "*.jsp*", "-o", "-iname",
          "*.cfm*", "-o", "-iname", "php.ini", "-o", "-iname", "web.config", "-o", "!", "-type", "f", "!", "-type", "d")


def may_run(path: str) -> bool:
    """Whether a web server that is set up as many are would run a file of this name."""
    name = posixpath.basename(path)
    return bool(PHP.search(name) or RUN.search(name))


def problem(path: str) -> str:
    """Return why a file of this name has no place among data; nothing when it may have one."""
    name = posixpath.basename(path)
    if name.lower() in RULES:
        return "changes what the web server does with this folder"
    if may_run(name):
        return "a program that the web server may run"
    return "a hidden file" if name.startswith(".") else ""


def leads_out(path: str, target: str, area: str) -> bool:
    """Whether a link at path leads out of the area of data that it lies in; all are from the web root, or absolute.

    One that climbs behind a name counts as one that does: that name may be a link as well.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    if any(part == ".." and before != ".." for before, part in zip(parts, parts[1:])):
        return True
    goal = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return goal != area and not goal.startswith(f"{area}/")
