"""What the tests of update, upgrade and rollback share: releases, a small site of the older one, and its toolkit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from scripts.steps import answering, switch_over
from scripts.tiki import maintenance
from scripts.tiki.version import parse_version
from tests.lab import forked, releases
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_database, describe_tree
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

CACHED = (b"temp/", b"templates_c/", b"modules/cache/")
numbers = count(1)


class Site:
    """A small site of release 24.3 and its toolkit, with what it was at first."""

    def __init__(self, kit: Toolkit, *, far: bool = False, **keys: object) -> None:
        self.kit, self.name = kit, f"site{next(numbers)}"
        self.sample: SampleTiki = small_site(kit.lab, self.name, far, web=True, version="24.3", keeps=("tiki_secdb",))
        releases.complete(self.root, "24.3", is_newer=False)
        give_to(lab_user(), self.root)
        reached = kit.over_ssh() if far else {}
        self.instance: Instance = kit.register(self.name, web_root=self.root, web_url=self.sample.url,
                                               **(reached | keys))
        fetch(self.sample.url)
        self.first = self.everything()

    @property
    def root(self) -> Path:
        return self.sample.folder

    def everything(self) -> tuple:
        tree = {path: told for path, told in describe_tree(self.root).items() if not path.startswith(CACHED)}
        return tree, describe_tree(self.sample.outside), describe_database(self.sample.server, self.sample.database)

    def version(self) -> str:
        return str(parse_version((self.root / "lib/setup/twversion.class.php").read_text()).version)

    def run(self, verb: str, **words: str) -> Ended:
        return forked.run(self.kit.top, verb, instance=self.name, **words)

    def told(self, verb: str, **words: str) -> dict:
        ended = self.run(verb, json="1", **words)
        assert ended.is_success, ended.stderr
        return json.loads(ended.stdout)[0]

    def is_open(self) -> bool:
        return not maintenance.state(self.instance.host, self.instance.web_root).is_on and \
            fetch(self.sample.url).status == 200

    def left(self) -> list[str]:
        """Return what a change must not leave behind."""
        beside = [path.name for path in self.root.parent.iterdir() if path.name.startswith(f".trim-{self.name}-")]
        inside = [path.name for path in self.root.iterdir() if path.name.startswith(".trim")]
        notes = [path.name for path in (self.kit.top / "var/status").glob(f"{self.name}.*")
                 if path.name.endswith(("restoring.json", "updating.json"))]
        return [*beside, *inside, *notes]

    def assert_untouched(self) -> None:
        for first, now in zip(self.first, self.everything()):
            assert {key: (first.get(key), now.get(key)) for key in first.keys() | now.keys()
                    if first.get(key) != now.get(key)} == {}
        assert self.left() == []
        assert self.is_open()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def code(lab: Lab) -> Path:
    """Return a folder with releases 24.3 and 24.4."""
    folder = lab.folder / "releases"
    releases.release(folder, "24.3", is_newer=False)
    releases.release(folder, "24.4")
    return folder


@pytest.fixture(scope="module")
def shared(lab: Lab, code: Path) -> Toolkit:
    kit = Toolkit(lab.folder / "kit", lab)
    kit.set(compress="zst", releases_dir=code, git_remote="")
    return kit


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """Wait for no opcode cache: the lab's Apache has none."""
    monkeypatch.setattr(switch_over, "OPCACHE_SECONDS", 0)
    monkeypatch.setattr(answering, "PATIENT_SECONDS", 2)
    monkeypatch.setattr(answering, "PAUSE_SECONDS", 0.2)


def kit_with(lab: Lab, code: Path, files: dict[str, str]) -> Toolkit:
    """Return a toolkit whose newest release has these files in it."""
    folder = lab.folder / f"releases{next(numbers)}"
    folder.mkdir()
    os.link(code / "tiki-24.3.tar.zst", folder / "tiki-24.3.tar.zst")
    releases.release(folder, "24.4", files)
    kit = Toolkit(lab.folder / f"kit{next(numbers)}", lab)
    kit.set(compress="zst", releases_dir=folder, git_remote="")
    return kit
