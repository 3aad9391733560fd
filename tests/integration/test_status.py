"""One line a site: from records alone and quick; with LOOK=1 from hosts and web servers, however they answer."""

import json
import os
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scripts.health import archives, silence
from scripts.registry import runs
from scripts.registry.runs import Run, RunFault
from scripts.steps import known_version, lineage, looking, standing
from scripts.steps.lineage import Lineage
from tests.lab import forked, nights
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.processes import free_port
from tests.lab.toolkit import Toolkit

MANY = 100
SECONDS_FOR_MANY = 8    # on a busy machine with two cores; alone it is one


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def kit(lab: Lab, tmp_path: Path) -> Toolkit:
    return Toolkit(tmp_path / "trim", lab)


def status(kit: Toolkit, **variables: str) -> Ended:
    """Run make status with no crontab."""
    shim = kit.top / "bin" / "crontab"
    shim.parent.mkdir(exist_ok=True)
    shim.write_text('#!/bin/sh\necho "no crontab for ann" >&2\nexit 1\n')
    shim.chmod(0o755)
    return forked.run(kit.top, "status", environment={"PATH": f"{shim.parent}:/usr/bin:/bin"}, **variables)


def rows(ended: Ended) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads(ended.stdout)}


def test_a_failed_night_is_told_though_a_clock_that_was_ahead_noted_a_good_one(kit):
    nights.archives(kit.register("blog", web_root="/srv/blog"), 8)
    now = time.time()
    night = Run("ahead", "backup", ("blog",), unattended=True, cron_id="night", started=now + 400 * runs.DAY,
                ended=now + 400 * runs.DAY, outcome=runs.OK)
    runs.end(kit.settings, night)
    faults = (RunFault("blog", "ssh refused", "cannot reach it"),)
    runs.end(kit.settings, replace(night, id="failed", started=now - 60, ended=now, outcome=runs.FAULT, faults=faults))
    told = status(kit, instance="blog", json="1")
    assert "make backup failed: ssh refused" in told.stdout, told


def test_a_hundred_sites_are_told_in_seconds_and_no_host_is_asked(kit):
    for number in range(MANY):
        one = kit.register(f"site{number:03}", web_root=f"/srv/{number}", access="ssh", ssh_host="192.0.2.1",
                           web_url="https://192.0.2.1/")
        nights.archives(one, 8)
    done = status(kit, json="1")
    assert (done.is_success, len(rows(done))) == (True, MANY), done
    assert {(row["state"], row["version"], row["backup"]) for row in rows(done).values()} == \
        {("ok", "24.4", "6 hours ago")}
    assert done.seconds < SECONDS_FOR_MANY


def test_what_is_wrong_is_told_first_and_ends_the_run_with_10(kit):
    nights.sites(kit)
    done = status(kit)
    assert done.code == 10
    lines = done.stdout.splitlines()
    assert lines[2].split()[:2] == ["club", "critical"]
    assert [line.split()[0] for line in lines[2:6]] == ["club", "weekago", "www", "www-test"]
    assert "24.3 (24.4 is out)" in done.stdout
    assert "critical club: backup: no good backup for 80 hours" in done.stdout
    assert "warning  weekago: mirror: mirror drifts: it was never made" in done.stdout
    assert "status: 3 findings: club, weekago" in done.stderr
    assert status(kit, instance="www").is_success


def test_an_unattended_run_is_silent_when_all_is_well(kit):
    nights.well(kit)
    done = status(kit, unattended="1")
    assert (done.is_success, done.stdout, done.stderr) == (True, "", "")


def test_an_env_file_that_cannot_be_read_is_told_and_the_others_too(kit):
    nights.well(kit)
    (kit.top / "instances.d" / "odd.env").write_text("WEB_ROT=/srv\n")
    told = rows(status(kit, json="1"))
    assert "did you mean WEB_ROOT?" in told["odd"]["problem"]
    assert (told["odd"]["state"], told["www"]["state"]) == ("critical", "ok")


def test_a_note_of_a_version_that_a_crash_cut_off_keeps_nobody_from_being_told(kit):
    nights.well(kit)
    (kit.top / "var/status").mkdir(parents=True, exist_ok=True)
    (kit.top / "var/status/www.version.json").write_text('{"vers')
    assert rows(status(kit, json="1"))["www"]["version"] == "24.4"


