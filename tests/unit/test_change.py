"""An env file changes in place, only into what can be loaded, and never over what somebody else has written."""

import stat

import pytest

from scripts.errors import BusyError, RegistryError
from scripts.registry import change

REMARKS = "# ours\n\nTAGS = 'old one' # why\n"


def test_a_value_is_set_and_every_other_byte_stays(settings, register):
    path = register("blog", REMARKS)
    instance = change.set_values(settings, "blog", {"TAGS": "a,b", "CONTACT": "Ann O'Hara"})
    assert path.read_bytes() == b"WEB_ROOT=/srv/blog\n# ours\n\nTAGS =a,b # why\nCONTACT='Ann O\\'Hara'\n"
    assert (instance.tags, instance.contact) == (("a", "b"), "Ann O'Hara")


def test_an_empty_value_adds_no_line(settings, register):
    path = register("blog")
    change.set_values(settings, "blog", {"TAGS": ""})
    assert path.read_text() == "WEB_ROOT=/srv/blog\n"


def test_what_could_not_be_loaded_is_not_written(settings, register):
    path = register("blog")
    with pytest.raises(RegistryError, match=r"blog\.env:2: WEB_URL: expected an http"):
        change.set_values(settings, "blog", {"WEB_URL": "ftp://x"})
    assert path.read_text() == "WEB_ROOT=/srv/blog\n"


def test_a_change_that_makes_two_names_one_site_is_not_written(settings, register):
    register("wiki")
    path = register("blog")
    with pytest.raises(RegistryError, match="those of wiki"):
        change.set_values(settings, "blog", {"WEB_ROOT": "/srv/wiki"})
    assert path.read_text() == "WEB_ROOT=/srv/blog\n"


def test_twins_that_were_there_before_keep_nobody_from_tagging(settings, register):
    register("blog")
    register("wiki").write_text("WEB_ROOT=/srv/blog\n")
    assert change.set_values(settings, "wiki", {"TAGS": "a"}).tags == ("a",)


def test_an_instance_that_cannot_be_read_is_named_and_not_in_the_way(settings, register):
    register("blog")
    register("wiki", "no line\n")
    assert change.refuse_twin(settings, change.checked(settings, "blog", b"WEB_ROOT=/srv/blog\n")) == ["wiki"]


@pytest.mark.parametrize(("content", "where"), [(b"WEB_ROOT=/x\nTAGS=\xff\n", "blog.env:2: this is no UTF-8"),
                                                (b"WEB_ROOT=/x\nTGAS=a\n", "blog.env:2: TGAS is not a known key"),
                                                (b"TAGS=a\n", "blog.env: WEB_ROOT is missing")])
def test_a_mistake_is_told_with_its_line(settings, content, where):
    with pytest.raises(RegistryError, match=where):
        change.checked(settings, "blog", content)


def test_what_somebody_else_wrote_meanwhile_stays(settings, register):
    path = register("blog")
    before = path.read_bytes()
    path.write_text("WEB_ROOT=/srv/other\n")
    with pytest.raises(BusyError, match="somebody else has changed it"):
        change.put(settings, "blog", before, b"WEB_ROOT=/srv/mine\n")
    assert path.read_text() == "WEB_ROOT=/srv/other\n"


@pytest.mark.parametrize(("text", "mode"), [("", 0o640), ("DB_PASS=x\nTAGS=b\n", 0o600)])
def test_the_mode_stays_but_a_password_is_ours_alone(settings, register, text, mode):
    path = register("blog", "TAGS=a\n")
    path.chmod(0o640)
    before = path.read_bytes()
    change.put(settings, "blog", before, f"WEB_ROOT=/srv/blog\n{text}".encode())
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_is_written_through(settings, register, tmp_path):
    path = register("blog")
    real = tmp_path / "elsewhere.env"
    path.rename(real)
    path.symlink_to(real)
    change.set_values(settings, "blog", {"TAGS": "a"})
    assert path.is_symlink()
    assert real.read_text() == "WEB_ROOT=/srv/blog\nTAGS=a\n"
