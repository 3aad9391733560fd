"""What the tests of mods on a site share: a toolkit, two sites that each test leaves as they were, and the calls."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from scripts.steps import mods_collection, mods_state
from tests.lab import forked, sample_mods
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.mariadb import identifier
from tests.lab.sample_mods import BOOK
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

Pair = tuple[Instance, SampleTiki]
numbers = count(1)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def kit(lab: Lab) -> Toolkit:
    kit = Toolkit(lab.folder / "toolkit", lab)
    kit.set(git_remote="")
    return kit


@pytest.fixture(scope="module")
def sites(kit: Toolkit) -> dict[bool, Pair]:
    """Two sites, here and behind ssh; each test leaves them as they were."""
    return {is_far: make(kit, is_far) for is_far in (False, True)}


def make(kit: Toolkit, is_far: bool = False, **choices) -> Pair:
    sample = small_site(kit.lab, f"site{next(numbers)}", is_far, version="24.4", **choices)
    give_to(lab_user(), sample.folder)
    reached = kit.over_ssh() if is_far else {}
    return kit.register(sample.folder.name, web_root=sample.folder, web_url="http://wiki.example.org/",
                        **reached), sample


@pytest.fixture(params=[False, True], ids=["here", "ssh"])
def each(request, sites, kit) -> Iterator[Pair]:
    yield from unchanged(kit, *sites[request.param])


@pytest.fixture
def here(sites, kit) -> Iterator[Pair]:
    yield from unchanged(kit, *sites[False])


@pytest.fixture
def far(sites, kit) -> Iterator[Pair]:
    yield from unchanged(kit, *sites[True])


def unchanged(kit: Toolkit, instance: Instance, sample: SampleTiki) -> Iterator[Pair]:
    """Lend a site and see that it is what it was afterwards, down to the sums of its tables."""
    shutil.rmtree(mods_collection.folder(kit.settings), ignore_errors=True)
    before = state(sample)
    yield instance, sample
    assert state(sample) == before
    assert not mods_state.read(instance).mods
    assert not left_over(sample)


def state(sample: SampleTiki) -> tuple[dict, list[str]]:
    """Return every file, and how each table was made with the server's sum of its rows."""
    tree = {path: told for path, told in describe_tree(sample.folder).items() if not path.startswith(b"temp/")}
    names = [identifier(name) for name in sample.sql("SHOW TABLES").splitlines()]
    return tree, sample.sql("; ".join(f"SHOW CREATE TABLE {name}; CHECKSUM TABLE {name} EXTENDED" for name in names)
                            ).splitlines()


def left_over(sample: SampleTiki) -> list[Path]:
    return list(sample.folder.parent.glob(".trim-*"))


def run(kit: Toolkit, verb: str, one: Instance, **words: object) -> Ended:
    temporary = kit.lab.folder / "tmp"  # what killed runs leave there must not meet other tests
    temporary.mkdir(exist_ok=True)
    return forked.run(kit.top, verb, environment={"TMPDIR": str(temporary)}, instance=one.name,
                      **{key: str(value) for key, value in words.items()})


def done(ended: Ended) -> Ended:
    assert ended.is_success, ended
    return ended


def installed(kit: Toolkit, one: Instance, mod: str = BOOK, **words: object) -> Ended:
    return done(run(kit, "mods_install", one, mod=mod, answers=sample_mods.answers(kit.top), yes=1, **words))


def removed(kit: Toolkit, one: Instance, mod: str = "*") -> Ended:
    return done(run(kit, "mods_remove", one, mod=mod, yes=1))


def refused(ended: Ended, *says: str, code: int = 9) -> None:
    assert ended.code == code, ended
    for text in says:
        assert text in ended.stderr, ended
