"""The parser for db/local.php on hosts without PHP: what it reads and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scripts.errors import RegistryError
from scripts.tiki.local_php import LocalConfig, parse

READ = [
    ("'plain'", "plain"),
    (r"'it\'s \\ \" \n'", 'it\'s \\ \\" \\n'),
    (r'"a\"b\\c\$d\'e"', 'a"b\\c$d\\\'e'),
    (r'"\x41\101\u{e9}\t\q"', "AAé\t\\q"),
    ('"\\xc3\\xa9"', "é"),
    ("'# no // comment /* here ?> '", "# no // comment /* here ?> "),
    ("'über'", "über"),
    ("'two\nlines'", "two\nlines"),
    ("''", ""), ("3306", "3306"), ("1.5", "1.5"), ("TRUE", "1"), ("false", ""), ("null", None),
]
REFUSED = [
    "$a = 'x' . 'y';", "$a = getenv('PASS');", '$a = "pre$b";', '$a = "{$b}";', "include 'other.php';",
    "require_once('/etc/tiki.php');", "if (true) { $a = 'b'; }", "$a = 0777;", "$a = array('b');", "$a = <<<E\nb\nE;\n",
    "$a['b'] = 'c';", "$$a = 'b';", "$a .= 'b';", "exit;", "$a = 'open", "#[Attr]\n$a = 1;", "/* open", "$a = 'b'",
    "define('A', $b);", "?> text", "$a = -1;",
]


@pytest.mark.parametrize("literal, value", READ)
def test_literals_mean_what_php_makes_of_them(literal, value):
    assert parse(f"<?php $a={literal};".encode(), "local.php") == {"a": value}


@pytest.mark.parametrize("code", REFUSED)
def test_what_php_would_compute_is_refused(code):
    with pytest.raises(RegistryError, match=r"needs PHP on the host: set PHP="):
        parse(f"<?php\n$x = 'y';\n{code}\n".encode(), "local.php")


def test_the_refusal_names_the_line_and_keeps_its_content_secret():
    with pytest.raises(RegistryError, match=r"^/w/db/local\.php:3: ") as fault:
        parse(b"<?php\n$host_tiki='a';\n$pass_tiki='sec' . 'ret';\n", "/w/db/local.php")
    assert "sec" not in str(fault.value).partition(":3:")[2].replace("set PHP", "")


@pytest.mark.parametrize("text", [b"$a = 'b';", b"<html>", b"", b"\xef\xbb\xbf<?php $a = 'b';", b"<? $a = 'b';"])
def test_a_file_that_does_not_open_php_is_refused(text):
    with pytest.raises(RegistryError):
        parse(text, "local.php")


def test_comments_constants_and_repeated_names():
    text = b"""<?php
    // $pass_tiki = 'no';
    # $pass_tiki = 'no'; ?>
<?php /* $pass_tiki='no'; */ define('A', 'b');
    $pass_tiki = 'first'; $pass_tiki = 'last'; // $pass_tiki = 'no'
    ?>
    """
    assert parse(text, "local.php") == {"pass_tiki": "last"}


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_every_password_survives_single_quotes(password):
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    assert parse(f"<?php $pass_tiki='{escaped}';".encode(), "local.php") == {"pass_tiki": password}


def test_missing_variables_have_tikis_defaults():
    config = LocalConfig.of({"user_tiki": "me", "pass_tiki": "", "client_charset": None, "unknown": "x"})
    assert (config.host, config.user, config.password, config.database, config.client_charset) == (
        "localhost", "me", "", "tiki", "utf8mb4")


def test_the_password_is_not_shown():
    assert "secret" not in repr(LocalConfig.of({"pass_tiki": "secret"}))
