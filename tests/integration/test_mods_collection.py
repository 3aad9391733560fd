"""The collection of mods: made, published, served over HTTP, and used by another toolkit that trusts nobody."""

import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tarfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from scripts.errors import ArchiveError, CommandError, Fault, Findings, HostError, RefusedError, UsageError
from scripts.mods import control, index, packages, provider
from scripts.steps import mods_collection
from scripts.verbs import (
    mods_download,
    mods_lint,
    mods_mirror,
    mods_new,
    mods_publish,
    mods_rebuild,
    mods_republish,
    mods_show,
    mods_unpublish,
    mods_update,
)
from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.processes import Server, answers, free_port
from tests.lab.toolkit import Toolkit

CHAT = """\
revision:
1.0

description:
A room to talk in

licence:
LGPL

version:
24+

requires:
lib-ajax>=1

files:
features/chat/chat.php chat.php
features/chat/sample:chat.conf lib/chat.conf

configuration:
The server,server,$HTTP_HOST

changelog:
1.0 first
"""
AJAX = "revision:\n1.1\n\ndescription:\nTalks\n\nlicence:\nLGPL\n\nfiles:\nlib/ajax/ajax.php lib/ajax.php\n"
FILES = {"features/chat/chat.php": "<?php // chat\n", "features/chat/sample:chat.conf": "host=[:::[server]:::]\n",
         "lib/ajax/ajax.php": "<?php // ajax\n"}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


def collection(kit: Toolkit) -> Path:
    return mods_collection.folder(kit.settings)


def put(kit: Toolkit, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = collection(kit) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def maker(lab: Lab, tmp_path: Path) -> Toolkit:
    """A toolkit that publishes a mod and what it requires."""
    kit = Toolkit(tmp_path / "maker", lab)
    put(kit, {"Packages/features-chat.info.txt": CHAT, "Packages/lib-ajax.info.txt": AJAX, **FILES})
    mods_publish.mods_publish(kit.settings, "all", False)
    return kit


@pytest.fixture
def user(lab: Lab, tmp_path: Path) -> Toolkit:
    """Another toolkit, with nothing in its collection."""
    return Toolkit(tmp_path / "user", lab)


@contextmanager
def serving(kit: Toolkit, *words: str) -> Iterator[str]:
    """Run make mods-serve and lend its address; it has to end by the signal that it is sent."""
    port = free_port()
    server = Server(["make", "-sC", str(kit.top), "mods-serve", f"PORT={port}", "LISTEN=127.0.0.1", *words],
                    kit.top / "serve.log")
    server.wait_until(lambda: answers(port))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
    assert not answers(port)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return what is in a folder, without what was downloaded."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
            for path in sorted(folder.rglob("*")) if "Cache" not in path.parts} if folder.exists() else {}


def fails(kind: type[Fault], act: Callable[[], object], said: str) -> None:
    with pytest.raises(kind, match=said):
        act()


def test_a_mod_is_made_published_served_and_used_from_another_folder(lab, tmp_path, user):
    kit = Toolkit(tmp_path / "maker", lab)
    assert forked.run(kit.top, "mods_new", type="features", name="chat").is_success
    assert forked.run(kit.top, "mods_lint").is_success
    put(kit, {"Packages/features-chat.info.txt": CHAT, "Packages/lib-ajax.info.txt": AJAX, **FILES})
    done = forked.run(kit.top, "mods_publish", mod="all", json="1")
    told = {one["mod"]: one for one in json.loads(done.stdout)}
    assert told["features-chat"]["archive"] == "features-chat-1.0.tgz"
    with serving(kit) as address:
        assert user.make("mods-update", f"PROVIDER={address}").returncode == 0
        shown = forked.run(user.top, "mods_show", mod="features-chat", provider=address).stdout
        assert "A room to talk in" in shown and "Next: make mods-download MOD=features-chat" in shown
        done = forked.run(user.top, "mods_download", mod="features-chat", provider=address)
        assert "features-chat: requires lib-ajax>=1, which is not in the collection" in done.stdout
        assert forked.run(user.top, "mods_download", mod="lib-*", provider=address, json="1").is_success
    for name in (*FILES, "Packages/features-chat.info.txt"):
        wanted, got = (collection(one) / name for one in (kit, user))
        assert control.load(got)[0] == control.load(wanted)[0] if name.endswith(".info.txt") else \
            got.read_bytes() == wanted.read_bytes()
    row = mods_show.mods_show(user.settings, "lib-ajax", address)[0]
    assert row["required by"] == ["features-chat (lib-ajax>=1)"]
    assert row["remote"] == {address: "1.1"}
    listed = (collection(user) / "Packages/00_list.txt").read_text().splitlines()
    assert [line.count("','") for line in listed] == [7, 7]


