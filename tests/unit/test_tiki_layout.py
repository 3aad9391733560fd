"""What a backup leaves out of a Tiki's tree."""

import pytest

from scripts.tiki import layout

LEFT_OUT = [
    "temp/cache/container.php", "temp/cache/module0246", "temp/cache/sub/index.php", "temp/templates_c/x.tpl.php",
    "temp/public/min_css.css", "temp/mail_attachs/1", "temp/unified-index/segments", "modules/cache/mod-1",
    "templates_c/en_1.php", "./temp/cache/a", "temp/cache/a/", "temp/cache/wiki.example.org",
]
KEPT = [
    "temp/cache", "temp/cache/", "./temp/cache", "temp/cache/index.php", "temp/cache/.htaccess",
    "templates_c/_htaccess", "temp/public/web.config",
    "temp/README", "temp/index.php", "temp/own.txt", "temp", "modules/cache", "", ".",
    "files/temp/cache/a", "temp/cached/a", "templates_c2/a", "img/wiki_up/index.jpg", "db/local.php",
]


@pytest.mark.parametrize("path", LEFT_OUT)
def test_content_of_caches_is_left_out(path):
    assert layout.is_left_out(path)


@pytest.mark.parametrize("path", KEPT)
def test_everything_else_stays_with_the_caches_folders_and_their_guard_files(path):
    assert not layout.is_left_out(path)


@pytest.mark.parametrize("path, left_out", [
    ("temp/cache/wiki.example.org", False), ("temp/cache/wiki.example.org/index.php", False),
    ("temp/cache/wiki.example.org/a", True), ("temp/cache/other.example.org", True), ("temp/cache/index.php", False),
])
def test_a_virtual_site_keeps_its_folder_in_every_cache(path, left_out):
    assert layout.is_left_out(path, ["wiki.example.org"]) is left_out


def test_the_config_of_a_virtual_site_is_in_its_own_folder():
    assert layout.local_php() == "db/local.php"
    assert layout.local_php("wiki.example.org") == "db/wiki.example.org/local.php"
