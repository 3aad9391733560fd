"""Who publishes mods: the addresses of conf/providers.txt, the list each of them has, and its archives.

A provider is a folder with Packages/00_list.public.txt and Dist/TYPE-NAME-REVISION.tgz in it, wherever it lies.
"""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from scripts.errors import Fault, RegistryError, UsageError
from scripts.hosts import web
from scripts.hosts.ssh import SshHost, socket_folder
from scripts.mods import control, index, names, packages
from scripts.mods.index import IndexLine
from scripts.mods.reach import Folder, Lftp, NotThere, Reach, Ssh, Web
from scripts.registry import registry
from scripts.registry.env_file import nearest
from scripts.registry.schema import NO, YES
from scripts.registry.settings import Settings

PUBLIC = "00_list.public.txt"
DIST, PACKAGES = "Dist", "Packages"
CONF = "conf/providers.txt"
SCHEMES = ("http", "https", "file", "ssh", "sftp", "ftp", "ftps")
LONGEST_NAME = 250  # characters of the file that a provider's list is kept in
OF_INSTANCE = re.compile(r"([a-z0-9][a-z0-9-]*):(/(?!/).*)")
ODD = re.compile(r"[\s,\"'\\\x00-\x1f\x7f]")   # a comma is between two addresses


@dataclass(frozen=True)
class Provider:
    """One provider: its address as an operator writes it, and the way there."""

    address: str
    reach: Reach

    def list(self) -> list[IndexLine]:
        """Return the mods it publishes; an empty list is a list."""
        with tempfile.TemporaryDirectory(prefix="trim-") as scratch:
            data = self.reach.read(f"{PACKAGES}/{PUBLIC}", index.LARGEST, Path(scratch))
        return index.of_provider(data, f"{self.address}: {PACKAGES}/{PUBLIC}")

    def fetch(self, line: IndexLine, archive: Path) -> None:
        """Save the archive that a line of its list promises; raise ArchiveError when its sums are others.

        A sum that the packager noted in the control file there has to be right too.
        """
        partial = archive.with_name(f".trim-new-{os.getpid()}-{archive.name}")  # two runs may want the same
        try:
            self.reach.save(f"{DIST}/{line.archive_name}", partial, packages.LARGEST_ARCHIVE)
            packages.check_sums(partial, line.md5, line.sha256, f"the list of {self.address}")
            packages.check_sums(partial, *self._noted(line), f"the control file at {self.address}")
            os.replace(partial, archive)
        finally:
            partial.unlink(missing_ok=True)

    def _noted(self, line: IndexLine) -> tuple[str, str]:
        """Return md5 and sha256 that the provider's control file of this revision tells, empty where it does not."""
        path = f"{PACKAGES}/{names.control_file(line.mod)}"
        try:
            with tempfile.TemporaryDirectory(prefix="trim-") as scratch:
                data = self.reach.read(path, control.LARGEST, Path(scratch))
        except NotThere:
            return "", ""
        found, _ = control.read(control.text_of(data, path), path)
        return (found.md5, found.sha256) if found.revision.text == line.revision.text else ("", "")


@dataclass(frozen=True)
class Configured:
    """What conf/providers.txt says: addresses in the order of preference, their options, whether we publish."""

    addresses: tuple[str, ...] = ()
    keys: dict[str, str] | None = None
    may_publish: bool = True


def configured(settings: Settings) -> Configured:
    """Read conf/providers.txt; a missing file names nobody. Raises RegistryError with the line that is wrong."""
    path = settings.top / CONF
    addresses: dict[str, str] = {}
    may_publish = True
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.exists() else (), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "publish:":
            may_publish = _switch(" ".join(words[1:]), f"{path}:{number}")
            continue
        key = words[1].removeprefix("key=") if len(words) > 1 and words[1].startswith("key=") else ""
        if len(words) > (2 if key else 1):
            raise RegistryError(f"{path}:{number}: expected an address, key=FILE behind it where that is needed, or "
                                "publish: no")
        try:
            at(settings, words[0], key)
        except Fault as fault:
            raise RegistryError(f"{path}:{number}: {fault}") from fault
        addresses[words[0].rstrip("/")] = key
    return Configured(tuple(addresses), addresses, may_publish)


def wanted(settings: Settings, address: str = "") -> list[Provider]:
    """Return the providers that PROVIDER= means; without it all of conf/providers.txt, which may be none."""
    known = configured(settings)
    addresses = [one.rstrip("/") or "/" for one in address.split(",") if one] or list(known.addresses)
    return [at(settings, one, (known.keys or {}).get(one, "")) for one in addresses]