def test_a_newer_revision_is_republished_told_and_fetched(maker, user):
    address = str(collection(maker))
    mods_update.mods_update(user.settings, address)
    mods_download.mods_download(user.settings, "all", address, False)
    put(maker, {"Packages/features-chat.info.txt": CHAT.replace("1.0", "1.10"),
                "features/chat/chat.php": "<?php // new"})
    assert [one["mod"] for one in mods_republish.mods_republish(maker.settings, "all", False)] == ["features-chat"]
    assert mods_republish.mods_republish(maker.settings, "all", False) == []
    assert mods_publish.mods_publish(maker.settings, "all", False) == []
    assert mods_update.mods_update(user.settings, address)[0]["newer"] == ["features-chat"]
    assert [one["revision"] for one in mods_download.mods_download(user.settings, "all", address, False)] == ["1.10"]
    assert (collection(user) / "features/chat/chat.php").read_text() == "<?php // new"
    assert mods_download.mods_download(user.settings, "all", address, False) == []
    mods_unpublish.mods_unpublish(maker.settings, "features-chat")
    assert (collection(maker) / "Dist/features-chat-1.10.tgz").exists()
    assert mods_update.mods_update(user.settings, address)[0]["gone"] == ["features-chat"]
    mods_unpublish.mods_unpublish(maker.settings, "all")
    assert mods_update.mods_update(user.settings, address)[0]["mods"] == 0


def test_what_cannot_be_packed_is_told_and_left_out(maker):
    put(maker, {"Packages/lib-gone.info.txt": AJAX.replace("ajax", "gone"),
                "Packages/lib-new.info.txt": "revision:\n1\n",
                "Packages/lib-odd.info.txt": "revision:\n1\n\nrequires:\nlib-a==1\n"})
    fails(ArchiveError, lambda: mods_publish.mods_publish(maker.settings, "all", False), "lib-gone, lib-odd")
    assert [line.mod for line in mods_collection.published(maker.settings)] == ["features-chat", "lib-ajax", "lib-new"]


def test_signed_mods_have_their_sums_in_the_control_file_and_are_held_to_them(maker, user):
    put(maker, {"Packages/lib-new.info.txt": "revision:\n1\n"})
    mods_publish.mods_publish(maker.settings, "lib-new", True)
    found = control.load(collection(maker) / "Packages/lib-new.info.txt")[0]
    assert (found.md5, found.sha256) == packages.sums(collection(maker) / "Dist/lib-new-1.tgz")
    put(maker, {"Packages/lib-new.info.txt": control.with_sums("revision:\n1\n", "0" * 32, "0" * 64)})
    address = str(collection(maker))
    mods_update.mods_update(user.settings, address)
    fails(ArchiveError, lambda: mods_download.mods_download(user.settings, "lib-new", address, False),
          "the control file at .* says 0000")


def _other_text(kit: Toolkit) -> None:
    path = collection(kit) / "Dist/lib-ajax-1.1.tgz"
    path.write_bytes(path.read_bytes() + b"\0")


def _other_mod(kit: Toolkit) -> None:
    """Answer with another mod, and with sums that are right for it."""
    other = collection(kit) / "Dist/features-chat-1.0.tgz"
    shutil.copy(other, collection(kit) / "Dist/lib-ajax-1.1.tgz")
    _list_again(kit, "lib-ajax", *packages.sums(other))


def _link_in_it(kit: Toolkit) -> None:
    path = collection(kit) / "Dist/lib-ajax-1.1.tgz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(collection(kit) / "Packages/lib-ajax.info.txt", "Packages/lib-ajax.info.txt")
        member = tarfile.TarInfo("lib/ajax/ajax.php")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    _list_again(kit, "lib-ajax", *packages.sums(path))


