"""The collection and its mirrors: what killed runs leave, what a provider may take back, what a label may not hide."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.errors import UsageError
from scripts.mods import index, provider
from scripts.registry.settings import Settings
from scripts.steps import mods_changing, mods_collection, mods_mirroring, mods_publishing, mods_state
from scripts.verbs import mods_mirror, mods_show, mods_update

CONTROL = "revision:\n{}\n\nfiles:\nlib/{}.php {}.php\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A toolkit that publishes two mods."""
    (tmp_path / "conf").mkdir()
    one = Settings(tmp_path)
    mods_collection.ready(one)
    for name in "ab":
        publish(one, name, "1.0")
    return one


def publish(settings: Settings, name: str, revision: str) -> None:
    top = mods_collection.folder(settings)
    (top / "lib").mkdir(exist_ok=True)
    (top / f"lib/{name}.php").write_text(f"<?php // {name} {revision}\n")
    (top / f"Packages/lib-{name}.info.txt").write_text(CONTROL.format(revision, name, name))
    mods_publishing.published(settings, [f"lib-{name}"], sign=False)


def mirrored(settings: Settings) -> tuple[mods_mirroring.Mirrored, list[str]]:
    """Mirror the collection, and return what came and what the mirror's list has."""
    folder = settings.top / "mirror"
    done = mods_mirroring.into_folder(provider.at(settings, str(mods_collection.folder(settings))), folder)
    lines = index.load(folder / mods_mirroring.LIST)
    assert sorted(os.listdir(folder / "Dist")) == sorted(line.archive_name for line in lines)
    return done, [f"{line.mod} {line.revision}" for line in lines]


def test_a_mirror_keeps_what_it_has_of_a_mod_that_cannot_be_had_any_more(settings):
    assert mirrored(settings)[1] == ["lib-a 1.0", "lib-b 1.0"]
    publish(settings, "a", "1.1")
    (mods_collection.dist(settings) / "lib-a-1.1.tgz").unlink()
    done, lines = mirrored(settings)
    assert (done.failed, lines) == (["lib-a"], ["lib-a 1.0", "lib-b 1.0"])
    (settings.top / "mirror/Dist/lib-a-1.0.tgz").write_text("damaged")
    assert mirrored(settings)[1] == ["lib-b 1.0"]


def test_what_killed_runs_left_goes_with_the_next_change(settings):
    top = mods_collection.folder(settings)
    for name in ("x", "Dist", "Cache/http"):
        (top / name).mkdir(exist_ok=True)
    (top / ".trim-new-1").mkdir()
    (top / ".trim-new-1/file").write_text("")
    left = [top / ".trim-new-1", top / "Dist/.trim-new-x.tgz", top / "Cache/http/.trim-new-7-x.tgz"]
    for path in left[1:]:
        path.write_text("")
    mods_collection.ready(settings)
    assert [path for path in left if path.exists()] == []
    assert (top / "Dist/lib-a-1.0.tgz").is_file()


def test_a_list_that_went_back_is_told(settings, capsys):
    address = str(mods_collection.folder(settings))
    publish(settings, "a", "1.1")
    mods_update.mods_update(settings, address)
    publish(settings, "a", "1.0")
    assert mods_update.mods_update(settings, address)[0]["older"] == ["lib-a"]
    assert "has older revisions than before of lib-a" in capsys.readouterr().err


def test_demands_that_a_list_does_not_tell_are_met_all_the_same(settings, tmp_path):
    path = mods_collection.packages_of(settings) / "lib-a.info.txt"
    path.write_text(path.read_text() + "\nrequires:\nlib-b>=1\n")
    mods_publishing.published(settings, ["lib-a"], sign=False)
    (path.parent / provider.PUBLIC).write_text("'lib','a','1.0'\n'lib','b','1.0'\n")
    address = str(mods_collection.folder(settings))
    (tmp_path / "other/conf").mkdir(parents=True)
    other = Settings(tmp_path / "other")
    mods_update.mods_update(other, address)
    found = SimpleNamespace(instance=SimpleNamespace(settings=other), probe=SimpleNamespace(version="24.4"))
    plan = mods_changing.resolved(found, mods_state.State(), ["lib-a"], mods_collection.available(other, address))
    assert [str(step.new) for step in plan.steps] == ["lib-b 1.0", "lib-a 1.0"]


def test_a_label_of_nobody_s_hides_nothing(settings):
    path = mods_collection.packages_of(settings) / "lib-a.info.txt"
    path.write_text(path.read_text() + "\nmod:\nlib-good\n\nlocal:\n9\n")
    row = mods_show.mods_show(settings, "lib-a", "")[0]
    assert (row["mod"], row["local"]) == ("lib-a", "1.0")


def test_a_collection_that_is_not_published_is_not_mirrored_elsewhere(settings):
    (settings.top / "conf/providers.txt").write_text("publish: no\n")
    with pytest.raises(UsageError, match="switched off"):
        mods_mirror.mods_mirror(settings, str(mods_collection.folder(settings)), "mirror")
