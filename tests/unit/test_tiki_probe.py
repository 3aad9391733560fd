"""How the probe judges what a host answers, without a host."""

import base64
import json
from dataclasses import dataclass, field

import pytest

from scripts.errors import CommandError, HostError, RegistryError
from scripts.tiki import probe
from scripts.tiki.small_files import read


@dataclass
class Answering:
    """A host that gives one prepared answer to every question."""

    reads_in_place = False

    answer: bytes
    name: str = "web1"
    asked: list = field(default_factory=list)

    def read(self, *words: str, stdin: bytes | None = None, ok: tuple = (0,)) -> bytes:
        self.asked.append(words)
        return self.answer


@dataclass
class Place:
    host: Answering
    name: str = "wiki"
    web_root: str = "/var/www/wiki"
    site: str = ""
    php: str = "php8.2"


def encoded(value: object) -> object:
    if isinstance(value, str):
        return base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
    if isinstance(value, list):
        return [encoded(one) for one in value]
    return {key: encoded(one) for key, one in value.items()} if isinstance(value, dict) else value


def answer(**report: object) -> bytes:
    return probe.BEGIN + json.dumps(encoded(report)).encode() + probe.END


def place(**report: object) -> Place:
    return Place(Answering(answer(**report)))


def test_noise_around_the_report_does_not_matter():
    noisy = Place(Answering(b"PHP Warning: x\n" + answer(state="empty") + b"\nSegmentation fault"))
    assert probe.look(noisy).state == "empty"


def test_the_look_is_one_call_without_a_secret_or_code_in_its_words():
    wiki = place(state="empty")
    probe.look(wiki)
    (words,) = wiki.host.asked
    assert (words[0], words[-3:]) == ("php8.2", ("--", "/var/www/wiki", ""))
    assert not [word for word in words if "trim" in word]


@pytest.mark.parametrize("cut", [1, 10, 25, 60])
def test_a_report_that_is_cut_off_is_a_fault_and_shows_no_password(cut):
    whole = answer(state="tiki", problem="", variables={"pass_tiki": "secret"})
    with pytest.raises(CommandError, match="cut off") as fault:
        probe.look(Place(Answering(b"Warning\n" + whole[:-cut])))
    assert base64.b64encode(b"secret").decode() not in str(fault.value)


def test_passwords_need_not_be_utf8():
    found = probe.look(place(state="tiki", problem="", variables={"pass_tiki": "a\udcffb"}))
    assert found.config.password == "a\udcffb"


FAULTS = [
    ({"state": "missing"}, RegistryError, "no such folder.*make restore INSTANCE=wiki"),
    ({"state": "unreadable"}, HostError, "may not read the folder"),
    ({"state": "empty"}, RegistryError, "make restore INSTANCE=wiki"),
    ({"state": "other", "entries": ["wp-login.php", "two\nlines"]}, RegistryError,
     r"not a Tiki.*wp-login\.php, two lines"),
    ({"state": "tiki", "problem": "missing"}, RegistryError, "never installed"),
    ({"state": "tiki", "problem": "unreadable"}, HostError, r"db/local\.php: this account may not read"),
    ({"state": "tiki", "problem": "exits"}, RegistryError, "ends the program"),
    ({"state": "tiki", "problem": "fails: syntax error,\n line 3"}, RegistryError, "syntax error, line 3"),
]


@pytest.mark.parametrize("report, kind, words", FAULTS)
def test_what_is_no_installed_tiki_is_told_in_one_line_with_the_next_step(report, kind, words):
    with pytest.raises(kind, match=words) as fault:
        probe.probe(place(**report))
    assert "\n" not in str(fault.value)
    assert str(fault.value).startswith("wiki: /var/www/wiki")


def test_an_unknown_site_is_told_with_the_known_ones():
    wiki = place(state="tiki", problem="missing", sites=["a.example.org", "b.example.org"])
    wiki.site = "c.example.org"
    with pytest.raises(RegistryError, match=r"Sites of this Tiki: a\.example\.org, b\.example\.org"):
        probe.probe(wiki)


@pytest.mark.parametrize("stream", [b"", b"x" * 700, b"\0" * 10240])
def test_small_files_that_are_cut_off_are_a_fault(stream):
    with pytest.raises(CommandError):
        read(Answering(stream), "/var/www/wiki", ["index.php"])
