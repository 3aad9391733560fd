"""Fetches what an http or https address answers: whole, limited in size and time, certificates verified."""

import hashlib
import http.client
import io
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from scripts.errors import HostError, RegistryError

ANSWER_SECONDS = 60     # without a byte, after which a server counts as gone
MOST_SECONDS = 6 * 3600  # for one file: a server that sends a byte now and then is no help
CHUNK = 1 << 18
GONE = (404, 410)


class NotThere(HostError):
    """The server answers that it has no such thing."""


def read(address: str, largest: int, key: str) -> bytes:
    """Return what an address answers; raise HostError for more than so many bytes. key names who gave the address."""
    kept = io.BytesIO()
    _copy(address, kept, largest, key)
    return kept.getvalue()


def save(address: str, path: Path, largest: int, key: str, *, is_secure: bool = False) -> str:
    """Write what an address answers into a file and return its sha256; raise HostError when it is cut off.

    is_secure: an answer that comes from no https address, after whatever redirections, is refused.
    """
    with open(path, "wb") as file:
        digest = _copy(address, file, largest, key, is_secure)
        file.flush()
        os.fsync(file.fileno())
    return digest


@contextmanager
def answer(address: str, key: str) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer of a server; whatever goes wrong with it is a HostError."""
    refuse_secret(address, key)
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "TRIM"})
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as got:
            _refuse_downgrade(address, got.url)
            yield got
    except urllib.error.HTTPError as error:
        kind = NotThere if error.code in GONE else HostError
        raise kind(f"{address}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise HostError(f"{address}: cannot be reached: {error.reason}") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise HostError(f"{address}: the connection broke: {error or type(error).__name__}. Try again") from error


def refuse_secret(address: str, key: str) -> None:
    """Raise RegistryError when an address holds an account: it would be in messages and logs."""
    parts = urlsplit(address)
    if parts.password or (parts.username and parts.scheme in ("http", "https")):
        raise RegistryError(f"{key} holds an account in its address, which would be in every log. Take it out; for git "
                            "there is: git config --global credential.helper")


def _refuse_downgrade(address: str, final: str) -> None:
    asked, came = urlsplit(address).scheme, urlsplit(final).scheme
    if came != asked and came != "https":
        raise HostError(f"{address}: leads to {final}, which is not {asked}")


def _refuse_large(address: str, size: int, largest: int) -> None:
    if size > largest:
        raise HostError(f"{address}: larger than {largest} bytes: this is not what it should be")


def _copy(address: str, into: IO[bytes], largest: int, key: str, is_secure: bool = False) -> str:
    digest, size, started = hashlib.sha256(), 0, time.monotonic()
    with answer(address, key) as got:
        if is_secure and urlsplit(got.url).scheme != "https":
            raise HostError(f"{address}: leads to {got.url}, which is not https")
        told = got.headers.get("Content-Length") or ""
        promised = int(told) if told.isdecimal() else -1
        _refuse_large(address, promised, largest)
        while chunk := got.read1(CHUNK):
            size += len(chunk)
            _refuse_large(address, size, largest)
            if time.monotonic() - started > MOST_SECONDS:
                raise HostError(f"{address}: not done after {MOST_SECONDS // 3600} hours. Try again")
            digest.update(chunk)
            into.write(chunk)
    if promised not in (-1, size):
        raise HostError(f"{address}: the download is cut off: {size} of {promised} bytes came. Try again")
    return digest.hexdigest()