def _list_again(kit: Toolkit, mod: str, md5: str, sha256: str) -> None:
    path = collection(kit) / "Packages/00_list.public.txt"
    lines = {line.mod: line for line in index.read(path.read_text())}
    lines[mod] = replace(lines[mod], md5=md5, sha256=sha256)
    path.write_text(index.write(lines.values()))


@pytest.mark.parametrize(("spoil", "said"), [
    (_other_text, "its md5 is .*, the list of .* says"), (_other_mod, "this is another archive"),
    (_link_in_it, "is a link"), (lambda kit: (collection(kit) / "Dist/lib-ajax-1.1.tgz").unlink(), "has no Dist/")])
def test_an_archive_that_is_not_what_was_promised_changes_nothing(maker, user, spoil, said):
    spoil(maker)
    address = str(collection(maker))
    mods_update.mods_update(user.settings, address)
    before = snapshot(collection(user))
    fails(Fault, lambda: mods_download.mods_download(user.settings, "lib-ajax", address, False), said)
    assert snapshot(collection(user)) == before


def test_files_of_others_in_the_collection_are_left_alone(maker, user):
    address = str(collection(maker))
    mods_update.mods_update(user.settings, address)
    other = AJAX.replace("lib/ajax.php", "lib/mine.php")
    put(user, {"Packages/lib-mine.info.txt": other, "lib/ajax/ajax.php": "<?php // mine"})
    before = snapshot(collection(user))
    fails(RefusedError, lambda: mods_download.mods_download(user.settings, "lib-ajax", address, False),
          "is a file of lib-mine too, with another text")
    (collection(user) / "Packages/lib-mine.info.txt").unlink()
    fails(RefusedError, lambda: mods_download.mods_download(user.settings, "lib-ajax", address, False),
          "is there already, and no mod's")
    put(user, {"Packages/lib-mine.info.txt": other})
    assert snapshot(collection(user)) == before
    mods_download.mods_download(user.settings, "lib-ajax", address, True)
    assert (collection(user) / "lib/ajax/ajax.php").read_text() == FILES["lib/ajax/ajax.php"]


def test_no_link_of_the_collection_is_followed_when_writing(maker, user, tmp_path):
    address = str(collection(maker))
    mods_update.mods_update(user.settings, address)
    (tmp_path / "elsewhere").mkdir()
    (collection(user) / "lib").symlink_to(tmp_path / "elsewhere")
    fails(RefusedError, lambda: mods_download.mods_download(user.settings, "lib-ajax", address, True), "is a link")
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_rebuilt_list_is_what_the_control_files_say(maker):
    put(maker, {"Packages/lib-odd.info.txt": "description:\nno revision\n", "Packages/00_list.txt": "stale"})
    found = mods_rebuild.mods_rebuild(maker.settings)
    assert (found["mods"], found["doubtful"]) == (["features-chat", "lib-ajax"], ["lib-odd"])
    assert [line.mod for line in index.read((collection(maker) / "Packages/00_list.txt").read_text())] == found["mods"]


def test_lint_tells_every_mod_by_file_and_line(maker, capsys):
    mods_lint.mods_lint(maker.settings, "")
    put(maker, {"Packages/lib-ajax.info.txt": AJAX.replace("lib/ajax/ajax.php", "lib/ajax/gone.php"),
                "Packages/strange.info.txt": ""})
    with pytest.raises(Findings, match="2 problems in 2 of 2 mods"):
        mods_lint.mods_lint(maker.settings, "")
    said = capsys.readouterr().out
    assert "Packages/lib-ajax.info.txt:11: lib/ajax/gone.php is missing (in doubt)" in said
    assert "Packages/strange.info.txt:1: " in said


def test_a_new_mod_does_not_replace_one(maker):
    fails(RefusedError, lambda: mods_new.mods_new(maker.settings, "lib", "ajax"), "is there already")
    for words in (("lib", "../x"), ("li-b", "x"), ("lib", "a b"), ("", "x"), ("lib", "")):
        fails(UsageError, partial(mods_new.mods_new, maker.settings, *words), "is no name|is missing")


