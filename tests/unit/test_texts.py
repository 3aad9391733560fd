"""Members out of a stream of texts, whatever its chunks are."""

import random

import pytest

from scripts.errors import CommandError
from scripts.store import index, texts
from scripts.store.index import Member
from scripts.store.texts import Texts
from scripts.store.walk import END


def member(path: bytes, kind: str = "f", target: bytes = b"", size: int = 5) -> Member:
    return Member(path, kind, size, 1, 2, 3, 4, 0o644, 6, 7, target)


MEMBERS = [member(b"x", "d"), member(b"x/a"), member(b"x/b", "h", b"x/d"), member(b"x/c", "l", b"x/d"),
           member(b"x/d", size=77), member(b"x/d" * 40), member(b"x/line\nbreak"), member(b"x/\xff", "l", b"")]
TOLD = [index.described(one) for one in MEMBERS]


def chunks(text: bytes, length: int):
    return (text[start:start + length] for start in range(0, len(text), length))


@pytest.fixture(params=[1, 2, 7, 64, 10_000])
def told(request) -> Texts:
    return Texts(chunks(b"".join(TOLD), request.param))


def test_one_by_one_all_come_with_what_their_texts_say(told):
    found = list(told)
    assert [one.text for one in found] == TOLD
    assert [one[:1] + one[2:] for one in found] == [(one.path, one.kind, one.size, one.target) for one in MEMBERS]


@pytest.mark.parametrize("place", range(1, len(MEMBERS)))
def test_what_comes_before_a_member_comes_in_one_piece_though_links_name_that_one(told, place):
    assert told.is_at(MEMBERS[0].path)
    text = told.up_to(MEMBERS[place].path)
    assert text == b"".join(TOLD[:place])
    told.take(text)
    assert told.is_at(MEMBERS[place].path)
    assert told.up_to(None) == b"".join(TOLD[place:])
    assert [one.text for one in told] == TOLD[place:]


@pytest.mark.parametrize("path", [b"x/z", b"x/", b"", b"a", b"x/d" * 41, b"d 5", b"f 5 1 2 3 4 644 6 7"])
def test_what_is_not_there_is_not_found_and_nothing_is_lost(told, path):
    assert not told.is_at(path)
    assert told.up_to(path) is None
    assert [one.text for one in told] == TOLD


def test_a_piece_that_is_too_long_is_not_taken_in_one(told, monkeypatch):
    monkeypatch.setattr(texts, "LONGEST", len(TOLD[0]))
    if told.up_to(MEMBERS[-1].path) is None:    # else the chunk that came last has it
        assert told.up_to(None) is None
    assert [one.text for one in told] == TOLD


def test_only_so_much_is_held_while_something_is_looked_for(monkeypatch):
    monkeypatch.setattr(texts, "LONGEST", 1000)
    taken = []
    endless = (taken.append(number) or index.described(member(b"x/%d" % number)) for number in range(10_000))
    assert Texts(endless).up_to(b"nowhere") is None
    assert len(taken) < 50


def test_whatever_is_asked_for_in_which_order_nothing_is_lost():
    chance = random.Random(8)
    for _ in range(300):
        paths = sorted({b"x/%d" % chance.randrange(60) for _ in range(40)})
        members = [member(path, "l", chance.choice(paths)) for path in paths]
        told, found = Texts(chunks(b"".join(map(index.described, members)), chance.randrange(1, 200))), b""
        while one := next(told, None):
            found += one.text
            if text := told.up_to(chance.choice([*paths, b"x/none", None])):
                told.take(text)
                found += text
        assert found == b"".join(map(index.described, members))


@pytest.mark.parametrize("length", [1, 5, len(END), 1000])
def test_the_end_is_taken_off_and_an_answer_without_it_is_cut_off(length):
    text = b"".join(TOLD)
    assert b"".join(texts.whole(chunks(text + END, length), "here")) == text
    for cut_off in (b"", text, text + END[:-1], text[:30], text + END + b"x"):
        with pytest.raises(CommandError, match="here: its answer is cut off"):
            list(texts.whole(chunks(cut_off, length), "here"))
