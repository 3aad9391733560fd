"""Where mods come from: conf/providers.txt, addresses, and what a provider may not do."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.errors import ArchiveError, HostError, RefusedError, RegistryError, UsageError
from scripts.mods import index, packages, provider
from scripts.mods.index import IndexLine
from scripts.mods.parts import ControlFile, FileLine
from scripts.mods.reach import Folder, Lftp, NotThere, Ssh, Web
from scripts.mods.revision import Revision
from scripts.registry.settings import Settings

MOD = ControlFile(type="lib", name="x", revision=Revision("1.2"), files=(FileLine("payload/a.php", "a.php"),))


def settings(tmp_path: Path, providers: str = "") -> Settings:
    (tmp_path / "conf").mkdir(exist_ok=True)
    (tmp_path / "conf" / "providers.txt").write_text(providers)
    return Settings(tmp_path, known_hosts="/known")


def published(folder: Path) -> IndexLine:
    """Make a provider with one mod in a folder, and return its line."""
    for name in ("payload", "Dist", "Packages"):
        (folder / name).mkdir(parents=True)
    (folder / "payload/a.php").write_text("x")
    md5, sha256 = packages.pack(MOD, folder, folder / "Dist" / MOD.archive_name)
    line = index.of_control(MOD, md5, sha256)
    (folder / "Packages/00_list.public.txt").write_text(index.write([line]))
    return line


@pytest.mark.parametrize(("address", "kind"), [
    ("https://mods.example.org/", Web), ("http://127.0.0.1:8017/sub", Web), ("/srv/mods", Folder), ("mods", Folder),
    ("file:///srv/mods", Folder), ("ssh://ann@host:2200/srv/mods", Ssh), ("sftp://ann@host/mods", Lftp),
    ("ftp://host/mods", Lftp)])
def test_an_address_says_the_way(tmp_path, address, kind):
    assert isinstance(provider.at(settings(tmp_path), address).reach, kind)


def test_a_relative_folder_is_one_of_the_toolkits(tmp_path):
    assert provider.at(settings(tmp_path), "../mods/").address == str(tmp_path.parent / "mods")


def test_the_parts_of_an_ssh_address_reach_ssh(tmp_path):
    reach = provider.at(settings(tmp_path), "ssh://ann@host:2200/srv/mods", "/key").reach
    assert (reach.host.user, reach.host.address, reach.host.port, reach.host.key, reach.folder) == (
        "ann", "host", 2200, "/key", "/srv/mods")
    assert reach.host.known_hosts == "/known"


def test_sftp_never_asks_and_knows_its_hosts(tmp_path):
    connect = provider.at(settings(tmp_path), "sftp://ann@host/srv/mods", "/key").reach.connect
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=/known", "/key"} <= set(connect)


@pytest.mark.parametrize("address", [
    "gopher://x/y", "javascript:alert(1)", "http://", "http:///x", "ssh://-oProxyCommand=x/y", "https://ann:secret@host/",
    "ftp://ann:secret@host/", "http://host/?x=1", "http://host/#x", "http://[::1", "http://host:99999999/", "-x",
    "http://ho st/", 'sftp://host/"; !id', "sftp://host/$(id)\n", "http://ann@host/", f"http://host/{'x' * 300}",
    "ftp://ann:secret@host:none/", 'ftp://ann:"secret@host/', "ftp://ann:secret#x@host/", "odd://ann:secret@host/",
    f"ftp://ann:secret@host/{'x' * 300}", "ftp://ann:secret@host/,/srv/mods"])
def test_what_is_no_address_is_refused_before_anything_is_asked(tmp_path, address):
    with pytest.raises((UsageError, RegistryError)) as caught:
        provider.at(settings(tmp_path), address)
    assert "secret" not in str(caught.value)


def test_the_providers_of_the_file_come_in_their_order(tmp_path):
    text = "# ours\nhttps://one.example.org/\n\nssh://host/srv key=~/.ssh/mods\npublish: no\n"
    found = provider.configured(settings(tmp_path, text))
    assert found.addresses == ("https://one.example.org", "ssh://host/srv")
    assert not found.may_publish
    with pytest.raises(UsageError, match="publishing is switched off in conf/providers.txt"):
        provider.require_publishing(settings(tmp_path, text))
    assert [one.address for one in provider.wanted(settings(tmp_path, text))] == list(found.addresses)
    keyed = provider.wanted(settings(tmp_path, text), "ssh://host/srv")[0]
    assert keyed.reach.host.key == os.path.expanduser("~/.ssh/mods")


@pytest.mark.parametrize(("text", "line"), [
    ("\nhttps://a.org b\n", 2), ("gopher://a.org\n", 1), ("publish: maybe\n", 1), ("# x\n# y\nhttp://a:b@c/\n", 3)])
def test_a_line_that_is_wrong_is_told_with_its_number(tmp_path, text, line):
    with pytest.raises(RegistryError, match=rf"providers\.txt:{line}: "):
        provider.configured(settings(tmp_path, text))


def test_without_a_provider_the_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="PROVIDER= is missing, and conf/providers.txt names none"):
        provider.require(settings(tmp_path))
    assert provider.wanted(replace(settings(tmp_path), top=tmp_path / "elsewhere")) == []


def test_the_shipped_file_is_read(tmp_path):
    shipped = Path(__file__).parents[2] / "conf" / "providers.txt"
    assert provider.configured(settings(tmp_path, shipped.read_text())).may_publish


def test_a_folder_gives_its_list_and_its_archives(tmp_path):
    line = published(tmp_path / "mods")
    found = provider.at(settings(tmp_path), str(tmp_path / "mods"))
    assert found.list() == [line]
    found.fetch(line, tmp_path / "got.tgz")
    assert packages.sums(tmp_path / "got.tgz") == (line.md5, line.sha256)


@pytest.mark.parametrize("spoil", [{"md5": "0" * 32}, {"sha256": "0" * 64}])
def test_an_archive_that_is_not_what_the_list_says_leaves_nothing(tmp_path, spoil):
    line = replace(published(tmp_path / "mods"), **spoil)
    with pytest.raises(ArchiveError, match=f"the list of .* says {list(spoil.values())[0]}"):
        provider.at(settings(tmp_path), str(tmp_path / "mods")).fetch(line, tmp_path / "got.tgz")
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == []


def test_a_sum_that_the_packager_noted_counts_too(tmp_path):
    line = published(tmp_path / "mods")
    control = tmp_path / "mods/Packages/lib-x.info.txt"
    control.write_text(f"# sha256: {'0' * 64}\nrevision:\n1.2\n")
    with pytest.raises(ArchiveError, match="the control file at .* says"):
        provider.at(settings(tmp_path), str(tmp_path / "mods")).fetch(line, tmp_path / "got.tgz")
    control.write_text(f"# sha256: {line.sha256}\n# md5: {line.md5}\nrevision:\n1.2\n")
    provider.at(settings(tmp_path), str(tmp_path / "mods")).fetch(line, tmp_path / "got.tgz")


def test_what_a_provider_has_not_is_told(tmp_path):
    line = published(tmp_path / "mods")
    found = provider.at(settings(tmp_path), str(tmp_path / "mods"))
    with pytest.raises(NotThere, match="has no Dist/lib-y-1.2.tgz"):
        found.fetch(replace(line, name="y"), tmp_path / "got.tgz")
    with pytest.raises(NotThere, match="has no Packages"):
        provider.at(settings(tmp_path), str(tmp_path / "nowhere")).list()


def test_a_fifo_in_place_of_the_list_does_not_keep_us(tmp_path):
    (tmp_path / "mods/Packages").mkdir(parents=True)
    os.mkfifo(tmp_path / "mods/Packages/00_list.public.txt")
    started = time.monotonic()
    with pytest.raises(HostError, match="is no plain file"):
        provider.at(settings(tmp_path), str(tmp_path / "mods")).list()
    assert time.monotonic() - started < 5


def test_a_list_without_end_is_refused(tmp_path, monkeypatch):
    published(tmp_path / "mods")
    monkeypatch.setattr(index, "LARGEST", 10)
    with pytest.raises(HostError, match="is larger than 10 bytes"):
        provider.at(settings(tmp_path), str(tmp_path / "mods")).list()


def test_only_folders_and_what_is_behind_ssh_can_be_written_to(tmp_path):
    with pytest.raises(RefusedError, match="cannot be written to"):
        provider.at(settings(tmp_path), "http://host/mods").reach.put(tmp_path / "x", "Dist/x")
