"""What may be asked of the shows from outside, and what is refused because it is not wholly understood."""

import pytest

from scripts.errors import Fault, RefusedError, UsageError
from scripts.steps import showing_words
from scripts.steps.showing import Show
from scripts.steps.showing_words import Caller, understood

FRONT, ANN, ADMIN = Caller("front"), Caller("user", "ann"), Caller("admin")

ATTACKS = [
    "create version=24.4 issue=1;rm user=ann", "create version=24.4 issue=1 user=ann; rm -rf /",
    "create version=24.4 issue=1 user=$(id)", "create version=24.4 issue=1 user=`id`",
    "create version=24.4 issue=1 user=ann|sh", "create version=24.4 issue=1 user=ann&",
    "create version=24.4 issue=1 user=a'b", 'create version=24.4 issue=1 user="ann"',
    "create version=24.4 issue=1 user=ann\nrm", "create\nversion=24.4", "create version=24.4\tissue=1 user=ann",
    "create version=24.4 issue=1 user=ann\x00", "--help", "-V", "", "create --version=24.4 issue=1 user=ann",
    "create version=--force issue=1 user=ann", "create version=24.4 issue=-1 user=ann",
    "create version=24.4 issue=1 user=-rf", "create version=24.4 issue=1 user=../..",
    "create version=../../etc issue=1 user=ann", "create version=24.x@abc issue=1 user=ann",
    "create version=24.4 issue=٣ user=ann", "create version=٢٤.٤ issue=1 user=ann",
    "create version=24.4 issue=1 user=änn", "create version=24.4 issue=1 user=\udcff",
    "create version=24.4 issue=1 user=ann source=/etc", "create version=24.4 issue=1 user=ann user=bob",
    "create version=24.4 issue=1 user=" + "a" * 41, "create version=24.4 issue=1 user=ann " + " " * 300,
    "x" * 100_000, "create  version=24.4 issue=1 user=ann", " create version=24.4 issue=1 user=ann",
    "CREATE version=24.4 issue=1 user=ann", "create version=24.4 issue=1 user=ann ",
    "create version=24.4 issue=1 user=ann\n", "info id=../x", "info id=.bases", "info id=a_b", "info id=-a",
    "info what=debug", "debug", "info role=root", "create version=24.4 user=ann", "create version=24.4 issue=1",
    "create issue=1 user=ann",
]


@pytest.mark.parametrize("line", ATTACKS)
def test_what_is_not_wholly_understood_is_refused(line):
    with pytest.raises(UsageError) as refused:
        understood(line, FRONT)
    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)


def test_a_request_is_understood():
    asked = understood("create version=24.x issue=7812 user=Ann+Lee", FRONT)
    assert (asked.action, asked.version, asked.issue, asked.user) == ("create", "24.x", "7812", "Ann Lee")
    assert not asked.is_admin


def test_a_key_of_one_user_speaks_for_that_user_alone():
    assert understood("info issue=1", ANN).user == "ann"
    assert understood("create version=24.x issue=1", ANN).user == "ann"
    for line in ("info issue=1 user=bob", "destroy id=bob-1 role=admin", "destroy issue=1 user=ann role=admin"):
        with pytest.raises(RefusedError, match="this key is ann's"):
            understood(line, ANN)


@pytest.mark.parametrize("action", ["reset", "update", "destroy"])
def test_only_who_made_a_show_or_an_administrator_changes_it(action):
    show = Show("ann-1", "ACTIV", issue="1", user="ann")
    showing_words.refuse_stranger(understood(f"{action} id=ann-1 user=ann", FRONT), show)
    showing_words.refuse_stranger(understood(f"{action} id=ann-1 user=bob role=admin", FRONT), show)
    showing_words.refuse_stranger(understood(f"{action} id=ann-1", ADMIN), show)
    for line, caller in ((f"{action} id=ann-1 user=bob", FRONT), (f"{action} id=ann-1", FRONT),
                         (f"{action} id=ann-1", Caller("user", "bob"))):
        with pytest.raises(RefusedError, match="only who made it"):
            showing_words.refuse_stranger(understood(line, caller), show)


def test_a_show_without_a_user_belongs_to_no_caller_without_one():
    with pytest.raises(RefusedError):
        showing_words.refuse_stranger(understood("destroy id=show-1a2b3c", FRONT), Show("show-1a2b3c", "ACTIV"))


def test_everybody_may_look_and_make_a_snapshot():
    show = Show("ann-1", "ACTIV", issue="1", user="ann")
    for action in ("info", "snapshot"):
        showing_words.refuse_stranger(understood(f"{action} id=ann-1 user=bob", FRONT), show)


@pytest.mark.parametrize(("role", "user"), [("", ""), ("root", ""), ("user", ""), ("front", "ann"), ("user", "a;b")])
def test_a_forced_command_that_says_nothing_sensible_is_refused(role, user):
    with pytest.raises(Fault):
        Caller(role, user)
