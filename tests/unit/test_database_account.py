"""Where a database is, read from what Tiki writes."""

import pytest

from scripts.database.account import Account
from scripts.errors import DatabaseError


def at(name: str = "tiki", **place) -> Account:
    return Account(name, "someone", "secret", **place)


@pytest.mark.parametrize("text, expected", [
    ("localhost", ("localhost", None, None)),
    ("", ("localhost", None, None)),
    (" db.example.org ", ("db.example.org", None, None)),
    ("127.0.0.1:3307", ("127.0.0.1", 3307, None)),
    ("localhost:3307", ("localhost", 3307, None)),
    ("h;port=3307", ("h", 3307, None)),
    ("/run/x.sock", ("localhost", None, "/run/x.sock")),
    ("localhost:/run/x.sock", ("localhost", None, "/run/x.sock")),
    ("localhost;unix_socket=/x", ("localhost", None, "/x")),
    ("localhost; unix_socket=/x;", ("localhost", None, "/x")),
    ("[::1]:3306", ("::1", 3306, None)),
    ("[2001:db8::7]", ("2001:db8::7", None, None)),
    ("::1", ("::1", None, None)),
])
def test_tikis_host_is_split_into_host_port_and_socket(text, expected):
    assert Account.parse_host(text) == expected


def test_php_ignores_a_port_setting_for_localhost_and_so_do_we():
    assert Account.parse_host("localhost;port=3307") == ("localhost", None, None)


@pytest.mark.parametrize("text", ["h:", "h:0", "h:70000", "h:port", "a b", "h;port=", "h;port=x", "h;charset=utf8",
                                  "db.example.org;unix_socket=/x", "h/../x", "p:localhost", "h\n--x"])
def test_a_host_that_is_not_understood_is_refused(text):
    with pytest.raises(DatabaseError, match="not understood"):
        Account.parse_host(text)


@pytest.mark.parametrize("place", [{"host": "127.0.0.1"}, {"host": "::1"}, {"socket": "/run/mysqld/mysqld.sock"},
                                   {"host": "LocalHost", "port": 3306}])
def test_all_ways_to_the_own_server_are_the_same_server(place):
    assert at().server == at(**place).server


@pytest.mark.parametrize("other", [at(host="db.example.org"), at(host="127.0.0.1", port=3307)])
def test_another_host_or_port_is_another_server(other):
    assert at().server != other.server


def test_the_password_is_not_shown():
    assert "secret" not in repr(at())
