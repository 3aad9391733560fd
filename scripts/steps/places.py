"""Offers a person the web roots that a host has, when none was named: Tikis first, then empty ones."""

from scripts.errors import Fault
from scripts.present import output, prompts
from scripts.registry import registry, schema
from scripts.registry.env_file import Value
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.tiki import host_facts, panels
from scripts.tiki.panels import WebRoot

MOST_OFFERED = 20  # lines; a terminal shows 24
SAID = {"tiki": "a Tiki", "empty": "empty"}
NOWHERE = "/-/-"   # a web root for an instance that has none yet; nothing looks there


def offered(settings: Settings, answers: dict[str, str]) -> tuple[str, list[WebRoot]]:
    """Return the control panel's name, if any, and the web roots of the host that answers lead to.

    What is registered already is left out. A host that cannot be asked offers nothing: who asks for the web root next
    will be told why.
    """
    try:
        values = {key: Value(text, "your answer") for key, text in {**answers, "WEB_ROOT": NOWHERE}.items() if text}
        one = schema.load(Instance, values, "your answers", name="new", settings=settings)
        facts = host_facts.gather(one.host)
        found = [root for root in panels.web_roots(facts) if root.kind in SAID
                 and not registry.same_place(settings, one.with_(web_root=root.path))]
    except Fault:
        return "", []
    return panels.panel(facts), found[:MOST_OFFERED]


def choose(settings: Settings, answers: dict[str, str]) -> WebRoot | None:
    """Return the web root a person takes from those that are offered, or None when it is another one."""
    panel, roots = offered(settings, answers)
    if not roots:
        return None
    if panel:
        output.say(f"This host is laid out by {panel}")
    lines = [f"{root.path} ({SAID[root.kind]}, of {root.owner})" for root in roots]
    number = prompts.choose("Which folder does the web server serve", [*lines, "another folder"])
    return roots[number] if number < len(roots) else None
