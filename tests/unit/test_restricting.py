"""The files of a restriction, on this machine: whatever lies where the .htaccess is, and a run that is killed."""

import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.errors import RefusedError
from scripts.hosts.local import LocalHost
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import restricting
from scripts.tiki import maintenance


class SampleTree(NamedTuple):
    """A folder, and the instance it is of when everybody may enter and when not."""

    folder: Path
    open: Instance
    restricted: Instance


def htaccess(tree: SampleTree) -> tuple:
    """Return all there is of a .htaccess."""
    path = tree.folder / ".htaccess"
    if not os.path.lexists(path):
        return ()
    status = path.lstat()
    content = os.readlink(path) if path.is_symlink() else path.read_bytes()
    return stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid, status.st_mtime_ns, content


@dataclass(frozen=True)
class Dying(LocalHost):
    """A host on which the run is killed right after its change number `after`."""

    after: int = 0
    changes: list[str] = field(default_factory=list)

    def _change(self, what: str, change) -> object:
        self.changes.append(what)
        done = change()
        if len(self.changes) == self.after:
            raise SystemExit("killed")
        return done

    def run(self, *words, **options):
        return self._change(words[0], lambda: LocalHost.run(self, *words, **options))

    def make_folder(self, path, mode=0o755):
        return self._change("make_folder", lambda: LocalHost.make_folder(self, path, mode))

    def remove(self, *paths):
        return self._change("remove", lambda: LocalHost.remove(self, *paths))


def on(host: LocalHost, instance: Instance) -> Instance:
    """Return the same instance whose commands run through this host."""
    copy = instance.with_()
    copy.__dict__["host"] = host
    return copy


@pytest.fixture(params=["file", "link", "none"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> SampleTree:
    """A web root whose .htaccess is a file, a link, or not there; no Tiki is needed to edit it."""
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "_htaccess").write_bytes(b"# of Tiki\r\nno line end")
    if request.param == "link":
        (folder / ".htaccess").symlink_to("_htaccess")
    elif request.param == "file":
        (folder / ".htaccess").write_bytes(b"# own\n")
        (folder / ".htaccess").chmod(0o604)
    instance = Instance(name="w", settings=Settings(top=tmp_path), web_root=str(folder))
    hashed = "$2y$06$" + "a" * 53
    restricted = instance.with_(restrict_allow=("127.0.0.1",), restrict_users=(f"ann:{hashed}",))
    return SampleTree(folder, instance, restricted)


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("is_leaving", [False, True])
def test_a_killed_run_is_ended_by_the_next_one(tree, is_leaving, is_closed):
    before = htaccess(tree)
    first, wanted = (tree.restricted, tree.open) if is_leaving else (tree.open, tree.restricted)
    for number in range(1, 20):
        restricting.apply(first)
        if is_closed:
            maintenance.turn_on(tree.open.host, tree.open.web_root, "<p>closed</p>", datetime.now(UTC))
        host = Dying("w", number)
        try:
            restricting.apply(on(host, wanted))
        except SystemExit:
            restricting.apply(wanted)
        maintenance.turn_off(tree.open.host, tree.open.web_root)
        assert restricting.problems(tree.restricted) == [] if not is_leaving else htaccess(tree) == before
        restricting.apply(tree.open)
        assert htaccess(tree) == before
        assert sorted(os.listdir(tree.folder.parent)) == ["w"]
        if len(host.changes) < number:
            break
    assert number > 2


@pytest.mark.parametrize("tree", ["file", "link"], indirect=True)
def test_a_htaccess_that_may_not_be_read_is_not_taken_for_none(tree, without_root_powers):
    (tree.folder / ".htaccess").chmod(0)
    before = htaccess(tree)
    with pytest.raises(RefusedError, match="may not be read by this account"):
        restricting.apply(tree.restricted)
    assert htaccess(tree) == before
