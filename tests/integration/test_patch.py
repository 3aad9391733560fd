"""make patch: a patch goes into a site whole or not at all, comes out the same way, and is told of by its state."""

import http.server
import json
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from scripts.code import trees
from scripts.registry import change
from scripts.registry.instance import Instance
from scripts.steps import patch_files, patch_writing, patching, release_files
from scripts.steps.patch_files import Patch
from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.sample_code import write_code
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

VERSION = "24.4"
LINES = "".join(f"// line {number}\n" for number in range(1, 21))
FIXED = LINES.replace("// line 9\n", "// fixed\n")
BEFORE = {"lib/fix.php": LINES.encode(), "templates/old.tpl": b"old\n", "lib/new folder/new.php": None}
AFTER = {"lib/fix.php": FIXED.encode(), "templates/old.tpl": None, "lib/new folder/new.php": b"<?php\n"}
numbers = count(1)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def kit(lab: Lab) -> Toolkit:
    kit = Toolkit(lab.folder / "toolkit", lab)
    kit.set(git_remote="")
    code = lab.folder / "code"
    write_code(code, version=VERSION, files=20)
    add(code)
    trees.prepared(kit.settings, VERSION, str(code))
    return kit


def add(folder: Path) -> None:
    for path, text in BEFORE.items():
        if text is not None:
            (folder / path).write_bytes(text)


@pytest.fixture
def made(kit: Toolkit) -> Iterator[object]:
    """Build a site and register it; its folder goes afterwards."""
    built: list[Path] = []

    def make(is_far: bool = False) -> tuple[Instance, SampleTiki]:
        sample = small_site(kit.lab, f"site{next(numbers)}", is_far, version=VERSION)
        add(sample.folder)
        (sample.folder / "lib/fix.php").chmod(0o640)
        give_to(lab_user(), sample.folder)
        built.append(sample.folder)
        reached = kit.over_ssh() if is_far else {}
        return kit.register(sample.folder.name, web_root=sample.folder, **reached), sample

    yield make
    for folder in built:
        shutil.rmtree(folder)


@pytest.fixture
def fix(tmp_path: Path) -> Path:
    path = tmp_path / "fix.patch"
    path.write_bytes(patch_files.difference("fix.patch", BEFORE, AFTER).text)
    return path


def run(kit: Toolkit, one: Instance, action: str = "", **words: object) -> Ended:
    environment = words.pop("environment", None)
    return forked.run(kit.top, "patch", instance=one.name, action=action, environment=environment,
                      **{key: str(value) for key, value in words.items()})


def told(ended: Ended) -> list[dict]:
    assert ended.is_success, ended
    return json.loads(ended.stdout)


def refused(ended: Ended, *says: str, code: int = 9) -> None:
    assert ended.code == code, ended
    for text in says:
        assert text in ended.stderr, ended


def states(kit: Toolkit, one: Instance) -> dict[str, str]:
    return {row["name"]: row["state"] for row in told(run(kit, one, "list", json=1))}


@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_a_patch_goes_in_and_comes_out_without_a_trace(kit, made, fix, is_far):
    instance, sample = made(is_far)
    before = contents(sample.folder)
    row, = told(run(kit, instance, "apply", file=fix, json=1))
    assert row == {"instance": instance.name, "action": "apply", "patch": "fix.patch", "changed": sorted(AFTER)}
    assert {path: text for path in AFTER if (text := _read(sample.folder / path))} == \
        {path: text for path, text in AFTER.items() if text}
    status = (sample.folder / "lib/fix.php").stat()
    assert (status.st_mode & 0o777, status.st_uid) == (0o640, sample.folder.stat().st_uid)
    assert (sample.folder / "lib/new folder/new.php").stat().st_uid == sample.folder.stat().st_uid
    kept = kit.settings.state / "patches" / instance.name / "fix.patch"
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (fix.read_bytes(), 0o600)
    assert states(kit, instance) == {"fix.patch": "applied"}
    again = run(kit, instance, "apply", file=fix)
    assert again.is_success
    assert "fix.patch is applied already" in again.stdout

    assert run(kit, instance, "drop", file="fix.patch").is_success
    assert not kept.exists()
    (sample.folder / "lib/new folder").rmdir()
    assert contents(sample.folder) == before
    assert states(kit, instance) == {}


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def contents(folder: Path) -> dict[bytes, tuple]:
    """Return what describe_tree says without the times, which a file that was written anew has lost."""
    found = describe_tree(folder)
    return {path: tuple(fact for fact in facts if not isinstance(fact, int)) for path, facts in found.items()}


def test_the_list_tells_what_each_patch_is_and_what_none_explains(kit, made, fix):
    instance, sample = made()
    told(run(kit, instance, "apply", file=fix, json=1))
    (sample.folder / "README").write_text("changed by hand")
    (sample.folder / "robots.txt").unlink()
    assert states(kit, instance) == {"fix.patch": "applied", "README": "changed here, by no patch",
                                     "robots.txt": "removed here, by no patch"}
    (sample.folder / "templates/old.tpl").write_bytes(b"old\n")
    assert states(kit, instance)["fix.patch"] == "partly applied: not in templates/old.tpl"
    (sample.folder / "lib/fix.php").write_bytes(b"all new\n")
    (sample.folder / "lib/new folder/new.php").unlink()
    found = states(kit, instance)
    assert (found["fix.patch"], found["lib/fix.php"]) == ("does not fit: in lib/fix.php", "changed here, by no patch")
    add(sample.folder)
    assert states(kit, instance)["fix.patch"] == "not applied"
    done = run(kit, instance, "list")
    assert "fix.patch" in done.stdout
    assert "not applied" in done.stdout


