"""Counts the bytes that travel between the manager and a host behind ssh."""

import contextlib
import socket
import threading
from pathlib import Path

from tests.lab.sshd import Sshd

CHUNK = 1 << 18


class Relay(threading.Thread):
    """Passes connections on to an sshd and counts the bytes of both directions, ssh's own included.

    Its port is known as the sshd's from now on. Two threads a connection: a direction that waits must not stop the
    others.
    """

    def __init__(self, sshd: Sshd) -> None:
        super().__init__(daemon=True)
        self.sshd, self.bytes = sshd, 0
        self._counting = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        known = Path(sshd.known_hosts)
        key = known.read_text().splitlines()[0].split(" ", 1)[1]
        known.write_text(known.read_text() + f"[{sshd.host}]:{self.port} {key}\n")

    def run(self) -> None:
        while True:
            near, _ = self._listening.accept()
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.create_connection((self.sshd.host, self.sshd.port)) as far:
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pass_on, args=(far, near), daemon=True)
            back.start()
            self._pass_on(near, far)
            back.join()

    def _pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(CHUNK):
                with self._counting:
                    self.bytes += len(data)
                there.sendall(data)
        # What one side has ended is ended for the other; what still comes back may come.
        with contextlib.suppress(OSError):
            there.shutdown(socket.SHUT_WR)
