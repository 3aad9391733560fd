"""Data folders outside the web root, and what changes in the database when they move."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scripts.tiki.data_folders import DataFolder, are_inboxes, from_rows, queries, rewrites, why_never

ROOT = "/var/www/wiki"


def preferences(*values: object) -> dict:
    return {"preferences": [(f"p{number}_use_dir", value) for number, value in enumerate(values)]}


def paths(rows: dict) -> list[str]:
    return [folder.path for folder in from_rows(rows, ROOT)]


@pytest.mark.parametrize("value, path", [
    ("/srv/data", "/srv/data"), ("/srv/data/", "/srv/data"), ("/srv//data/./x/..", "/srv/data"),
    ("//srv/data", "/srv/data"),
    ("../data/", "/var/www/data"), (b"/srv/data", "/srv/data"), ("/var/www/wiki-data", "/var/www/wiki-data"),
])
def test_folders_outside_the_web_root_are_found(value, path):
    assert paths(preferences(value)) == [path]


@pytest.mark.parametrize("value", ["", None, "storage/fgal/", "./files", "/var/www/wiki/files", ROOT, ROOT + "/",
                                   "files/../img", "https://example.org/docs/"])
def test_what_lies_inside_or_nowhere_is_not(value):
    assert paths(preferences(value)) == []


def test_users_of_one_folder_come_together_and_nested_folders_merge():
    rows = {"preferences": [("fgal_use_dir", "/srv/data/"), ("w_use_dir", "/srv/data/wiki")],
            "forums": [(3, "/srv/data"), (4, "/srv/data-forum/")], "attachments": [(3, "/srv/data")]}
    assert from_rows(rows, ROOT) == [
        DataFolder("/srv/data", ("preference fgal_use_dir", "forum 3", "attachments of forum 3",
                                 "preference w_use_dir")),
        DataFolder("/srv/data-forum", ("forum 4",))]


def test_a_folder_around_the_web_root_is_flagged_and_swallows_no_other():
    folders = from_rows(preferences("/var/www", "/var/www/data", "/var/www/data/x"), ROOT)
    assert [(folder.path, folder.contains_web_root) for folder in folders] == [("/var/www", True),
                                                                               ("/var/www/data", False)]


@pytest.mark.parametrize("direct, found", [
    ({"adapter": "local", "path": "/srv/direct/"}, ["/srv/direct"]), ({"adapter": "s3", "path": "/x", "key": "k"}, []),
    ({"adapter": "inherit"}, []), ([], []), (None, []),
])
def test_directly_mapped_galleries_count_when_they_are_local(direct, found):
    assert paths({"galleries": [(7, json.dumps(direct))]}) == found


def test_broken_json_of_a_gallery_is_no_folder():
    assert paths({"galleries": [(7, "{"), (8, ""), (9, None)]}) == []


@given(some.lists(some.lists(some.sampled_from(["a", "b", "..", ".", "c d"]), min_size=1).map("/".join)))
def test_no_folder_lies_in_another_or_in_the_web_root(values):
    folders = from_rows(preferences(*(f"/srv/x/{value}" for value in values)), ROOT)
    outer = [folder.path for folder in folders if not folder.contains_web_root]
    assert not [(one, other.path) for one in [*outer, ROOT] for other in folders if other.path.startswith(one + "/")]


def test_only_what_this_database_has_is_asked_for():
    asked = queries([("tiki_preferences", "name"), ("tiki_preferences", "value"), ("tiki_forums", "forumId"),
                     (b"tiki_forums", b"att_store_dir"), ("tiki_file_galleries", "galleryId")])
    assert list(asked) == ["preferences", "forums"]
    assert r"LIKE '%use\_dir'" in asked["preferences"]


def changes(rows: dict, moves: dict) -> list[tuple[str, str]]:
    return [(change.old, change.new) for change in rewrites(rows, ROOT, moves)]


@pytest.mark.parametrize("old, new", [
    ("/srv/data", "/new/data"), ("/srv/data/", "/new/data/"), ("/srv/data/a/b", "/new/data/a/b"),
    ("/srv//data/a/", "/new/data/a/"), ("/srv/data/deep/x", "/elsewhere/x"),
    ("/var/www/wiki/files/", "/var/www/b/files/"),
    ("../old/", "/new/old/"),
])
def test_values_at_and_below_a_moved_folder_change(old, new):
    moves = {"/srv/data": "/new/data", "/srv/data/deep": "/elsewhere", ROOT: "/var/www/b", "/var/www/old": "/new/old"}
    assert changes(preferences(old), moves) == [(old, new)]


@pytest.mark.parametrize("value", ["/srv/data2", "/srv", "files/", "", None, "storage/../files"])
def test_other_values_stay(value):
    assert changes(preferences(value), {"/srv/data": "/new/data", ROOT: "/var/www/b"}) == []


def test_a_folder_that_stays_where_it_is_needs_no_change():
    assert changes(preferences("/srv/data/"), {"/srv/data": "/srv/data"}) == []


def test_a_gallery_keeps_its_other_settings():
    old = json.dumps({"adapter": "local", "path": "/srv/d/", "password": 'a"b'})
    (change,) = rewrites({"galleries": [(7, old)]}, ROOT, {"/srv/d": "/new"})
    assert json.loads(change.new) == {"adapter": "local", "path": "/new/", "password": 'a"b'}


def test_an_update_names_the_row_and_the_old_value():
    (change,) = rewrites({"forums": [(3, "/srv/it's")]}, ROOT, {"/srv/it's": "/new"})
    quoted = change.sql(lambda text: "'" + text.replace("'", "''") + "'")
    assert quoted == ("UPDATE `tiki_forums` SET `att_store_dir` = '/new' "
                      "WHERE `forumId` = '3' AND `att_store_dir` = '/srv/it''s'")


@pytest.mark.parametrize(("path", "is_open", "says"), [
    ("/", False, "the machine's own"), ("/tmp", True, "the machine's own"), ("/var", False, "the machine's own"),
    ("/home/web/tmp", False, "temporary files"), ("/srv/inbox", True, "chmod -t"), ("/srv/inbox", False, ""),
    ("/srv", False, ""), ("/var/lib/tiki", False, ""), ("/tmp/batch", False, "")])
def test_a_folder_of_everybody_is_never_a_sites_own(path, is_open, says):
    reason = why_never(path, "/home/web/tmp", is_open)
    assert says in reason and bool(reason) is bool(says)


def test_only_what_files_are_taken_in_from_is_an_inbox():
    assert are_inboxes(["preference fgal_batch_dir", "preference gal_batch_dir"])
    assert not are_inboxes(["preference fgal_batch_dir", "preference fgal_use_dir"]) and not are_inboxes([])


def test_a_name_inside_the_web_root_changes_when_it_is_told_to_lead_elsewhere():
    rows = preferences("storage/fgal/", "storage/fgal/deep", f"{ROOT}/storage/fgal", "storage/fgal-2/", "img/")
    told = rewrites(rows, ROOT, {ROOT: "/www/copy", f"{ROOT}/storage/fgal": "/srv/copy/fgal"})
    assert {one.old: one.new for one in told} == {
        "storage/fgal/": "/srv/copy/fgal/", "storage/fgal/deep": "/srv/copy/fgal/deep",
        f"{ROOT}/storage/fgal": "/srv/copy/fgal"}
