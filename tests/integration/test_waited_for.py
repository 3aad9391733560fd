"""A run that waited for another acts on what the env files say when it is its turn."""

import threading
import time
from contextlib import contextmanager

import pytest

from scripts.errors import RefusedError, UsageError
from scripts.registry import locks
from scripts.registry.locks import Lock
from tests.lab.fault_fixtures import fast_lab
from tests.lab.one_site import OneSite

__all__ = ["fast_lab"]  # a fixture

LOADED = 2  # seconds; a run has read the env file by then, and waits
PATIENT = "WAIT=60s"


@pytest.fixture(scope="module")
def site(fast_lab):
    return OneSite(fast_lab, is_far=False)


@pytest.fixture
def place(site):
    yield site
    site.kit.register(site.name, web_root=site.sample.folder)


def env_file(place):
    return place.kit.top / "instances.d" / f"{place.name}.env"


@contextmanager
def written_while_waiting(place, write):
    """Hold the instance until a run waits for it, and write an env file before it is let go."""
    held, ended = threading.Event(), threading.Event()

    def hold():
        with locks.hold(place.kit.settings, [Lock(place.name, exclusive=True)], "edit"):
            held.set()
            time.sleep(LOADED)
            write()
        ended.set()

    threading.Thread(target=hold).start()
    assert held.wait(LOADED)
    yield
    assert ended.wait(LOADED)


def test_a_site_protected_meanwhile_is_not_overwritten(place):
    place.run("backup", instance=place.name)
    text = env_file(place).read_text()
    pages = place.sample.sql("CHECKSUM TABLE tiki_pages")
    with written_while_waiting(place, lambda: env_file(place).write_text(f"{text}PROTECTED=yes\n")):
        ended = place.kit.make("restore", f"INSTANCE={place.name}", "ARCHIVE=latest", PATIENT)
    assert f"Error {RefusedError.exit_code}" in ended.stderr and f"CONFIRM={place.name}" in ended.stderr, ended
    assert place.sample.sql("CHECKSUM TABLE tiki_pages") == pages
    assert "PROTECTED=yes" in env_file(place).read_text()


def test_a_site_forgotten_meanwhile_is_left_alone(place):
    place.run("backup", instance=place.name)
    place.sample.sql("INSERT INTO tiki_pages (pageName, data) VALUES ('later', 'written since')")
    with written_while_waiting(place, env_file(place).unlink):
        ended = place.kit.make("update", f"INSTANCE={place.name}", PATIENT)
    assert f"Error {UsageError.exit_code}" in ended.stderr, ended
    assert f"there is no instance {place.name}" in ended.stderr
    assert "later" in place.sample.sql("SELECT pageName FROM tiki_pages")


@pytest.mark.parametrize("verb", ["refresh", "promote"])
def test_another_parent_meanwhile_is_not_taken_for_the_one_that_is_held(place, verb):
    place.kit.register("other", web_root=f"{place.sample.folder}-other", stage="acceptance")
    place.kit.register("third", web_root=f"{place.sample.folder}-third", stage="acceptance")
    place.kit.register(place.name, web_root=place.sample.folder, parent="other", stage="test")
    path = env_file(place)
    text = path.read_text()
    pages = place.sample.sql("CHECKSUM TABLE tiki_pages")
    with written_while_waiting(place, lambda: path.write_text(text.replace("PARENT=other", "PARENT=third"))):
        ended = place.kit.make(verb, f"INSTANCE={place.name}", PATIENT)
    assert f"Error {RefusedError.exit_code}" in ended.stderr and "env file was changed while" in ended.stderr, ended
    assert place.sample.sql("CHECKSUM TABLE tiki_pages") == pages
