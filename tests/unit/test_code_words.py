"""VERSION= means one thing, and what is newer is told by numbers, never by text."""

import pytest

from scripts.code import words
from scripts.errors import UsageError


@pytest.mark.parametrize(("text", "kind", "numbers"), [
    ("24.4", "release", (24, 4)), ("12.14", "release", (12, 14)), ("1.9.8.1", "release", (1, 9, 8, 1)),
    ("27.x", "branch", (27,)), ("1.9.x", "branch", (1, 9)), ("trunk", "trunk", ()), (" 24.4 ", "release", (24, 4)),
])
def test_a_word_is_a_release_a_branch_or_trunk(text, kind, numbers):
    word = words.parse(text)
    assert (word.kind, word.numbers) == (kind, numbers)


def test_master_is_another_name_of_trunk():
    assert words.parse("master") == words.parse("trunk") == words.parse("Trunk")


@pytest.mark.parametrize("text", ["24", "", "latest", "24.4.", "../24.4", "24.x.4", "tags/24.4", "24.4vcs", "-1.0",
                                  "٢٤.٤"])
def test_anything_else_is_refused_with_what_was_expected(text):
    with pytest.raises(UsageError, match="expected a release as in 24.4, a branch as in 24.x, or trunk"):
        words.parse(text)


def test_words_sort_as_tiki_s_releases_follow_each_other():
    ordered = ["1.9.8", "1.9.x", "9.2", "12.2", "12.14", "12.x", "24.4", "27.0", "27.x", "trunk"]
    shuffled = [words.parse(text) for text in sorted(ordered)]
    assert [word.text for word in sorted(shuffled, key=lambda word: word.order)] == ordered


def test_the_newest_of_a_series_is_told_by_number():
    releases = [words.parse(text) for text in ("12.2", "12.14", "12.9", "18.1", "12.x")]
    assert words.newest(releases, words.parse("12.x")).text == "12.14"
    assert words.newest(releases, words.parse("19.x")) is None


@pytest.mark.parametrize(("word", "version", "holds"), [
    ("12.2", "12.3svn", True), ("12.2", "18.2", False), ("27.x", "27.4vcs", True), ("27.x", "2.7", False),
    ("trunk", "30.0vcs", True), ("1.9.x", "1.9.8", True), ("1.9.x", "1.8.1", False), ("24.4", "nothing", False),
])
def test_a_tree_belongs_to_a_word_when_it_is_of_its_series(word, version, holds):
    assert words.parse(word).holds(words.numbers(version)) is holds
