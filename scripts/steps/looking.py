"""What only a site's host and its web server can say and a status wants to show: free disk, end of the certificate.

It is asked with a time-out, many sites side by side, and kept in var/status/NAME.look.json, which a status shows.
"""

import json
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from scripts.errors import CommandError, Fault
from scripts.hosts import process
from scripts.hosts.host import MANAGER
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
    with _patience(ANSWER_SECONDS):
        process.side_by_side(*((lambda one=one: _keep(one, _seen(one))) for one in sites),
                             at_once=min(AT_ONCE, len(sites)))


def _seen(instance: Instance) -> Look:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    ends, wrong = certificate(instance)
    try:
        free, size = _disk(instance)
    except (Fault, OSError) as fault:
        return Look(now, certificate_ends=ends, certificate_problem=wrong, problem=" ".join(str(fault).split()))
    return Look(now, free, size, ends, wrong)


def _disk(instance: Instance) -> tuple[int, int]:
    """Return free bytes and size of the disk that the web root lies on."""
    words = ("timeout", str(ANSWER_SECONDS), "df", "--output=avail,size", "-B1", "--", instance.web_root)
    numbers = instance.host.read_line(*words).rpartition("\n")[2].split()
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise CommandError(f"[{instance.host.name}] df: its answer is no two numbers: {' '.join(numbers)[:60]!r}")
    return int(numbers[0]), int(numbers[1])


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
    before, process.conduct.stall_seconds = process.conduct.stall_seconds, seconds
    try:
        yield
    finally:
        process.conduct.stall_seconds = before


def _keep(instance: Instance, seen: Look) -> None:
    if process.conduct.dry_run:
        return
    MANAGER.make_folder(str(_path(instance).parent), 0o700)
    MANAGER.write(str(_path(instance)), json.dumps(asdict(seen)).encode("utf-8"), 0o600)


def _path(instance: Instance) -> Path:
    return instance.settings.state / "status" / f"{instance.name}.look.json"
