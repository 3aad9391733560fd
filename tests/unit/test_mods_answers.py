"""What a mod asks: defaults with the server's words, SET= and files of answers, secrets that no call may hold."""

from pathlib import Path

import pytest

from scripts.errors import UsageError
from scripts.mods.parts import ConfigLine, ControlFile
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import mods_answers

CONTROL = ControlFile(type="features", name="x", configuration=(
    ConfigLine("<b>Host</b><br />Where", "host", "lists.$HTTP_HOST"), ConfigLine("Title", "title", "Mine"),
    ConfigLine("Password", "soap_pass", "")))


def instance(tmp_path: Path, **values: str) -> Instance:
    return Instance(name="wiki", settings=Settings(tmp_path), **{"web_root": "/srv/www/tiki", **values})


@pytest.mark.parametrize(("url", "default", "expected"), [
    ("https://wiki.example.org/", "lists.$HTTP_HOST", "lists.wiki.example.org"),
    ("http://wiki.example.org:8080/tiki/", "$REQUEST_SCHEME://$HTTP_HOST$PHP_SELF $SERVER_NAME $SERVER_PORT",
     "http://wiki.example.org:8080/tiki/tiki-index.php wiki.example.org 8080"),
    ("http://wiki.example.org/tiki", "$DOCUMENT_ROOT", "/srv/www"),
    ("http://wiki.example.org/other", "$DOCUMENT_ROOT", "/srv/www/tiki"),
    ("http://u:p@wiki.example.org/", "$HTTP_HOST", "wiki.example.org"),
    ("", "$HTTP_HOST $UNKNOWN $lower", "$HTTP_HOST $UNKNOWN $lower"),
])
def test_a_default_knows_the_server(tmp_path, url, default, expected):
    assert mods_answers.usual(ConfigLine("", "v", default), instance(tmp_path, web_url=url)) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("title=Our wiki", {"title": "Our wiki"}), ("title=a b host=c d=e", {"title": "a b", "host": "c d=e"}),
    ("title='x'", {"title": "x"}), ('host="a b" title=', {"host": "a b", "title": ""}), ("", {}),
    ("title=it's", {"title": "it's"}),
])
def test_set_gives_answers(text, expected):
    assert mods_answers.given(text, None, [CONTROL]) == expected


@pytest.mark.parametrize(("text", "says"), [
    ("titel=x", "did you mean title"), ("x", "expected variable=value"), ("a title=x", "expected variable=value"),
    ("soap_pass=geheim", "looks like a secret"),
])
def test_set_says_what_is_wrong_without_the_value(text, says):
    with pytest.raises(UsageError, match=says) as fault:
        mods_answers.given(text, None, [CONTROL])
    assert "geheim" not in str(fault.value)


def test_answers_come_from_a_file_that_nobody_else_may_read(tmp_path):
    path = tmp_path / "answers"
    path.write_text("# ours\n\nsoap_pass = it's = #x\ntitle=a\n")
    with pytest.raises(UsageError, match="chmod 600"):
        mods_answers.given("", path, [CONTROL])
    path.chmod(0o600)
    assert mods_answers.given("title=b", path, [CONTROL]) == {"soap_pass": "it's = #x", "title": "b"}
    path.write_text("soap_pas=geheim\n")
    with pytest.raises(UsageError, match="line 1.*did you mean soap_pass") as fault:
        mods_answers.given("", path, [CONTROL])
    assert "geheim" not in str(fault.value)


def test_what_was_answered_counts_more_than_a_default_and_less_than_the_call(tmp_path):
    one = instance(tmp_path, web_url="http://a.org/")
    assert mods_answers.collect(one, CONTROL, {"title": "old", "soap_pass": "p"}, {"host": "new"}) == \
        {"host": "new", "title": "old", "soap_pass": "p"}
    assert mods_answers.collect(one, CONTROL, {}, {"soap_pass": ""}) == \
        {"host": "lists.a.org", "title": "Mine", "soap_pass": ""}
    with pytest.raises(UsageError, match="soap_pass .*ANSWERS=file"):
        mods_answers.collect(one, CONTROL, {}, {})
    with pytest.raises(UsageError, match="one line"):
        mods_answers.collect(one, CONTROL, {"soap_pass": "a\nb"}, {})


def test_secrets_are_not_shown_however_they_were_written():
    answers = {"soap_pass": "it's\\x", "title": "it's"}
    assert mods_answers.told(answers) == {"soap_pass": "(not shown)", "title": "it's"}
    assert mods_answers.hidden("near 'it\\'s\\\\x' or it's\\x of it's", answers) == \
        "near '(not shown)' or (not shown) of it's"
    assert mods_answers.hidden("Table 'a.b' doesn't exist, near 'VALUES ('it\\'s' at line 1", answers) == \
        "Table '(not shown)' at line 1"
    assert mods_answers.hidden("Table 'a.b' doesn't exist", answers) == "Table '(not shown)' doesn't exist"
    assert mods_answers.hidden("near 'VALUES' at line 1", {"title": "x"}) == "near 'VALUES' at line 1"
