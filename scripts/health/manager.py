"""The manager itself: programs, folders, disk, and the files that the settings name."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from scripts.database import credentials
from scripts.errors import DatabaseError
from scripts.health import mends
from scripts.health.finding import MANAGER, Checked, Wrong, look, told
from scripts.hosts.local import MANAGER as HERE
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.store import archive, compress

# Times the largest last archive: the next one may be larger, and no old one goes before it is verified.
FREE_FACTOR = 2
# Where Debian keeps servers: cron's PATH lacks these.
SERVER_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
PROGRAMS = (
    (("tar",), "tar", "archives cannot be packed or opened"),
    (("bzip2",), "bzip2", "archives cannot be opened with what every machine has"),
    (compress.BZIP2_PROGRAMS[:2], "lbzip2", "archives are packed on one core only, which takes many times longer"),
    (("zstd",), "zstd", "COMPRESS=zst cannot be packed or opened"),
    (("ssh",), "openssh-client", "no host can be reached"),
    (("rsync",), "rsync", "nothing can be copied to or from a site"),
    (("mariadb", "mysql"), "mariadb-client", "no database can be asked"),
    (("mariadb-dump", "mysqldump"), "mariadb-client", "no database can be dumped"),
)
PROVE_PROGRAMS = tuple(((name,), "mariadb-server-core", "make prove has no server to try an archive on, and PROVE_DB "
                        "names none") for name in ("mariadbd", "mariadb-install-db"))


def checks(settings: Settings) -> Iterator[Checked]:
    """Look at the manager, a group at a time."""
    yield look(MANAGER, "programs", lambda: _programs(settings), mends.make(settings, "setup"))
    yield look(MANAGER, "settings", lambda: _settings(settings), mends.edit_settings(settings))
    yield look(MANAGER, "folders", lambda: _folders(settings), mends.edit_settings(settings))
    yield look(MANAGER, "disk", lambda: _disk(settings), mends.edit_settings(settings))


def _programs(settings: Settings) -> Iterator[Wrong]:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SERVER_FOLDERS])
    for names, package, harm in (*PROGRAMS, *(() if settings.prove_db else PROVE_PROGRAMS)):
        if not any(shutil.which(name, path=path) for name in names):
            yield Wrong(f"{' or '.join(names)} is not installed: {harm}", mends.install(package))


def _settings(settings: Settings) -> Iterator[Wrong]:
    known_hosts = settings.place(os.path.expanduser(settings.known_hosts))
    if settings.known_hosts and not known_hosts.exists():
        yield Wrong(f"{known_hosts} (KNOWN_HOSTS) is not there: every host key counts as unknown",
                    mends.words("touch", "--", known_hosts))
    if settings.prove_db:
        yield from _prove_db(settings.place(settings.prove_db))


def _prove_db(path: Path) -> Iterator[Wrong]:
    """Look at the option file of the server that proofs use."""
    if not path.exists():
        yield Wrong(f"{path} (PROVE_DB) is not there: make prove will fail",
                    f"{mends.words('install', '-m', '600', '/dev/null', path)} && {mends.edit(path)}")
        return
    try:
        credentials.read_option_file(path)
    except DatabaseError as fault:
        is_open = stat.S_IMODE(path.stat().st_mode) & 0o077
        yield Wrong(f"{told(fault)} (PROVE_DB)",
                    mends.words("chmod", "600", "--", path) if is_open else mends.edit(path))


def _folders(settings: Settings) -> Iterator[Wrong]:
    for key, path in _places(settings):
        if not path.is_dir():
            yield Wrong(f"{path} ({key}) is not there", mends.words("mkdir", "-p", "-m", "0700", "--", path))
            continue
        found = path.stat()
        if found.st_uid != os.geteuid():
            ours = mends.words("chown", f"{pwd.getpwuid(os.geteuid()).pw_name}:", "--", path)
            yield Wrong(f"{path} ({key}) belongs to another account", mends.as_root(ours))
        elif stat.S_IMODE(found.st_mode) != 0o700:
            yield Wrong(f"{path} ({key}) has mode {stat.S_IMODE(found.st_mode):04o}: what sites keep secret lies "
                        "there, for us alone", mends.words("chmod", "700", "--", path))
        elif not os.access(path, os.W_OK):
            mount = f'mount -o remount,rw -- "$(findmnt -no TARGET -T {mends.words(path)})"'
            yield Wrong(f"{path} ({key}) cannot be written: its disk is read-only", mends.as_root(mount))


def _disk(settings: Settings) -> Iterator[Wrong]:
    """Compare the free disk with what the largest of the last archives takes, packed and unpacked."""
    last = [found[0] for path in settings.archives.glob("*") if (found := archive.of_instance(settings, path.name))]
    packed = max((one.size_bytes for one in last), default=0)
    unpacked = max((one.record.content_bytes for one in last if one.record), default=0)
    needs = {"ARCHIVES_DIR": FREE_FACTOR * packed, "WORK_DIR": max(FREE_FACTOR * packed, unpacked)}
    for key, path in _places(settings):
        needed = needs.get(key, 0)
        if needed and path.is_dir() and (free := HERE.free_bytes(str(path))) < needed:
            yield Wrong(f"{path} ({key}) has {output.size(free)} free, and the largest site wants "
                        f"{output.size(needed)}: backups will fail. Make room, or give a larger disk as {key}",
                        mends.edit_settings(settings))


def _places(settings: Settings) -> tuple[tuple[str, Path], ...]:
    return (("ARCHIVES_DIR", settings.archives), ("WORK_DIR", settings.work), ("STATE_DIR", settings.state))
