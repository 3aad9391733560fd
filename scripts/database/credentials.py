"""How a program on a host gets to know the account of a database.

A password travels over stdin into a file that only the account on that host can read, for as long as it is
needed. It is never a word of a command: every user of a machine can read those.
"""

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from scripts.database import sessions
from scripts.database.account import Account
from scripts.errors import DatabaseError, Fault
from scripts.hosts import process
from scripts.hosts.host import Host

TOOLKIT = Path(__file__).resolve().parents[2]
# A word has to begin as those of clients do: so neither of these finds itself.
FIND_PROGRAMS = 'grep -zsoh -e "^--defaults-file=.*/$1.*" /proc/[0-9]*/cmdline; :'
END_PROGRAMS = '''{ grep -zslxF "-e--defaults-file=$1" /proc/[0-9]*/cmdline | while IFS=/ read -r _ _ id _; do
  grep -zsqx -e "$2" "/proc/$id/cmdline" && kill -9 "$id"
done; } 2>/dev/null; :'''
# TMPDIR is the host's own affair, so its shell finds the folder; $1 is the name, $0 nothing.
FIND_LEFTOVERS = 'find -H "${TMPDIR:-/tmp}" -maxdepth 1 -type f -user "$(id -u)" -name "$1" -print0'


def option_file_text(account: Account) -> str:
    """Return the text of an option file for one account.

    Values stand in double quotes, with backslashes and quotes escaped; a bare # would start a comment. The
    charset is not in it: every program is told on its command line which one it uses.
    Source: MariaDB manual, "Configuring MariaDB with Option Files".
    """
    through_socket = account.socket or (account.host == "localhost" and not account.port)
    values = {"user": account.user, "password": account.password, "host": account.host,
              "port": str(account.port) if account.port else None, "socket": account.socket,
              "protocol": "socket" if through_socket else "tcp",
              "ssl-ca": account.ssl_ca, "ssl-cert": account.ssl_cert, "ssl-key": account.ssl_key}
    lines = [f"{key}={_quoted(key, value)}" for key, value in values.items() if value is not None]
    return "\n".join(["[client]", *lines, ""])


def read_option_file(path: Path) -> Account:
    """Return the account of an option file on the manager; its database stays unnamed.

    Raises DatabaseError for a file that cannot be read, or that other users can.
    """
    try:
        text, mode = path.read_text(encoding="utf-8"), path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise DatabaseError(f"{path}: the option file cannot be read: {error}") from error
    if mode & 0o077:
        raise DatabaseError(f"{path}: holds a password and others may read it. Next: chmod 600 {path}")
    values = _client_section(text)
    host, port = values.get("host", "localhost"), values.get("port", "")
    return Account("", values.get("user", "root"), values.get("password", ""), host,
                   int(port) if port.isdigit() else None, values.get("socket"), ssl_ca=values.get("ssl-ca"),
                   ssl_cert=values.get("ssl-cert"), ssl_key=values.get("ssl-key"))


@contextmanager
def option_file(host: Host, account: Account) -> Iterator[str]:
    """Lend the path of an option file on the host; it is removed when the block ends.

    It is made in a dry run too, because questions to the database need it. When the block breaks, programs that still
    use it are ended: one whose connection to us fell silent is not told, and would keep its locks for hours.
    """
    text = option_file_text(account).encode("utf-8", "surrogateescape")
    path = host.put_temporary(f"trim-{manager_id()}-{os.getpid()}", text)
    is_broken = not host.reads_in_place     # there the kernel ends them
    try:
        with sessions.lasting(host, path):
            yield path
        is_broken = False
    finally:
        # The work is done, or its own fault is the one to tell; a file that stays is found by `leftovers`.
        with suppress(Fault):
            if is_broken:
                end_programs(host, path)
            host.remove_temporary(path)


def leftovers(host: Host) -> list[str]:
    """Return the option files on a host that killed runs of this manager left there."""
    start = f"trim-{manager_id()}-"
    paths = host.read_names("sh", "-c", FIND_LEFTOVERS, "sh", f"{start}*")
    found = [(path, re.fullmatch(rf".*/{start}(\d+)\.\w+", path)) for path in paths]
    return sorted(path for path, parts in found if parts and not psutil.pid_exists(int(parts[1])))


def remove_leftovers(host: Host, paths: list[str]) -> None:
    """Remove what `leftovers` found."""
    if paths:
        host.remove(*paths)


def end_left_programs(host: Host) -> None:
    """End the database programs that runs left at a host, and remove their option files.

    Those of runs that could not do so themselves: they were killed, or did not reach the host any more.
    """
    if host.reads_in_place or process.conduct.dry_run:
        return
    start = f"trim-{manager_id()}-"
    used = {word.partition("=")[2] for word in host.read_names("sh", "-c", FIND_PROGRAMS, "sh", start)}
    found = [(path, re.fullmatch(rf".*/{start}(\d+)\.\w+", path)) for path in used - sessions.option_files()]
    for path in sorted(path for path, parts in found if parts and _is_gone(int(parts[1]))):
        end_programs(host, path)
        host.remove_temporary(path)


def end_programs(host: Host, options: str, word: str = "--.*") -> None:
    """End the programs at a host that use an option file, and were called with a word like this; in a dry run too."""
    host.read("sh", "-c", END_PROGRAMS, "sh", options, word)


def _is_gone(run: int) -> bool:
    """Whether a run is over; of this one all is, that is not known any more."""
    return run == os.getpid() or not psutil.pid_exists(run)


def manager_id() -> str:
    """Return what tells this toolkit on this machine from others that use the same hosts."""
    return hashlib.sha256(f"{socket.gethostname()}:{TOOLKIT}".encode()).hexdigest()[:8]


def _quoted(key: str, value: str) -> str:
    if any(character in value for character in "\n\r\0"):
        raise DatabaseError(f"the database {key} has a line break in it; an option file cannot hold that")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _client_section(text: str) -> dict[str, str]:
    """Return the values under [client]; quotes, escapes and comments as the client library reads them."""
    values, section = {}, ""
    for line in text.splitlines():
        if header := re.fullmatch(r"\s*\[(.+)\]\s*", line):
            section = header[1]
        elif section == "client" and (pair := re.match(r"\s*([\w-]+)\s*=\s*(.*)", line)):
            values[pair[1].replace("_", "-")] = _bare(pair[2])
    return values


def _bare(value: str) -> str:
    quoted = re.match(r"""(["'])((?:\\.|(?!\1).)*)\1""", value)
    text = quoted[2] if quoted else value.split("#")[0].strip()
    signs = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\", '"': '"', "'": "'"}
    return re.sub(r"\\(.)", lambda escape: signs.get(escape[1], escape[0]), text)
