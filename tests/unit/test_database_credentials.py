"""Option files: what they say, and that what they say comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.database.account import Account
from scripts.database.credentials import option_file_text, read_option_file
from scripts.errors import DatabaseError

NASTY = " p#a\"s\\'$= x "
ANY_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"))


def lines(**values) -> list[str]:
    return option_file_text(Account("tiki", "someone", **{"password": "", **values})).splitlines()


def test_option_file_keeps_quotes_backslashes_and_hashes():
    assert r"""password=" p#a\"s\\'$= x " """.strip() in lines(password=NASTY)


@pytest.mark.parametrize("place, protocol", [
    ({}, "socket"), ({"socket": "/x"}, "socket"), ({"port": 3307}, "tcp"), ({"host": "127.0.0.1"}, "tcp")])
def test_option_file_says_how_to_connect_because_localhost_means_both(place, protocol):
    assert f'protocol="{protocol}"' in lines(**place)


@pytest.mark.parametrize("sign", ["\n", "\r", "\0"])
def test_a_line_break_in_a_password_is_refused_without_showing_it(sign):
    with pytest.raises(DatabaseError, match="password") as caught:
        lines(password=f"abc{sign}host=evil")
    assert "evil" not in str(caught.value)


@given(password=ANY_TEXT)
def test_what_an_option_file_holds_can_be_read_back(tmp_path_factory, password):
    path = tmp_path_factory.mktemp("options") / "my.cnf"
    account = Account("", "ü ser", password, "127.0.0.1", 3307, ssl_ca="/etc/ca.pem")
    path.write_text(option_file_text(account), encoding="utf-8")
    path.chmod(0o600)
    assert read_option_file(path) == account


def test_a_hand_written_option_file_is_read_as_the_client_reads_it(tmp_path):
    path = tmp_path / "my.cnf"
    path.write_text("# ours\n[mysqldump]\nuser=other\n[client]\nuser = prove  # who\npassword='a#b\\tc'\nssl_ca=/x\n")
    path.chmod(0o600)
    assert read_option_file(path) == Account("", "prove", "a#b\tc", ssl_ca="/x")


def test_an_option_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "my.cnf"
    path.write_text("[client]\n")
    path.chmod(0o644)
    with pytest.raises(DatabaseError, match="chmod 600"):
        read_option_file(path)
