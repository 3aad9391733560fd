"""The block in a site's .htaccess that lets in by address, by login, or both. Pure text.

Everything stands in <If "true">. Apache merges an <If> last, after the .htaccess files of all sub folders, and with
AuthMerging And it demands its conditions besides theirs: Tiki's `Require all granted` (temp/public, storage/public,
lib, img, themes, lang, dump) no longer opens a folder, and its `Require all denied` (db, temp, templates, installer)
still closes one. Plain Require lines would do neither.
Source: Apache 2.4, "How the sections are merged", AuthMerging, Satisfy; tried with 2.4 and the tree of Tiki 24.4.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace

BEGIN = b"# TRIM restriction: begin. To change it: make restrict; to remove it: make restrict STATE=off"
END = b"# TRIM restriction: end"
BLOCK = re.compile(rb"^# TRIM restriction: begin[^\n]*\n(?:# (?P<was>\{[^\n]*\})\r?\n)?.*?^# TRIM restriction: end"
                   rb"[^\n]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
FILE, LINK, NONE = "file", "link", "none"

# What was let in by mod_access_compat's Order and Allow would get past with Satisfy Any.
HEAD = """\
<If "true">
AuthMerging And
<IfModule mod_access_compat.c>
Satisfy All
</IfModule>
"""


@dataclass(frozen=True)
class Rule:
    """Who may enter: who comes from one of the networks or has a login; needs_both asks for both."""

    name: str
    networks: tuple[str, ...] = ()
    has_logins: bool = False
    needs_both: bool = False

    @property
    def asks_for_both(self) -> bool:
        return bool(self.needs_both and self.networks and self.has_logins)


@dataclass(frozen=True)
class Was:
    """What a .htaccess was before the block came: a file, a link (with its time and the text it gave), or not there."""

    kind: str = FILE
    target: str = ""
    time: str = ""
    sha256: str = ""

    def of_text(self, text: bytes) -> "Was":
        """Return the same with the text that the link gives now."""
        return replace(self, sha256=_sum(text)) if self.kind == LINK else self

    def is_untouched(self, text: bytes) -> bool:
        """Whether nobody has changed the text since: then what was before can come back."""
        return self.kind == LINK and self.sha256 == _sum(text) or self.kind == NONE and not text


def block(rule: Rule, htpasswd: str, was: Was) -> bytes:
    """Return the block; htpasswd is the path of the file of logins."""
    remembered = json.dumps({key: value for key, value in asdict(was).items() if value})
    demands = [f"Require ip {network}" for network in rule.networks]
    if rule.asks_for_both:
        demands = ["<RequireAll>", "<RequireAny>", *demands, "</RequireAny>", "Require valid-user", "</RequireAll>"]
    else:
        logins = ["Require valid-user"] if rule.has_logins else []
        demands = ["<RequireAny>", *demands, *logins, "</RequireAny>"]
    lines = [*(_login_lines(rule, htpasswd) if rule.has_logins else []), *demands]
    body = f"# {remembered}\n{HEAD}" + "".join(f"{line}\n" for line in lines) + "</If>\n"
    return BEGIN + b"\n" + body.encode("utf-8", "surrogateescape") + END + b"\n"


def with_block(htaccess_text: bytes, new: bytes) -> bytes:
    """Return the text with this block in front, and no other of ours."""
    return new + without(htaccess_text)


def without(htaccess_text: bytes) -> bytes:
    """Return the text without our block, byte for byte as it was before."""
    return BLOCK.sub(b"", htaccess_text)


def was_of(htaccess_text: bytes) -> Was | None:
    """Return what the block remembers, or None when there is no block."""
    found = BLOCK.search(htaccess_text)
    if not found:
        return None
    try:
        return Was(**json.loads(found["was"] or b""))
    except (ValueError, TypeError):
        return Was()  # edited by hand: a file that stays one loses nothing


def _login_lines(rule: Rule, htpasswd: str) -> list[str]:
    path = re.sub(r'[\\"]', r"\\\g<0>", htpasswd)
    return ["AuthType Basic", f'AuthName "Restricted: {rule.name}"', "AuthBasicProvider file",
            f'AuthUserFile "{path}"']


def _sum(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
