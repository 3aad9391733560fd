"""What people do by hand with one site: the programs that the classic way and the floors are made of.

Everything goes through the same doors as TRIM: the database over TCP with the site's own account, a host behind ssh
through the relay that counts.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from scripts.store import manifest
from tests.bench import real
from tests.bench.context import Context
from tests.bench.measuring import FailedWay
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki

DUMP = "database_dump.sql"
DUMPING = ("--single-transaction", "--quick", "--no-tablespaces")
CORES = os.cpu_count() or 1
ZSTD = ("zstd", "-q", f"-T{CORES}", "-6", "--long=24")     # no larger than lbzip2's, in a tenth of its time
PACKERS = {"bz2": ("lbzip2", f"-n{CORES}", "-c"), "zst": (*ZSTD, "-c")}
UNPACKERS = {"bz2": ("lbzip2", f"-n{CORES}", "-dc"), "zst": ("zstd", "-q", "-dc", "--long=24")}
HEAD = "head"            # of the pieces of a dump: what stands before its first table
LEAST_PIECE = 1_000_000  # bytes
TABLE = b"-- Table structure for table "


class Hand:
    """One site, here or behind ssh, and a staging folder for it on this machine."""

    def __init__(self, context: Context, site: SampleTiki, is_far: bool = False) -> None:
        self.context, self.site, self.is_far = context, site, is_far
        self.folder = context.lab.folder / f"hand-{site.database}"
        self.folder.mkdir(exist_ok=True)
        self.staging = self.folder / "staging"
        self.account = context.lab.sites(is_far) / f"{site.database}.cnf"
        write_account(self.account, site)

    @property
    def trees(self) -> tuple[Path, Path]:
        return self.site.folder, self.site.outside

    # Backup

    def classic_backup(self, is_first: bool) -> Path:
        """rsync to a staging folder, mysqldump, tar cj, one after the other; return the archive."""
        if is_first:
            shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir(exist_ok=True)
        for tree in self.trees:
            run(["rsync", "-aH", "--delete", *self._shell, f"{self._place}{tree}/", f"{self.staging / tree.name}/"])
        self.dump(self.staging / DUMP)
        archive = self.folder / "classic.tar.bz2"
        run(["tar", "-cjf", archive, "-C", self.staging, "."])
        return archive

    def floor_backup(self, packed: str) -> Path:
        """The dump to a file, the trees and the dump through tar and a packer on all cores; return the archive.

        Behind ssh the trees and the dump come to an empty folder at the same time.
        """
        folder = self.folder / "floor"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if self.is_far:
            copies = [subprocess.Popen(["rsync", "-aH", *self._shell, f"{self._place}{tree}/", folder / tree.name])
                      for tree in self.trees]
            self.dump(folder / DUMP)
            if any(one.wait() for one in copies):
                raise FailedWay("rsync failed")
            names = ["-C", folder, *(tree.name for tree in self.trees)]
        else:
            self.dump(folder / DUMP)
            names = [word for tree in self.trees for word in ("-C", tree.parent, tree.name)]
        archive = self.folder / f"floor.tar.{packed}"
        pipe([["tar", "-cf", "-", *names, "-C", folder, DUMP], PACKERS[packed]], archive)
        return archive

    def floor_look(self) -> None:
        """`rsync -an` of the trees against an equal copy, and the bare dump to nowhere."""
        for tree in self.trees:
            run(["rsync", "-anH", "--delete", *self._shell, f"{self._place}{tree}/", f"{self.staging / tree.name}/"])
        self.dump(Path(os.devnull))

    def dump(self, place: Path, *tables: str) -> None:
        """The bare dump of the database, or of some tables, into a file."""
        pipe([self.dump_command(*tables)], place)

    def dump_command(self, *tables: str) -> list[str]:
        words = ["mariadb-dump", f"--defaults-file={self.account}", *DUMPING, self.site.database, *tables]
        return [*self.context.shell, self.context.there, *words] if self.is_far else words

    # The site is made what an archive says

    def put(self, copies: dict[Path, Path], *options: str) -> None:
        """`rsync -a` of folders that lie here to where the site has them."""
        for source, target in copies.items():
            run(["rsync", "-aH", "--delete", *options, *self._shell, f"{source}/", f"{self._place}{target}/"])

    def load(self, dump: Path) -> None:
        """`mysql <` of a whole dump."""
        pipe([self.client], out_of=dump)

    def load_pieces(self, pieces: Path) -> None:
        """Each piece by a client of its own, as many at a time as there are cores, the largest first."""
        tables = sorted((path for path in pieces.iterdir() if path.name != HEAD), key=lambda path: -path.stat().st_size)
        told = f'cat "$0" "$1" | {shlex.join(self.client)}'
        subprocess.run(["xargs", "-0", "-P", str(CORES), "-I{}", "sh", "-ec", told, pieces / HEAD, "{}"], check=True,
                       input="\0".join(map(str, tables)).encode(), capture_output=True)

    @property
    def client(self) -> list[str]:
        words = ["mariadb", f"--defaults-file={self.account}", "--binary-mode"]
        return [*self.context.shell, self.context.there, *words] if self.is_far else words

    @property
    def _shell(self) -> list[str]:
        return self.context.rsync_shell if self.is_far else []

    @property
    def _place(self) -> str:
        return f"{self.context.there}:" if self.is_far else ""


def write_account(path: Path, site: SampleTiki) -> None:
    """Write the option file that programs of the database are told to use for a site."""
    password = site.password.replace("\\", "\\\\").replace('"', '\\"')
    path.write_text(f'[client]\nhost=127.0.0.1\nport={site.server.port}\nuser="{site.user}"\npassword="{password}"\n'
                    f'default-character-set=utf8mb4\n[mysql]\ndatabase="{site.database}"\n')
    path.chmod(0o600)
    give_to(lab_user(), path)


def run(words: Sequence[object]) -> bytes:
    """Run a program to its good end and return what it printed."""
    return subprocess.run([os.fspath(word) for word in words], check=True, capture_output=True,
                          stdin=subprocess.DEVNULL).stdout


def pipe(commands: Sequence[Sequence[object]], into: Path | None = None, out_of: Path | None = None) -> None:
    """Join programs as a shell does, from a file and into one; every one of them must end well."""
    with ExitStack() as open_files:
        source = open_files.enter_context(open(out_of or os.devnull, "rb"))
        target = open_files.enter_context(open(into or os.devnull, "wb"))
        said = open_files.enter_context(tempfile.TemporaryFile())
        running: list[subprocess.Popen] = []
        for number, words in enumerate(commands):
            is_last = number == len(commands) - 1
            running.append(subprocess.Popen([os.fspath(word) for word in words],
                                            stdin=running[-1].stdout if running else source,
                                            stdout=target if is_last else subprocess.PIPE, stderr=said))
            if len(running) > 1:
                running[-2].stdout.close()
        codes = [one.wait() for one in running]
        if any(codes):
            said.seek(0)
            raise FailedWay(f"{' | '.join(str(words[0]) for words in commands)} ended with {codes}: "
                            + said.read().decode(errors="replace").strip())


def unpack(archive: Path, folder: Path) -> None:
    """The fastest way from an archive to a folder: unpacked on all cores, through a pipe, into tar."""
    pipe([UNPACKERS[archive.suffix[1:]], ["tar", "-xf", "-", "-C", folder]], out_of=archive)


def top_of(folder: Path) -> Path | None:
    """Return the top folder of one of TRIM's archives that was unpacked into a folder, or None."""
    return next((path.parent for path in folder.glob(f"*/{manifest.OLD_NAME}")), None)