def test_a_dry_run_changes_nothing(maker, user, lab):
    link = lab.folder / "dry"  # lists are named after addresses, and a test's own folder is a long one
    link.symlink_to(collection(maker))
    address = str(link)
    mods_update.mods_update(user.settings, address)
    put(maker, {"Packages/lib-new.info.txt": "revision:\n1\n"})
    before = snapshot(maker.top / "var"), snapshot(user.top / "var/mods-collection")
    for kit, verb, variables in ((maker, "publish", {"mod": "all"}), (maker, "unpublish", {"mod": "all"}),
                                 (maker, "new", {"type": "lib", "name": "y"}), (maker, "rebuild", {}),
                                 (maker, "serve", {}), (user, "update", {"provider": address}),
                                 (user, "download", {"provider": address, "mod": "all"}),
                                 (user, "mirror", {"provider": address})):
        done = forked.run(kit.top, f"mods_{verb}", **variables, dry="1")
        assert done.is_success, done.stderr
        assert "would: " in done.stdout
    without_logs = {name: data for name, data in snapshot(maker.top / "var").items() if "mods-collection" in name}
    assert without_logs == {name: data for name, data in before[0].items() if "mods-collection" in name}
    assert snapshot(user.top / "var/mods-collection") == before[1]


# By other ways than HTTP

@pytest.fixture
def behind_ssh(lab: Lab, maker: Toolkit, user: Toolkit) -> Path:
    """A copy of the provider where the lab's user may read and write, behind its sshd."""
    place = lab.sites(ssh=True) / f"mods-{maker.top.parent.name}"
    shutil.copytree(collection(maker), place)
    subprocess.run(["chmod", "-R", "u=rwX,go=rX", str(place)], check=True)
    give_to(lab_user(), place)
    user.register("far", web_root=lab.sites(ssh=True) / "nothing", **user.over_ssh())
    return place


def address_of(lab: Lab, user: Toolkit, scheme: str, place: Path) -> str:
    """Return an address of that kind, made known with its key in conf/providers.txt."""
    sshd = lab.sshd()
    address = f"far:{place}" if scheme == "far" else f"{scheme}://{sshd.user}@{sshd.host}:{sshd.port}{place}"
    (user.top / "conf/providers.txt").write_text(f"{address}{'' if scheme == 'far' else f' key={sshd.key}'}\n")
    return address


@pytest.mark.parametrize("scheme", ["ssh", "far", "sftp"])
def test_a_provider_behind_ssh_is_used_like_any_other(lab, user, behind_ssh, scheme):
    address = address_of(lab, user, scheme, behind_ssh)
    assert mods_update.mods_update(user.settings, "")[0]["mods"] == 2
    mods_download.mods_download(user.settings, "lib-ajax", "", False)
    assert (collection(user) / "lib/ajax/ajax.php").read_text() == FILES["lib/ajax/ajax.php"]
    (behind_ssh / "Dist/features-chat-1.0.tgz").unlink()
    fails(HostError, lambda: mods_download.mods_download(user.settings, "features-chat", address, False),
          "has no Dist/")


@pytest.mark.parametrize("scheme", ["ssh", "sftp"])
def test_a_file_that_is_too_large_is_not_taken_from_there(lab, user, behind_ssh, scheme, monkeypatch, tmp_path):
    monkeypatch.setattr(index, "LARGEST", 10)
    found = provider.wanted(user.settings, address_of(lab, user, scheme, behind_ssh))[0]
    fails(HostError, found.list, "is larger than 10 bytes")


def test_a_host_whose_key_is_another_one_is_not_trusted_by_sftp(lab, user, behind_ssh, tmp_path):
    address_of(lab, user, "sftp", behind_ssh)
    kind, key = (lab.sshd().folder / "host_key.pub").read_text().split()[:2]
    (tmp_path / "hosts").write_text(f"[127.0.0.1]:{lab.sshd().port} {kind} {key[:-8]}AAAAAAAA\n")
    user.set(known_hosts=tmp_path / "hosts")
    with pytest.raises(HostError):
        mods_update.mods_update(user.settings, "")


