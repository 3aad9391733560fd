"""What the unit tests share: a toolkit folder of their own, and a run that starts afresh for each test."""

import dataclasses
import errno
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.hosts import process
from scripts.hosts.conduct import Conduct
from scripts.present import output
from scripts.present.output import Manner
from scripts.registry.settings import Settings
from scripts.store.archive import Archive, Record, read


@pytest.fixture(autouse=True)
def _fresh_run() -> Iterator[None]:
    """Undo what a test's edge has set: conduct, manner, signals, time zone."""
    handlers = {sent: signal.getsignal(sent) for sent in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    yield
    for kept, fresh in ((process.conduct, Conduct()), (output.manner, Manner())):
        for field in dataclasses.fields(fresh):
            setattr(kept, field.name, getattr(fresh, field.name))
    for sent, handler in handlers.items():
        signal.signal(sent, handler)
    time.tzset()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a toolkit without any file yet."""
    top = tmp_path / "toolkit"
    (top / "instances.d").mkdir(parents=True)
    return Settings(top=top)


@pytest.fixture
def register(settings: Settings) -> Callable[..., Path]:
    """Write an env file; the text stands under the one key that is always needed."""
    def write(name: str, text: str = "") -> Path:
        path = settings.top / "instances.d" / f"{name}.env"
        path.write_text(f"WEB_ROOT=/srv/{name}\n{text}", encoding="utf-8")
        path.chmod(0o600)
        return path
    return write


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The administrator's clock: one that jumps in March and October."""
    with monkeypatch.context() as change:
        change.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def archived(settings: Settings) -> Callable[..., Archive]:
    """Put an archive's file and its record on the disk."""
    def put(moment: datetime, instance: str = "blog", kind: str = "backup", ours: bool = True,
            packed: str = "bz2") -> Archive:
        folder = settings.archives / instance
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{instance}_{moment.astimezone():%Y-%m-%d_%H-%M-%S}.tar.{packed}"
        path.write_bytes(b"packed")
        if ours:
            record = Record(kind, moment.astimezone(UTC).isoformat(), "24.4")
            Path(f"{path}.record.json").write_text(json.dumps(dataclasses.asdict(record)))
        return read(path)
    return put


@pytest.fixture
def without_root_powers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tar and Python's os.open obey file permissions, also when root runs the tests."""
    if os.geteuid() == 0:
        program = tmp_path / "bin" / "tar"
        program.parent.mkdir()
        program.write_text('#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search /usr/bin/tar "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

        def obeying(path: str | Path, flags: int, *mode: int, real=os.open, **more: object) -> int:
            if os.path.exists(path) and not os.stat(path).st_mode & 0o444:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            return real(path, flags, *mode, **more)

        monkeypatch.setattr(os, "open", obeying)
