"""An update that breaks or is killed: code and database go back together, and the next call knows what is left."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scripts.errors import DatabaseError
from scripts.registry import change
from scripts.steps import answering, final_dump, schema_updates, switch_over, updating_journal, way_back
from scripts.steps.answering import Answer
from scripts.tiki import maintenance
from tests.integration.test_failure_mail import disk
from tests.lab.update_fixtures import Site, code, in_a_hurry, kit_with, lab, numbers, shared
from tests.lab.web import fetch

__all__ = ["code", "in_a_hurry", "lab", "shared"]  # fixtures

PAGE_OF_WEB = "<?php\nif (PHP_SAPI !== 'cli') {\n    http_response_code(500);\n    exit;\n}\n"


# When it breaks

@pytest.mark.parametrize(("files", "says"), [
    ({"lib/tikilib.php": "<?php\nthis is no PHP;\n"}, "tikilib.php"),
    ({"installer/schema/20260202_broken_tiki.sql": "CREATE TABLE half (id int);\nCREATE NONSENSE;\n"},
     "20260202_broken_tiki"),
    ({"tiki-index.php": PAGE_OF_WEB}, "answers 500 with Tiki 24.4"),
], ids=["fatal on every request", "a patch that fails half way", "an error that only visitors see"])
def test_a_release_that_does_not_work_is_taken_back(lab, code, files, says):
    site = Site(kit_with(lab, code, files))
    ended = site.run("update")
    assert not ended.is_success
    assert says in ended.stderr, ended
    assert "Code and database were put back" in ended.stderr
    site.assert_untouched()
    assert way_back.read(site.instance) is None
    assert final_dump.all_of(site.instance) == []


def test_a_php_that_fails_after_the_switch_does_not_keep_the_site_from_going_back(shared, lab):
    php = lab.folder / f"php{next(numbers)}"
    real = shutil.which("php")
    site = Site(shared)
    php.write_text(f"#!/bin/sh\ngrep -q 24.4 {site.root}/lib/setup/twversion.class.php && exit 1\nexec {real} \"$@\"\n")
    php.chmod(0o755)
    change.set_values(shared.settings, site.name, {"PHP": str(php)})
    ended = site.run("update")
    assert (ended.code, "were put back" in ended.stderr) == (5, True), ended
    site.assert_untouched()
    change.set_values(shared.settings, site.name, {"PHP": "php"})
    site.told("update")
    change.set_values(shared.settings, site.name, {"PHP": "/bin/false"})
    assert site.told("rollback")["version"] == "24.3"
    site.assert_untouched()


class Moody(BaseHTTPRequestHandler):
    """Answers 200, and 503 for as many visits as are left."""

    left = 0

    def do_GET(self) -> None:
        Moody.left -= 1
        self.send_response(503 if Moody.left >= 0 else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_probe_that_is_briefly_503_does_not_undo_a_good_update(shared, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = Site(shared)
        change.set_values(shared.settings, site.name, {"WEB_URL": f"http://127.0.0.1:{server.server_port}/"})
        opened = maintenance.turn_off

        def moody(*words):
            opened(*words)
            fetch(f"http://127.0.0.1:{server.server_port}/mood")
        monkeypatch.setattr(maintenance, "turn_off", moody)
        Moody.do_GET = _with_mood(Moody.do_GET)
        found = site.told("update")
        server.shutdown()
    assert (found["answers"], site.version()) == (200, "24.4")


def _with_mood(answer):
    def do_get(handler) -> None:
        if handler.path == "/mood":
            Moody.left = 3
        answer(handler)
    return do_get


def test_a_broken_connection_in_the_middle_of_the_schema_update_is_survived(lab, code, monkeypatch):
    slow = {"installer/schema/20260203_slow_tiki.php": "<?php\nfunction upgrade_20260203_slow_tiki($db) { sleep(4); "
                                                       "$db->exec('CREATE TABLE too_late (id int)'); }\n"}
    site = Site(kit_with(lab, code, slow), far=True)
    update = schema_updates.update

    def cut(*words):
        threading.Timer(1.0, site.instance.host.disconnect).start()
        return update(*words)
    monkeypatch.setattr(schema_updates, "update", cut)
    ended = site.run("update")
    assert "were put back" in ended.stderr, ended
    site.assert_untouched()
    time.sleep(4)  # what was cut off must not go on there
    site.assert_untouched()


def test_where_putting_back_fails_too_the_page_stays_and_a_rollback_ends_it(lab, code, monkeypatch):
    site = Site(kit_with(lab, code, {"lib/tikilib.php": "<?php\nthis is no PHP;\n"}))
    with monkeypatch.context() as broken:
        broken.setattr(final_dump, "load_back", _full)
        ended = site.run("update")
        assert (ended.code, "Putting back failed too" in ended.stderr) == (5, True), ended
        assert f"The maintenance page stays. Next: make rollback INSTANCE={site.name}" in ended.stderr
        assert fetch(site.sample.url).status == 503
        again = site.run("rollback")
        assert (again.code, "The maintenance page stays" in again.stderr) == (6, True), again
    with monkeypatch.context() as dying:
        _die_after(dying, switch_over.switching, "back", lambda words: True)
        assert site.run("rollback").code == -signal.SIGKILL
    assert fetch(site.sample.url).status == 503
    assert "was taken back" in site.told("rollback")["recovered"]
    site.assert_untouched()


def _full(*words):
    raise DatabaseError("database x: the table is full")


# When it is killed

@pytest.mark.parametrize("phase", ["staging", "switching", "put", "migrating", "database", "opened", "proven"])
def test_a_killed_update_is_taken_back_or_ended(shared, monkeypatch, phase):
    site = Site(shared)
    with monkeypatch.context() as dying:
        if phase in ("put", "database"):
            room, name = {"put": (switch_over.switching, "put"), "database": (schema_updates, "update")}[phase]
            _die_after(dying, room, name, lambda words: True)
        else:
            _die_after(dying, updating_journal, "write", lambda words: words[2] == phase)
        assert site.run("update").code == -signal.SIGKILL
    status = fetch(site.sample.url).status
    assert status == (200 if phase in ("staging", "switching", "proven") else 503)
    if phase not in ("staging", "switching"):
        refused = site.run("backup")
        assert (refused.code, f"make rollback INSTANCE={site.name}" in refused.stderr) == (9, True), refused
        assert site.run("maintenance", state="off").code == 9
    doctor = site.run("doctor")
    assert f"rollback INSTANCE={site.name}" in doctor.stdout, doctor
    if phase in ("migrating", "database"):
        (site.root / "console.php").unlink()
        (site.root / "console.php").write_text("<?php exit(1);\n")
        change.set_values(shared.settings, site.name, {"PHP": "/bin/false"})
    ended = site.run("rollback")
    assert ended.code == (9 if phase in ("staging", "switching") else 0), ended.stderr
    assert site.left() == []
    if phase in ("opened", "proven"):
        assert site.is_open()
        assert (site.version(), way_back.read(site.instance).version_before) == ("24.4", "24.3")
        change.set_values(shared.settings, site.name, {"PHP": "php"})
        site.told("rollback")
    site.assert_untouched()
    assert final_dump.all_of(site.instance) == []


def test_what_visitors_wrote_once_the_page_was_off_outlives_a_kill(shared, monkeypatch):
    site = Site(shared)
    with monkeypatch.context() as dying:
        dying.setattr(answering, "require", lambda *words: os.kill(os.getpid(), signal.SIGKILL))
        assert site.run("update").code == -signal.SIGKILL
    site.sample.sql("UPDATE tiki_pages SET data = 'by a visitor' LIMIT 1")
    assert "was brought to its end" in site.told("rollback")["recovered"]
    assert site.sample.sql("SELECT COUNT(*) FROM tiki_pages WHERE data = 'by a visitor'").strip() == "1"
    assert (site.version(), site.is_open(), site.left()) == ("24.4", True, [])


@pytest.mark.parametrize("is_killed", [False, True])
def test_what_is_put_back_once_the_page_was_off_is_put_back_by_the_next_run_too(lab, code, monkeypatch, is_killed):
    site = Site(kit_with(lab, code, {"tiki-index.php": PAGE_OF_WEB}))

    def break_off(client, *words):
        client.execute("DROP TABLE tiki_pages")
        if is_killed:
            os.kill(os.getpid(), signal.SIGKILL)
        _full()
    with monkeypatch.context() as broken:
        broken.setattr(final_dump, "load_back", break_off)
        assert site.run("update").code == (-signal.SIGKILL if is_killed else 4)
    assert fetch(site.sample.url).status == 503
    assert "was taken back" in site.told("rollback")["recovered"]
    site.assert_untouched()


def test_what_visitors_wrote_before_the_update_was_put_back_is_kept_aside(lab, code, monkeypatch):
    site = Site(kit_with(lab, code, {"tiki-index.php": PAGE_OF_WEB}))
    opened = maintenance.turn_off

    def visited(*words):
        opened(*words)
        if site.version() == "24.4":
            site.sample.sql("UPDATE tiki_pages SET data = 'by a visitor' LIMIT 1")
    monkeypatch.setattr(maintenance, "turn_off", visited)
    ended = site.run("update")
    kept = re.search(r"in the seconds in which it was open is in (\S+\.sql\.zst)", ended.stderr)
    assert kept, ended
    assert "by a visitor" in subprocess.run(["zstd", "-dc", kept[1]], capture_output=True, check=True).stdout.decode()
    site.assert_untouched()


@pytest.mark.parametrize("far", [False, True], ids=["here", "ssh"])
def test_a_site_that_does_not_work_stays_closed_while_what_visitors_wrote_finds_no_room(lab, code, monkeypatch, far):
    """The disk of the manager is full, its notes included; what counts is what was there before, and what was written.
    """
    kit = kit_with(lab, code, {"tiki-index.php": PAGE_OF_WEB})
    site = Site(kit, far=far)
    opened = maintenance.turn_off
    with disk(kit.top / "state", "64m") as state:
        filler = state / "filler"
        kit.set(compress="zst", releases_dir=kit.settings.releases_dir, git_remote="", state_dir=state,
                archives_dir=kit.top / "archives", work_dir=kit.top / "work", cache_dir=kit.top / "cache")
        site.instance = kit.instance(site.name)

        def visited(*words):
            opened(*words)
            if site.version() == "24.4":
                site.sample.sql("UPDATE tiki_pages SET data = 'by a visitor' LIMIT 1")
                subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], check=False, capture_output=True)
        with monkeypatch.context() as visiting:
            visiting.setattr(maintenance, "turn_off", visited)
            ended = site.run("update")
        assert ended.code == 4 and "Putting back failed too" in ended.stderr, ended
        assert f"The maintenance page stays. Next: make rollback INSTANCE={site.name}" in ended.stderr
        assert fetch(site.sample.url).status == 503
        again = site.run("rollback")
        assert not again.is_success and "No space left on device" in again.stderr, again
        assert f"The maintenance page stays. Next: make rollback INSTANCE={site.name}" in again.stderr
        assert fetch(site.sample.url).status == 503
        assert site.sample.sql("SELECT COUNT(*) FROM tiki_pages WHERE data = 'by a visitor'").strip() == "1"
        filler.unlink()
        assert "the site does not work, and visitors see the maintenance page" in site.run("doctor").stdout
        told = site.told("rollback")["recovered"]
        kept = re.search(r"was taken back: .*; what was written in the seconds in which it was open is in (\S+)", told)
        assert kept, told
        assert "by a visitor" in subprocess.run(["zstd", "-dc", kept[1]], capture_output=True, check=True,
                                                text=True).stdout
        site.assert_untouched()


def test_a_site_that_falls_silent_is_taken_back(shared, monkeypatch):
    site = Site(shared)
    answers = iter([Answer(200, b"")])
    monkeypatch.setattr(answering, "visit", lambda instance: next(answers, Answer(0, b"Connection refused")))
    ended = site.run("update")
    assert "does not answer any more with Tiki 24.4" in ended.stderr, ended
    assert "were put back" in ended.stderr
    site.assert_untouched()


def test_a_dry_run_after_a_killed_update_only_says_what_it_would_do(shared, monkeypatch):
    site = Site(shared)
    with monkeypatch.context() as dying:
        _die_after(dying, schema_updates, "update", lambda words: True)
        assert site.run("update").code == -signal.SIGKILL
    for verb in ("rollback", "update"):
        ended = site.run(verb, dry="1")
        assert (ended.code, "would: end what a killed update" in ended.stdout) == (0, True), ended
    assert fetch(site.sample.url).status == 503
    site.told("rollback")
    site.assert_untouched()


def test_an_update_after_a_killed_one_begins_anew(shared, monkeypatch):
    site = Site(shared)
    with monkeypatch.context() as dying:
        _die_after(dying, schema_updates, "update", lambda words: True)
        assert site.run("update").code == -signal.SIGKILL
    found = site.told("update")
    assert (found["version_before"], found["version"], site.is_open()) == ("24.3", "24.4", True)
    site.told("rollback")
    site.assert_untouched()


def _die_after(patch, module, name: str, when) -> None:
    """Let a run kill itself right after a call of a function."""
    real = getattr(module, name)

    def call(*words, **more):
        done = real(*words, **more)
        if when(words):
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    patch.setattr(module, name, call)
