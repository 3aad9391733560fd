"""What is found of a site is held against its env file; WRITE=1 changes what is certain, and only that."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

SMALL = {"files": 5, "versions": 1, "web": False}
PATH = "/usr/local/bin:/usr/bin:/bin"


@pytest.fixture(scope="module")
def kit() -> Iterator[Toolkit]:
    with Lab() as lab:
        yield Toolkit(lab.folder / "kit", lab)


@pytest.fixture(scope="module")
def sites(kit: Toolkit) -> dict[str, tuple[Instance, SampleTiki]]:
    """Sites whose env files name the address that their databases do."""
    built = {"blog": kit.tiki("blog", missing_folder=True, **SMALL), "wiki": kit.tiki("wiki", "old", **SMALL),
             "far": kit.tiki("far", ssh=True, **SMALL)}
    for name, (_, sample) in built.items():
        path = env(kit, name)
        path.write_text(f"{path.read_text()}WEB_URL={sample.preference('fallbackBaseUrl')}\n")
    return built


@pytest.fixture(autouse=True)
def _registry_as_it_was(kit: Toolkit, sites: dict) -> Iterator[None]:
    kept = {path: path.read_bytes() for path in (kit.top / "instances.d").glob("*.env")}
    yield
    for path, content in kept.items():
        path.write_bytes(content)


def env(kit: Toolkit, name: str) -> Path:
    return kit.top / "instances.d" / f"{name}.env"


def found(kit: Toolkit, name: str, *words: str, path: str = PATH) -> dict[str, dict]:
    """Return the rows of one instance by what they are about."""
    done = kit.make("detect", f"INSTANCE={name}", "JSON=1", *words, environment={"PATH": path})
    assert done.returncode == 0, done.stderr
    return {row["key"]: row for row in json.loads(done.stdout)[0]["found"]}


@pytest.mark.parametrize("name", ["blog", "far"])
def test_a_site_that_is_as_its_env_file_says(kit, sites, name):
    before = env(kit, name).read_bytes()
    rows = found(kit, name, "WRITE=1")
    sample = sites[name][1]
    assert rows["version"]["found"] == sample.version
    assert f"{sample.database} on 127.0.0.1:{kit.lab.mariadb.port}" in rows["database"]["found"]
    assert [row["mark"] for row in rows.values() if row["mark"]] == (["wrong"] if name == "blog" else [])
    assert env(kit, name).read_bytes() == before


def test_a_data_folder_that_is_not_there_is_marked(kit, sites):
    done = kit.make("detect", "INSTANCE=blog")
    assert "is not there" in next(line for line in done.stdout.splitlines() if " wrong " in line)


def test_a_program_that_is_no_php_is_replaced_in_place(kit, sites):
    path = env(kit, "blog")
    path.write_text(f"# ours\nPHP = /nowhere/php # old\n{path.read_text()}")
    rows = found(kit, "blog")
    assert (rows["PHP"]["mark"], rows["version"]["found"]) == ("differs", sites["blog"][1].version)
    assert "/nowhere/php" in path.read_text()
    rest = path.read_text().split("\n", 2)[2]
    found(kit, "blog", "WRITE=1")
    assert path.read_text() == f"# ours\nPHP ={rows['PHP']['value']} # old\n{rest}"
    assert found(kit, "blog")["PHP"]["mark"] == ""


def test_a_php_that_cannot_run_this_tiki_is_told_and_a_fitting_one_found(kit, sites, tmp_path):
    told = found(kit, "wiki")["PHP"]
    assert (told["mark"], told["value"]) == ("wrong", None)
    assert told["found"].startswith("Tiki 12.x needs 5.3 to 5.6; there is ")
    old = tmp_path / "php5.6"
    old.write_text(f'#!/bin/sh\n[ "$1" != -n ] || {{ printf 5.6.40; exit; }}\nexec {shutil.which("php")} "$@"\n')
    old.chmod(0o755)
    rows = found(kit, "wiki", "WRITE=1", path=f"{tmp_path}:{PATH}")
    assert rows["PHP"]["value"] == str(old)
    assert kit.instance("wiki").php == str(old)


def test_an_address_of_the_database_fills_an_empty_key_and_replaces_none(kit, sites):
    path, url = env(kit, "blog"), sites["blog"][1].preference("fallbackBaseUrl")
    path.write_text(path.read_text().replace(url, ""))
    assert found(kit, "blog")["WEB_URL"]["mark"] == "guess"
    found(kit, "blog", "WRITE=1")
    assert kit.instance("blog").web_url == url
    path.write_text(path.read_text().replace(url, "https://mine.example.org/"))
    row = found(kit, "blog", "WRITE=1")["WEB_URL"]
    assert (row["mark"], row["value"]) == ("guess", None)
    assert kit.instance("blog").web_url == "https://mine.example.org/"


def test_a_database_that_does_not_let_us_in_does_not_hide_the_rest(kit, sites):
    _, sample = sites["blog"]
    config = sample.folder / "db" / "local.php"
    text = config.read_text()
    config.write_text(text.replace("$pass_tiki='", "$pass_tiki='not "))
    try:
        rows = found(kit, "blog")
    finally:
        config.write_text(text)
    assert rows["database"]["mark"] == "wrong" and rows["version"]["found"] == sample.version
    assert sample.password not in json.dumps(rows)


def test_the_only_virtual_site_is_taken_for_one_that_is_not_there(kit, sites):
    _, sample = sites["far"]
    (sample.folder / "db" / "virtuals.inc").write_text("second\n")
    (sample.folder / "db" / "second").mkdir()
    shutil.copy(sample.folder / "db" / "local.php", sample.folder / "db" / "second")
    give_to(lab_user(), sample.folder / "db")
    path = env(kit, "far")
    path.write_text(path.read_text() + "SITE=first\n")
    row = found(kit, "far")["SITE"]
    assert (row["mark"], row["value"]) == ("differs", "second")
    shutil.rmtree(sample.folder / "db" / "second")
    (sample.folder / "db" / "virtuals.inc").unlink()


def test_several_are_told_one_after_the_other_and_one_that_fails_does_not_stop_them(kit, sites):
    kit.register("dead", access="ssh", ssh_host="127.0.0.1", ssh_port=1, web_root="/srv/dead")
    done = kit.make("detect", "INSTANCE=dead,far")
    env(kit, "dead").unlink()
    assert done.returncode
    assert "far:" in done.stdout.splitlines()
    assert "1 of 2 instances failed: dead" in done.stderr
