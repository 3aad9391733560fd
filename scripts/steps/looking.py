"""What only a site's host and its web server can say and a status wants to show: free disk, end of the certificate.

It is asked with a time-out, many hosts side by side and each of them once for all its sites, and kept in
var/status/NAME.look.json, which a status shows.
"""

import json
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from scripts.errors import CommandError, Fault
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.registry.instance import Instance

AT_ONCE = 16
ANSWER_SECONDS = 15     # for a host that was reached and does not answer
HANDSHAKE_SECONDS = 5
HTTPS = 443


@dataclass(frozen=True)
class Look:
    """What was seen, in bytes and ISO moments (UTC); problem says why the host was not seen.

    certificate_ends is empty where the site has no https address; certificate_problem says what browsers complain of.
    """

    moment: str
    disk_free_bytes: int | None = None
    disk_size_bytes: int | None = None
    certificate_ends: str = ""
    certificate_problem: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Disk:
    """What the disk of one site is like, in bytes."""

    free_bytes: int | None = None
    size_bytes: int | None = None
    problem: str = ""


def read(instance: Instance) -> Look | None:
    """Return what was seen last; None when nobody has looked yet."""
    try:
        return Look(**json.loads(_path(instance).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def look(instances: Iterable[Instance]) -> None:
    """Look at these sites and keep what was seen; one that does not answer holds up no other for long."""
    sites = list(instances)
    if not sites:
        return
    disks: dict[str, Disk] = {}
    ends: dict[str, tuple[str, str]] = {}
    jobs = [*(partial(_note_disks, of_host, disks) for of_host in _by_host(sites)),
            *(partial(_note_end, one, ends) for one in sites if one.web_url)]
    with _patience(ANSWER_SECONDS):
        process.side_by_side(*jobs, at_once=min(AT_ONCE, len(jobs)))
    process.side_by_side(*(partial(_keep, one, _seen(disks[one.name], *ends.get(one.name, ("", ""))))
                           for one in sites), at_once=min(AT_ONCE, len(sites)))


def _by_host(sites: list[Instance]) -> Iterable[list[Instance]]:
    """Return the sites that one call reaches, together."""
    found: dict[tuple, list[Instance]] = {}
    for one in sites:
        found.setdefault((one.ssh_host, one.ssh_port, one.ssh_user, one.ssh_key, one.run_as), []).append(one)
    return found.values()


def _seen(disk: Disk, ends: str, wrong: str) -> Look:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Look(now, disk.free_bytes, disk.size_bytes, ends, wrong, disk.problem)


def _note_disks(sites: list[Instance], disks: dict[str, Disk]) -> None:
    """Note what the disks of one host's sites are like: asked together, else one by one, as each has its own fault."""
    try:
        disks.update(zip((one.name for one in sites), _disks(sites), strict=True))
    except (Fault, OSError, ValueError):
        for one in sites:
            try:
                disks[one.name] = _disks([one])[0]
            except (Fault, OSError) as fault:
                disks[one.name] = Disk(problem=" ".join(str(fault).split()))


def _disks(sites: list[Instance]) -> list[Disk]:
    """Return free bytes and size of the disks that the web roots of one host's sites lie on."""
    host = sites[0].host
    words = ("timeout", str(ANSWER_SECONDS), "df", "--output=avail,size", "-B1", "--")
    _, *rows = host.read_line(*words, *(one.web_root for one in sites)).split("\n")
    numbers = [row.split() for row in rows]
    if odd := [row for row in numbers if len(row) != 2 or not all(number.isdecimal() for number in row)]:
        raise CommandError(f"[{host.name}] df: its answer is no two numbers: {' '.join(odd[0])[:60]!r}")
    if len(rows) != len(sites):
        raise CommandError(f"[{host.name}] df: its answer is cut off")
    return [Disk(int(free), int(size)) for free, size in numbers]


def _note_end(instance: Instance, ends: dict[str, tuple[str, str]]) -> None:
    ends[instance.name] = certificate(instance)


def certificate(instance: Instance) -> tuple[str, str]:
    """Return when the certificate of a site's address ends, and what is wrong with it; nothing without https."""
    try:
        url = urlsplit(instance.web_url)
        if url.scheme != "https" or not url.hostname:
            return "", ""
        return _end_of(url.hostname, url.port or HTTPS, ssl.create_default_context()), ""
    except ssl.SSLCertVerificationError as error:
        wrong = error.verify_message
    except (OSError, ValueError) as error:
        return "", f"its address does not answer: {getattr(error, 'strerror', None) or error}"
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        return _end_of(url.hostname, url.port or HTTPS, trusting), wrong
    except (OSError, ValueError, Fault):
        return "", wrong


def _end_of(name: str, port: int, context: ssl.SSLContext) -> str:
    with socket.create_connection((name, port), timeout=HANDSHAKE_SECONDS) as bare, \
            context.wrap_socket(bare, server_hostname=name) as safe:
        told = safe.getpeercert()
        text = told["notAfter"] if told else _end_by_openssl(safe.getpeercert(binary_form=True))
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC).isoformat(timespec="seconds")


def _end_by_openssl(certificate: bytes) -> str:
    """Return the end of a certificate that Python does not take apart, because it does not trust it."""
    said = MANAGER.read("openssl", "x509", "-inform", "DER", "-noout", "-enddate", stdin=certificate)
    return said.decode("ascii", "replace").strip().removeprefix("notAfter=")


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    conduct = process.conduct
    before = conduct.stall_seconds, conduct.refusals_since
    conduct.stall_seconds, conduct.refusals_since = seconds, min(time.time(), conduct.refusals_since)
    try:
        yield
    finally:
        conduct.stall_seconds, conduct.refusals_since = before


def _keep(instance: Instance, seen: Look) -> None:
    if process.conduct.dry_run:
        return
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), json.dumps(asdict(seen)).encode("utf-8"), 0o600)


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.look.json"
