"""A look of make watch against reading every file once: `find -type f -print0 | xargs -0 -P2 sha256sum` on the host.

The site lies behind ssh. An untouched site must have no finding, also after pages and caches were used.
"""

from tests.bench import hand, measuring
from tests.bench.context import Context
from tests.bench.measuring import FailedWay, Way, progress
from tests.lab.sample_tiki import SampleTiki
from tests.lab.web import fetch

PAGES = ("tiki-index.php", "tiki-login_scr.php", "tiki-list_file_gallery.php", "tiki-editpage.php?page=HomePage")


def measure(context: Context) -> None:
    site = context.site("watched", is_far=True)
    context.kit.register("watched", web_root=site.folder, web_url=site.url, **context.far_keys())
    progress(f"watch: the first look: {_summary(_check(context))}; accepted")
    _check(context, "ACCEPT=all")
    for page in PAGES:
        fetch(f"{site.url}{page}")
    found = _check(context)
    if found:
        context.report.fail("watch", FailedWay(f"after its pages were used: {_summary(found)}"))
    context.report.compare("a look at a site behind ssh", [
        measuring.classic(lambda: _sum_by_hand(site)),
        Way("make watch, nothing was changed", lambda: context.make("watch", "INSTANCE=watched"),
            before=lambda: _new_file(site).unlink(missing_ok=True), limit="watch nothing changed"),
        Way("make check, one file is new", lambda: _check(context),
            before=lambda: _new_file(site).write_text("<?php // new\n"))], context.relay)


def _new_file(site: SampleTiki):
    return site.folder / "lib" / "came.php"


def _sum_by_hand(site: SampleTiki) -> None:
    hand.run(["sh", "-c", 'cd "$1" && find . -type f -print0 | xargs -0 -P2 sha256sum', "classic", site.folder])


def _check(context: Context, *words: str) -> list[dict]:
    return context.told("check", "INSTANCE=watched", *words, may_find=True)["findings"]


def _summary(found: list[dict]) -> str:
    names = [f"{one['kind']} {one['name']}: {one['told']}" for one in found]
    return f"{len(found)} findings" + (f", as {'; '.join(names[:12])}" if names else "")
