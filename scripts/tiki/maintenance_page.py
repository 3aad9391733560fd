"""The text of the maintenance page, and the .htaccess that makes Apache show it for every address.

Source: Apache 2.4's documentation of ErrorDocument, mod_rewrite and "Expressions in Apache HTTP Server".
"""

import html
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime

from scripts.errors import UsageError

MARK = "# TRIM maintenance page: remove with make maintenance STATE=off"
LINE_LIMIT = 8000        # bytes; Apache refuses a line of 8190, and with it the whole site answers 500
RETRY_SECONDS = 3600     # when search engines may ask again

# Sub folders that deny everything answer 403 as before: access is checked before rules are.
RULES = f"""\
<IfModule mod_rewrite.c>
RewriteEngine On
RewriteRule ^ - [R=503,L]
</IfModule>
<IfModule !mod_rewrite.c>
Require all denied
</IfModule>
<IfModule mod_headers.c>
Header always set Retry-After "{RETRY_SECONDS}"
Header always set Cache-Control "no-store"
</IfModule>
"""


@dataclass(frozen=True)
class Notice:
    """What the page's .htaccess remembers. keeps_own: the site had a .htaccess, which lies beside it.

    is_of_a_run: it goes with the run that put it up; any other was put up on purpose.
    """

    since: datetime | None
    reason: str = ""
    keeps_own: bool = True
    is_of_a_run: bool = False


def page(template: str, *, site: str, since: datetime, reason: str) -> str:
    """Return the page for visitors, with the template's {site}, {since} and {reason} filled in."""
    values = {"site": site, "since": since.strftime("%Y-%m-%d %H:%M %Z").strip(), "reason": reason}
    return re.sub(r"\{(site|since|reason)\}", lambda found: html.escape(values[found[1]]), template)


def plain(page_html: str) -> str:
    """Return the page in ASCII: whatever character set a server declares, it reads the same."""
    return page_html.encode("ascii", "xmlcharrefreplace").decode("ascii")


def htaccess(page_html: str, notice: Notice) -> str:
    """Return the .htaccess that answers 503 with the page to every request.

    Raises UsageError when the page is too long for a line of Apache's configuration.
    """
    remembered = _remembered(notice)
    document = f'ErrorDocument 503 "{_quoted(page_html)}"'
    for line in (remembered, document):
        if len(line) > LINE_LIMIT:
            raise UsageError(f"the maintenance page is too long: {len(line)} characters on one line, of which Apache "
                             f"reads {LINE_LIMIT}. Shorten conf/maintenance.html or the REASON")
    return f"{MARK}\n# {remembered}\n{document}\n{RULES}"


def notice_of(text: bytes) -> Notice | None:
    """Return what a .htaccess of ours remembers, or None when it is not ours."""
    lines = text.decode("utf-8", "replace").splitlines()
    if not lines or lines[0] != MARK:
        return None
    try:
        told = json.loads(lines[1].removeprefix("# "))
        since = datetime.fromisoformat(told["since"]) if told["since"] else None
        return Notice(since, str(told["reason"]), bool(told["keeps_own"]), bool(told.get("is_of_a_run")))
    except (ValueError, LookupError, TypeError):
        return Notice(None)  # edited by hand: better to look for the site's own file than to forget it


def keeping_own(text: bytes, keeps_own: bool) -> bytes:
    """Return a .htaccess of ours that remembers whether the site has one too; nothing else in it is changed."""
    notice = notice_of(text)
    mark, _, rest = text.split(b"\n", 2)
    return b"\n".join([mark, f"# {_remembered(replace(notice, keeps_own=keeps_own))}".encode(), rest])


def _remembered(notice: Notice) -> str:
    since = notice.since.isoformat() if notice.since else None
    of_a_run = {"is_of_a_run": True} if notice.is_of_a_run else {}
    return json.dumps({"since": since, "reason": notice.reason, "keeps_own": notice.keeps_own, **of_a_run})


def _quoted(page_html: str) -> str:
    """Return the page as one line that Apache's quotes, its expressions and its ${variables} leave alone."""
    line = " ".join(line.strip() for line in plain(page_html).splitlines()).replace("${", "&#36;{")
    as_expression = re.sub(r"[\\$%]", r"\\\g<0>", line)
    return re.sub(r'[\\"]', r"\\\g<0>", as_expression)
