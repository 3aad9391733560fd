"""The texts of the maintenance page: the page, its .htaccess, and the guard in PHP files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scripts.errors import UsageError
from scripts.tiki import guard
from scripts.tiki.maintenance_page import MARK, Notice, htaccess, notice_of, page, plain
from scripts.tiki.small_files import SmallFile

SINCE = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
TEMPLATE = Path(__file__, "../../../conf/maintenance.html").resolve().read_text()


def php(text: str, time: str = "1700000000.123456789") -> SmallFile:
    return SmallFile(b"0", text.encode(), mode=0o640, owner=5, group=6, time=time)


def test_the_page_shows_its_values_escaped():
    text = page(TEMPLATE, site="A & B", since=SINCE, reason="<script>{site}")
    assert "A &amp; B" in text
    assert "&lt;script&gt;{site}" in text
    assert "2026-11-21 08:30 UTC" in text
    assert "<script" not in text


def test_the_page_needs_nothing_from_anywhere():
    assert not [word for word in ("http:", "https:", "src=", "url(", "@import") if word in TEMPLATE]


def test_a_plain_page_reads_the_same_in_every_character_set():
    assert plain("é日") == "&#233;&#26085;"


@given(since=some.none() | some.datetimes(timezones=some.just(UTC)), reason=some.text(max_size=200),
       keeps_own=some.booleans(), is_of_a_run=some.booleans())
def test_the_htaccess_remembers_its_notice(since, reason, keeps_own, is_of_a_run):
    notice = Notice(since, reason, keeps_own, is_of_a_run)
    assert notice_of(htaccess("<p>x</p>", notice).encode()) == notice


@pytest.mark.parametrize("text", ["", "RewriteEngine On\n", f"# mine\n{MARK}\n"])
def test_a_htaccess_without_our_mark_on_top_is_not_ours(text):
    assert notice_of(text.encode()) is None


@pytest.mark.parametrize("rest", ["", "\n", "\n# {}\n", "\n# [1]\n",
                                  '\n# {"since": "x", "reason": 1, "keeps_own": 1}\n'])
def test_an_edited_htaccess_is_still_ours_and_does_not_forget_the_sites_own(rest):
    assert notice_of((MARK + rest).encode()) == Notice(None)


@given(some.text())
def test_the_page_is_one_line_of_ascii(text):
    lines = htaccess(text, Notice(SINCE)).splitlines()
    assert lines[2].startswith('ErrorDocument 503 "')
    assert lines[2].endswith('"')
    assert lines[3] == "<IfModule mod_rewrite.c>"
    assert lines[2].isascii()


def test_a_page_that_apache_would_not_read_is_refused():
    with pytest.raises(UsageError, match=r"conf/maintenance\.html"):
        htaccess("x" * 9000, Notice(SINCE))


def test_the_shipped_page_leaves_room_for_a_long_reason():
    assert htaccess(page(TEMPLATE, site="s" * 100, since=SINCE, reason="r" * 2000), Notice(SINCE, "r" * 2000))


@given(some.text())
def test_a_guarded_file_comes_back_as_it_was(text):
    file = php("<?php\n" + text)
    assert guard.is_guarded(guard.guarded(file))
    assert guard.unguarded(guard.guarded(file)) == file


def test_a_guarded_file_is_not_taken_for_the_old_one_by_its_time():
    assert guard.guarded(php("<?php\n")).time == "1700000001.123456789"


def test_the_guard_of_another_version_of_trim_is_recognised_and_removed():
    assert guard.unguarded(php("<?php /* trim-maintenance */ exit; ?>\n<?php\necho 1;")).content == b"<?php\necho 1;"


@pytest.mark.parametrize("text", ["<?php\ndeclare(strict_types=1);", "<?php // (c)\n/* x */ namespace Tiki;",
                                  "<?php # a\n\nDECLARE(ticks=1);", "#!/usr/bin/php\n<?php\n"])
def test_files_that_want_to_be_first_are_not_guarded(text):
    assert not guard.can_be_guarded(php(text))


@pytest.mark.parametrize("text", ["<?php\nuse Tiki\\TikiInit;", "<?php // declare\necho 1;", "<?php\n$namespace = 1;",
                                  ""])
def test_other_files_are(text):
    assert guard.can_be_guarded(php(text))


def test_a_link_is_not_guarded():
    assert not guard.can_be_guarded(SmallFile(b"2", target="tiki-index.php"))
