"""Patches as texts: what they change, whether they fit exactly, and what none may touch."""

import pytest

from scripts.errors import RefusedError, UsageError
from scripts.registry import registry
from scripts.steps import patch_files
from scripts.steps.patch_files import DoesNotFit, Patch

LINES = b"".join(b"line %d\n" % number for number in range(1, 21))
BEFORE = {"lib/a.php": LINES, "gone [x] *.tpl": b"old\n", "new\u00fc.php": None}
AFTER = {"lib/a.php": LINES.replace(b"line 10\n", b"line ten\n"), "gone [x] *.tpl": None, "new\u00fc.php": b"<?php\n"}
HUNK = b"@@ -1 +1 @@\n-a\n+b\n"


def made() -> Patch:
    return patch_files.difference("fix.patch", BEFORE, AFTER)


def test_a_difference_there_and_back():
    patch = made()
    assert set(patch_files.touched(patch)) == set(BEFORE)
    assert patch_files.applied(patch, BEFORE) == AFTER
    assert patch_files.applied(patch, AFTER, reverse=True) == BEFORE
    assert patch_files.difference("none.patch", BEFORE, BEFORE) is None


def test_binary_content_is_kept_in_a_difference():
    before, after = {"a.png": b"\x89PNG\0" * 9}, {"a.png": b"\x89PNG\1" * 9}
    assert patch_files.applied(patch_files.difference("p", before, after), before) == after


def test_a_hunk_fits_exactly_or_not_at_all():
    patch = made()
    moved = {**BEFORE, "lib/a.php": b"one more\n" + LINES}
    assert b"one more\nline 1\n" in patch_files.applied(patch, moved)["lib/a.php"]
    changed = {**BEFORE, "lib/a.php": LINES.replace(b"line 9\n", b"line nine\n")}
    with pytest.raises(DoesNotFit, match="fix.patch: does not fit: lib/a.php:7"):
        patch_files.applied(patch, changed)
    with pytest.raises(DoesNotFit, match="does not fit backwards"):
        patch_files.applied(patch, BEFORE, reverse=True)
    with pytest.raises(DoesNotFit, match="lib/a.php: No such file"):
        patch_files.applied(patch, {**BEFORE, "lib/a.php": None})


def test_one_file_of_several_may_be_looked_at():
    half = {**BEFORE, "lib/a.php": AFTER["lib/a.php"]}
    assert not patch_files.fits(made(), half)
    assert patch_files.fits(made(), half, only=["gone [x] *.tpl"])
    assert patch_files.fits(made(), half, reverse=True, only=["lib/a.php"])


def test_a_patch_of_svn_has_no_folder_before_its_paths():
    patch = patch_files.named("svn.diff", b"Index: lib/a.php\n" + b"=" * 60 + b"\n--- lib/a.php\t(revision 1)\n"
                              b"+++ lib/a.php\t(working copy)\n" + HUNK)
    assert patch_files.touched(patch) == ("lib/a.php",)
    assert patch_files.applied(patch, {"lib/a.php": b"a\n"}) == {"lib/a.php": b"b\n"}


def test_a_removed_line_that_looks_like_a_header_is_none():
    before, after = {"a.sql": b"-- x\n++ y\nz\n"}, {"a.sql": b"z\n"}
    assert patch_files.touched(patch_files.difference("p", before, after)) == ("a.sql",)


@pytest.mark.parametrize("path", ["../x.php", "lib/../../x.php", "/etc/passwd", "db/local.php", "db/two/local.php",
                                  ".htaccess", ".htaccess.trim-kept", ".svn/entries"])
def test_what_is_outside_or_the_site_s_own_is_refused(path):
    text = f"--- a/{path}\n+++ b/{path}\n".encode() + HUNK
    with pytest.raises((RefusedError, UsageError), match=r"outside the web root|own configuration|invalid path"):
        patch_files.named("bad.patch", text)


def test_a_patch_that_makes_a_link_is_refused():
    text = b"diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc/passwd\n" \
           b"\\ No newline at end of file\n"
    with pytest.raises(RefusedError, match="it makes a link, x"):
        patch_files.applied(patch_files.named("link.patch", text), {"x": None})


@pytest.mark.parametrize("text", [b"", b"hello\n", b"<html>404</html>\n", b"--- a/x\n+++ b/x\n@@ -1 +1"])
def test_what_is_no_patch_is_told_as_such(text):
    with pytest.raises(UsageError, match="x.patch: "):
        patch_files.named("x.patch", text)


@pytest.mark.parametrize("kind", ["rename", "copy"])
def test_a_patch_with_renames_is_refused_and_the_way_is_told(kind):
    text = f"diff --git a/a.php b/b.php\nsimilarity index 90%\n{kind} from a.php\n{kind} to b.php\n" \
           "--- a/a.php\n+++ b/b.php\n".encode() + HUNK
    with pytest.raises(UsageError, match="made with renames.*git diff --no-renames"):
        patch_files.named("moved.patch", text)


def test_a_message_that_tells_of_a_rename_is_none():
    text = b"Subject: x\n\nrename from the old way\n---\ndiff --git a/a.php b/a.php\n--- a/a.php\n+++ b/a.php\n" + HUNK
    assert patch_files.touched(patch_files.named("mail.patch", text)) == ("a.php",)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "line\nbreak", "x" * 200])
def test_a_name_that_is_none_for_a_file_is_refused(name):
    with pytest.raises(UsageError, match="a name of its own"):
        patch_files.named(name, made().text)


def test_texts_that_both_sides_changed_are_joined_or_not():
    site, new = LINES.replace(b"line 3\n", b"ours\n"), LINES.replace(b"line 17\n", b"theirs\n")
    joined = patch_files.merged(site, LINES, new)
    assert joined == LINES.replace(b"line 3\n", b"ours\n").replace(b"line 17\n", b"theirs\n")
    assert patch_files.merged(site, LINES, LINES.replace(b"line 3\n", b"theirs\n")) is None
    assert patch_files.merged(b"a", b"a", b"a\nb") == b"a\nb"
    assert patch_files.merged(new, LINES, new) == new


def test_patches_are_kept_with_their_text_for_this_account_alone(settings, register):
    register("blog")
    instance = registry.load(settings, "blog")
    assert patch_files.registered(instance) == []
    path = patch_files.keep(instance, made())
    assert (path.name, path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == ("fix.patch", 0o600, 0o700)
    assert patch_files.registered(instance) == [made()]
    patch_files.forget(instance, made())
    assert patch_files.registered(instance) == []
