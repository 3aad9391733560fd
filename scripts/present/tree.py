"""Draws a tree as people do on paper: what hangs on what, a line each."""

from collections.abc import Mapping, Sequence

BRANCH, LAST = "├─ ", "└─ "
TRUNK, NOTHING = "│  ", "   "


def drawn(children: Mapping[str, Sequence[str]], roots: Sequence[str]) -> dict[str, str]:
    """Return each name with its branches before it, by name and in the order of the lines; a name appears once."""
    lines: dict[str, str] = {}

    def draw(name: str, before: str, branch: str) -> None:
        lines[name] = f"{before}{branch}{name}"
        below = [child for child in children.get(name, ()) if child not in lines]
        room = {"": "", BRANCH: TRUNK, LAST: NOTHING}[branch]
        for child in below:
            if child not in lines:
                draw(child, before + room, LAST if child == below[-1] else BRANCH)

    for root in roots:
        if root not in lines:
            draw(root, "", "")
    return lines
