"""make stats: the key figures of sites, asked of their databases and disks.

Reads only and holds no lock. A site that cannot be asked has its reason in "problem"; the others are shown all the
same, and the run fails at its end. A figure that a Tiki is too old for is empty.
"""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime

from scripts.database.client import Client, quote_name, quote_text
from scripts.errors import Fault
from scripts.hosts import process, shared
from scripts.present import output
from scripts.registry import registry
from scripts.registry.settings import Settings
from scripts.steps import site
from scripts.steps.site import Site

COLUMNS = {"instance": "INSTANCE", "version": "VERSION", "users": "USERS", "groups": "GROUPS", "pages": "PAGES",
           "files": "FILES", "file_bytes": "FILE SIZE", "tracker_items": "TRACKER ITEMS",
           "database_bytes": "DATABASE", "tree_bytes": "TREE", "data_bytes": "DATA FOLDERS",
           "last_login": "LAST LOGIN", "last_change": "LAST CHANGE"}

# Figure: table, columns it needs, what to ask of it. Tiki keeps the login before the present one as lastLogin.
FIGURES = {
    "users": ("users_users", ("login",), "COUNT(*)"),
    "groups": ("users_groups", ("groupName",), "COUNT(*)"),
    "pages": ("tiki_pages", ("pageName",), "COUNT(*)"),
    "files": ("tiki_files", ("fileId",), "COUNT(*)"),
    "file_bytes": ("tiki_files", ("filesize",), "COALESCE(SUM(filesize), 0)"),
    "tracker_items": ("tiki_tracker_items", ("itemId",), "COUNT(*)"),
    "last_login": ("users_users", ("lastLogin",), "MAX(lastLogin)"),
    "present_login": ("users_users", ("currentLogin",), "MAX(currentLogin)"),
    "last_change": ("tiki_pages", ("lastModif",), "MAX(lastModif)"),
}
MOMENTS = ("last_login", "last_change")


def stats(settings: Settings, names: list[str], at_once: int) -> tuple[list[dict[str, object]], list[Fault]]:
    """Return a row an instance, at_once of them asked at the same time, and what kept some from answering."""
    shared.remember_refusals()
    faults: list[Fault] = []

    def job(name: str) -> Callable[[], dict[str, object]]:
        return lambda: _row(settings, name, faults)
    return list(process.side_by_side(*map(job, names), at_once=at_once)) if names else [], faults


def show(rows: list[dict[str, object]], as_csv: bool) -> None:
    """Print the rows as a table for people, as JSON, or as CSV with plain numbers and UTC moments."""
    if as_csv and not output.manner.is_json:
        text = io.StringIO()
        writer = csv.DictWriter(text, [*COLUMNS, "problem"], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        output.hand_over(text.getvalue().removesuffix("\n"))
        return
    output.show(rows if output.manner.is_json else list(map(_readable, rows)), COLUMNS,
                "No instance yet. Next: make instance NAME=... WEB_ROOT=...")


def fail(rows: list[dict[str, object]], faults: list[Fault]) -> None:
    """Raise a fault that names the instances that could not be asked, when there are any."""
    if faults:
        failed = ", ".join(str(row["instance"]) for row in rows if row["problem"])
        raise type(faults[-1])(f"{len(faults)} of {len(rows)} instances failed: {failed}") from faults[-1]


def _row(settings: Settings, name: str, faults: list[Fault]) -> dict[str, object]:
    try:
        with site.opened(registry.load(settings, name)) as found:
            return {"instance": name, "version": str(found.probe.version), **figures(found.client), **_sizes(found),
                    "problem": ""}
    except Fault as fault:
        output.warn(str(fault) if str(fault).startswith(name) else f"{name}: {fault}")
        faults.append(fault)
        return {"instance": name, "problem": str(fault)}


def figures(client: Client) -> dict[str, object]:
    """Return the figures that this database can give; the others are None."""
    tables = ", ".join(sorted({quote_text(table) for table, _, _ in FIGURES.values()}))
    there = set(client.query("SELECT table_name, column_name FROM information_schema.columns "
                             f"WHERE table_schema = DATABASE() AND table_name IN ({tables})"))
    asked = [f"SELECT {quote_text(key)}, {what} FROM {quote_name(table)}"
             for key, (table, columns, what) in FIGURES.items() if {(table, column) for column in columns} <= there]
    told = dict(client.query(";\n".join(asked))) if asked else {}
    found: dict[str, object] = {key: None if told.get(key) is None else int(float(told[key])) for key in FIGURES}
    found["last_login"] = max(found["last_login"] or 0, found.pop("present_login") or 0) or None
    return {**found, **{key: _moment(found[key]) for key in MOMENTS}}


def _sizes(found: Site) -> dict[str, object]:
    host = found.instance.host
    return {"database_bytes": found.database_bytes, "tree_bytes": host.used_bytes(found.instance.web_root),
            "data_bytes": host.used_bytes(*(folder.path for folder in found.folders)) if found.folders else 0}


def _moment(seconds: object) -> str | None:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds") if seconds else None


def _readable(row: dict[str, object]) -> dict[str, object]:
    """Return a row as people read it: sizes with units, moments in the administrator's own time."""
    sizes = {key: output.size(row[key]) for key in COLUMNS if key.endswith("_bytes") and row.get(key) is not None}
    return {**row, **sizes, **{key: output.local_text(str(row[key])) for key in MOMENTS if row.get(key)}}