def test_without_lftp_one_line_says_so(user, tmp_path):
    (tmp_path / "bin").mkdir()
    for program in ("make", "bash", "env", "sh"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program))
    done = user.make("mods-update", "PROVIDER=sftp://nobody@127.0.0.1/x", environment={"PATH": str(tmp_path / "bin")})
    assert done.returncode != 0
    assert "takes the program lftp, which is not on the manager" in done.stderr


# Mirrors

def test_a_mirror_is_what_the_provider_is_and_serves_in_its_place(maker, user, tmp_path):
    with serving(maker) as address:
        first = mods_mirror.mods_mirror(user.settings, address, "")
        assert sorted(first["fetched"]) == ["features-chat-1.0.tgz", "lib-ajax-1.1.tgz"]
        mirror = Path(first["to"])
        assert mods_mirror.mods_mirror(user.settings, address, "")["fetched"] == []
        (mirror / "Dist/lib-ajax-1.1.tgz").write_text("damaged")
        assert mods_mirror.mods_mirror(user.settings, address, "")["fetched"] == ["lib-ajax-1.1.tgz"]
        mods_unpublish.mods_unpublish(maker.settings, "features-chat")
        assert mods_mirror.mods_mirror(user.settings, address, "")["removed"] == [
            "features-chat-1.0.tgz", "features-chat.info.txt"]
        fails(RefusedError, lambda: mods_mirror.mods_mirror(user.settings, address, str(maker.top)), "is not empty")
    with serving(user, f"FROM={mirror}") as again:
        third = Toolkit(tmp_path / "third", maker.lab)
        mods_update.mods_update(third.settings, again)
        assert [one["mod"] for one in mods_download.mods_download(third.settings, "all", again, False)] == ["lib-ajax"]


def test_a_mirror_leaves_out_what_is_damaged_and_says_so(maker, user):
    _other_text(maker)
    fails(ArchiveError, lambda: mods_mirror.mods_mirror(user.settings, str(collection(maker)), "mirror"),
          "without lib-ajax; the rest is there")
    assert [line.mod for line in index.read((user.top / "mirror/Packages/00_list.public.txt").read_text())] == [
        "features-chat"]


@pytest.mark.parametrize("scheme", ["sftp", "ssh"])
def test_a_mirror_may_lie_behind_ssh(lab, maker, user, behind_ssh, scheme):
    place = behind_ssh / "mirror"
    to = address_of(lab, user, scheme, place)
    source = str(collection(maker))
    assert len(mods_mirror.mods_mirror(user.settings, source, to)["fetched"]) == 2
    assert mods_mirror.mods_mirror(user.settings, source, to)["fetched"] == []
    put(maker, {"Packages/features-chat.info.txt": CHAT.replace("1.0", "1.10")})
    mods_republish.mods_republish(maker.settings, "features-chat", False)
    assert mods_mirror.mods_mirror(user.settings, source, to)["fetched"] == ["features-chat-1.10.tgz"]
    mods_update.mods_update(user.settings, to)
    came = mods_download.mods_download(user.settings, "features-*", to, False)
    assert [(one["mod"], one["revision"]) for one in came] == [("features-chat", "1.10")]


# Servers that are not what they seem

