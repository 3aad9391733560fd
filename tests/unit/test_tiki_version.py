"""Versions in all the forms that twversion.class.php had in its history."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scripts.tiki.version import Version, parse_version

OLDEST_FIRST = [
    "trunk", "1.9.11", "1.10b1", "2.0 (SVN)", "2.0b2", "2.0 beta 3", "2.0beta4", "2.0rc1", "2.0RC2", "2.0", "2.4",
    "SVN pre 3.0", "3.0", "6.15", "12.2svn", "12.2", "12.3svn", "12.14", "15.0alpha", "15.0alpha2", "15.0beta",
    "15.0beta2", "15.0beta10", "15.0RC1", "15.0", "23.1vcs", "24.0", "24.4", "24.4.1", "29.0vcs",
]

CURRENT = """<?php
class TWVersion
{
    public $version;
    // $this->version = '1.0' would be wrong
    public function __construct()
    {
        $this->branch   = 'stable';

        $this->version  = '24.4'; // needs to have no spaces for releases
        $this->star     = 'Wolf 359';
        if ($this->version = 'x') { $this->branch = 'trunk'; }
    }
}
"""
OLD = """<?php
class TWVersion {
	function TWVersion() {
		$this->branch 	= "unstable";
		$this->version	= "2.0b2";
"""


def test_order_follows_the_releases():
    versions = [Version(text) for text in OLDEST_FIRST]
    assert sorted(set(versions)) == versions


@pytest.mark.parametrize("one, other", [("24.0", "24"), ("12.3svn", "12.3vcs"), ("15.0rc1", "15.0RC1"),
                                        ("6.0 beta 2", "6.0b2"), ("2.0 SVN", "2.0svn")])
def test_two_spellings_of_one_version_are_equal(one, other):
    assert Version(one) == Version(other)
    assert hash(Version(one)) == hash(Version(other))


@pytest.mark.parametrize("text, series", [("24.4", "24.x"), ("24.4vcs", "24.x"), ("2.0b2", "2.x"), ("1.9.11", "1.9.x"),
                                          ("3.x trunk SVN", "3.x"), ("29.0vcs", "29.x"), ("garbage", ""), ("", "")])
def test_series_is_what_an_update_stays_in(text, series):
    assert Version(text).series == series


@pytest.mark.parametrize("text, is_release", [("24.4", True), ("24.4vcs", False), ("15.0RC1", False), ("?", False)])
def test_a_release_has_a_number_and_nothing_else(text, is_release):
    assert Version(text).is_release is is_release


@given(some.text())
def test_any_text_is_a_version_that_shows_itself(text):
    assert str(Version(text)) == text
    assert Version(text) >= Version("")


@pytest.mark.parametrize("text, version, branch", [(CURRENT, "24.4", "stable"), (OLD, "2.0b2", "unstable"),
                                                   ('$tiki_version = "1.9.9";', "1.9.9", "")])
def test_version_and_branch_are_read_from_the_file(text, version, branch):
    edition = parse_version(text)
    assert (edition.version.text, edition.branch) == (version, branch)


def test_a_file_without_a_version_gives_none():
    assert parse_version("<?php class TWVersion { public $version; }") is None