def require(settings: Settings, address: str = "") -> list[Provider]:
    """Return the providers that PROVIDER= means, at least one."""
    if found := wanted(settings, address):
        return found
    raise UsageError(f"PROVIDER= is missing, and {CONF} names none: an http(s) or ssh address, or a folder")


def require_publishing(settings: Settings) -> None:
    """Raise UsageError when publishing is switched off."""
    if not configured(settings).may_publish:
        raise UsageError(f"publishing is switched off in {CONF} (publish: no)")


def at(settings: Settings, address: str, key: str = "") -> Provider:
    """Return the provider of an address: http(s)://, a folder or file://, ssh://, INSTANCE:/folder, sftp://, ftp://.

    key is a private key file for ssh and sftp. Raises UsageError for anything else, and for an address with a password.
    """
    address = address.rstrip("/") or "/"
    _refuse_odd(address)
    if found := OF_INSTANCE.fullmatch(address):
        return Provider(address, Ssh(address, registry.load(settings, found[1]).host, found[2]))
    parts = urlsplit(address)
    if not parts.scheme:
        whole = os.path.normpath(settings.top / Path(address).expanduser())
        return Provider(whole, Folder(whole, whole))
    if parts.scheme not in SCHEMES:
        raise UsageError(f"{_covered(address)}: {parts.scheme}:// is no way to a provider"
                         f"{nearest(parts.scheme, SCHEMES)}; there are {', '.join(SCHEMES)}, and folders")
    if parts.scheme == "file":
        return Provider(address, Folder(address, parts.path))
    if not parts.hostname or parts.hostname.startswith("-"):
        raise UsageError(f"{address}: names no host")
    if parts.scheme in ("http", "https"):
        return Provider(address, Web(address))
    key = os.path.expanduser(key)
    if parts.scheme == "ssh":
        host = SshHost(parts.hostname, parts.hostname, socket_folder(str(settings.state / "ssh")),
                       user=parts.username or None, port=parts.port or 22, key=key or None,
                       host_keys=settings.host_keys, known_hosts=settings.known_hosts or None)
        return Provider(address, Ssh(address, host, parts.path))
    return Provider(address, Lftp(address, f"{parts.scheme}://{parts.hostname}", parts.username or "",
                                  str(parts.port or ""), parts.path, _connect(settings, key)))


def _refuse_odd(address: str) -> None:
    """Raise UsageError for what no address has: blanks, quotes, a password, a question or a fragment."""
    shown = _covered(address)
    if ODD.search(address) or address.startswith("-"):
        raise UsageError(f"{shown!r}: an address has no blanks, commas, quotes or backslashes in it")
    if len(names.index_of(address)) > LONGEST_NAME:
        raise UsageError(f"{shown[:80]}...: this address is too long: a file is named after it")
    if "://" not in address:
        return
    try:
        parts = urlsplit(address)
        has_password, _ = parts.password is not None, parts.port
    except ValueError:  # whose words may be a piece of a password
        raise UsageError(f"{shown!r}: is no address: its host or its port cannot be read") from None
    if has_password:
        raise UsageError(f"{parts.scheme}://{parts.hostname}: the address has a password in it, which would be in "
                         "every log. Keys are for ssh and sftp (key=FILE in conf/providers.txt), ~/.netrc for ftp")
    if parts.query or parts.fragment:
        raise UsageError(f"{address}: a provider's address has no ? and no # in it")
    web.refuse_secret(address, "PROVIDER")


def _covered(address: str) -> str:
    """Return an address for a message, without what may be an account in it."""
    before, is_there, behind = address.rpartition("@")
    return f"{before.partition(':')[0]}:...@{behind}" if is_there else address


def _connect(settings: Settings, key: str) -> tuple[str, ...]:
    """Return the ssh that sftp goes through: never a question, and the host's key as the settings want it."""
    wanted_keys = "yes" if settings.host_keys == "strict" else "accept-new"
    words = ["ssh", "-a", "-x", "-o", "BatchMode=yes", "-o", f"StrictHostKeyChecking={wanted_keys}"]
    words += ["-o", f"UserKnownHostsFile={settings.known_hosts}"] if settings.known_hosts else []
    return (*words, *(["-o", "IdentitiesOnly=yes", "-i", key] if key else []))


def _switch(text: str, where: str) -> bool:
    if text.lower() not in YES + NO:
        raise RegistryError(f"{where}: publish: yes or no, found {text!r}")
    return text.lower() in YES
