"""One site as its env file describes it."""

import dataclasses
from datetime import timedelta

import pytest

from scripts.errors import RegistryError
from scripts.hosts.local import LocalHost
from scripts.hosts.ssh import SshHost
from scripts.registry import registry
from scripts.registry.instance import Instance


@pytest.fixture
def load(settings, register):
    def load(text: str = "", name: str = "blog") -> Instance:
        register(name, text)
        return registry.load(settings, name)
    return load


def test_an_instance_of_this_machine_runs_here(load):
    assert load().host == LocalHost("blog")


def test_an_instance_behind_ssh_is_reached_as_its_file_says(load):
    host = load("ACCESS=ssh\nSSH_HOST=web1\nSSH_USER=wiki\nSSH_PORT=2222\nSSH_KEY=/keys/wiki\n").host
    assert isinstance(host, SshHost)
    assert (host.name, host.target, host.port, host.key) == ("blog", "wiki@web1", 2222, "/keys/wiki")


def test_the_home_folder_in_a_key_s_path_is_ours(load, monkeypatch):
    monkeypatch.setenv("HOME", "/home/admin")
    assert load("ACCESS=ssh\nSSH_HOST=web1\nSSH_KEY=~/.ssh/wiki\n").host.key == "/home/admin/.ssh/wiki"


def test_ssh_without_a_host_is_refused(load):
    with pytest.raises(RegistryError, match="needs SSH_HOST"):
        load("ACCESS=ssh\n")


@pytest.mark.parametrize("text", ["SSH_HOST=-oProxyCommand=reboot\n", "SSH_USER=-l\n", "SSH_HOST='web1 reboot'\n",
                                  "SITE=../other\n", "WEB_URL=ftp://example.org\n", "MIRROR_DELAY=0d\n",
                                  "MIRROR_DELAY=1y\n", "PARENT=../blog\n", "DATA_ROOT=/\n", "DATA_ROOT=data\n"])
def test_a_value_that_would_be_read_as_something_else_is_refused(load, text):
    with pytest.raises(RegistryError, match=r"blog\.env:2: "):
        load(text)


@pytest.mark.parametrize("text", ["/", "//", "srv/blog", "", "~/www"])
def test_a_web_root_must_be_a_folder_of_its_own(settings, text):
    (settings.top / "instances.d" / "blog.env").write_text(f"WEB_ROOT={text}\n")
    with pytest.raises(RegistryError, match="WEB_ROOT"):
        registry.load(settings, "blog")


def test_a_web_root_loses_its_closing_slashes(settings):
    (settings.top / "instances.d" / "blog.env").write_text("WEB_ROOT=/srv/blog//\n")
    assert registry.load(settings, "blog").web_root == "/srv/blog"


@pytest.mark.parametrize(("text", "days"), [("1d", 1), ("2w", 14), ("1m", 31), ("10d", 10)])
def test_a_mirror_s_distance_is_in_days(load, text, days):
    assert load(f"MIRROR_OF=wiki\nMIRROR_DELAY={text}\n").mirror_distance == timedelta(days=days)


def test_an_instance_that_mirrors_none_has_no_distance(load):
    assert load("MIRROR_DELAY=1d\n").mirror_distance is None


@pytest.mark.parametrize(("text", "guarded"), [("STAGE=production\n", True), ("PROTECTED=yes\n", True),
                                               ("STAGE=test\nPROTECTED=no\n", False), ("", False)])
def test_production_and_protected_sites_are_guarded(load, text, guarded):
    assert load(text).guarded is guarded


def test_two_sites_of_one_multitiki_are_two_places(load):
    assert load("SITE=one\n").place != load("SITE=two\n").place


def test_two_ports_of_one_address_are_two_places(load):
    far = "ACCESS=ssh\nSSH_HOST=web1\nSSH_PORT="
    assert load(f"{far}22\n").place != load(f"{far}2222\n").place


def test_an_instance_cannot_be_changed_but_copied(load):
    blog = load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        blog.web_root = "/srv/other"
    assert blog.with_(web_root="/srv/other").web_root == "/srv/other"