class Odd(http.server.BaseHTTPRequestHandler):
    """Answers what `answer` holds: status, headers, body."""

    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")

    def do_GET(self) -> None:
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def odd(answer: tuple[int, dict[str, str], bytes], secured: ssl.SSLContext | None = None) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Odder", (Odd,), {"answer": answer}))
    if secured:
        server.socket = secured.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if secured else ''}://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("answer", "said"), [
    ((200, {}, b"<html>Welcome</html>"), "is no list of mods"),
    ((500, {}, b""), "the server answers 500"),
    ((404, {}, b""), "the server answers 404"),
    ((200, {"Content-Length": "5000"}, b"'lib','x','1','','','','',''\n"), "is cut off|the connection broke"),
    ((200, {"Content-Length": str(1 << 40)}, b""), "larger than"),
    ((302, {"Location": "file:///etc/passwd"}, b""), "cannot be reached|answers 302"),
    ((302, {"Location": "ftp://127.0.0.1/x"}, b""), "cannot be reached|which is not http"),
    ((200, {}, b"'lib','../../x','1','','','','',''\n"), "no line of it can be used"),
])
def test_a_server_that_is_no_provider_leaves_the_earlier_list(user, answer, said):
    with odd((200, {}, b"'lib','x','1','','','','',''\n")) as address:
        mods_update.mods_update(user.settings, address)
    port = address.rpartition(":")[2]
    server = type("Odder", (Odd,), {"answer": answer})
    with http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), server) as again:
        thread = threading.Thread(target=again.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            fails(Fault, lambda: mods_update.mods_update(user.settings, address), said)
        finally:
            again.shutdown()
            thread.join()
    assert [line.mod for line in mods_collection.remote(user.settings, address)] == ["lib-x"]


def test_a_certificate_that_nobody_vouches_for_is_not_taken(user, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "cert.pem", "-days", "1", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with odd((200, {}, b""), context) as address:
        fails(HostError, lambda: mods_update.mods_update(user.settings, address), "CERTIFICATE_VERIFY_FAILED")


def test_one_provider_that_is_away_does_not_keep_the_others(maker, user):
    dead = f"http://127.0.0.1:{free_port()}"
    (user.top / "conf/providers.txt").write_text(f"{dead}\n{collection(maker)}\n")
    fails(HostError, lambda: mods_update.mods_update(user.settings, ""), "cannot be reached")
    assert len(mods_collection.remote(user.settings, str(collection(maker)))) == 2


def test_serving_ends_with_ctrl_c_and_says_what_it_does(maker):
    port = free_port()
    running = subprocess.Popen([maker.top / ".venv/bin/invoke", "mods-serve", f"--port={port}", "--listen=127.0.0.1"],
                               cwd=maker.top, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 20
        while not answers(port) and time.monotonic() < until:
            time.sleep(0.05)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/Packages/00_list.public.txt") as answer:
            assert len(index.read(answer.read().decode())) == 2
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=20)
    finally:
        running.kill()
    assert f"at http://127.0.0.1:{port}" in said
    assert running.returncode == 128 + signal.SIGINT


def test_a_port_that_is_taken_and_publishing_switched_off_are_told(maker):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = forked.run(maker.top, "mods_serve", listen="127.0.0.1", port=str(taken.getsockname()[1]))
    assert "cannot be listened to" in done.stderr
    (maker.top / "conf/providers.txt").write_text("publish: no\n")
    for verb, variables in (("serve", {}), ("publish", {"mod": "all"}), ("republish", {"mod": "all"}),
                            ("unpublish", {"mod": "all"})):
        done = forked.run(maker.top, f"mods_{verb}", **variables)
        assert "publishing is switched off in conf/providers.txt" in done.stderr
    assert len(mods_collection.published(maker.settings)) == 2


def test_the_content_of_a_provider_s_mod_leaves_the_collection_alone(maker, user):
    address = str(collection(maker))
    mods_update.mods_update(user.settings, address)
    before = snapshot(collection(user))
    chosen = next(one for one in mods_collection.available(user.settings, address) if one.mod == "lib-ajax")
    for _ in range(2):
        found, text, place = mods_collection.content(user.settings, chosen)
        assert (place / "lib/ajax/ajax.php").read_text() == FILES["lib/ajax/ajax.php"]
        assert control.read(text, "lib-ajax.info.txt")[0] == found
    assert snapshot(collection(user)) == before
    (place / "lib/ajax/ajax.php").unlink()
    fails(ArchiveError, lambda: mods_collection.content(user.settings, chosen), "is missing")


def test_a_program_that_dies_half_way_is_no_download(lab, user, behind_ssh, monkeypatch, tmp_path):
    """lftp ends well with half a file: the sum finds it."""
    address = address_of(lab, user, "sftp", behind_ssh)
    mods_update.mods_update(user.settings, address)
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "lftp").write_text(f"#!/bin/sh\nhead -c 100 {behind_ssh}/Dist/lib-ajax-1.1.tgz\n")
    (fake / "lftp").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:{os.environ['PATH']}")
    fails(ArchiveError, lambda: mods_download.mods_download(user.settings, "lib-ajax", address, False), "its md5 is")
    assert not (collection(user) / "Packages/lib-ajax.info.txt").exists()
    with pytest.raises((ArchiveError, CommandError)):
        mods_update.mods_update(user.settings, address)
