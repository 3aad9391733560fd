"""What AT= may say, and the moments it means, on the clock that cron goes by.

Stricter than Debian's cron, which takes 5/15 for 5, and never runs what has a day that no month has.
Source: crontab(5) of Debian's cron 3.0pl1, and its entry.c.
"""

import re
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from scripts.errors import UsageError
from scripts.registry.env_file import nearest

REBOOT = "@reboot"
NAMED = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
         "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}
EXAMPLE = "as in AT='30 2 * * *', minute, hour, day of the month, month, day of the week, or AT=@daily"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day of the month", 1, 31, ()), ("month", 1, 12, MONTHS),
          ("day of the week", 0, 7, DAYS))
PART = re.compile(r"(?P<star>\*)(?:/(?P<star_step>\d+))?|(?P<first>\w+)(?:-(?P<last>\w+)(?:/(?P<step>\d+))?)?",
                  re.ASCII)
LOCALTIME = Path("/etc/localtime")  # what cron goes by, whatever TZ says in the shell of who asks


def check(at: str) -> str:
    """Return AT= with single blanks between its fields; raise UsageError that names the field which is wrong."""
    words = at.split()
    if len(words) == 1 and words[0].startswith("@"):
        if words[0] not in (*NAMED, REBOOT):
            raise UsageError(f"AT={at}: there is no {words[0]}{nearest(words[0], (*NAMED, REBOOT))}; known: "
                             f"{', '.join((*NAMED, REBOOT))}")
        return words[0]
    if len(words) != len(FIELDS):
        raise UsageError(f"AT={at}: expected {len(FIELDS)} fields, found {len(words)}: {EXAMPLE}")
    for word, (name, low, high, names) in zip(words, FIELDS):
        for part in word.split(","):
            if problem := _problem(part, low, high, names):
                raise UsageError(f"AT={at}: {name}: {problem}")
    plain = " ".join(words)
    if following(plain, datetime.now(UTC)) is None:
        raise UsageError(f"AT={at}: this moment never comes: no such month has that day")
    return plain


def following(at: str, moment: datetime, zone: tzinfo | None = None) -> datetime | None:
    """Return when a line runs next after moment; None for what waits for a boot or never comes."""
    return _next(at, moment, zone, is_reverse=False)


def previous(at: str, moment: datetime, zone: tzinfo | None = None) -> datetime | None:
    """Return when a line was last due before moment."""
    return _next(at, moment, zone, is_reverse=True)


def local_zone() -> tzinfo:
    """Return the zone of this machine's clock, with its changes between summer and winter."""
    try:
        name = str(LOCALTIME.resolve()).partition("/zoneinfo/")[2]
        if name:
            return ZoneInfo(name)
        with LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError, KeyError):
        return UTC


def _next(at: str, moment: datetime, zone: tzinfo | None, is_reverse: bool) -> datetime | None:
    from cronsim import CronSim, CronSimError
    if at == REBOOT:
        return None
    try:
        return next(CronSim(NAMED.get(at, at), moment.astimezone(zone or local_zone()), reverse=is_reverse))
    except (StopIteration, CronSimError):
        return None


def _problem(part: str, low: int, high: int, names: tuple[str, ...]) -> str:
    """Return what is wrong with one part of a field; nothing when it is right."""
    found = PART.fullmatch(part)
    wanted = f"expected * or numbers from {low} to {high}" + (f" or names as {names[0]}" if names else "") + \
        ", with commas, ranges as 1-5, steps as */2 or 1-9/2"
    if not found:
        return f"{wanted}; found {part!r}"
    ends = [_number(word, low, names) for word in (found["first"], found["last"]) if word]
    if any(number is None or not low <= number <= high for number in ends):
        return f"{wanted}; found {part!r}"
    if len(ends) == 2 and ends[0] > ends[1]:
        return f"the range {part} ends before it begins"
    step = found["star_step"] or found["step"]
    if step and not 1 <= int(step) <= high:
        return f"the step of {part} is not from 1 to {high}"
    return ""


def _number(word: str, low: int, names: tuple[str, ...]) -> int | None:
    if word.lower() in names:
        return names.index(word.lower()) + low
    return int(word) if word.isdecimal() else None
