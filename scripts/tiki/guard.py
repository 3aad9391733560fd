"""A line in front of the PHP files that every page goes through, for servers that do not read .htaccess.

Pure text; the console is not affected, because PHP_SAPI is cli there. PHP's opcache sees a changed file only after
opcache.revalidate_freq (by default two seconds), and with opcache.validate_timestamps=0 not before a restart.
"""

import re
from decimal import Decimal

from scripts.tiki.small_files import SmallFile

ENTRANCES = ("tiki-setup.php", "tiki-setup_base.php", "tiki-filter-base.php", "tiki-install.php", "tiki-monitor.php",
             "index.php")
PAGE = ".trim-maintenance.html"

OPENING = b"<?php /* trim-maintenance */"
GUARD = OPENING + (
    b" if (PHP_SAPI !== 'cli') { header('HTTP/1.1 503 Service Unavailable', true, 503); header('Retry-After: 3600');"
    b" header('Content-Type: text/html; charset=utf-8'); readfile(dirname(__FILE__) . '/.trim-maintenance.html');"
    b" exit; } ?>\n")

# PHP wants these first in a file, and the kernel wants #! first.
WANTS_TO_BE_FIRST = re.compile(rb"#!|<\?php(?:\s|//[^\n]*\n|#[^\n]*\n|/\*.*?\*/)++(?:declare|namespace)\b",
                               re.DOTALL | re.IGNORECASE)

# PHP's opcache takes a file of the same second for the same file; by this much the time is moved, and moved back.
SHIFT_SECONDS = 1


def is_guarded(file: SmallFile) -> bool:
    return file.is_file and file.content.startswith(OPENING)


def can_be_guarded(file: SmallFile) -> bool:
    return file.is_file and not WANTS_TO_BE_FIRST.match(file.content)


def guarded(file: SmallFile) -> SmallFile:
    return file.with_(content=GUARD + file.content, time=_shifted(file.time, SHIFT_SECONDS))


def unguarded(file: SmallFile) -> SmallFile:
    """Return the file as it was before, whichever version of TRIM guarded it."""
    return file.with_(content=file.content.split(b"\n", 1)[1], time=_shifted(file.time, -SHIFT_SECONDS))


def _shifted(time: str, seconds: int) -> str:
    return str(Decimal(time) + seconds)
