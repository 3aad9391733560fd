"""Revisions compare as numbers between dots; which Tikis a mod is for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.mods.revision import Revision, is_for, is_understood

ANY = st.text(st.sampled_from("0123456789.-+ abrc"), max_size=8)


@pytest.mark.parametrize(("lower", "higher"), [
    ("1.2", "1.10"), ("", "0.1"), ("1.2rc1", "1.3"), ("1.-1", "1"), ("0.9", "1"), ("1.9.9", "2"), ("9", "10"),
    ("Revision: 1.2", "0.3"), ("-1", "0"), ("1.2.0.0.1", "1.2.1")])
def test_one_is_below_the_other(lower, higher):
    assert Revision(lower) < Revision(higher)
    assert not Revision(higher) < Revision(lower)
    assert Revision(lower) != Revision(higher)


@pytest.mark.parametrize(("one", "other"), [
    ("1.2", "1.2.0"), ("1.02", "1.2"), ("1.2rc1", "1.2"), ("", "0"), ("$Revision$", "0"), (" 1.2", "1.2"),
    ("1..2", "1.0.2"),
    ("Revision: 1.2", "0.2")])
def test_both_are_the_same(one, other):
    assert Revision(one) == Revision(other)
    assert hash(Revision(one)) == hash(Revision(other))
    assert Revision(one) <= Revision(other) <= Revision(one)


@given(ANY, ANY, ANY)
def test_the_order_is_total(one, other, third):
    a, b, c = Revision(one), Revision(other), Revision(third)
    assert (a < b) + (a == b) + (a > b) == 1
    assert not (a < b < c) or a < c
    assert not (a == b and b < c) or a < c
    assert a != b or hash(a) == hash(b)
    assert sorted([a, b, c]) == sorted([c, b, a])


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_plain_ones_compare_as_lists_of_numbers(one, other):
    filled = [numbers + [0] * (5 - len(numbers)) for numbers in (one, other)]
    texts = [Revision(".".join(map(str, numbers))) for numbers in (one, other)]
    assert (texts[0] < texts[1]) == (filled[0] < filled[1])


def test_a_number_of_thousands_of_digits_is_no_fault_of_ours():
    assert Revision("9" * 10_000) > Revision("1")


@pytest.mark.parametrize(("text", "is_plain"), [("1.2", True), ("0", True), ("1.2rc1", True), ("", False),
                                                ("1/2", False),
                                                ("1..2", False), ("../1", False), ("v1", False), ("1 2", False)])
def test_only_a_plain_one_may_name_a_file(text, is_plain):
    assert Revision(text).is_plain is is_plain


@pytest.mark.parametrize(("phrases", "tiki", "fits"), [
    ((), "24.4", True), (("24",), "24.4", True), (("24.x",), "24.4", True), (("24",), "25.0", False),
    (("24+",), "27.1", True), (("24+",), "23.0", False), (("1.9",), "1.9.8", True), (("1.9",), "2.0", False),
    (("1.10",), "2.2", True), (("1.10",), "1.9", False), (("2.0",), "2.4", True), (("1.9", "24"), "24.4", True),
    (("1.7", "1.9"), "24.4", False), ((">=12",), "24.4", True), (("<24",), "24.4", False), (("<=24",), "24.4", True),
    (("12 - 18",), "15.2", True), (("12 - 18",), "18.3", True), (("12 - 18",), "19.0", False),
    (("12 and up",), "24.4", True), (("whatever",), "24.4", True), (("1.9", "whatever"), "24.4", True),
    (("24",), "", True), (("12.2",), "12.2", True), (("12.2",), "12.4", False), (("Tiki 24",), "24.4", True)])
def test_which_tikis_a_mod_is_for(phrases, tiki, fits):
    assert is_for(phrases, tiki) is fits


def test_a_phrase_that_says_nothing_is_known_as_such():
    assert [is_understood(phrase) for phrase in ("24", "24+", "12-18", "soon", "")] == [True, True, True, False, False]
