"""Reads a web page that links release files, and downloads one of them: whole, or not at all."""

import hashlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from scripts.errors import HostError
from scripts.hosts import web
from scripts.hosts.local import MANAGER
from scripts.hosts.web import refuse_secret

__all__ = ["fetched", "forget", "links", "name_of", "refuse_secret", "saved", "sha256"]

KEY = "RELEASES_URL"            # the setting that addresses come from
LARGEST_PAGE = 4 << 20          # bytes; an index of every release ever made has a tenth of it
LARGEST_FILE = 2 << 30          # bytes; a release of Tiki 27 packed as zip has a tenth of it


def links(address: str) -> list[str]:
    """Return the addresses that a page links to, whole; one that leaves https for http is not counted."""
    with web.answer(address, KEY) as answer:
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
        digest = web.save(address, partial, LARGEST_FILE, KEY)
        noted.write_text(f"{digest}  {path.name}\n", encoding="utf-8")
        MANAGER.sync(str(noted))
        MANAGER.rename(str(partial), str(path))
        MANAGER.sync(str(path))
    finally:
        MANAGER.remove(str(partial))
    return path


def saved(address: str, path: Path, largest: int) -> Path:
    """Save what an https address answers now; raise HostError for more than so many bytes, or when it leaves https."""
    web.save(address, path, largest, KEY, is_secure=True)
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


class _Links(HTMLParser):
    """Collects the href of every link."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]
