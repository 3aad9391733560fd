"""Answers in `sample:` files: written for their place, so that PHP reads them as the values they are."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import RefusedError
from scripts.steps import mods_samples
from tests.lab.processes import find_program

PHP = b"""<p>[:::[v]:::]</p><?php
$a = array('[:::[v]:::]', "x [:::[v]:::] y", [:::[v]:::], [:::[n]:::], [:::[yes]:::]);
// [:::[n]:::] it's
/* [:::[n]:::] " */
$a[] = <<<EOT
it's [:::[v]:::]
EOT;
$a[] = <<<'RAW'
it's [:::[n]:::]
RAW;
echo json_encode($a), "\\n";
?>
"""
ATTACKS = ["'); system('id'); //", '"; system("id"); //', "${system('id')}", "{$a}", "\\", "\\'", "$a", "`id`",
           "<?php system('id');", "é", "EO T", "?><?php system('id');"]


@pytest.mark.parametrize("value", ATTACKS)
def test_php_reads_an_answer_as_the_value_it_is(value):
    made = mods_samples.filled(PHP, "lib/x/conf.php", {"v": value, "n": "12", "yes": "true"})
    said = subprocess.run([find_program("php"), "-n"], input=made, capture_output=True, check=True).stdout.decode()
    page, _, values = said.partition("</p>")
    import html
    import json
    assert html.unescape(page.removeprefix("<p>")) == value
    assert json.loads(values) == [value, f"x {value} y", value, 12, True, f"it's {value}", "it's 12"]


@settings(max_examples=200)
@given(st.text(alphabet="ab'\"\\$`{}<>?/*# \n()[];.é", max_size=12))
def test_php_holds_no_more_strings_than_before(value):
    """What is written for a string never ends it."""
    made = mods_samples.filled(b"<?php f('[:::[v]:::]', \"[:::[v]:::]\", [:::[v]:::]);", "a.php", {"v": value})
    source, at, kinds = made.decode("latin-1").removeprefix("<?php"), 0, []
    while at < len(source):
        token = mods_samples.PHP.match(source, at)
        kinds += [kind for kind in ("single", "double", "shell", "comment", "heredoc", "end") if token[kind]]
        at = token.end()
    assert kinds in (["single", "double", "single"], ["single", "double"])


@pytest.mark.parametrize(("text", "value"), [
    (b"<?php // [:::[v]:::]", "a\nb"), (b"<?php // [:::[v]:::]", "?>x"), (b"<?php /* [:::[v]:::] */", "*/ system();"),
    (b"<?php `ls [:::[v]:::]`;", "a"), (b"<?php $a = <<<EOT\n[:::[v]:::]\nEOT;\n", "EOT;"),
    (b"<?php $a = <<<'EOT'\n[:::[v]:::]\nEOT;\n", "a\nb"), (b"<?php \"{$a['[:::[v]:::]']}\";", "'.f().'"),
    (b"<?php \"${[:::[v]:::]}\";", "f()"), (b"<?php <<<E\n{$a['[:::[v]:::]']}\nE;\n", "'.f().'"),
])
def test_what_would_become_code_is_refused(text, value):
    with pytest.raises(RefusedError, match="the value of v"):
        mods_samples.filled(text, "a.php", {"v": value})


@pytest.mark.parametrize(("name", "value", "expected"), [
    ("a.tpl", "<b>{php}\"'", "&lt;b&gt;&#123;php&#125;&quot;&#x27;"), ("a.html", "<b>{x}", "&lt;b&gt;{x}"),
    ("a.js", "http://x.org:80/a?b=c", "http://x.org:80/a?b=c"), ("a.ini", "it's \"x\"", "it's \"x\""),
    ("a.js", "'+alert(1)+'", None), ("a.css", "}x{", None), ("a.json", "\"", None), ("a.ini", "a\nb=c", None),
])
def test_other_files_hold_what_their_kind_can(name, value, expected):
    if expected is None:
        with pytest.raises(RefusedError):
            mods_samples.filled(b"x [:::[v]:::]", name, {"v": value})
    else:
        assert mods_samples.filled(b"x [:::[v]:::]", name, {"v": value}) == f"x {expected}".encode()


def test_everything_else_stays_byte_for_byte():
    text = bytes(range(256)) + b" [:::[unknown]:::] [:::v:::] $v <?php '"
    assert mods_samples.filled(text, "a.php", {"v": "x"}) == text
    assert mods_samples.filled(text + b"[:::[v]:::]'", "a.php", {"v": "x"}) == text + b"x'"