def parts(top: Path) -> dict[Path, Path]:
    """Return where each folder of an archive came from, and where it lies now."""
    rows = [line.split(manifest.SEPARATOR) for line in (top / manifest.OLD_NAME).read_text().splitlines() if line]
    return {Path(path): top / key / Path(path).name for key, kind, path, *_ in rows
            if kind in (manifest.APP, manifest.DATA)}


def split(dump: Path, folder: Path) -> None:
    """Write a dump as pieces: its head, each large table by itself, small ones together: a client costs time too.

    Views and routines are with the last table.
    """
    folder.mkdir()
    least_bytes = max(LEAST_PIECE, dump.stat().st_size // (8 * CORES))
    with open(dump, "rb") as lines, ExitStack() as one:
        piece = one.enter_context(open(folder / HEAD, "wb"))
        for number, line in enumerate(lines):
            if line.startswith(TABLE) and (piece.name.endswith(HEAD) or piece.tell() > least_bytes):
                one.close()
                piece = one.enter_context(open(folder / f"{number:09}.sql", "wb"))
            piece.write(line)


def load_as_root(lab: Lab, dump: Path, database: str) -> None:
    """Load a dump into a database that is made anew for it."""
    lab.mariadb.sql(f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}")
    pipe([["mariadb", "--no-defaults", f"--socket={lab.mariadb.socket}", "--user=root", "--binary-mode", database]],
         out_of=dump)


def differences(source: Path, copy: Path, without: Sequence[str] = ()) -> list[str]:
    """Return what differs between two trees by content, mode, link or name; caches and `without` apart."""
    excluded = [f"--exclude={name}" for name in (*real.CACHES, *without)]
    told = run(["rsync", "-rlpgonicH", "--delete", *excluded, f"{source}/", f"{copy}/"]).decode(errors="replace")
    return [line for line in told.splitlines() if line and not line.endswith("./")]


def require_equal(source: Path, copy: Path, without: Sequence[str] = ()) -> None:
    """Raise FailedWay when a copy is not what its source is."""
    if found := differences(source, copy, without):
        raise FailedWay(f"{copy.name} differs from {source} in {len(found)} places, as {'; '.join(found[:4])}")

