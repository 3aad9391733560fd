"""The texts of an env file become values of the kind their field wants."""

from dataclasses import dataclass

import pytest

from scripts.errors import RegistryError
from scripts.registry import schema
from scripts.registry.env_file import Value
from scripts.registry.schema import described


@dataclass(frozen=True)
class Site:
    name: str
    web_root: str = described(help="Where.")
    stage: str = described("", choices=("", "production", "test"), help="Which.")
    db_host: str = described("", pattern=r"[a-z0-9.:]+", wants="a server", help="Which.")
    db_pass: str = described("", help="Secret.")
    ssh_port: int = described(22, help="Port.")
    keep: int | None = described(None, help="How many.")
    protected: bool = described(False, help="Whether.")
    tags: tuple[str, ...] = described((), help="Words.")


def load(**texts: str) -> Site:
    given = {"WEB_ROOT": "/srv"} | texts
    values = {key: Value(text, f"blog.env:{line}") for line, (key, text) in enumerate(given.items(), 1)}
    return schema.load(Site, values, "blog.env", name="blog")


def test_the_keys_are_the_fields_with_a_help_text():
    expected = ["WEB_ROOT", "STAGE", "DB_HOST", "DB_PASS", "SSH_PORT", "KEEP", "PROTECTED", "TAGS"]
    assert list(schema.keys(Site)) == expected


def test_what_is_not_given_has_its_default():
    assert load() == Site("blog", "/srv")


@pytest.mark.parametrize(("text", "value"), [("1", True), ("yes", True), ("On", True), ("TRUE", True), ("0", False),
                                             ("no", False), ("OFF", False), ("false", False)])
def test_a_switch_is_read(text, value):
    assert load(PROTECTED=text).protected is value


@pytest.mark.parametrize("text", ["ja", "2", "", "y"])
def test_a_switch_that_says_neither_is_refused(text):
    with pytest.raises(RegistryError, match=r"^blog\.env:2: PROTECTED: expected yes or no"):
        load(PROTECTED=text)


@pytest.mark.parametrize("text", ["-1", "1.5", "7d", "0x10", "1 000", "", "²"])
def test_a_number_that_is_none_is_refused(text):
    with pytest.raises(RegistryError, match=r"^blog\.env:2: SSH_PORT: expected a whole number"):
        load(SSH_PORT=text)


def test_a_number_that_may_be_missing_may_be_empty():
    assert load(KEEP="").keep is None


def test_a_number_is_read():
    assert (load(SSH_PORT=" 2222 ").ssh_port, load(KEEP="7").keep) == (2222, 7)


def test_a_comma_list_loses_its_blanks_and_empty_parts():
    assert load(TAGS=" a, b c,,d ,").tags == ("a", "b c", "d")


def test_a_word_that_is_no_choice_is_refused():
    with pytest.raises(RegistryError, match="STAGE: expected .*production or test, found 'prod'"):
        load(STAGE="prod")


def test_a_value_of_another_shape_is_refused_with_what_was_expected():
    with pytest.raises(RegistryError, match="DB_HOST: expected a server, found '-oProxyCommand=x'"):
        load(DB_HOST="-oProxyCommand=x")


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\x1bb", "a\0b", "a\x7fb"])
def test_a_control_character_is_refused(text):
    with pytest.raises(RegistryError, match="control character"):
        load(DB_PASS=text)


def test_a_password_keeps_its_blanks():
    assert load(DB_PASS=" a b ").db_pass == " a b "


@pytest.mark.parametrize("values", [{}, {"WEB_ROOT": Value("", "blog.env:1")}, {"WEB_ROOT": Value("  ", "blog.env:1")}])
def test_a_needed_key_that_is_missing_or_empty_is_named(values):
    with pytest.raises(RegistryError, match=r"^blog\.env: WEB_ROOT is missing: Where\."):
        schema.load(Site, values, "blog.env", name="blog")


@pytest.mark.parametrize("shared", [[], {}])
def test_a_default_that_would_be_shared_is_refused(shared):
    with pytest.raises(TypeError):
        described(shared, help="Shared.")
