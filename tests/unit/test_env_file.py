"""Env files are read strictly, and written so that they are read back as they were."""

import io

import pytest
from dotenv.parser import parse_stream
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import RegistryError
from scripts.registry import env_file

KNOWN = ("WEB_ROOT", "WEB_URL", "DB_PASS", "TAGS")


@pytest.fixture
def read(tmp_path):
    """Read a text as an env file that only we may see."""
    def read(text: str) -> dict[str, str]:
        path = tmp_path / "blog.env"
        path.write_bytes(text.encode("utf-8"))
        path.chmod(0o600)
        return {key: value.text for key, value in env_file.read(path, KNOWN).items()}
    return read


@pytest.mark.parametrize(("line", "value"), [
    ("TAGS=a", "a"),
    ("TAGS=", ""),
    ("TAGS= a ", "a"),
    ("export TAGS=a", "a"),
    ("TAGS='a b'", "a b"),
    ('TAGS="a b"', "a b"),
    ("TAGS=a#b", "a#b"),
    ("TAGS=a # a remark", "a"),
    ("TAGS='a # no remark'", "a # no remark"),
    ("TAGS='a' # a remark", "a"),
    ("TAGS=#a", "#a"),
    ("TAGS=${HOME}", "${HOME}"),
    ("TAGS='${HOME}'", "${HOME}"),
    ('TAGS="${HOME}"', "${HOME}"),
    ("TAGS=$(id)", "$(id)"),
    ("TAGS=a=b", "a=b"),
    ("TAGS='it\\'s'", "it's"),
    ("TAGS='back\\\\slash'", "back\\slash"),
    ("TAGS='ends\\\\'", "ends\\"),
    ("TAGS=é", "é"),
])
def test_a_value_is_read_as_it_stands(read, line, value):
    assert read(line + "\n") == {"TAGS": value}


def test_lines_of_windows_are_read(read):
    assert read("TAGS=a\r\nWEB_ROOT=/srv\r\n") == {"TAGS": "a", "WEB_ROOT": "/srv"}


def test_a_file_that_begins_with_a_byte_order_mark_is_read(read):
    assert read("\ufeffTAGS=a\n") == {"TAGS": "a"}


def test_what_was_unset_in_the_environment_stays_unset(read, monkeypatch):
    monkeypatch.setenv("WEB_ROOT", "/etc")
    assert read("TAGS=a\n") == {"TAGS": "a"}


BEFORE = [("", 1), ("\n\n", 3), ("# a remark\n\n# another\n", 4), ("  \n\t\n", 3), ("WEB_ROOT=/srv\n\n", 3),
          ("export WEB_ROOT=/srv\n", 2), ("WEB_ROOT='/srv' # remark\n  # remark\n \n", 4), ("\r\n\r\n", 3),
          ("WEB_ROOT='/srv\nother'\n", 3)]


@pytest.mark.parametrize(("before", "line"), BEFORE)
@pytest.mark.parametrize(("text", "complaint"), [
    ("TAGSS=a", "TAGSS is not a known key (did you mean TAGS?)"),
    ("export TAGSS=a", "TAGSS is not a known key"),
    ("  TAGSS=a", "TAGSS is not a known key"),
    ("TAGS", "TAGS has no value"),
    ("TAGS='a", "not a KEY=value line"),
    ("=a", "not a KEY=value line"),
    ("TAGS WEB_URL=a", "not a KEY=value line"),
])
def test_a_fault_names_its_line(read, before, line, text, complaint):
    with pytest.raises(RegistryError) as caught:
        read(f"{before}{text}\n")
    assert f"blog.env:{line}: {complaint}" in str(caught.value)


@pytest.mark.parametrize(("before", "line"), BEFORE)
def test_a_repeated_key_names_both_lines(read, before, line):
    with pytest.raises(RegistryError) as caught:
        read(f"{before}TAGS=a\n\nTAGS=a\n")
    assert f"blog.env:{line + 2}: TAGS stands here again" in str(caught.value)
    assert str(caught.value).endswith(f"blog.env:{line}")


def test_an_unknown_key_that_resembles_none_is_not_guessed_at(read):
    with pytest.raises(RegistryError) as caught:
        read("QQQQ=1\n")
    assert "did you mean" not in str(caught.value)


def test_keys_are_written_in_capitals(read):
    with pytest.raises(RegistryError, match="tags is not a known key"):
        read("tags=a\n")


@pytest.mark.parametrize("text", ["DB_PASS='s3cret\n", "DB_PASS='s3cret' x\n", "DB_PASS 's3cret'\n",
                                  "DB PASS=s3cret\n"])
