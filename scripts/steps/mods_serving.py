"""A provider's folder over HTTP, for reading: its public list, the control files and archives of what is in it.

Nothing else is answered: the address of a request is compared with the few forms there are, never turned into a path,
and no link is followed.
"""

import os
import re
import socket
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from scripts.mods import index, names
from scripts.mods.provider import PUBLIC

WANTED = re.compile(rf"/(?:Packages/(?P<list>{re.escape(PUBLIC)})|Packages/(?P<control>[^/]+\.info\.txt)|"
                    r"Dist/(?P<archive>[^/]+\.tgz))")
SILENCE_SECONDS = 30    # after which a client that says nothing is hung up on
MOST_CLIENTS = 64       # at once; the others wait
MOST_WAITING = 128
CHUNK = 1 << 18


def server(folder: Path, address: str, port: int, tell: Callable[[str], None]) -> ThreadingHTTPServer:
    """Return a server for a provider's folder; `serve_forever` answers until a signal ends the run.

    tell is called with a line for each request.
    """
    class Handler(_Handler):
        place = _Place(folder)
        told = staticmethod(tell)

    class Server(_Server):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

    return Server((address, port), Handler)


class _Place:
    """Opens what may be seen of a provider's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def opened(self, path: str) -> BinaryIO | None:
        """Return the open file of a request's path, None when there is nothing to be seen by that name."""
        found = WANTED.fullmatch(path)
        if not found:
            return None
        if found["list"]:
            return self._file("Packages", PUBLIC)
        if found["control"]:
            mod = names.mod_of(found["control"])
            return self._file("Packages", found["control"]) if mod in self._listed() else None
        name = found["archive"]
        is_listed = any(name.startswith(f"{mod}-") and re.fullmatch(r"[0-9][0-9A-Za-z.+_~-]*\.tgz", name[len(mod) + 1:])
                        for mod in self._listed())
        return self._file("Dist", name) if is_listed else None

    def _listed(self) -> set[str]:
        with self._file("Packages", PUBLIC) or open(os.devnull, "rb") as file:
            return {line.mod for line in index.read(file.read(index.LARGEST).decode("utf-8", "surrogateescape"))}

    def _file(self, place: str, name: str) -> BinaryIO | None:
        """Open a plain file; a link, also in place of the folder, is nothing to be seen."""
        try:
            folder = os.open(self._folder / place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            finally:
                os.close(folder)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            return None
        return open(opened, "rb")


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; http.server answers 501 to all else."""

    place: _Place
    told: Callable[[str], None]
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_SECONDS
    server_version, sys_version = "TRIM", ""

    def handle_one_request(self) -> None:
        # The timeout begins anew with each byte, and a byte now and then would keep the place of another client.
        self._hanging_up = threading.Timer(SILENCE_SECONDS, self._hang_up)
        self._hanging_up.daemon = True
        self._hanging_up.start()
        try:
            super().handle_one_request()
        finally:
            self._hanging_up.cancel()

    def _hang_up(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        self._hanging_up.cancel()
        if self.headers["Content-Length"] or self.headers["Transfer-Encoding"]:
            self.close_connection = True  # what follows is no other request
        file = self.place.opened(unquote(self.path.partition("?")[0]))
        if file is None:
            self.close_connection = True
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/gzip" if self.path.endswith(".tgz")
                             else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(size))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            while with_body and size and (chunk := file.read(min(CHUNK, size))):
                self.wfile.write(chunk)
                size -= len(chunk)
        if with_body and size:
            self.close_connection = True  # it got shorter meanwhile: the client sees that something is missing

    def log_message(self, form: str, *values: object) -> None:
        self.told(f"{self.client_address[0]} {form % values}".encode("ascii", "backslashreplace").decode())


class _Server(ThreadingHTTPServer):
    """A thread for each client, but never more than so many."""

    daemon_threads = True
    request_queue_size = MOST_WAITING
    allow_reuse_address = True

    def __init__(self, *arguments: object) -> None:
        self._room = threading.BoundedSemaphore(MOST_CLIENTS)
        super().__init__(*arguments)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:  # and the older kind of addresses too
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def process_request(self, request: object, client_address: object) -> None:
        self._room.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is nobody's fault."""
