"""Which owners and modes are wrong, and what they should be."""

import pytest

from scripts.tiki import permissions
from scripts.tiki.permissions import Entry


@pytest.mark.parametrize(("kind", "mode", "path", "wanted"), [
    ("d", 0o777, "lib", 0o755),
    ("f", 0o600, "tiki-index.php", 0o644),
    ("f", 0o755, "setup.sh", 0o755),
    ("f", 0o700, "setup.sh", 0o755),
    ("d", 0o755, "temp", 0o775),
    ("f", 0o644, "temp/cache/index.php", 0o664),
    ("d", 0o2755, "storage/fgal", 0o2775),
    ("f", 0o666, "library/temp.php", 0o644),
    ("d", 0o755, "temporary", 0o755),
])
def test_everything_is_readable_and_what_tiki_writes_is_the_groups_too(kind, mode, path, wanted):
    assert permissions.wanted_mode(Entry(kind, mode, "a:b", path)) == wanted


@pytest.mark.parametrize(("mode", "wanted"), [(0o640, 0o640), (0o600, 0o600), (0o666, 0o644), (0o444, 0o644)])
@pytest.mark.parametrize("path", ["db/local.php", "db/wiki.example.org/local.php"])
def test_a_database_account_is_never_opened_to_more_readers(path, mode, wanted):
    assert permissions.wanted_mode(Entry("f", mode, "a:b", path)) == wanted


def test_names_may_hold_blanks_and_line_breaks():
    found = permissions.entries(["f 644 a:b img/two  words\nand lines", "l 777 a:b a link"])
    assert found == [Entry("f", 0o644, "a:b", "img/two  words\nand lines")]


def test_an_owner_is_told_only_when_it_can_be_given_and_is_another():
    entries = [Entry("f", 0o644, "root:root", "about.php"), Entry("f", 0o644, "www:www", "index.php")]
    told = [str(change) for change in permissions.changes(entries, "www:www")]
    assert told == ["about.php: owner root:root to www:www"]
    assert permissions.changes(entries, None) == []
