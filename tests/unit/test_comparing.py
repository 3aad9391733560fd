"""What is told of a comparison: lists, rows, preferences, texts, pages, and what stays hidden."""

import html.parser

import pytest

from scripts.database.row_change import RowChange
from scripts.database.row_diff import TableDiff
from scripts.errors import UsageError
from scripts.present import report
from scripts.steps import comparing_database, comparing_report, differences
from scripts.steps.comparing_database import HIDDEN
from scripts.steps.comparing_texts import TextDiff
from scripts.steps.differences import FILES, PREFERENCES, ROWS, Difference
from scripts.tiki import expected
from scripts.tiki.expected import MUTED, OWN_PLACE, Expected
from scripts.tiki.value_change import Change
from scripts.verbs import compare

PLACES = comparing_database._Places("/srv/a", {"/srv/a": "/srv/b", "/data/fgal": "/b/files"})


def preference(name, a, b, kind="changed", rules=Expected()):  # noqa: B008
    change = RowChange((name,), kind, {"value": (a, b)})
    return comparing_database._of_preference(change, rules, PLACES)


def test_a_preference_is_told_in_words():
    assert comparing_report.line(preference("fgal_x", "a", "b")) == "preference fgal_x: 'a' in A, 'b' in B"
    assert comparing_report.line(preference("fgal_x", None, "b", "added")) == \
        "preference fgal_x: the default, no row in A, 'b' in B"
    assert comparing_report.line(preference("zend_mail_smtp_pass", "a", "b")) == \
        f"preference zend_mail_smtp_pass: {HIDDEN} in A, {HIDDEN} in B"


@pytest.mark.parametrize(("a", "b", "reason"), [
    ("/data/fgal/", "/b/files/", OWN_PLACE),
    ("/data/fgal", "/b/files/", OWN_PLACE),
    ("/data/fgal/", "/data/fgal/x", ""),
    ("/data/fgal/", "/elsewhere/", ""),
    ("/srv/a/files", "/srv/b/files", OWN_PLACE),
])
def test_a_folder_is_expected_to_differ_only_when_each_side_names_its_own(a, b, reason):
    assert preference("fgal_use_dir", a, b).expected == reason
    assert preference("fgal_use_dir", a, b, rules=Expected(same_site=True)).expected == ""


def test_what_keeps_a_copy_quiet_is_expected_while_it_is_as_it_was_written():
    changes = [Change("tiki_preferences", (("name", "zend_mail_handler"),), "value", "smtp", "file"),
               Change("tiki_preferences", (("name", "banner"),), "value", None, "<b>", was_there=False)]
    rules = Expected(muted=(None, expected.muted(changes)))
    assert preference("zend_mail_handler", "smtp", "file", rules=rules).expected == MUTED
    assert preference("zend_mail_handler", "smtp", "sendmail", rules=rules).expected == ""
    assert preference("zend_mail_handler", "file", "smtp", rules=rules).expected == ""
    assert preference("banner", None, "<b>", "added", rules=rules).expected == MUTED
    assert rules.of_table("tiki_mail_queue") == MUTED and Expected().of_table("tiki_mail_queue") == ""


def test_a_prefixed_key_does_not_make_two_differences_of_one_preference():
    changes = (RowChange((), "removed", {"name": ("a", None), "value": ("1", None)}),
               RowChange((), "added", {"name": (None, "b"), "value": (None, "x")}),
               RowChange((), "added", {"name": (None, "a"), "value": (None, "2")}))
    told = comparing_database._paired(TableDiff("tiki_preferences", 1, 2, changes, False))
    assert [(one.kind, one.key, one.columns) for one in told.changes] == [
        ("changed", ("a",), {"value": ("1", "2")}), ("added", ("b",), {"name": (None, "b"), "value": (None, "x")})]


@pytest.mark.parametrize(("table", "key", "column", "hidden"), [
    ("users_users", "1", "hash", True), ("users_users", "1", "email", False), ("users_users", "1", "password", True),
    ("tiki_preferences", "gmap_key", "value", True), ("tiki_preferences", "feature_wiki", "value", False),
    ("tiki_auth_tokens", "1", "token", True), ("tiki_mailin_accounts", "1", "pass", True),
    ("tiki_pages", "1", "data", False)])
def test_secret_values_are_hidden_and_others_not(table, key, column, hidden):
    change = RowChange((key,), "changed", {column: ("one", "two")})
    (told,) = comparing_database.hidden(TableDiff(table, 1, 1, (change,), True)).changes
    assert (told.columns[column] == (HIDDEN, HIDDEN)) is hidden


