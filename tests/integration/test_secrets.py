"""The database password is nowhere but in files that only their owner reads, for as long as they are needed.

Its characters are those that have broken tools before. What is looked for is not only the whole of it, but each
distinctive half: quoting changes what stands between them.
"""

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import forked
from tests.lab.fault_fixtures import fast_lab
from tests.lab.faults import Bench
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.processes import told_of_each
from tests.lab.sample_tiki import PASSWORD
from tests.lab.shims import FAR, HERE

PIECES = (b'p#a"s', b"$= x")
REGISTRY = 3       # the exit code of RegistryError

__all__ = ["fast_lab"]  # a fixture


@pytest.fixture(scope="module", params=[False, True], ids=["here", "ssh"])
def watched(request, fast_lab: Lab) -> Iterator["Watched"]:
    """Take over a site, back it up, prove it, restore it, and restore it onto a blank; watch all of it."""
    name = "far" if request.param else "near"
    bench = Bench(fast_lab, name, request.param)
    try:
        yield Watched(bench)
    finally:
        bench.end()


class Watched:
    """What was seen while the whole job was done."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.top = bench, bench.kit.top
        self.runs: list[Ended] = []
        self.calls: list[tuple[str, str, list[bytes]]] = []
        self.command_lines: set[bytes] = set()
        name, blank = bench.name, f"{bench.name}-blank"
        lab, root = bench.lab, bench.sample.folder
        database, user, password = lab.account(blank)
        assert password == bench.sample.password == PASSWORD
        secrets = {"DB_HOST": f"127.0.0.1:{lab.mariadb.port}", "DB_NAME": database, "DB_USER": user,
                   "DB_PASS": password}
        reached = {key: str(value) for key, value in bench.reached.items()}
        (self.top / "instances.d" / f"{name}.env").unlink()
        with self._watching():
            self.run("instance", name=name, web_root=str(root), **reached)
            self.run("blank", environment=secrets, name=blank, web_root=f"{root}-blank", **reached)
            self.run("backup", instance=name)
            self.run("prove", instance=name)
            self.run("restore", instance=name)
            self.run("restore", instance=blank, from_=name)

    def run(self, verb: str, environment: dict[str, str] | None = None, **variables: str) -> None:
        shims = self.bench.shims
        shims.reset()
        ended = forked.run(self.top, verb, shims, environment, verbose="1", **variables)
        assert ended.is_success, ended
        self.runs.append(ended)
        self.calls += [(call.side, call.program, words) for call, words in shims.calls().items()]

    @contextmanager
    def _watching(self) -> Iterator[None]:
        is_over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(is_over,))
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()

    def _watch(self, is_over: threading.Event) -> None:
        while not is_over.is_set():
            self.command_lines.update(line for _, line in told_of_each("cmdline"))


def holds_secret(text: bytes) -> bool:
    return any(piece in text for piece in PIECES)


def test_no_command_line_of_any_process_holds_the_password(watched):
    assert any(b"mariadb" in line and b"--defaults-file" in line for line in watched.command_lines)
    assert not [line for line in watched.command_lines if holds_secret(line)]


def test_no_call_on_either_side_holds_the_password(watched):
    sides = {side for side, program, _ in watched.calls if program.startswith("mariadb")}
    assert sides == ({HERE, FAR} if watched.bench.is_far else {HERE})
    assert not [call for call in watched.calls if any(map(holds_secret, call[2]))]


def test_no_log_output_or_record_holds_the_password(watched):
    logs = list((watched.top / "var" / "logs").iterdir())
    records = list(watched.bench.kit.settings.archives.rglob("*.json"))
    assert len(logs) >= len(watched.runs) and records
    written = [path.read_bytes() for path in (*logs, *records)]
    said = [text.encode() for ended in watched.runs for text in (ended.stdout, ended.stderr)]
    assert not [text for text in written + said if holds_secret(text)]


def test_only_the_env_file_of_the_blank_holds_the_password(watched):
    folder = watched.top / "instances.d"
    own, blank = folder / f"{watched.bench.name}.env", folder / f"{watched.bench.name}-blank.env"
    assert "DB_" not in own.read_text() and not holds_secret(own.read_bytes())
    assert "DB_PASS" in blank.read_text()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (own, blank)] == [0o600, 0o600]


def test_no_option_file_outlives_its_run_on_either_side(watched):
    options = [word for _, _, words in watched.calls for word in words if word.startswith(b"--defaults-file=")]
    folder = watched.bench.shims.temporary
    assert any(os.fsencode(folder) in word for word in options)
    assert not [path.name for path in folder.iterdir()]


def test_an_env_file_with_a_password_that_others_may_read_is_refused(watched):
    path = watched.top / "instances.d" / f"{watched.bench.name}-blank.env"
    path.chmod(0o644)
    try:
        ended = forked.run(watched.top, "restore", instance=path.stem, from_=watched.bench.name)
    finally:
        path.chmod(0o600)
    assert ended.code == REGISTRY
    assert "DB_PASS" in ended.stderr and f"chmod 600 {path}" in ended.stderr
    assert not holds_secret(ended.stderr.encode())


def test_archives_logs_and_their_folders_are_for_their_owner_alone(watched):
    archives = watched.bench.kit.settings.archives / watched.bench.name
    logs = watched.top / "var" / "logs"
    files = [path for folder in (archives, logs) for path in folder.iterdir()]
    assert {path.suffix for path in files} == {".zst", ".index", ".sha256", ".json", ".log"}
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600] * len(files)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (archives, logs)] == [0o700, 0o700]