def test_a_failed_week_does_not_sink_below_what_monitors_asked_for(kit):
    instance = nights.well(kit)
    started = (nights.NOW - timedelta(days=6)).timestamp()
    runs.end(kit.settings, Run("week", "prove", ("www",), unattended=True, started=started, ended=started + 9,
                               outcome=runs.FAULT, faults=(RunFault("www", "ssh refused", "no way"),)))
    month = next(runs.folder(kit.settings).glob("*.jsonl"))
    asked = json.dumps({**json.loads(month.read_text()), "verb": "status", "instances": [], "started": started + 60,
                        "outcome": runs.OK, "faults": []})
    month.write_text(month.read_text() + f"{asked}\n" * 2500)
    assert [one.check for one in silence.of_instance(standing.of(kit.settings, [instance.name])[0])] == ["run"]


def test_a_restored_blank_owes_a_backup_and_a_copy_in_one_does_not(kit):
    blank = kit.register("spare", web_root="/srv/spare", db_name="spare", db_user="spare", db_host="localhost")
    assert not archives.are_owed(blank)
    known_version.remember(blank, "24.4")
    assert archives.are_owed(blank)
    lineage.write(blank, Lineage("www", nights.NOW, nights.NOW, "", ""))
    assert not archives.are_owed(blank)


# For monitors

def test_a_plugin_speaks_and_ends_as_nagios_wants_it(kit):
    assert status(kit, nagios="1").code == 3
    nights.well(kit)
    done = status(kit, nagios="1")
    assert done.is_success
    assert done.stdout.startswith("TRIM OK - 1 instance, all is well | 'www_backup_age'=2")
    nights.sites(kit)
    done = status(kit, nagios="1")
    assert (done.code, done.stderr) == (2, "")
    assert done.stdout.startswith("TRIM CRITICAL - 2 of 4 instances: club: no good backup")


def test_a_plugin_s_code_reaches_who_calls_invoke(kit):
    done = subprocess.run([kit.top / ".venv/bin/invoke", "status", "--nagios=1"], cwd=kit.top, capture_output=True,
                          text=True)
    assert (done.returncode, done.stderr) == (3, "")


def test_the_file_for_prometheus_is_whole_readable_and_understood(kit, tmp_path):
    nights.well(kit)
    path = tmp_path / "trim.prom"
    mask = os.umask(0o077)
    try:
        done = status(kit, prometheus=str(path))
    finally:
        os.umask(mask)
    assert done.is_success, done
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".trim")] == []
    found = {one.name: one.samples for one in text_string_to_metric_families(path.read_text())}
    assert found["trim_backup_timestamp_seconds"][0].labels == {"instance": "www"}
    assert found["trim_backup_duration_seconds"][0].value == 40
    nights.well(kit, "manager")     # as the alarms of lines are called elsewhere
    assert status(kit, prometheus=str(path)).is_success
    samples = [line.rpartition(" ")[0] for line in path.read_text().splitlines() if not line.startswith("#")]
    assert len(samples) == len(set(samples))
    assert status(kit, prometheus="trim.prom").code == 2
    assert status(kit, prometheus=str(tmp_path / "trim.txt")).code == 2


# What hosts say

class Silent(BaseHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def https(tmp_path: Path) -> Iterator[str]:
    """The address of a web server whose certificate nobody vouches for; it ends in two days."""
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), Silent)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_look_asks_hosts_and_one_that_is_down_holds_up_nobody(kit, https, tmp_path):
    far = kit.register("far", web_root=str(kit.lab.sites(ssh=True)), **kit.over_ssh())
    down = kit.register("down", web_root="/srv", **{**kit.over_ssh(), "ssh_port": free_port()})
    here = kit.register("here", web_root=str(tmp_path), web_url=https)
    for one in (far, down, here):
        nights.archives(one, 3)
    done = status(kit, look="1", json="1")
    told = rows(done)
    assert told["far"]["disk_free_bytes"] <= told["far"]["disk_size_bytes"]
    assert [(one["level"], one["check"]) for one in told["down"]["alarms"]] == [("warning", "host")]
    assert told["here"]["certificate"] == "1 day"
    assert any("browsers refuse its certificate: self-signed certificate" in one["problem"]
               for one in told["here"]["alarms"])
    again = rows(status(kit, json="1"))     # what was seen stays known
    assert again["far"]["disk_free_bytes"] == told["far"]["disk_free_bytes"]
    assert again["here"]["certificate_ends"] == told["here"]["certificate_ends"]


def test_an_address_that_none_can_be_holds_up_nobody(kit):
    odd = kit.register("odd", web_root="/srv", web_url="https://[")
    assert "does not answer" in looking.certificate(odd)[1]


def test_a_dry_look_keeps_nothing(kit):
    nights.well(kit)
    assert status(kit, look="1", dry="1").code in (0, 10)
    assert not (kit.top / "var/status/www.look.json").exists()
