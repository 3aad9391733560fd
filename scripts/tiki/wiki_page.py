"""Puts a wiki page into a Tiki, by that Tiki's own library; the same page on each call, its history kept by Tiki.

What the page holds travels on stdin, and what is there afterwards is compared with it.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import CommandError
from scripts.hosts import process
from scripts.registry.instance import Instance
from scripts.tiki import console

PROGRAM = (Path(__file__).parent / "wiki_page.php").read_text(encoding="utf-8")
ANSWER = re.compile(rb"\n--trim-page--\n(created|updated|unchanged) (\d+) ([0-9a-f]{32})\n--trim-end--\n")
# What Tiki looks for before, or inside of, a part that is not parsed: {{name}} becomes what a visitor asks for.
SYNTAX = re.compile(r"~(?=/?(?:np|tc|pp)~)|\{(?=\{)")
SAID = 200          # characters of what PHP said instead
LONGEST_NAME = 158  # bytes of a page's name: tiki_pages.pageName has room for 160 and Tiki keeps some for itself
NOT_IN_NAME = "/?#[]@$&+;=<>"     # Tiki's own list of bad characters (wiki_badchar_prevent)


@dataclass(frozen=True)
class Put:
    """What became of the page: created, updated or unchanged; and which version of it that is."""

    outcome: str
    version: int


def put(instance: Instance, name: str, text: str, note: str) -> Put | None:
    """Put a page in place and return what became of it; None in a dry run. note is the comment in its history.

    Raises CommandError when the site does not hold that text afterwards.
    """
    sent = text.encode("utf-8", "backslashreplace")
    program = PROGRAM
    for word, value in (("@NAME@", name.encode()), ("@TEXT@", sent), ("@NOTE@", note.encode())):
        program = program.replace(word, base64.b64encode(value).decode())
    said = instance.host.run(instance.php, *console.SETTINGS, "--", instance.web_root, instance.site,
                             stdin=program.encode())
    if process.conduct.dry_run:
        return None
    found = ANSWER.search(said)
    if not found:
        words = " ".join(console.plain(said.decode("utf-8", "replace")).split())[-SAID:] or "nothing was said"
        raise CommandError(f"{instance.name}: the page {name} was not written: its Tiki does not come so far: {words}. "
                           f"Next: make doctor INSTANCE={instance.name}")
    if found[3].decode() != hashlib.md5(sent, usedforsecurity=False).hexdigest():
        raise CommandError(f"{instance.name}: the page {name} does not hold what was sent: look at its history there")
    return Put(found[1].decode(), int(found[2]))


def escaped(text: str) -> str:
    """Return a text that no wiki syntax touches, on one line, of characters that every Tiki's database can hold."""
    plain = "".join(one if ord(one) < 0x10000 and not 0xD800 <= ord(one) < 0xE000 else "?" for one in text)
    return f"~np~{SYNTAX.sub(lambda found: f'{found[0]} ', ' '.join(plain.split()))}~/np~"
