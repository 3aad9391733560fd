"""Which verbs there are and which variables each takes, read from where it is written: the Makefile."""

import re
from dataclasses import dataclass
from pathlib import Path

RULE = re.compile(r"^(?P<name>[a-z-]+):(?P<other>[a-z -]*)## (?P<help>.*)\n(?:\t\$\(call trim,(?P<verb>[a-z-]+),"
                  r"(?P<variables>.*)\)$)?", re.MULTILINE)
LIST = re.compile(r"^(?:override )?([A-Z_]+) :?= ?(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """One verb."""

    verb: str
    variables: frozenset[str]
    common: frozenset[str]
    help: str

    def wants(self, variable: str) -> bool:
        """Whether the help text names a variable without brackets, so that it has to be given."""
        return bool(re.search(rf"(?<!\[)\b{variable}=", self.help))


def of(top: Path) -> dict[str, Rule]:
    """Return the rule of each verb by its name, and by the other names it goes by."""
    text = (top / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    lists = dict(LIST.findall(text))
    found: dict[str, Rule] = {}
    for rule in RULE.finditer(text):
        if rule["verb"]:
            words = re.sub(r"\$\(([A-Z_]+)\)", lambda name: lists.get(name[1], ""), rule["variables"]).split()
            found[rule["name"]] = Rule(rule["verb"], frozenset(words), frozenset(lists["COMMON"].split()), rule["help"])
    aliases = {rule["name"]: rule["other"].strip() for rule in RULE.finditer(text)}
    return found | {name: found[other] for name, other in aliases.items() if other in found and name not in found}
