"""What is muted, for what a database holds; and what unmuting does."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone

import pytest

from scripts.tiki import banner, quiet
from scripts.tiki.quiet import Found, Mailer
from scripts.tiki.value_change import Change, looks, states

FILE = Mailer("zend_mail", frozenset({"smtp", "file"}))
OLD = Mailer("zend_mail", frozenset({"smtp"}))
COLUMNS = {("tiki_preferences", "name"): 40, ("tiki_preferences", "value"): 65535}
BLOCKS = banner.blocks("Copy of a", "b")


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def muted(preferences: dict, sends: Mailer = FILE, columns=None, **more) -> dict[str, tuple]:
    """Return before and after of each preference that is changed."""
    made = quiet.changes(Found(preferences, **more), sends, BLOCKS, columns or COLUMNS)
    return {change.key[0][1]: (change.before, change.after) for change in made if change.table == "tiki_preferences"}


# which way of sending mail reaches nobody

@pytest.mark.parametrize(("lines", "wanted"), [
    ("$prefs['zend_mail_handler'] === 'amazonSes'\n$prefs['zend_mail_handler'] === 'file'\n",
     {"zend_mail_handler": "file"}),
    ("$prefs['zend_mail_handler'] == 'smtp'\n$prefs['zend_mail_handler'] == 'file'\n", {"zend_mail_handler": "file"}),
    ("$prefs['mailer_handler'] === 'smtp'\n$prefs['mailer_handler'] === 'file'\n", {"mailer_handler": "file"}),
    ("$prefs['zend_mail_handler'] == 'smtp'\n",
     {"zend_mail_handler": "smtp", "zend_mail_smtp_server": "127.0.0.1", "zend_mail_smtp_port": "1"}),
    ("", {"zend_mail_handler": "smtp", "zend_mail_smtp_server": "127.0.0.1", "zend_mail_smtp_port": "1"}),
])
def test_the_quiet_way_is_one_that_this_tiki_knows(lines, wanted):
    assert quiet.mailer(lines).quiet == wanted


def test_mail_is_switched_off_where_nothing_was_ever_set():
    assert muted({})["zend_mail_handler"] == (None, "file")


def test_a_site_that_writes_its_mail_to_files_already_keeps_doing_so():
    assert "zend_mail_handler" not in muted({"zend_mail_handler": "file"})


# what else is changed

def test_switches_are_turned_off_where_they_are_on_and_not_made_elsewhere():
    on = muted({"payment_feature": "y", "webcron_enabled": "n", "feature_webmail": ""})
    assert on["payment_feature"] == ("y", "n")
    assert {"webcron_enabled", "feature_webmail", "connect_feature"} & on.keys() == set()


def test_the_visits_of_a_copy_are_not_counted_as_the_source_s():
    found = muted({"site_piwik_code": "<script>x</script>", "site_google_analytics_account": ""})
    assert found["site_piwik_code"] == ("<script>x</script>", "")
    assert "site_google_analytics_account" not in found


def test_mail_comes_first():
    made = quiet.changes(Found({"payment_feature": "y"}), OLD, BLOCKS, COLUMNS)
    assert [change.key[0][1] for change in made[:3]] == ["zend_mail_handler", "zend_mail_smtp_server",
                                                         "zend_mail_smtp_port"]


def test_only_tables_and_columns_that_are_there_are_asked():
    columns = {**COLUMNS, ("tiki_mailin_accounts", "active"): 1, ("tiki_scheduler", "status"): 10,
               ("sessions", "sesskey"): 32, ("tiki_user_preferences", "user"): 40}
    asked = "\n".join(quiet.questions(columns, FILE, quote))
    assert "FROM tiki_mailin_accounts WHERE `active` <> 'n'" in asked
    assert "FROM tiki_scheduler WHERE `status` <> 'inactive'" in asked
    for absent in ("user_run_now", "tiki_perspective", "tiki_forums", "tiki_mail_queue", "tiki_user_preferences"):
        assert absent not in asked
    assert quiet.emptying(columns) == ["DELETE FROM sessions"]


def test_of_the_users_preferences_only_login_cookies_go():
    assert quiet.emptying({("tiki_user_preferences", "prefName"): 40}) \
        == ["DELETE FROM tiki_user_preferences WHERE prefName = 'cookie'"]


def test_answers_become_what_was_found():
    found = quiet.found([("preference", "zend_mail_handler", None), ("row", "0", "7", "active"),
                         ("perspective", "3", "zend_mail_handler", 's:4:"smtp";'), ("rows", "sessions", "12")])
    made = quiet.changes(found, FILE, BLOCKS, COLUMNS)
    assert found.emptied == {"sessions": 12}
    assert Change("tiki_scheduler", (("id", "7"),), "status", "active", "inactive") in made
    assert Change("tiki_perspective_preferences", (("perspectiveId", "3"), ("pref", "zend_mail_handler")), "value",
                  's:4:"smtp";', None, is_there=False) in made


# the banner

def test_the_banner_says_the_moment_in_utc():
    moment = datetime(2026, 11, 21, 3, 10, tzinfo=timezone(timedelta(hours=1)))
    assert banner.sentence("wiki.example.org", moment, True) \
        == "Copy of wiki.example.org as of 2026-11-21 02:10 UTC. Mail is off."
    assert banner.sentence("w", moment.astimezone(UTC), False).endswith("Mail may still go out.")


def test_the_banner_is_plain_text_in_any_charset_and_no_template():
    block = banner.blocks("<b>{php}\"ü\" -->", "a--b-")[0]
    assert "&lt;b&gt;&#123;php&#125;&quot;&#252;&quot; --&gt;</div>" in block
    assert block.isascii()
    assert (banner.marked(block), banner.without(f"x{block}y")) == ("a--b-", "xy")


def test_the_banner_stands_before_the_site_s_own_code():
    assert muted({"feature_endbody_code": "own"})["feature_endbody_code"] == ("own", BLOCKS[0] + "own")


def test_a_banner_takes_the_place_of_an_older_one():
    older = banner.blocks("Copy of z", "other")[1]
    assert muted({"feature_endbody_code": f"{older}own"})["feature_endbody_code"] == ("own", BLOCKS[0] + "own")


def test_a_banner_alone_leaves_nothing_behind():
    made = quiet.changes(Found({"feature_endbody_code": BLOCKS[1]}), FILE, BLOCKS, COLUMNS)
    assert made[-1].state_before == (False, None)


@pytest.mark.parametrize(("most", "wanted"), [(0, BLOCKS[0]), (65535, BLOCKS[0]), (250, BLOCKS[1]), (40, None)])
def test_the_banner_fits_into_the_column_or_is_left_out(most, wanted):
    columns = {("tiki_preferences", "value"): most}
    assert muted({}, columns=columns).get("feature_endbody_code", (None, None))[1] == wanted


# the list, and the way back

MAIL = Change("tiki_preferences", (("name", "zend_mail_handler"),), "value", None, "file", was_there=False)
JOB = Change("tiki_scheduler", (("id", "7"),), "status", "active", "inactive")
OTHER = Change("tiki_perspective_preferences", (("perspectiveId", "3"), ("pref", "x'y")), "value", "v", None,
               is_there=False)


def test_a_change_survives_its_list():
    odd = Change("t", (("name", "x"),), "value", "bytes that are no UTF-8: \udcff", None)
    assert [Change.of(json.loads(json.dumps(asdict(one)))) for one in (MAIL, OTHER, odd)] == [MAIL, OTHER, odd]


def test_statements_lead_there_and_back():
    there, back = ([one.statement(*pair, quote) for one in (MAIL, JOB, OTHER) for pair in [states_of(one)]]
                   for states_of in (lambda one: (one.state_before, one.state_after),
                                     lambda one: (one.state_after, one.state_before)))
    assert there == [
        "INSERT INTO tiki_preferences (`name`, `value`) VALUES ('zend_mail_handler', 'file')",
        "UPDATE tiki_scheduler SET `status` = 'inactive' WHERE `id` = '7'",
        "DELETE FROM tiki_perspective_preferences WHERE `perspectiveId` = '3' AND `pref` = 'x''y'"]
    assert back == [
        "DELETE FROM tiki_preferences WHERE `name` = 'zend_mail_handler'",
        "UPDATE tiki_scheduler SET `status` = 'active' WHERE `id` = '7'",
        "INSERT INTO tiki_perspective_preferences (`perspectiveId`, `pref`, `value`) VALUES ('3', 'x''y', 'v')"]


def test_states_are_read_by_number():
    assert looks([JOB], quote) == ["SELECT 0, `status` FROM tiki_scheduler WHERE `id` = '7'"]
    assert states([MAIL, JOB, OTHER], [("2", None), ("0", "file")]) == [(True, "file"), (False, None), (True, None)]


def test_unmuting_leaves_what_somebody_changed_and_what_is_right_already():
    wanted, left = quiet.undoing([MAIL, JOB, OTHER], [(True, "smtp"), (True, "inactive"), (True, "v")])
    assert (wanted, left) == ([(JOB, (True, "inactive"), (True, "active"))], [MAIL])


def test_code_that_was_edited_around_the_banner_loses_the_banner_alone():
    change = Change("tiki_preferences", (("name", banner.PREFERENCE),), "value", None, BLOCKS[0], was_there=False)
    wanted, left = quiet.undoing([change], [(True, f"new {BLOCKS[0]} code")])
    assert (wanted[0][2], left) == ((True, "new  code"), [])


def test_what_still_holds_of_an_older_list_keeps_its_values_and_what_does_not_is_dropped():
    again = Change("tiki_scheduler", (("id", "7"),), "status", "on again", "inactive")
    assert quiet.together([again], [MAIL, JOB], [(True, "file"), (True, "on again")]) == [MAIL, again]
