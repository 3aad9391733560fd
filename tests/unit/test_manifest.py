"""The two descriptions inside an archive."""

import dataclasses
import hashlib
import json

import pytest

from scripts.errors import ArchiveError
from scripts.store import manifest
from scripts.store.manifest import Manifest, Part, Table

WIKI = hashlib.md5(b"/srv/wiki").hexdigest()
STORE = hashlib.md5(b"/srv/wiki data").hexdigest()


@pytest.fixture
def full() -> Manifest:
    return Manifest(instance="wiki", kind="backup", started="2026-11-21T02:08:57+00:00",
                    dumped="2026-11-21T02:09:01+00:00", web_root="/srv/caf\udce9",
                    web_url="https://wiki.example.org", tiki_version="24.4", tiki_branch="24.x", php_version="8.1",
                    database={"name": "wiki", "charset": "utf8mb4", "tables_left_out": ["index_1"]},
                    parts=(Part("app", "/srv/caf\udce9"), Part("data", "/srv/\u00e9\n", ("fgal_use_dir", "t_use_dir"))),
                    tables={"tiki_pages": Table(3, "ab" * 16)}, files=7, stream_bytes=10240, dump_bytes=99,
                    list_sha256="0" * 64, left_out=("temp/cache",), warnings=("x vanished",), extra={"note": [1]})


def changed(full: Manifest, **values: object) -> bytes:
    return json.dumps(dataclasses.asdict(full) | values).encode()


def test_a_manifest_is_read_back_as_it_was(full):
    assert manifest.parse(full.text()) == full


def test_a_manifest_is_plain_ascii_whatever_names_it_holds(full):
    assert full.text().isascii()


def test_a_manifest_of_a_later_trim_asks_for_an_update(full):
    with pytest.raises(ArchiveError, match="of format 2, made by TRIM 9.*update TRIM"):
        manifest.parse(changed(full, format=2, made_by="TRIM 9"))


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"7", b"not JSON", b"\xff\xfe", b'{"format": 1}',
                                  b'{"format": "1"}', b'{"format": null}'])
def test_a_text_that_is_no_manifest_is_refused(text):
    with pytest.raises(ArchiveError, match=r"trim-manifest\.json cannot be understood"):
        manifest.parse(text)


@pytest.mark.parametrize("values", [{"tables": []}, {"tables": {"t": {"rows": 1}}}, {"tables": None}, {"parts": None},
                                    {"parts": [{"kind": "app"}]}, {"parts": "app"}, {"warnings": None}, {"unknown": 1}])
def test_a_manifest_with_another_shape_inside_is_refused(full, values):
    with pytest.raises(ArchiveError, match="cannot be understood"):
        manifest.parse(changed(full, **values))


def test_the_old_manifest_has_four_columns_as_tiki_manager_writes_them():
    parts = (Part("app", "/srv/wiki"), Part("data", "/srv/wiki data"), Part("conf_external", "/etc/wiki/local.php"))
    external = "local.php"
    assert manifest.old_text(parts).decode().splitlines() == [
        f"{WIKI}    app    /srv/wiki    full", f"{STORE}    data    /srv/wiki data    full",
        f"{external}    conf_external    /etc/wiki/local.php    full"]


@pytest.mark.parametrize("path", ["/srv/wiki", "/srv/two words", "/srv/caf\udce9", "/srv/\u00e9", "/srv/x\u2028y",
                                  "/srv/x\x0by"])
def test_the_old_manifest_is_read_back(path):
    parts = (Part("app", "/srv/wiki"), Part("data", path))
    assert manifest.parse_old(manifest.old_text(parts)) == parts


@pytest.mark.parametrize("text", [f"{WIKI}    app    /srv/wiki\n", f"{WIKI}    app    /srv/wiki    full\n",
                                  f"{WIKI}    app    /srv/wiki", f"\n{WIKI}    app    /srv/wiki\n\n",
                                  f"{WIKI}    app    /srv/wiki    full\r\n"])
def test_three_and_four_columns_are_read(text):
    assert manifest.parse_old(text.encode()) == (Part("app", "/srv/wiki"),)


def test_a_part_lies_where_its_path_s_md5_says():
    assert Part("app", "/srv/wiki").folder == f"{WIKI}/wiki"


def test_an_external_file_lies_at_the_top():
    assert Part("conf_external", "/etc/wiki/local.php").folder == "local.php"


def test_a_partial_archive_is_refused_with_what_to_do():
    with pytest.raises(ArchiveError, match="partial backup of Tiki Manager.*Make a full one"):
        manifest.parse_old(f"{WIKI}    app    /srv/wiki    partial\n".encode())


@pytest.mark.parametrize("text", ["hello\n", f"{WIKI}  app  /srv/wiki\n", f"{WIKI}    apps    /srv/wiki\n",
                                  f"{WIKI}    app    /srv/wiki    full    more\n", "\0\0\0"])
def test_a_line_that_is_none_is_refused(text):
    with pytest.raises(ArchiveError, match="a line that is none"):
        manifest.parse_old(text.encode())


@pytest.mark.parametrize("text", ["", "\n", f"{STORE}    data    /srv/wiki data\n"])
def test_an_archive_without_a_web_root_is_refused(text):
    with pytest.raises(ArchiveError, match="names no web root"):
        manifest.parse_old(text.encode())