def test_what_the_new_release_includes_is_told_after_an_update_and_kept_for_the_way_back(kit, made, fix, capsys):
    instance, sample = made()
    told(run(kit, instance, "apply", file=fix, json=1))
    own = patch_files.difference("own.patch", {"README": _read(sample.folder / "README")}, {"README": b"own\n"})
    patch_files.keep(instance, own)
    (sample.folder / "README").write_bytes(b"own\n")
    old = release_files.of_tree(trees.tree(kit.settings, VERSION))
    patching.tell_after_update(instance, old)
    assert capsys.readouterr().out == ""
    files = {**old.files, "lib/fix.php": release_files.digest(AFTER["lib/fix.php"], "0" * 64),
             "lib/new folder/new.php": release_files.digest(AFTER["lib/new folder/new.php"], "0" * 64)}
    del files["templates/old.tpl"]
    new = release_files.Release("24.5", files, None, "the next")
    assert patching.state(instance, Patch("fix.patch", fix.read_bytes()), new).name == "in the release"
    patching.tell_after_update(instance, new)
    assert "fix.patch is in Tiki 24.5 itself" in capsys.readouterr().out
    assert {one.name for one in patch_files.registered(instance)} == {"fix.patch", "own.patch"}


def test_what_does_not_fit_changes_nothing(kit, made, fix):
    instance, sample = made()
    (sample.folder / "lib/fix.php").write_text(LINES.replace("// line 10\n", "// ours\n"))
    give_to(lab_user(), sample.folder)
    before = describe_tree(sample.folder)
    refused(run(kit, instance, "apply", file=fix), "does not fit: lib/fix.php:6", "Nothing was changed", "ACTION=list")
    assert describe_tree(sample.folder) == before
    assert patch_files.registered(instance) == []


def test_what_cannot_be_taken_out_stays_and_the_way_is_told(kit, made, fix):
    instance, sample = made()
    told(run(kit, instance, "apply", file=fix, json=1))
    (sample.folder / "lib/fix.php").write_text("all new\n")
    before = describe_tree(sample.folder)
    refused(run(kit, instance, "drop", file="fix.patch"), "does not fit backwards: lib/fix.php:6", "LOCAL=discard",
            f"rm {kit.settings.state}/patches/{instance.name}/fix.patch")
    assert describe_tree(sample.folder) == before


def test_a_link_is_never_followed(kit, made, fix, tmp_path):
    instance, sample = made()
    outside = tmp_path / "outside"
    shutil.move(sample.folder / "templates", outside)
    (sample.folder / "templates").symlink_to(outside)
    refused(run(kit, instance, "apply", file=fix), "templates/old.tpl is a link, or lies behind one")
    assert (outside / "old.tpl").read_bytes() == b"old\n"


def test_a_guarded_site_asks_for_its_name(kit, made, fix):
    instance, sample = made()
    change.set_values(instance.settings, instance.name, {"STAGE": "production"})
    refused(run(kit, instance, "apply", file=fix), "is guarded", f"CONFIRM={instance.name}")
    assert run(kit, instance, "list").is_success
    assert run(kit, instance, "apply", file=fix, confirm=instance.name).is_success
    refused(run(kit, instance, "drop", file="fix.patch"), "is guarded")


def test_a_dry_run_tells_and_changes_nothing(kit, made, fix):
    instance, sample = made()
    before = describe_tree(sample.folder)
    done = run(kit, instance, "apply", file=fix, dry=1)
    assert done.is_success
    assert "would: apply fix.patch to" in done.stdout
    assert (describe_tree(sample.folder), patch_files.registered(instance)) == (before, [])


@pytest.mark.parametrize("is_far", [False, True], ids=["here", "ssh"])
def test_a_failure_half_way_puts_all_back(kit, made, fix, is_far, monkeypatch):
    instance, sample = made(is_far)
    before = {path: _read(sample.folder / path) for path in AFTER}
    puts = count(1)
    put = patch_writing.small_files.put

    def breaks(*given: object, **more: object) -> None:
        if next(puts) == 2:
            raise patch_writing.CommandError("the disk is full")
        put(*given, **more)

    monkeypatch.setattr(patch_writing.small_files, "put", breaks)
    with pytest.raises(patch_writing.CommandError, match="the disk is full. What was there before was put back"):
        patching.apply(instance, patch_files.named("fix.patch", fix.read_bytes()))
    assert {path: _read(sample.folder / path) for path in AFTER} == before
    assert patch_writing.unfinished(instance) == {}
    assert patch_files.registered(instance) == []


