"""The layouts of control panels are recognised on folders laid out as they lay them out, in one call."""

import os
from pathlib import Path

import pytest

from scripts.errors import CommandError
from scripts.hosts.local import LocalHost
from scripts.tiki import host_facts, panels
from scripts.tiki.host_facts import HostFacts, Php
from scripts.tiki.requirements import Requirement
from tests.unit.recording_host import RecordingHost

WANTED = Requirement("24.x", "7.4", "8.2")


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A made-up machine: folders, Tikis, and PHPs that tell a version."""
    monkeypatch.setenv("HOME", "/home/ann")
    root = tmp_path / "machine"

    class Machine:
        @staticmethod
        def folder(path: str) -> str:
            (root / path).mkdir(parents=True, exist_ok=True)
            return str(root / path)

        @classmethod
        def tiki(cls, path: str) -> str:
            Path(cls.folder(path), "tiki-setup.php").touch()
            return str(root / path)

        @classmethod
        def php(cls, path: str, version: str) -> str:
            cls.folder(os.path.dirname(path))
            program = root / path
            program.write_text(f"#!/bin/sh\ncat >/dev/null\nprintf {version}\n")
            program.chmod(0o755)
            return str(program)

        @staticmethod
        def facts() -> HostFacts:
            root.mkdir(exist_ok=True)
            return host_facts.gather(LocalHost("here"), str(root))

    return Machine


def test_virtualmin_and_its_domains_with_their_own_php_and_temporary_folders(made):
    made.folder("usr/sbin/virtualmin")
    top, sub = made.tiki("home/ann/public_html"), made.tiki("home/ann/domains/shop.example.org/public_html")
    php, own = made.php("home/ann/bin/php", "8.2.1"), made.php("home/ann/domains/shop.example.org/bin/php", "7.4.33")
    temp = made.folder("home/ann/tmp")
    facts = made.facts()
    assert panels.panel(facts) == "Virtualmin"
    found = {one.path: one for one in panels.web_roots(facts)}
    assert (found[top].php, found[top].temp, found[top].domain) == (php, temp, "")
    assert (found[sub].php, found[sub].temp, found[sub].domain) == (own, temp, "shop.example.org")
    assert {one.path: one.version for one in facts.phps}[own] == "7.4.33"


@pytest.mark.parametrize(("sign", "name", "web_root", "domain"), [
    ("usr/local/cpanel", "cPanel", "home/bob/public_html", ""),
    ("usr/local/psa", "Plesk", "var/www/vhosts/b.example/httpdocs", "b.example"),
    ("usr/local/ispconfig", "ISPConfig", "var/www/clients/client1/web12/web", ""),
    ("usr/local/directadmin", "DirectAdmin", "home/bob/domains/b.example/public_html", "b.example"),
])
def test_a_panel_and_where_it_puts_web_roots(made, sign, name, web_root, domain):
    made.folder(sign)
    path = made.tiki(web_root)
    temp = made.folder(f"{os.path.dirname(web_root)}/tmp")
    facts = made.facts()
    assert panels.panel(facts) == name
    one, = panels.web_roots(facts)
    assert (one.path, one.kind, one.domain, one.temp) == (path, "tiki", domain, temp)


def test_tikis_come_before_empty_folders_and_those_before_others(made):
    other, empty = made.folder("var/www/html"), made.folder("home/ann/public_html")
    Path(other, "index.html").touch()
    tiki = made.tiki("srv/www/wiki")
    inner = made.tiki("home/ann/public_html/wiki")
    found = [(one.path, one.kind) for one in panels.web_roots(made.facts())]
    assert found == [(inner, "tiki"), (tiki, "tiki"), (empty, "other"), (other, "other")]


def test_a_machine_without_a_panel_has_none(made):
    made.folder("home/ann/public_html")
    facts = made.facts()
    assert panels.panel(facts) == ""
    assert [one.kind for one in panels.web_roots(facts)] == ["empty"]


def test_a_name_with_blanks_quotes_and_line_breaks_is_one_folder(made):
    path = made.tiki("srv/it's a \"wiki\"\n2")
    assert [one.path for one in panels.web_roots(made.facts())] == [path]


def test_phps_of_all_usual_places_are_found_and_what_only_looks_like_one_is_not(made):
    phps = {made.php(path, version): version for path, version in {
        "opt/plesk/php/8.1/bin/php": "8.1.9", "opt/cpanel/ea-php74/root/usr/bin/php": "7.4.33",
        "opt/remi/php83/root/usr/bin/php": "8.3.1", "usr/bin/php8.2": "8.2.7", "usr/bin/php5": "5.6.40"}.items()}
    made.php("usr/bin/phpize8.2", "8.2.7")
    made.php("usr/bin/php8.2-fpm", "8.2.7")
    broken = Path(made.php("usr/local/bin/php", "9"))
    broken.write_text("#!/bin/sh\nexit 1\n")
    found = {one.path: one.version for one in made.facts().phps}
    assert {path: version for path, version in found.items() if path in phps} == phps
    assert not [path for path in found if "ize" in path or "fpm" in path or path == str(broken)]


def test_an_answer_that_is_cut_off_is_a_fault():
    with pytest.raises(CommandError, match="cut off"):
        host_facts.gather(RecordingHost({("sh",): b"me\tann\t/home/ann\t\0php\t/usr/b"}))


@pytest.mark.parametrize(("versions", "preferred", "chosen"), [
    (["8.3.1", "8.2.7", "7.4.33"], "", "8.2.7"),
    (["8.3.1", "8.2.7", "7.4.33"], "/2", "7.4.33"),
    (["8.3.1", "8.2.7"], "/0", "8.2.7"),
    (["7.4.9", "7.4.33"], "", "7.4.33"),
    (["8.3.1", "5.6.40"], "", None),
])
def test_the_preferred_php_is_taken_if_it_suits_and_else_the_newest_that_does(versions, preferred, chosen):
    phps = [Php(f"/{number}", version) for number, version in enumerate(versions)]
    found = panels.suitable(phps, WANTED, preferred)
    assert (found.version if found else None) == chosen
