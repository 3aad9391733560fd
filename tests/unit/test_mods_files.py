"""Which files change when mods come and go in any order: originals come back, what was changed by hand is not lost."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from scripts.errors import RefusedError
from scripts.hosts.listing import Entry
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import mods_files, mods_state
from scripts.steps.mods_files import Layout
from scripts.steps.mods_places import Places
from scripts.steps.mods_state import Installed, State
from scripts.steps.release_files import Release
from scripts.tiki.small_files import SmallFile

FOLDER = Entry("d", "755", "u", "g", 0)


class Tree:
    """A site of files in memory, on which mods are put and taken out as the verbs do."""

    def __init__(self, tmp_path, shipped: dict[str, bytes], **own: bytes) -> None:
        self.instance = Instance(name="wiki", settings=Settings(tmp_path), web_root="/srv/wiki")
        self.files = {path: file(content) for path, content in {**shipped, **own}.items()}
        digests = {path: mods_files.digest(file(content)) for path, content in shipped.items()}
        self.release = Release("24.4", digests, None, "a test")
        self.folders = {above for path in self.files for above in folders_of(path)}
        self.state = State()

    def layout(self, force: bool = False) -> Layout:
        entries = {**dict.fromkeys(self.folders, FOLDER),
                   **{path: Entry("f", "644", "u", "g", len(one.content)) for path, one in self.files.items()}}
        places = Places(SimpleNamespace(instance=self.instance), "/srv/wiki", {}, entries,
                        {**self.files, ".": SmallFile(b"5")})
        places.__dict__["release"] = self.release
        return Layout(self.instance, places, self.state, force)

    def put(self, mod: str, force: bool = False, **contents: bytes) -> Layout:
        layout = self.layout(force)
        layout.put_in(mod, Installed(mod, "1", ""), {path: file(text) for path, text in contents.items()})
        return self.done(layout)

    def take(self, mod: str) -> Layout:
        layout = self.layout()
        layout.take_out(mod)
        return self.done(layout)

    def done(self, layout: Layout) -> Layout:
        change = layout.files({})
        mods_state.keep_originals(self.instance, layout.kept)
        for path in change.gone:
            del self.files[path]
        self.files.update(change.put)
        self.folders |= set(change.folders)
        for folder in change.emptied:
            if not any(path.startswith(f"{folder}/") for path in self.files):
                self.folders.discard(folder)
        self.state = replace(self.state, mods=layout.mods, owners=layout.kept_owners())
        mods_state.sweep(self.instance, self.state)
        return layout

    def texts(self) -> dict[str, bytes]:
        return {path: one.content for path, one in self.files.items()}


def file(content: bytes) -> SmallFile:
    return SmallFile(b"0", content, time="1")


def folders_of(path: str) -> list[str]:
    words = path.split("/")
    return ["/".join(words[:depth]) for depth in range(1, len(words))]


@pytest.fixture
def tree(tmp_path) -> Tree:
    return Tree(tmp_path, {"lib/tiki.php": b"tiki"}, **{"lib/own.php": b"own"})


def test_what_came_goes_with_its_folders_and_nothing_else(tree):
    before, folders = tree.texts(), set(tree.folders)
    tree.put("a-a", **{"lib/a/deep/a.php": b"a", "lib/a.php": b"a"})
    assert {"lib/a", "lib/a/deep"} <= tree.folders
    tree.take("a-a")
    assert (tree.texts(), tree.folders) == (before, folders)


def test_a_file_of_tiki_or_of_another_mod_is_not_replaced_unasked(tree):
    with pytest.raises(RefusedError, match=r"lib/tiki.php of a-a: is part of Tiki itself.*FORCE=1"):
        tree.put("a-a", **{"lib/tiki.php": b"a"})
    tree.put("a-a", **{"lib/a.php": b"a"})
    with pytest.raises(RefusedError, match=r"lib/a.php of b-b: belongs to a-a"):
        tree.put("b-b", **{"lib/a.php": b"b"})


def test_a_file_of_tiki_that_somebody_removed_is_tiki_s_all_the_same(tree):
    del tree.files["lib/tiki.php"]
    with pytest.raises(RefusedError, match="is part of Tiki"):
        tree.put("a-a", **{"lib/tiki.php": b"a"})


def test_a_file_of_the_site_s_own_comes_back(tree):
    before = tree.texts()
    tree.put("a-a", **{"lib/own.php": b"a"})
    assert tree.texts()["lib/own.php"] == b"a"
    tree.take("a-a")
    assert tree.texts() == before


def test_installing_twice_does_not_lose_the_original(tree):
    before = tree.texts()
    for text in (b"a1", b"a2", b"a2"):
        tree.put("a-a", force=True, **{"lib/tiki.php": text})
    tree.take("a-a")
    assert tree.texts() == before


@pytest.mark.parametrize("order", [("a-a", "b-b", "c-c"), ("c-c", "b-b", "a-a"), ("b-b", "a-a", "c-c"),
                                   ("b-b", "c-c", "a-a"), ("a-a", "c-c", "b-b"), ("c-c", "a-a", "b-b")])
def test_mods_that_share_a_place_go_in_any_order(tree, order):
    before = tree.texts()
    for mod in ("a-a", "b-b", "c-c"):
        tree.put(mod, force=True, **{"lib/tiki.php": mod.encode(), f"lib/{mod}.php": b"x"})
    left = ["a-a", "b-b", "c-c"]
    for mod in order:
        tree.take(mod)
        left.remove(mod)
        assert tree.texts()["lib/tiki.php"] == (left[-1].encode() if left else b"tiki")
    assert tree.texts() == before


def test_the_upper_one_of_two_can_be_upgraded_and_the_lower_one_s_file_comes_back(tree):
    tree.put("a-a", **{"lib/x.php": b"a"})
    tree.put("b-b", force=True, **{"lib/x.php": b"b1"})
    tree.put("b-b", **{"lib/x.php": b"b2"})
    tree.take("b-b")
    assert tree.texts()["lib/x.php"] == b"a"
    tree.take("a-a")
    assert "lib/x.php" not in tree.texts()


def test_an_upgrade_takes_away_what_the_new_revision_does_not_have(tree):
    before = tree.texts()
    tree.put("a-a", **{"lib/x.php": b"a", "lib/own.php": b"a"})
    tree.put("a-a", **{"lib/y.php": b"a"})
    assert tree.texts() == {**before, "lib/y.php": b"a"}
    tree.take("a-a")
    assert tree.texts() == before


def test_a_folder_stays_for_the_other_mod_in_it_and_goes_with_that(tree):
    tree.put("a-a", **{"lib/a/a.php": b"a"})
    tree.put("b-b", **{"lib/a/b.php": b"b"})
    tree.take("a-a")
    assert "lib/a" in tree.folders
    tree.take("b-b")
    assert "lib/a" not in tree.folders


@pytest.mark.parametrize("change", [lambda tree: tree.take("a-a"), lambda tree: tree.put("a-a", **{"lib/a.php": b"2"}),
                                    lambda tree: tree.put("a-a", **{"lib/b.php": b"2"})],
                         ids=["removed", "upgraded", "no longer in it"])
def test_what_was_changed_by_hand_is_told_as_lost(tree, change):
    tree.put("a-a", **{"lib/a.php": b"1"})
    tree.files["lib/a.php"] = file(b"by hand")
    assert {path: one.content for path, one in change(tree).lost().items()} == {"lib/a.php": b"by hand"}


def test_a_file_that_an_update_has_made_tiki_s_own_stays_when_the_mod_goes(tree):
    tree.put("a-a", **{"lib/a.php": b"1"})
    tree.files["lib/a.php"] = file(b"tiki 25")
    tree.release = Release("25.0", {"lib/a.php": mods_files.digest(file(b"tiki 25"))}, None, "a test")
    layout = tree.take("a-a")
    assert (tree.texts()["lib/a.php"], layout.lost()) == (b"tiki 25", {})


def test_the_state_is_read_as_it_was_written_and_only_by_us(tree):
    tree.put("a-a", force=True, **{"lib/tiki.php": b"a"})
    state = replace(tree.state, answers={"b-b": {"v": "\udce9'\""}}, job="/x", listed=("a-a",))
    mods_state.write(tree.instance, state)
    assert mods_state.read(tree.instance) == state
    folder = mods_state.folder(tree.instance)
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]} == {0}


def test_the_state_travels_with_an_archive_and_is_gone_with_one_that_has_none(tree, tmp_path):
    tree.put("a-a", force=True, **{"lib/tiki.php": b"a"})
    mods_state.write(tree.instance, tree.state)
    extra = mods_state.for_archive(tree.instance)
    other = tree.instance.with_(name="copy")
    mods_state.from_archive(other, extra)
    (name,) = tree.state.mods["a-a"].originals.values()
    assert mods_state.read(other) == tree.state
    assert mods_state.original(other, name).content == b"tiki"
    mods_state.from_archive(other, {})
    assert mods_state.read(other) == State()
    assert not list((mods_state.folder(other) / "originals").iterdir())
