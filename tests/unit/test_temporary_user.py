"""What is written for a temporary user fits the columns that are there."""

import pytest

from scripts.errors import UsageError
from scripts.verbs import temporary_user
from scripts.verbs.temporary_user import Wishes

OLD = {("users_users", "login"): 40, ("users_users", "email"): 200, ("users_users", "hash"): 34,
       ("users_usergroups", "userId"): 0, ("users_usergroups", "groupName"): 255, ("users_usergroups", "expire"): 0,
       ("users_groups", "expireAfter"): 0}


def test_only_columns_that_are_there_are_set():
    sql = temporary_user.insertion(OLD, "helper-1", "$1$x", ["Editors"], 2)
    assert "(`login`, `email`, `hash`)" in sql
    assert "(userId, groupName, expire) VALUES (@helper, 'Editors', UNIX_TIMESTAMP() + 2 * 86400)" in sql


def test_names_are_quoted():
    sql = temporary_user.insertion(OLD, "helper-1", "$1$x", ["Bob's \\ friends"], 1)
    assert "'Bob''s \\\\ friends'" in sql and "Bob's" not in sql


def test_removal_touches_logins_of_ours_alone_and_the_login_last():
    statements = temporary_user.removal(OLD, ["helper-1"]).split(";\n")
    assert [words.split()[2] for words in statements[:-1]] == ["users_usergroups"]
    assert statements[-1].startswith("DELETE u FROM users_users u")
    assert all("u.email LIKE '%@helper.trim.invalid'" in statement for statement in statements)


@pytest.mark.parametrize(("wishes", "told"), [
    ({}, "IN_GROUP= is missing"),
    ({"group": "Editors", "days": 367}, "DAYS=367"),
    ({"group": "Editors", "login": "a b"}, "NAME=a b"),
    ({"group": "Editors", "login": "a" * 40}, "39 at most"),
    ({"drop": "x'; DROP TABLE"}, "DROP="),
])
def test_what_cannot_be_meant_is_refused(wishes, told):
    with pytest.raises(UsageError, match=told):
        Wishes(**wishes)
