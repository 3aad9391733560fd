"""The outlook in a few lines: the mail that says all is well or what is not, and the same as a wiki page."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from scripts.health import outlook, sheets
from scripts.health.outlook import Told
from scripts.health.silence import Alarm
from scripts.notify.message import Message
from scripts.present import output, pages
from scripts.tiki.wiki_page import escaped

COLUMNS = {"name": "SITE", "state": "STATE", "backup": "BACKUP", "size": "SIZE", "proof": "PROOF", "checked": "CHECK",
           "code": "VERSION", "disk": "DISK", "certificate": "CERTIFICATE"}
MOST_NAMED = 4      # in a subject
NOTHING = "-"

Found = Sequence[tuple[str, Alarm]]


def subject(told: Sequence[Told], found: Found) -> str:
    """Return the mail's subject: all is well, or who is not."""
    if not found:
        headline = sheets.headline(told, found).lower()
        return f"TRIM {sheets.machine()}: {headline}: {outlook.count(len(told), 'site')}"
    names = list(dict.fromkeys(name for name, _ in found))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"TRIM {sheets.machine()}: {sheets.headline(told, found)}: {', '.join(names[:MOST_NAMED])}{more}"


def message(told: Sequence[Told], found: Found, now: datetime, page: str) -> Message:
    """Return the mail; page is where the whole page lies on the manager."""
    lines = [f"{sheets.headline(told, found)}. {sheets.summary(told)}", ""]
    for name, alarm in found:
        lines += [f"{alarm.level}: {name}: {alarm.check}: {alarm.problem}", f"    {alarm.next}", ""]
    lines += [*_table(told), "", f"The page of it, on {sheets.machine()}: {page}", f"Taken at {output.local(now)}"]
    html = pages.render("mail.html.j2", headline=sheets.headline(told, found), summary=sheets.summary(told),
                        found=found, machine=sheets.machine(), now=now, columns=COLUMNS,
                        sites=[{"row": outlook.row(one)} for one in told])
    return Message(subject(told, found), "\n".join(lines), html)


def wiki(told: Sequence[Told], found: Found, now: datetime) -> str:
    """Return the digest in Tiki's wiki syntax; nothing that a site said is taken for syntax."""
    lines = [f"! {escaped(sheets.headline(told, found))}", f"{escaped(sheets.summary(told))} "
             f"{escaped(f'{sheets.machine()}, {output.local(now)[:16]}')}", ""]
    lines += [f"* __{alarm.level}__ {escaped(name)}: {escaped(f'{alarm.check}: {alarm.problem}')}"
              for name, alarm in found]
    rows = [[f"__{heading.capitalize()}__" for heading in COLUMNS.values()],
            *([escaped(_cell(outlook.row(one), key)) for key in COLUMNS] for one in told)]
    return "\n".join([*lines, "", "||" + "\n".join("|".join(row) for row in rows) + "||", ""])


def _table(told: Sequence[Told]) -> list[str]:
    from tabulate import tabulate
    rows = [[_cell(outlook.row(one), key) for key in COLUMNS] for one in told]
    return tabulate(rows, headers=list(COLUMNS.values()), tablefmt="simple", disable_numparse=True).splitlines()


def _cell(row: Mapping[str, object], key: str) -> str:
    return str(row[key] or NOTHING)
