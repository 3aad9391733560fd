"""make report: the page of all sites, one page a site, and the digest of them as a mail or a wiki page.

The pages tell of sites, so they are for our account alone (folder 0700, files 0600).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.errors import Fault, UsageError
from scripts.health import digest, outlook, sheets, silence
from scripts.health.finding import told as fault_told
from scripts.health.outlook import Told
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.notify import deliver
from scripts.present import output, pages
from scripts.registry import registry, runs
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import restoring
from scripts.tiki import wiki_page
from scripts.verbs import crons, stages

PAGE_NAME = "TRIM report"
MOST_RUNS = 15      # on the page of all; each site's own page has its own


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for besides the pages; page is the name of the wiki page, mail_to instead of MAIL_TO."""

    sends: bool = False
    page: str = ""
    looks: bool = True
    mail_to: tuple[str, ...] = ()


def report(settings: Settings, receiver: Instance | None, wishes: Wishes) -> None:
    """Write the pages and tell where; mail the digest, and put it into receiver, where that is wanted."""
    name = _checked_name(wishes, receiver)
    now = datetime.now(UTC)
    told = outlook.of(settings, registry.names(settings), asks_hosts=wishes.looks)
    found = outlook.everything(told, silence.of_jobs(settings))
    index = _write(settings, told, found, now)
    would = "would be: " if process.conduct.dry_run else ""
    output.say(f"{would}{sheets.headline(told, found)}: {index}")
    results: dict[str, object] = {"page": str(index), "findings": len(found), "sites": len(told)}
    if wishes.sends:
        deliver.send(settings, digest.message(told, found, now, str(index)), wishes.mail_to)
        results["sent"] = list(wishes.mail_to or settings.mail_to)
        output.say(f"{would}sent to {', '.join(wishes.mail_to or settings.mail_to)}: {digest.subject(told, found)}")
    if receiver and (put := _push(receiver, name, digest.wiki(told, found, now))):
        output.say(f"{receiver.name}: page {name}: {put.outcome}, version {put.version}")
        results["pushed"] = {"instance": receiver.name, "page": name, "outcome": put.outcome, "version": put.version}
    output.show_json([results])


def folder(settings: Settings) -> Path:
    """Return where the pages are."""
    return settings.state / "report"


def _checked_name(wishes: Wishes, receiver: Instance | None) -> str:
    """Return the wiki page's name; raise UsageError when no Tiki could have it."""
    name = " ".join((wishes.page or PAGE_NAME).split())
    if wishes.page and receiver is None:
        raise UsageError("PAGE= is the name of the wiki page that PUSH= makes: into which Tiki? PUSH=instance")
    if not name.isprintable() or len(name.encode()) > wiki_page.LONGEST_NAME or set(name) & set(wiki_page.NOT_IN_NAME):
        raise UsageError(f"PAGE={name}: no page's name: {wiki_page.LONGEST_NAME} bytes at most, none of "
                         f"{' '.join(wiki_page.NOT_IN_NAME)}")
    return name


# The pages

def _write(settings: Settings, told: Sequence[Told], found: digest.Found, now: datetime) -> Path:
    """Write all pages, the one of all last, and remove those of instances that are gone; return that one's path."""
    place, common = folder(settings), {"machine": sheets.machine(), "now": now}
    MANAGER.make_folder(str(place), 0o700)
    made = [sheets.sheet(one) for one in told]
    for one in made:
        _put(place / one.page, pages.render("instance.html.j2", site=one, **common))
    jobs, problem = _jobs(settings)
    index = place / "index.html"
    _put(index, pages.render(
        "index.html.j2", **common, state=outlook.worst(alarm for _, alarm in found),
        headline=sheets.headline(told, found), summary=sheets.summary(told), tiles=sheets.tiles(settings, told),
        found=found, sites=made,
        tree=sheets.tree(stages.stages(settings)), jobs=jobs, lines_problem=problem,
        runs=[sheets.run_row(run) for run in runs.of(settings, limit=MOST_RUNS) if run.outcome != runs.RUNNING]))
    kept = {index.name, *(one.page for one in made)}
    MANAGER.remove(*(str(path) for path in sorted(place.glob("*.html")) if path.name not in kept))
    return index


def _put(path: Path, text: str) -> None:
    MANAGER.write(str(path), text.encode("utf-8"), 0o600)


def _jobs(settings: Settings) -> tuple[list[dict[str, object]], str]:
    """Return what runs by itself, and why that is not known."""
    try:
        with output.quietly():
            return crons.crons(settings), ""
    except Fault as fault:
        return [], f": {fault_told(fault)}"


# The digest in a Tiki

def _push(receiver: Instance, name: str, text: str) -> wiki_page.Put | None:
    """Put the digest into a Tiki as a page; who may read that page is that Tiki's to say."""
    restoring.refuse_half_restored(receiver)
    return wiki_page.put(receiver, name, text, f"make report on {sheets.machine()}")