@pytest.mark.parametrize(("name", "is_secret"), [
    ("zend_mail_smtp_pass", True), ("proxy_pass", True), ("auth_ldap_adminpass", True), ("tiki_key", True),
    ("vimeo_access_token_secret", True), ("oauthserver_private_key", True), ("payment_paypal_password", True),
    ("openpgp_gpg_signer_passphrase", True), ("min_pass_length", False), ("metatag_keywords", False),
    ("browsertitle", False), ("feature_wiki", False)])
def test_secret_preferences_are_known_by_their_names(name, is_secret):
    assert expected.is_secret_preference(name) is is_secret


@pytest.mark.parametrize(("path", "is_secret"), [
    ("db/local.php", True), ("db/site.example.org/local.php", True), ("db/obsolete_20240101-1200_local.php", True),
    ("db/local.php.bak", True), ("db/tiki.ini.php", True), ("db/cert/site-key.pem", True), ("x/.htpasswd", True),
    ("db/tiki.sql", False), ("lib/init/initlib.php", False), ("lang/de/custom.php", False)])
def test_files_that_hold_passwords_are_known(path, is_secret):
    assert expected.is_secret_file(path) is is_secret


def test_a_folder_that_came_whole_is_one_line():
    came = {"new": "folder", "new/x": "file, 1 bytes", "new/y": "folder", "new/y/z": "link to q",
            "newer": "file, 2 bytes"}
    found = [*(Difference(FILES, "added", name, None, what) for name, what in came.items()),
             Difference(FILES, "changed", "temp/x", "a", "b", "a cache")]
    assert list(comparing_report.listed(found)) == [
        "files, not the same:", "  added: new: folder, with 3 in it", "  added: newer: file, 2 bytes"]
    assert differences.summary(found, FILES) == "5 added" and differences.summary(found, ROWS) == "the same"


def test_a_long_list_is_cut_and_says_where_all_is():
    found = [Difference(PREFERENCES, "added", f"p{number}", None, "y") for number in range(50)]
    lines = list(comparing_report.listed(found))
    assert len(lines) == 42 and lines[-1] == "  and 10 more: HTML=1 or JSON=1 has all"


@pytest.mark.parametrize(("text", "shown"), [("a\nb", "a\\nb"), ("x\udcffy", "x\\xffy"), ("\x1b[31m", "\\x1b[31m"),
                                             ("Grüße 日本", "Grüße 日本")])
def test_names_cannot_play_with_a_terminal(text, shown):
    assert differences.visible(text) == shown


def test_a_unified_diff_names_both_sides_and_missing_ones():
    assert list(TextDiff("x", ["a", "b"], ["a", "c"]).unified(("one", "two"))) == [
        "--- one: x", "+++ two: x", "@@ -1,2 +1,2 @@", " a", "-b", "+c"]
    assert list(TextDiff("x", None, ["c"]).unified(("one", "two")))[:2] == ["--- /dev/null", "+++ two: x"]
    assert list(TextDiff("x", note="binary").unified(("one", "two"))) == ["x: binary"]


def test_a_page_escapes_everything_and_closes_what_it_opens():
    nasty = "</td><script>alert('x')</script>\udcff"
    page = report.page(nasty, [report.heading(nasty), report.lines([nasty]), report.table([nasty], [[nasty, None]]),
                               report.side_by_side([nasty, nasty], ["same", nasty], ["same", "other", nasty + "1"])])
    assert "<script" not in page and page.encode()
    open_tags: list[str] = []

    class Checker(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "col"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Checker().feed(page)
    assert open_tags == []


def test_side_by_side_shows_what_changed_with_some_lines_around_it():
    a = [f"line {number}" for number in range(100)]
    told = report.side_by_side(("one", "two"), a, [*a[:50], "new", *a[51:]])
    assert '<td class="removed">line 50</td>' in told and '<td class="added">new</td>' in told
    assert "line 47<" in told and "line 46<" not in told


@pytest.mark.parametrize(("text", "path"), [("", None), ("no", None), ("1", ""), ("yes", ""),
                                            ("/x/y.html", "/x/y.html")])
def test_html_takes_a_switch_or_a_path(text, path):
    found = compare.page_path(text)
    assert (None if found is None else str(found).removeprefix(".")) == path


def test_a_missing_side_names_the_known_ones(settings, register):
    register("blog")
    with pytest.raises(UsageError, match="A= is missing: .*blog@latest.*known: blog"):
        compare.side(settings, "", "A")
    with pytest.raises(UsageError, match="did you mean blog"):
        compare.side(settings, "blgo@latest", "B")
