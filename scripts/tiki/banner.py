"""The sentence at the foot of every page that says what a copy is and of which moment.

Tiki takes the preference that holds it for a template of Smarty, in the charset of the site: no braces, ASCII alone.
Source: templates/footer.tpl of 21.4 and 24.4, which every theme and layout ends with.
"""

import html
import re
from datetime import UTC, datetime

PREFERENCE = "feature_endbody_code"
STYLE = (' style="position:fixed;left:0;right:0;bottom:0;z-index:2147483000;pointer-events:none;padding:4px 12px;'
         'background:#7a1f1f;color:#fff;font:bold 14px sans-serif;text-align:center"')
BLOCK = re.compile(r"<!-- trim copy ([a-z0-9-]+) -->.*?<!-- /trim copy -->", re.DOTALL)


def sentence(source: str, moment: datetime, is_silent: bool) -> str:
    """Return what the banner says."""
    return (f"Copy of {source} as of {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC. "
            f"{'Mail is off.' if is_silent else 'Mail may still go out.'}")


def blocks(text: str, name: str) -> tuple[str, str]:
    """Return the HTML that shows a sentence at the copy of this name: with its looks, and as short as can be."""
    shown = html.escape(text).replace("{", "&#123;").replace("}", "&#125;").encode("ascii", "xmlcharrefreplace")
    before, after = f'<!-- trim copy {name} --><div class="trim-copy"', f">{shown.decode()}</div><!-- /trim copy -->"
    return f'{before} role="note"{STYLE}{after}', f"{before}{after}"


def marked(text: str | None) -> str:
    """Return the name of the copy whose banner a text holds; empty when it holds none."""
    block = BLOCK.search(text or "")
    return block[1] if block else ""


def without(text: str | None) -> str:
    """Return a text without the banners of copies."""
    return BLOCK.sub("", text or "")