def test_what_a_killed_run_left_is_put_back_by_the_next(kit, made, fix):
    instance, sample = made()
    patch_writing._begin(instance, BEFORE, AFTER)
    (sample.folder / "lib/fix.php").write_bytes(AFTER["lib/fix.php"])  # and there it was killed
    done = run(kit, instance, "list")
    assert "broke off" in done.stderr
    done = run(kit, instance, "apply", file=fix)
    assert done.is_success, done
    assert "what was there is put back first" in done.stdout
    assert _read(sample.folder / "lib/fix.php") == AFTER["lib/fix.php"]
    assert patch_writing.unfinished(instance) == {}
    assert states(kit, instance) == {"fix.patch": "applied"}


def test_what_took_the_place_of_a_killed_run_s_work_is_left_and_named(kit, made, fix, capsys):
    """As after a restore, a clone, a rollback: the code is another, and the note is still there."""
    instance, sample = made()
    newer = LINES.replace("// line 2\n", "// of a newer release\n").encode()
    patch_writing._begin(instance, BEFORE, AFTER)
    (sample.folder / "lib/fix.php").write_bytes(newer)
    (sample.folder / "templates/old.tpl").unlink()
    (sample.folder / "lib/new folder").mkdir()
    (sample.folder / "lib/new folder/new.php").write_bytes(b"<?")  # killed while it was written
    assert set(patch_writing.unfinished(instance)) == set(BEFORE)
    patch_writing.mend(instance)
    assert {path: _read(sample.folder / path) for path in BEFORE} == {**BEFORE, "lib/fix.php": newer}
    assert "lib/fix.php: changed by something else since then" in capsys.readouterr().err
    assert patch_writing.unfinished(instance) == {}


def test_a_link_in_the_place_of_a_killed_run_s_work_is_left(kit, made, fix, tmp_path):
    instance, sample = made()
    patch_writing._begin(instance, BEFORE, AFTER)
    (tmp_path / "theirs.php").write_bytes(AFTER["lib/fix.php"])
    (sample.folder / "lib/fix.php").unlink()
    (sample.folder / "lib/fix.php").symlink_to(tmp_path / "theirs.php")
    patch_writing.mend(instance)
    assert (tmp_path / "theirs.php").read_bytes() == AFTER["lib/fix.php"]
    assert (sample.folder / "lib/fix.php").is_symlink()
    assert patch_writing.unfinished(instance) == {}


def test_an_entrance_stays_closed_under_the_maintenance_page(kit, made):
    instance, sample = made()
    index = sample.folder / "index.php"
    text = index.read_bytes()
    assert forked.run(kit.top, "maintenance", instance=instance.name, state="on").is_success
    patch = patch_files.difference("entrance.patch", {"index.php": text}, {"index.php": text + b"// patched\n"})
    patching.apply(instance, patch)
    assert fetch(f"{kit.lab.apache.serve(sample.folder)}/index.php").status == 503
    assert index.read_bytes().startswith(b"<?php /* trim-maintenance */")
    assert forked.run(kit.top, "maintenance", instance=instance.name, state="off").is_success
    assert index.read_bytes() == text + b"// patched\n"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Serve a folder by https with a certificate of its own, SSL_CERT_FILE, and redirect /away to http."""
    names = {"certificate": tmp_path / "web.pem", "key": tmp_path / "web.key"}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", names["key"], "-out", names["certificate"]],
                   check=True, capture_output=True)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(tmp_path))

        def do_GET(self) -> None:
            if self.path == "/away.patch":
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{plain.server_port}/fix.patch")
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, *given: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(names["certificate"], names["key"])
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    secure = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    for server in (plain, secure):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{secure.server_port}"
    for server in (plain, secure):
        server.shutdown()
        server.server_close()


def test_a_patch_comes_from_the_web_by_https_alone(kit, made, fix, web, tmp_path):
    instance, _ = made()
    trust = {"SSL_CERT_FILE": str(tmp_path / "web.pem")}
    refused(run(kit, instance, "apply", file="http://example.org/fix.patch"), "only https is taken", code=2)
    refused(run(kit, instance, "apply", file=f"{web}/away.patch", environment=trust), "which is not https", code=4)
    refused(run(kit, instance, "apply", file=f"{web}/none.patch", environment=trust), "answers 404", code=4)
    assert run(kit, instance, "apply", file=f"{web}/fix.patch", environment=trust).is_success
    assert [patch.text for patch in patch_files.registered(instance)] == [fix.read_bytes()]


def test_patches_of_a_forgotten_site_go_to_the_trash(kit, made, fix):
    instance, _ = made()
    told(run(kit, instance, "apply", file=fix, json=1))
    release_files.remember(instance, release_files.of_tree(trees.tree(kit.settings, VERSION)))
    ended = forked.run(kit.top, "delete", instance=instance.name, confirm=instance.name)
    assert ended.is_success, ended
    trash = kit.settings.state / "trash"
    assert [path.name for path in trash.glob(f"{instance.name}_*.patches/*")] == ["fix.patch"]
    assert len(list(trash.glob(f"{instance.name}_*.release"))) == 1
    assert not os.path.exists(patch_files.folder(instance))