def test_a_malformed_line_does_not_spread_a_secret(read, text):
    with pytest.raises(RegistryError) as caught:
        read(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_password_in_a_file_of_others_is_refused(tmp_path, mode):
    path = tmp_path / "blog.env"
    path.write_text("TAGS=a\nDB_PASS=s3cret\n")
    path.chmod(mode)
    with pytest.raises(RegistryError) as caught:
        env_file.read(path, KNOWN)
    assert f"blog.env:2: DB_PASS is a secret and others may read this file (mode {mode:04o})" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_file_without_a_password_may_be_readable(tmp_path):
    path = tmp_path / "blog.env"
    path.write_text("TAGS=a\n")
    path.chmod(0o644)
    assert env_file.read(path, KNOWN)["TAGS"].text == "a"


def test_a_missing_file_is_a_fault(tmp_path):
    with pytest.raises(RegistryError, match=r"blog\.env: cannot be read: No such file"):
        env_file.read(tmp_path / "blog.env", KNOWN)


def test_a_file_that_is_no_utf_8_is_a_fault(tmp_path):
    (tmp_path / "blog.env").write_bytes(b"TAGS=caf\xe9\n")
    with pytest.raises(RegistryError, match=r"blog\.env: cannot be read"):
        env_file.read(tmp_path / "blog.env", KNOWN)


printable = st.text(st.characters(exclude_categories=("Cc", "Cs")))
odd = st.text(st.sampled_from("'\"\\$#{} =`!é\u00a0\u2028ab\t"))


@given(st.lists(printable | odd, min_size=1, max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "round-trip.env"
    values = dict(zip(KNOWN, texts))
    path.touch(mode=0o600)
    path.write_text(env_file.write_text(values, {"WEB_ROOT": "Where it's served."}), encoding="utf-8")
    assert {key: value.text for key, value in env_file.read(path, KNOWN).items()} == values



def test_each_value_stands_under_its_comment():
    text = env_file.write_text({"WEB_ROOT": "/srv", "TAGS": "a b"}, {"WEB_ROOT": "Where."})
    assert text == "# Where.\nWEB_ROOT=/srv\n\nTAGS='a b'\n"


@pytest.mark.parametrize(("word", "found"), [("INSTNACE", " (did you mean INSTANCE?)"), ("QQ", "")])
def test_the_nearest_word_is_offered_when_one_is_near(word, found):
    assert env_file.nearest(word, ("INSTANCE", "KEEP")) == found


@pytest.mark.parametrize(("before", "after"), [
    ("TAGS=a", "TAGS=x,y"),
    ("TAGS=", "TAGS=x,y"),
    ("TAGS=  # none yet", "TAGS=x,y  # none yet"),
    ("TAGS=a # a remark\n", "TAGS=x,y # a remark\n"),
    ("TAGS='a b'# a remark\n", "TAGS=x,y # a remark\n"),
    ('export  TAGS = "a \\" # b"  # why\r\n', "export  TAGS =x,y  # why\r\n"),
    ("# TAGS=no\n\n\tTAGS='a\nb'\nWEB_ROOT=/x", "# TAGS=no\n\n\tTAGS=x,y\nWEB_ROOT=/x"),
    ("WEB_ROOT=/x", "WEB_ROOT=/x\nTAGS=x,y\n"),
    ("WEB_ROOT=/x\r\n", "WEB_ROOT=/x\r\nTAGS=x,y\r\n"),
    ("", "TAGS=x,y\n"),
    ("\ufeffTAGS=a\n", "\ufeffTAGS=x,y\n"),
])
def test_a_value_changes_where_it_stands_and_nothing_else_does(before, after):
    assert env_file.with_value(before, "TAGS", "x,y") == after


BARE = st.text("ab# =,'\"\\$é", max_size=8)
LINES = st.one_of(
    st.builds("# {}".format, BARE), st.just(""), st.builds("WEB_URL={}".format, st.text("ab:/#", max_size=6)),
    st.builds("DB_PASS={}".format, BARE.map(env_file.quoted)))


@given(st.lists(LINES, max_size=4), st.builds("{}{}{}".format, st.sampled_from(["TAGS=", "export TAGS= ", " TAGS ="]),
                                               BARE.map(env_file.quoted), st.sampled_from(["", " ", " # why", "\t#"])),
       st.lists(LINES, max_size=4), BARE, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_changed_value_reads_back_and_all_others_stay(above, line, below, value, line_end, has_it):
    lines = [*above, *([line] if has_it else []), *below]
    text = "".join(one + line_end for one in lines)

    def others(of: str) -> list[tuple]:
        return [(one.key, one.value) for one in parse_stream(io.StringIO(of)) if one.key not in (None, "TAGS")]

    changed = env_file.with_value(text, "TAGS", value)
    assert [one.value for one in parse_stream(io.StringIO(changed)) if one.key == "TAGS"] == [value]
    assert others(changed) == others(text)
    kept = [*above, *below]
    assert [one for one in changed.split(line_end)[:-1] if "TAGS" not in one] == kept
