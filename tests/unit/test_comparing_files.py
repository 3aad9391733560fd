"""How two trees are compared, on trees that are only told: no host is asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest

from scripts.database.client import Client
from scripts.hosts.listing import Entry
from scripts.steps import comparing_files
from scripts.steps.comparing_sides import Side, Tree, pairs
from scripts.tiki import restriction
from scripts.tiki.expected import CACHE, OWN_CONFIG, OWN_PLACE, PAGE, Expected
from tests.unit.recording_host import RecordingHost

FOLDER, FILE = Entry("d", "755", "web", "web", 0), Entry("f", "644", "web", "web", 3)


@dataclass
class ToldTree(Tree):
    """A tree that holds what it is told; later is what a second look sees."""

    path: str = "/srv/a"
    used_by: tuple[str, ...] = ()
    entries: dict[str, Entry] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    later: dict[str, Entry] | None = None
    asked: list[str] = field(default_factory=list)
    looks: int = 0
    is_living = True

    def look(self) -> dict[str, Entry]:
        self.looks += 1
        seen = self.later if self.later is not None and self.looks > 1 else self.entries
        return {"": FOLDER, **seen}

    def sums(self, sizes: Mapping[str, int]) -> dict[str, str]:
        self.asked += sizes
        return {name: self.digests.get(name, "same") for name in sizes if self.digests.get(name) != "gone"}

    def contents(self, names: Collection[str]) -> dict[str, bytes]:
        raise AssertionError("a comparison needs no content")


def side(*trees: Tree, **more) -> Side:
    return Side("x", "x", trees, Client(RecordingHost(), "options", "db"), owner=("web", "web"), **more)


def differences(one: dict, other: dict, rules: Expected = Expected(), **more) -> list[tuple]:  # noqa: B008
    found = comparing_files.compare(side(ToldTree(entries=one)), side(ToldTree(entries=other), **more), rules)
    return [(found.what, found.name, found.expected) for found in found.differences]


@pytest.mark.parametrize(("one", "other", "what"), [
    (None, FILE, "added"),
    (FILE, None, "removed"),
    (FILE, FILE._replace(size=4), "changed"),
    (FILE, FILE._replace(mode="600"), "mode"),
    (FILE, FILE._replace(owner="root"), "owner"),
    (FILE, FILE._replace(group="root"), "owner"),
    (FILE, FILE._replace(kind="l", target="x", mode="777"), "kind"),
    (FOLDER, FOLDER._replace(mode="700"), "mode"),
    (Entry("l", "777", "web", "web", 1, target="x"), Entry("l", "755", "web", "web", 1, target="y"), "link target"),
    (FILE, FILE._replace(is_readable=False), "unreadable"),
    (FOLDER, FOLDER._replace(is_readable=False), "unreadable"),
])
def test_each_difference_is_told_by_its_name(one, other, what):
    both = [{"x": entry} if entry else {} for entry in (one, other)]
    assert differences(*both) == [(what, "x", "")]


def test_time_and_a_folder_s_size_are_no_difference():
    assert differences({"x": FOLDER, "y": FILE}, {"x": FOLDER._replace(size=9, time="5"),
                                                  "y": FILE._replace(time="7")}) == []


def test_content_is_summed_only_where_both_have_a_file_of_one_size():
    one = ToldTree(entries={"a": FILE, "b": FILE, "c": FILE, "empty": FILE._replace(size=0), "d": FOLDER})
    other = ToldTree(entries={"a": FILE, "b": FILE._replace(size=4), "empty": FILE._replace(size=0), "d": FOLDER},
                     digests={"a": "other"})
    found = comparing_files.compare(side(one), side(other), Expected())
    assert one.asked == other.asked == ["a"]
    assert [(each.what, each.name) for each in found.differences] == [("changed", "a"), ("changed", "b"),
                                                                     ("removed", "c")]


def test_a_file_that_changes_meanwhile_is_told_and_not_judged():
    one = ToldTree(entries={"a": FILE, "b": FILE})
    other = ToldTree(entries={"a": FILE, "b": FILE}, digests={"a": "other", "b": "gone"},
                     later={"a": FILE._replace(time="9")})
    found = comparing_files.compare(side(one), side(other), Expected())
    assert found.moving == ["a", "b"] and found.differences == []


def test_nothing_is_looked_at_twice_when_nothing_differs():
    one, other = ToldTree(entries={"a": FILE}), ToldTree(entries={"a": FILE})
    comparing_files.compare(side(one), side(other), Expected())
    assert one.looks == other.looks == 1


def test_the_owner_of_either_site_is_the_same_owner():
    theirs = {"owner": "client1", "group": "client1"}
    other = {"": FOLDER._replace(**theirs), "x": FILE._replace(**theirs), "y": FILE._replace(group="client1")}
    both = side(ToldTree(entries={"x": FILE, "y": FILE._replace(owner="root")})), side(ToldTree(entries=other))
    found = comparing_files.compare(both[0], replace(both[1], owner=("client1", "client1")), Expected())
    assert [(each.what, each.name, each.a, each.b) for each in found.differences] == [
        ("owner", "y", "root:web", "web:client1")]


@pytest.mark.parametrize(("path", "same_site", "closed", "reason"), [
    ("db/local.php", False, False, OWN_CONFIG),
    ("db/other.example.org/local.php", False, False, OWN_CONFIG),
    ("db/local.php", True, False, ""),
    ("temp/cache/container.php", True, False, CACHE),
    (".trim-maintenance.html", True, False, PAGE),
    ("tiki-setup.php", True, True, PAGE),
    ("tiki-setup.php", False, False, ""),
    ("lib/x.php", False, True, ""),
])
def test_what_differs_by_nature_is_set_apart(path, same_site, closed, reason):
    rules = Expected(same_site=same_site, is_closed=closed)
    assert differences({path: FILE}, {}, rules) == [("removed", path, reason)]


@pytest.mark.parametrize(("now", "reason"), [
    (b"Options -Indexes\n", comparing_files.RESTRICTION), (b"Options All\n", "")])
def test_a_restriction_that_came_since_is_expected_and_what_else_changed_is_not(now, reason):
    block = restriction.BEGIN + b"\n<If true>\n</If>\n" + restriction.END + b"\n"

    class Texts(ToldTree):
        def contents(self, names: Collection[str]) -> dict[str, bytes]:
            return dict.fromkeys(names, self.text)
    one, other = Texts(entries={".htaccess": FILE}), Texts(entries={".htaccess": FILE._replace(size=90)})
    one.text, other.text = b"Options -Indexes\n", block + now
    (found,) = comparing_files.compare(side(one), side(other), Expected(same_site=True)).differences
    assert (found.what, found.expected) == ("changed", reason)


def test_links_into_either_site_lead_to_the_same_place():
    one, other = (ToldTree(path=root, entries={"x": Entry("l", "777", "web", "web", 1, target=f"{root}/robots.txt")})
                  for root in ("/srv/a", "/srv/b"))
    (found,) = comparing_files.compare(side(one), side(other), Expected()).differences
    assert (found.what, found.expected) == ("link target", OWN_PLACE)


def test_what_an_archive_had_left_out_is_expected():
    packed = ToldTree(path="/srv/a", entries={})
    packed.__class__ = type("Packed", (ToldTree,), {"is_living": False})
    found = comparing_files.compare(side(ToldTree(entries={"files/video": FILE, "sock": FILE._replace(kind="s")})),
                                    side(packed, left_out=lambda path: path == "files/video"), Expected())
    assert [each.expected for each in found.differences] == [comparing_files.LEFT_OUT] * 2


def test_folders_are_paired_by_use_whatever_their_paths():
    a = side(ToldTree(), ToldTree("/data/fgal", ("preference fgal_use_dir",)),
             ToldTree("/data/w", ("preference w_use_dir",)), ToldTree("/x/one", ("EXTRA_PATHS",)),
             ToldTree("/x/two", ("EXTRA_PATHS",)), ToldTree("/old", ("forum 3",)))
    b = side(ToldTree("/srv/b"), ToldTree("/y/two", ("EXTRA_PATHS",)), ToldTree("/y/one", ("EXTRA_PATHS",)),
             ToldTree("/b/wiki", ("preference w_use_dir",)), ToldTree("/b/files", ("preference fgal_use_dir",)))
    assert [(one and one.path, other and other.path) for one, other in pairs(a, b)] == [
        ("/srv/a", "/srv/b"), ("/data/fgal", "/b/files"), ("/data/w", "/b/wiki"), ("/x/one", "/y/one"),
        ("/x/two", "/y/two"), ("/old", None)]


def test_a_folder_that_is_missing_on_one_side_only_is_told():
    use = ("preference uf_use_dir",)
    found = comparing_files.compare(side(ToldTree(), missing={"/gone": use, "/both": ("forum 1",)}),
                                    side(ToldTree(), missing={"/both b": ("forum 1",)}), Expected())
    assert [(each.what, each.name) for each in found.differences] == [("missing folder", "/gone")]
