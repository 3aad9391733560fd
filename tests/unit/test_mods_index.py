"""Lists of mods: written in one form, read in every form there was; what cannot be a mod is left out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import ArchiveError
from scripts.mods import control, index, names
from scripts.mods.index import IndexLine
from scripts.mods.revision import Revision
from tests.unit.test_mods_control import DEMANDS, NAMES, REVISIONS, WHOLE

MD5 = "0123456789abcdef" * 2
SHA256 = MD5 * 2


def line(text: str) -> IndexLine:
    found, problems = index.examine(text)
    assert problems == []
    assert len(found) == 1
    return found[0]


def test_a_line_has_eight_fields_with_what_php_escapes():
    found = control.read(WHOLE, "features-chat.info.txt")[0]
    assert index.write([index.of_control(found, MD5)]) == (
        "'features','chat','1.12','A room to talk in, with smileys','GNU/LGPL','1.9',"
        f"'{MD5}','requires:lib-ajax>=1.2<2.0&lib-json&modules-who'\n")
    odd = IndexLine(type="lib", name="x", revision=Revision("1"), description="it's \"so\" \\ and\nso\0")
    assert index.write([odd]) == "'lib','x','1','it\\'s \\\"so\\\" \\\\ and so\\0','','','',''\n"


def test_the_sum_of_the_archive_stands_below_in_a_remark():
    found = IndexLine(type="lib", name="x", revision=Revision("1.2"), md5=MD5, sha256=SHA256)
    text = index.write([found])
    assert text.splitlines()[0].startswith("'lib','x','1.2',")
    assert text.splitlines()[1] == f"# sha256 lib-x-1.2 {SHA256}"
    assert index.read(text) == [found]


def test_a_sum_of_another_revision_is_nobodys():
    text = f"'lib','x','1.3','','','','',''\n# sha256 lib-x-1.2 {SHA256}\n"
    assert line(text).sha256 == ""


def test_lines_are_sorted():
    mods = [IndexLine(type=type_, name=name, revision=Revision("1")) for type_, name in
            (("lib", "b"), ("features", "z"), ("lib", "a"))]
    assert [one.mod for one in index.read(index.write(mods))] == ["features-z", "lib-a", "lib-b"]
    assert index.write(mods) == index.write(reversed(mods))


@pytest.mark.parametrize(("text", "wanted"), [
    ("'lib','x','1'", {}),
    ("'lib','x','1','does it'", {"description": "does it"}),
    ("'lib','x','1','does it','LGPL'", {"description": "does it", "licence": "LGPL"}),
    ("'lib', 'x', '1', 'does it', 'LGPL'", {"description": "does it", "licence": "LGPL"}),
    ("  'lib','x','1','does it','LGPL'", {"description": "does it", "licence": "LGPL"}),
    ("'lib','x','1','does it','LGPL'\r\n", {"licence": "LGPL"}),
    ("'lib','x','1','does it','LGPL'\n", {"licence": "LGPL"}),
    (f"'lib','x','1','','','{MD5}'", {"md5": MD5}),
    ("'lib','x','1','','','1.9'", {"version": "1.9"}),
    (f"'lib','x','1','','','{MD5}','1.9'", {"md5": MD5, "version": "1.9"}),
    (f"'lib','x','1','','','1.9','{MD5.upper()}'", {"md5": MD5, "version": "1.9"}),
    (f"'lib','x','1','','','1.9','{MD5}','','more'", {"md5": MD5, "version": "1.9"}),
    ("'lib','x','1','it's not escaped','LGPL'", {"description": "it's not escaped", "licence": "LGPL"}),
    ("'lib','x','1','it\\'s \\\"so\\\"','LGPL'", {"description": 'it\'s "so"'}),
])
def test_every_old_form_is_read(text, wanted):
    found = line(text)
    assert (found.mod, found.revision.text) == ("lib-x", "1")
    assert {key: getattr(found, key) for key in wanted} == wanted


def test_dependencies_are_read_with_their_tests():
    found = line("'lib','x','1','','','','','requires:lib-a>=1&lib-b<2;suggests:lib-c;conflicts:lib-d=3'")
    assert [list(map(str, getattr(found, kind))) for kind in index.KINDS] == [["lib-a>=1", "lib-b<2"], ["lib-c"],
                                                                              ["lib-d=3"]]


def test_a_later_line_takes_the_place_of_an_earlier_one_and_remarks_are_passed_over():
    assert line("# list\n'lib','x','1','a'\n\nsomething\n'lib','x','2','b'").revision.text == "2"


@pytest.mark.parametrize("text", [
    "'../..','x','1'", "'lib','../../x','1'", "'lib','x/y','1'", "'lib','x','1/../../../y'", "'lib','x','..'",
    "'','x','1'",
    "'lib','','1'", "'lib','x',''", "'lib','x'", "'li-b','x','1'", "'lib','x','1','cut off", "'lib;rm','x','1'",
    "'lib','x','1','','','','not an md5',''", "'lib','x','1','','','','','requires:../a'",
    "'lib','x','1','','','','','requires:lib-a==1'", "'lib','x','1','','','','','runs:lib-a'", "'lib','$(x)','1'",
    "'lib','-rf','1/x'", "'lib','x\n','1'"])
def test_what_no_mod_can_be_is_left_out_and_told(text):
    found, problems = index.examine(text)
    assert found == []
    assert problems == [] or problems[0].line == 1


def test_a_line_that_is_left_out_is_told_with_its_number():
    _, problems = index.examine("'lib','a','1'\n'lib','../b','1'\n", "list")
    assert [str(problem).split(": ")[0] for problem in problems] == ["list:2"]


@pytest.mark.parametrize("data", [b"", b"\n", b"# nothing published yet\n",
                                  b"\xef\xbb\xbf'lib','x','1','','','','',''\n"])
def test_an_empty_list_of_a_provider_is_a_list(data):
    assert len(index.of_provider(data, "p")) == data.count(b"'lib'")


@pytest.mark.parametrize("data", [b"<html>404</html>", b"Not found", b"{}", b"<?php 'lib','x','1'",
                                  b"'lib','../x','1'\n"])
def test_an_error_page_is_no_list(data):
    with pytest.raises(ArchiveError, match="The earlier one stays"):
        index.of_provider(data, "p")


def test_a_list_without_end_is_refused():
    with pytest.raises(ArchiveError, match="larger than"):
        index.of_provider(b"'" * (index.LARGEST + 1), "p")


TEXTS = st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=20)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(NAMES, REVISIONS, TEXTS, TEXTS, TEXTS, st.sampled_from(["", MD5]), DEMANDS, DEMANDS, DEMANDS,
                          st.sampled_from(["", SHA256])), max_size=5, unique_by=lambda one: one[0]))
def test_reading_what_was_written_gives_the_same(fields):
    lines = [IndexLine(type=mod.split("-", 1)[0], name=mod.split("-", 1)[1], revision=revision, description=description,
                       licence=licence, version=version, md5=md5, requires=requires, suggests=suggests,
                       conflicts=conflicts, sha256=sha256)
             for mod, revision, description, licence, version, md5, requires, suggests, conflicts, sha256 in fields]
    text = index.write(lines)
    again, problems = index.examine(text)
    assert problems == []
    assert again == sorted(lines, key=lambda one: (one.type, one.name))
    assert index.write(again) == text


@given(st.text(st.sampled_from("'\\,ab1-.:&;<> \n\r\0#é"), max_size=60))
def test_whatever_a_list_holds_is_read_and_written_again_the_same(text: str):
    found = index.read(text)
    assert index.read(index.write(found)) == found


@given(st.text(max_size=30))
def test_a_provider_s_list_is_named_as_php_names_it(address: str):
    name = names.encoded(address)
    assert all(letter.isascii() and (letter.isalnum() or letter in "-._+%") for letter in name)


def test_the_tilde_is_encoded_and_the_blank_is_a_plus():
    assert names.index_of("http://x.org/~a b_c-d.e") == "00_list.http%3A%2F%2Fx.org%2F%7Ea+b_c-d.e.txt"


def test_a_list_that_ends_within_a_line_is_refused():
    whole = "'lib','x','1','','','','',''\n'lib','y','1','Does it'"
    assert [line.mod for line in index.of_provider(whole.encode(), "p")] == ["lib-x", "lib-y"]
    with pytest.raises(ArchiveError, match="p:2: .*is cut off"):
        index.of_provider(whole[:-3].encode(), "p")
