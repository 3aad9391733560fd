"""make compare: says in what two sites differ, or a site and an archive: files, tables, rows, preferences.

Only looks: at the hosts nothing is written but the option file that every question to a database needs. What differs by
nature (caches, sessions, each site's own database account) is set apart.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.database.row_diff import MOST
from scripts.errors import Findings, UsageError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import registry, schema
from scripts.registry.settings import Settings
from scripts.steps import comparing, comparing_report, comparing_texts, differences, quieting, restoring
from scripts.steps.comparing import Comparison
from scripts.steps.comparing_sides import Side, Wanted, opened
from scripts.steps.comparing_texts import TextDiff
from scripts.steps.scratch import named
from scripts.store import archive
from scripts.tiki import expected
from scripts.tiki.expected import Expected

ALL = comparing_texts.ALL
MOST_SHOWN = 1000   # changes of one table, when its rows are asked for


@dataclass(frozen=True)
class Wishes:
    """What is shown beyond the summary: text of files, rows of tables, what is expected; html is where a page goes."""

    diff: str = ""
    table: str = ""
    expected: bool = False
    html: Path | None = None
    unverified: bool = False

    @property
    def most(self) -> int:
        return MOST_SHOWN if self.table or self.html or output.manner.is_json else MOST


def side(settings: Settings, text: str, label: str) -> Wanted:
    """Return what A= or B= says: an instance's name, or name@ARCHIVE; at a terminal a missing one is a choice."""
    if not text:
        known = registry.names(settings)
        if not known or not prompts.can_ask():
            raise UsageError(f"{label}= is missing: which instance, or which archive as in {(known or ['name'])[0]}"
                             f"@latest? {registry.known_names(settings)}")
        text = known[prompts.choose(f"Side {label}", known)]
    name, has_archive, chosen = text.partition("@")
    if has_archive:
        registry.check_name(name)
        if not archive.of_instance(settings, name) and "/" not in chosen:
            registry.require(settings, name)  # a wrong name is told as one
        return Wanted(name, archive=archive.choose(settings, name, chosen))
    return Wanted(name, instance=registry.load(settings, name))


def page_path(text: str | None) -> Path | None:
    """Return where HTML= puts the page: its usual folder (an empty path), a file, or nowhere."""
    if not text or text.lower() in schema.NO:
        return None
    return Path() if text.lower() in schema.YES else Path(text)


def compare(settings: Settings, a: Wanted, b: Wanted, wishes: Wishes) -> None:
    """Compare two sides and tell what differs; raises Findings when something does that nobody expects."""
    _refuse_the_same(a, b)
    if process.conduct.dry_run and (a.archive or b.archive):
        names = " and ".join(one.archive.path.name for one in (a, b) if one.archive)
        output.say(f"would: read {names}, load its dump into a throw-away database, compare {a.label} with {b.label}")
        return
    for one in (a, b):
        _warn_of_mixture(one)
    with ExitStack() as stack:
        folder = stack.enter_context(named(settings, f"compare-{a.name}"))
        sides = [stack.enter_context(opened(settings, one, folder / place, wishes.unverified))
                 for one, place in ((a, "a"), (b, "b"))]
        found = comparing.compare(*sides, rules((a, b), sides), _tables(wishes), wishes.most)
        texts = comparing_texts.texts(found.files.pairs, found.changed_files, wishes.diff) if wishes.diff else []
        _require_table(found, wishes.table)
        page_texts = texts if wishes.diff == ALL or not wishes.html else comparing_texts.texts(
            found.files.pairs, found.changed_files, ALL)
    _tell(found, wishes, texts)
    page = _write_page(settings, found, page_texts, wishes) if wishes.html else None
    output.show_json([_document(found, texts, page)])
    _conclude(found)


def rules(wanted: Sequence[Wanted], sides: Sequence[Side]) -> Expected:
    """Return what differs by nature between these two."""
    lists = [one.instance and quieting.in_force(one.instance) for one in wanted]
    return Expected(same_site=wanted[0].name == wanted[1].name, sites={name for side in sides for name in side.sites},
                    muted=tuple(listed and expected.muted(listed.changes) for listed in lists),
                    is_closed=any(side.is_closed for side in sides))


def _refuse_the_same(a: Wanted, b: Wanted) -> None:
    same_archive = a.archive and b.archive and a.archive.path.resolve() == b.archive.path.resolve()
    if same_archive or (a.instance and b.instance and a.name == b.name):
        raise UsageError(f"A and B are both {a.label}: nothing can differ. Another moment of it is compared by an "
                         f"archive: make compare A={a.name} B={a.name}@latest")
    if a.instance and b.instance and a.instance.place == b.instance.place:
        raise UsageError(f"A={a.name} and B={b.name} are the same site: {a.instance.web_root}. Correct one of the env "
                         "files")


def _warn_of_mixture(one: Wanted) -> None:
    note = restoring.unfinished(one.instance) if one.instance else None
    if note:
        output.warn(f"{one.name}: {note.what} did not come to its end, so the site is a mixture")


def _tables(wishes: Wishes) -> tuple[str, ...]:
    return (wishes.table,) if wishes.table and wishes.table != ALL else ()


def _require_table(found: Comparison, table: str) -> None:
    """Raise UsageError for a TABLE= that neither side has."""
    if table and table != ALL and not any(table in {one.name for one in side.client.tables()}
                                          for side in (found.a, found.b)):
        raise UsageError(f"TABLE={table}: neither side has such a table; TABLE=all shows all that differ")


def _tell(found: Comparison, wishes: Wishes, texts: list[TextDiff]) -> None:
    """Say the summary, what differs, and the details that were asked for."""
    for line in comparing_report.summary(found):
        output.say(line)
    for line in comparing_report.listed(found.differences):
        output.say(line)
    if wishes.expected:
        for line in comparing_report.listed_expected(found.differences):
            output.say(line)
    for one in texts:
        for line in one.unified(found.labels):
            _show(line)
    for line in comparing_report.rows(found, wishes.table) if wishes.table else ():
        _show(line)


def _show(line: str) -> None:
    """Print a line of content: for who asked, not for the run's log."""
    if not output.manner.is_json:
        output.tell_secret(line)


def _write_page(settings: Settings, found: Comparison, texts: list[TextDiff], wishes: Wishes) -> str:
    """Write the page, for nobody else to read, and return where it is."""
    path = comparing_report.write(settings, found, texts, wishes.html)
    if not process.conduct.dry_run:
        output.say(f"page: {path}")
    return str(path)


def _document(found: Comparison, texts: list[TextDiff], page: str | None) -> dict[str, object]:
    """Return everything for programs."""
    return {"a": found.a.label, "b": found.b.label, "seconds": found.seconds, "files": found.files.files,
            "folders": [pair.told for pair in found.files.pairs], "equal_tables": found.database.equal,
            "differences": [asdict(one) for one in differences.found(found.differences)],
            "expected": [asdict(one) for one in found.differences if one.expected],
            "changed_meanwhile": found.files.moving,
            "tables": [asdict(comparing_report.hidden(one)) for one in found.database.tables],
            "diffs": {one.name: "\n".join(one.unified(found.labels)) for one in texts}, "page": page}


def _conclude(found: Comparison) -> None:
    count = len(differences.found(found.differences))
    if count:
        raise Findings(f"{found.a.label} and {found.b.label}: {count} difference{'s' if count > 1 else ''}: "
                       f"{comparing_report.in_short(found.differences)}")
