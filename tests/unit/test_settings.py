"""The toolkit's own values."""

from pathlib import Path

import pytest

from scripts.errors import RegistryError
from scripts.registry import env_file, schema, settings
from scripts.registry.settings import Settings

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture
def load(tmp_path):
    def load(text: str) -> Settings:
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "settings.env").write_text(text)
        return settings.load(tmp_path)
    return load


def test_without_a_file_every_value_has_a_default(tmp_path):
    assert settings.load(tmp_path) == Settings(top=tmp_path)


def test_a_relative_folder_lies_below_the_toolkit(load, tmp_path):
    assert load("ARCHIVES_DIR=kept\n").archives == tmp_path / "kept"


def test_an_absolute_folder_stays_where_it_is(load):
    assert load("ARCHIVES_DIR=/backup/trim\n").archives == Path("/backup/trim")


def test_a_key_of_an_instance_is_no_setting(load):
    with pytest.raises(RegistryError, match=r"settings\.env:1: WEB_ROOT is not a known key"):
        load("WEB_ROOT=/srv\n")


def test_a_number_above_its_limit_is_refused(load):
    with pytest.raises(RegistryError, match=r"settings\.env:1: NICE: expected at most 19, found 20"):
        load("NICE=20\n")


@pytest.mark.parametrize("text", ["ann", "ann@x y@z", "-oX@y", "a@b,<c@d>"])
def test_what_is_no_mail_address_is_refused(load, text):
    with pytest.raises(RegistryError, match="MAIL_TO: expected mail addresses"):
        load(f"MAIL_TO='{text}'\n")


def test_what_can_be_read_of_broken_settings_tells_whom_to_tell_and_no_secret(load, tmp_path):
    with pytest.raises(RegistryError):
        load("KEPP=7\nMAIL_TO=ann@example.org\nNICE=many\nSMTP_PASS=x\nno line\nSMTP_HOST=mail\n")
    found = settings.salvaged(tmp_path)
    assert (found.mail_to, found.smtp_host, found.nice, found.smtp_pass) == (("ann@example.org",), "mail", 0, "")


def test_another_compression_is_refused(load):
    with pytest.raises(RegistryError, match=r"settings\.env:2: COMPRESS: expected bz2 or zst, found 'gz'"):
        load("KEEP=7\nCOMPRESS=gz\n")


def test_the_example_names_every_key_and_only_those(tmp_path):
    shown = (TOP / "conf" / "settings.env.example").read_text(encoding="utf-8")
    lines = [line.removeprefix("#") for line in shown.splitlines() if line.lstrip("#").split("=")[0].isupper()]
    (tmp_path / "settings.env").write_text("\n".join(lines) + "\n")
    assert set(env_file.read(tmp_path / "settings.env", schema.keys(Settings))) == set(schema.keys(Settings))
