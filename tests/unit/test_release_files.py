"""What belongs to a release, what Tiki's own list of sums says, and the record of what was put in place."""

import gzip
import hashlib

import pytest

from scripts.registry import registry
from scripts.steps import release_files
from scripts.steps.release_files import Release

ODD = {"a.php": "0" * 64, "two\nlines.php": "1" * 40, "blank and \\'.tpl": "2" * 32, "latin1-\udcff": "", "a link":
       "-> to a\nplace  with blanks", "-dash": "3" * 64}


@pytest.fixture
def instance(settings, register):
    register("blog")
    return registry.load(settings, "blog")


@pytest.mark.parametrize("path", ["index.php", "db/tiki.sql", "db/.htaccess", "img/wiki_up/index.php", "temp/index.php",
                                  "temp/cache/index.php", "storage/public/vue-mf/a.js", "robots.txt", "_htaccess"])
def test_what_a_release_ships_is_the_release_s(path):
    assert release_files.is_of_release(path)


@pytest.mark.parametrize("path", ["db/local.php", "db/site/local.php", ".htaccess", "db/virtuals.inc", "db/lock",
                                  "db/cert/site-ca.pem", ".git", ".git/config", "temp/cache/container.php",
                                  ".htaccess.trim-kept", ".well-known/acme/x"])
def test_what_a_site_owns_is_not(path):
    assert not release_files.is_of_release(path)


def test_a_record_comes_back_as_it_was_whatever_the_names(instance):
    release = Release("24.4", ODD, None, "prepared tree 24.4", "c" * 40, is_partial=True)
    release_files.remember(instance, release)
    path = instance.settings.state / "status" / "blog.release"
    assert path.stat().st_mode & 0o777 == 0o600
    assert release_files.read(instance) == release


def test_a_record_that_is_damaged_or_of_another_form_is_none(instance):
    release_files.remember(instance, Release("24.4", ODD, None, "x"))
    path = instance.settings.state / "status" / "blog.release"
    whole = path.read_bytes()
    lines = gzip.decompress(whole).split(b"\0\n")
    for damaged in (whole[:-9], b"", b"no gzip", gzip.compress(b"\0\n".join(lines[:-3] + lines[-2:])),
                    gzip.compress(b"\0\n".join(lines[:-2])), gzip.compress(whole)):
        path.write_bytes(damaged)
        assert release_files.read(instance) is None
    path.write_bytes(whole)
    assert release_files.read(instance).files == ODD


def test_a_record_is_inherited_or_gone(instance, settings, register):
    register("copy")
    copy = registry.load(settings, "copy")
    release_files.remember(instance, Release("24.4", ODD, None, "x"))
    release_files.inherit("blog", copy)
    assert release_files.read(copy).files == ODD
    release_files.inherit("nobody", copy)
    assert release_files.read(copy) is None


def test_digests_are_those_of_the_programs():
    text = b"<?php\n"
    assert release_files.digest(text, "0" * 64) == hashlib.sha256(text).hexdigest()
    assert release_files.digest(text, "0" * 32) == hashlib.md5(text).hexdigest()
    # echo '<?php' | git hash-object --stdin
    assert release_files.digest(text, "0" * 40) == "b3d9bbc7f3711e882119cd6b3af051245d859d04"


def test_sums_of_tiki_are_read_in_the_forms_of_all_generations():
    new = b"INSERT INTO `tiki_secdb` (`filename`, `md5_value`, `tiki_version`) VALUES \n" \
          b"('./about.php', '" + b"a" * 32 + b"', '24.4'),\n('./it\\'s.php', '" + b"b" * 32 + b"', '24.4'),\n" \
          b"('./about.php', '" + b"c" * 32 + b"', '24.3');"
    assert release_files.listed_sums(new, "24.4") == {"about.php": "a" * 32, "it's.php": "b" * 32}
    old = b"INSERT INTO tiki_secdb VALUES('" + b"d" * 32 + b"','lib/x.php','2.0',0);"
    assert release_files.listed_sums(old, "2.0") == {"lib/x.php": "d" * 32}


def test_a_list_that_is_partial_says_nothing_of_other_endings():
    partial = Release("24.4", {}, None, "sums", is_partial=True)
    assert partial.tells("x.php")
    assert not partial.tells("x.png")
    assert Release("24.4", {}, None, "tree").tells("x.png")
