"""What is said in a wiki page stays text, whatever a site or its host said."""

import re

import pytest

from scripts.tiki import wiki_page

COMMENT = re.compile(r"(?<!~np~)~tc~(.*?)~/tc~(?!~/np~)", re.DOTALL)     # Tiki takes these out first


def parsed(text: str) -> str:
    """Return what of a page Tiki takes for syntax: all but its parts in ~np~, once comments and arguments are gone.

    Source: WikiParser_Parsable::parse and ParserLib::strip_unparsed_block of Tiki 24.
    """
    text = re.sub(r"\{\{(\w+)(\|[^}]*)?\}\}", "~/np~{HTML()}", COMMENT.sub("", text))     # a visitor's words
    return re.sub(r"~np~.*?~/np~", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("said", ["~/np~{HTML()}x{HTML}", "~/np~/np~{HTML()}x{HTML}", "~~/np~/np~/np~{HTML()}",
                                  "{{page}}", "{{{page}}}", "{{page|x}}", "~np~~/np~{HTML()}", "a\n! b", "x | y"])
def test_no_syntax_comes_out_of_what_was_said(said):
    assert parsed(wiki_page.escaped(said)) == ""


def test_nothing_that_was_said_hides_what_comes_between():
    page = "".join(map(wiki_page.escaped, ("a ~tc~", "club: no good backup", "~/tc~ b")))
    assert "no good backup" in COMMENT.sub("", page)
