"""Reads a web page that links release files, and downloads one of them: whole, or not at all."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from scripts.errors import HostError, RegistryError
from scripts.hosts.host import MANAGER

ANSWER_SECONDS = 60             # without a byte, after which a server counts as gone
LARGEST_PAGE = 4 << 20          # bytes; an index of every release ever made has a tenth of it
LARGEST_FILE = 2 << 30          # bytes; a release of Tiki 27 packed as zip has a tenth of it
CHUNK = 1 << 18


def links(address: str) -> list[str]:
    """Return the addresses that a page links to, whole; one that leaves https for http is not counted."""
    with _answer(address) as answer:
        page, base = answer.read(LARGEST_PAGE + 1), answer.url
    if len(page) > LARGEST_PAGE:
        raise HostError(f"{address}: longer than {LARGEST_PAGE} bytes: is this a page that lists releases?")
    reader = _Links()
    reader.feed(page.decode("utf-8", "replace"))
    found = [urljoin(base, link) for link in reader.found]
    secure = urlsplit(address).scheme == "https"
    return [link for link in found if urlsplit(link).scheme == "https" or (not secure and link.startswith("http:"))]


def fetched(address: str, folder: Path) -> Path:
    """Return the file of an address, from an earlier download or a new one; its sha256 is noted beside it."""
    path = folder / name_of(address)
    noted = path.with_name(f"{path.name}.sha256")
    if path.exists() and noted.exists() and noted.read_text().split()[:1] == [sha256(path)]:
        return path
    MANAGER.make_folder(str(folder), 0o700)
    partial = path.with_name(f"{path.name}.partial")
    try:
        digest = _save(address, partial)
        noted.write_text(f"{digest}  {path.name}\n", encoding="utf-8")
        MANAGER.sync(str(noted))
        MANAGER.rename(str(partial), str(path))
        MANAGER.sync(str(path))
    finally:
        MANAGER.remove(str(partial))
    return path


def saved(address: str, path: Path, largest: int) -> Path:
    """Save what an https address answers now; raise HostError for more than so many bytes, or when it leaves https."""
    _save(address, path, largest, is_secure=True)
    return path


def name_of(address: str) -> str:
    """Return the file's name in an address."""
    return unquote(urlsplit(address).path).rpartition("/")[2]


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def forget(path: Path) -> None:
    """Remove a download that turned out to be damaged."""
    MANAGER.remove(str(path), f"{path}.sha256")


def refuse_secret(address: str, key: str) -> None:
    """Raise RegistryError when an address holds an account: it would be in messages and logs."""
    parts = urlsplit(address)
    if parts.password or (parts.username and parts.scheme in ("http", "https")):
        raise RegistryError(f"{key} holds an account in its address, which would be in every log. Take it out; for git "
                            "there is: git config --global credential.helper")


def _save(address: str, path: Path, largest: int = LARGEST_FILE, *, is_secure: bool = False) -> str:
    """Write what an address answers into a file and return its sha256; raise HostError when it is cut off."""
    digest, size = hashlib.sha256(), 0
    with _answer(address) as answer, open(path, "wb") as file:
        if is_secure and urlsplit(answer.url).scheme != "https":
            raise HostError(f"{address}: leads to {answer.url}, which is not https")
        promised = int(answer.headers.get("Content-Length") or -1)
        while chunk := answer.read(CHUNK):
            size += len(chunk)
            if max(size, promised) > largest:
                raise HostError(f"{address}: larger than {largest} bytes: this is not what it should be")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if promised not in (-1, size):
        raise HostError(f"{address}: the download is cut off: {size} of {promised} bytes came. Try again")
    return digest.hexdigest()


@contextmanager
def _answer(address: str) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer of a server; whatever goes wrong with it is a HostError."""
    refuse_secret(address, "RELEASES_URL")
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "TRIM"})
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        raise HostError(f"{address}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise HostError(f"{address}: cannot be reached: {error.reason}") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise HostError(f"{address}: the connection broke: {error or type(error).__name__}. Try again") from error


class _Links(HTMLParser):
    """Collects the href of every link."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]
