"""The account of a database: where the server is, who may enter."""

import re
from dataclasses import dataclass, field

from scripts.errors import DatabaseError

OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
USUAL_PORT = 3306
SERVER_FORMS = (
    r"(?P<socket>/.+)",
    r"(?P<host>[\w.-]+)(?::(?P<port>\d+))?",
    r"\[(?P<host>[0-9A-Fa-f:.]+)\](?::(?P<port>\d+))?",
    r"(?P<host>[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)",
    r"(?:localhost)?:(?P<socket>/.+)",
)


@dataclass(frozen=True)
class Account:
    """One database and who may enter it; the names of host and files are as seen on the instance's host."""

    name: str
    user: str
    password: str = field(repr=False)
    host: str = "localhost"
    port: int | None = None
    socket: str | None = None
    charset: str = "utf8mb4"
    ssl_ca: str | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None

    @staticmethod
    def parse_host(text: str) -> tuple[str, int | None, str | None]:
        """Return host, port and socket of Tiki's host_tiki, as PHP understands it.

        Tiki pastes the value into a PDO address, so `h;port=3307` is as good as `h:3307`. Raises DatabaseError
        for a form that is not known: a guess could reach another server.
        """
        server, *settings = text.strip().split(";")
        host, port, socket = _server(server, text)
        for setting in filter(None, map(str.strip, settings)):
            key, _, value = setting.partition("=")
            if key == "port" and value.isdigit():
                # PHP goes through the socket for localhost, whatever port stands beside it.
                port = None if host == "localhost" else int(value)
            elif key == "unix_socket" and value.startswith("/") and host == "localhost":
                socket = value
            else:
                raise _not_understood(text)
        if port is not None and not 0 < port < 65536:
            raise _not_understood(text)
        return host, port, socket

    @property
    def server(self) -> tuple[str, int]:
        """Return what tells servers apart, seen from one machine: all ways to its own server are the same."""
        is_here = self.host.lower() in OWN_MACHINE
        return ("localhost" if is_here else self.host.lower(), self.port or USUAL_PORT)


def _server(server: str, text: str) -> tuple[str, int | None, str | None]:
    if not server.strip():
        return "localhost", None, None
    for form in SERVER_FORMS:
        if match := re.fullmatch(form, server.strip()):
            parts = match.groupdict()
            port = parts.get("port")
            return parts.get("host") or "localhost", int(port) if port else None, parts.get("socket")
    raise _not_understood(text)


def _not_understood(text: str) -> DatabaseError:
    return DatabaseError(f"the database host {text!r} is not understood: expected a name, name:port, [address]:port "
                         "or a socket's path")
