"""The provider over HTTP: what is published is given, nothing else is, and no client keeps another waiting."""

import http.client
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.errors import HostError
from scripts.hosts import web
from scripts.mods import packages
from scripts.steps import mods_serving
from tests.unit.test_mods_provider import published

LIST = "/Packages/00_list.public.txt"


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "mods"
    published(place)
    (place / "Packages/lib-x.info.txt").write_text("revision:\n1.2\n")
    (place / "Packages/lib-hidden.info.txt").write_text("revision:\n1\n")
    (place / "Packages/00_list.txt").write_text("")
    (place / "Dist/lib-hidden-1.tgz").write_text("hidden")
    (place / "Dist/lib-x-1.1.tgz").write_text("the one before")
    (place / "Dist/lib-x-secret.tgz").write_text("hidden")
    (tmp_path / "secret.txt").write_text("secret")
    os.symlink(tmp_path / "secret.txt", place / "Dist/lib-x-9.tgz")
    os.mkfifo(place / "Dist/lib-x-8.tgz")
    return place


@pytest.fixture
def port(folder) -> Iterator[int]:
    lines: list[str] = []
    server = mods_serving.server(folder, "127.0.0.1", 0, lines.append)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_what_is_published_is_given(port, folder):
    assert ask(port, LIST) == (200, (folder / LIST[1:]).read_bytes())
    assert ask(port, "/Dist/lib-x-1.2.tgz") == (200, (folder / "Dist/lib-x-1.2.tgz").read_bytes())
    assert ask(port, "/Dist/lib-x-1.1.tgz")[0] == 200
    assert ask(port, "/Packages/lib-x.info.txt") == (200, b"revision:\n1.2\n")
    assert ask(port, LIST, "HEAD") == (200, b"")


@pytest.mark.parametrize("path", [
    "/", "/Packages/", "/Packages", "/Dist/", "/payload/a.php", "/../secret.txt", "/Packages/../../secret.txt",
    "/Dist/..%2f..%2fsecret.txt", "/Dist/%2e%2e/%2e%2e/secret.txt", "//etc/passwd", "/Packages//00_list.public.txt",
    "/Packages/00_list.txt", "/Packages/lib-hidden.info.txt", "/Dist/lib-hidden-1.tgz", "/Dist/lib-x-9.tgz",
    "/Dist/lib-x-8.tgz", "/Dist/lib-x-secret.tgz", "/Dist/lib-x-1.2.tgz/", "/Dist/lib-x-1.2.tgz%00.txt",
    "/Dist/lib-gone-1.tgz", "/dist/lib-x-1.2.tgz", "/Packages/..\\..\\secret.txt", "/Cache/x.tgz",
    "http://other/Packages/00_list.public.txt"])
def test_nothing_else_is(port, path):
    status, said = ask(port, path)
    assert status == 404
    assert b"secret" not in said.replace(b"lib-x-secret", b"")


def test_a_name_with_a_plus_is_given(port, folder):
    (folder / "Dist/lib-x-1.2+b.tgz").write_text("with a plus")
    assert ask(port, "/Dist/lib-x-1.2%2Bb.tgz") == ask(port, "/Dist/lib-x-1.2+b.tgz") == (200, b"with a plus")


def test_what_follows_a_request_with_a_body_is_no_request(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        inner = b"GET /Dist/lib-x-1.1.tgz HTTP/1.1\r\nHost: x\r\n\r\n"
        client.sendall(f"GET {LIST} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(inner)}\r\n\r\n".encode() + inner)
        said = b""
        while chunk := client.recv(65536):
            said += chunk
    assert said.count(b"HTTP/1.1") == 1


def test_a_byte_now_and_then_keeps_no_place(folder, monkeypatch):
    monkeypatch.setattr(mods_serving, "SILENCE_SECONDS", 0.3)
    server = mods_serving.server(folder, "127.0.0.1", 0, lambda line: None)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        with socket.create_connection(server.server_address[:2]) as client:
            client.settimeout(0.1)
            assert _is_hung_up(client, tries=30)
    finally:
        server.shutdown()
        server.server_close()


def _is_hung_up(client: socket.socket, tries: int) -> bool:
    """Send a byte now and then, until the server has enough of it."""
    for _ in range(tries):
        try:
            client.sendall(b"G")
            if not client.recv(1):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_nothing_can_be_changed(port, method):
    assert ask(port, LIST, method)[0] == 501


def test_a_folder_that_is_a_link_is_not_followed(port, folder):
    os.rename(folder / "Dist", folder / "Elsewhere")
    os.symlink(folder / "Elsewhere", folder / "Dist")
    assert ask(port, "/Dist/lib-x-1.2.tgz")[0] == 404


def test_a_client_that_says_nothing_keeps_nobody_waiting(port):
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    try:
        for one in silent[:4]:
            one.sendall(b"GET /Packages/00_list")
        assert ask(port, LIST)[0] == 200
    finally:
        for one in silent:
            one.close()


@pytest.mark.parametrize("request_bytes", [b"\0\xff\n\r\n\r\n", b"GET " + b"x" * 70_000 + b"\r\n\r\n", b"GET /\r\n\r\n",
                                           b"GET / HTTP/9.9\r\n\r\n"])
def test_nonsense_is_answered_and_forgotten(port, request_bytes):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(request_bytes)
        client.shutdown(socket.SHUT_WR)
        client.recv(65536)
    assert ask(port, LIST)[0] == 200


def test_a_download_is_whole_or_refused(port, tmp_path):
    address = f"http://127.0.0.1:{port}"
    web.save(f"{address}/Dist/lib-x-1.2.tgz", tmp_path / "got.tgz", packages.LARGEST_ARCHIVE, "PROVIDER")
    with pytest.raises(HostError, match="larger than 10 bytes"):
        web.save(f"{address}/Dist/lib-x-1.2.tgz", tmp_path / "got.tgz", 10, "PROVIDER")
    with pytest.raises(web.NotThere, match="404"):
        web.read(f"{address}/Dist/nothing.tgz", 10, "PROVIDER")
