"""Fifty sites in one run, five of them broken, each in another way: the others are done, and one mail tells of all."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.registry import runs
from tests.lab.accounts import give_to, lab_user
from tests.lab.fleet import build
from tests.lab.lab import Lab
from tests.lab.processes import free_port
from tests.lab.smtp import SmtpSink
from tests.lab.toolkit import Toolkit

COUNT = 50
NAMES = [f"site{number:02}" for number in range(1, COUNT + 1)]
# In the order of names; the first and the last are among them.
BROKEN = {"site01": "wrong database password", "site13": "wrong settings", "site14": "ssh refused",
          "site37": "database down", "site50": "disk full on the manager (ARCHIVES_DIR)"}


@pytest.fixture(scope="module")
def fleet() -> Iterator[tuple[Toolkit, SmtpSink]]:
    with Lab() as lab:
        kit, sink = Toolkit(lab.folder / "trim", lab), SmtpSink()
        sink.start()
        try:
            kit.set(compress="zst", smtp_host=sink.host, smtp_port=sink.port, smtp_security="none",
                    mail_to="ann@example.org")
            model = lab.tiki("model", files=2, versions=1, web=False)
            for name in NAMES:
                folder = lab.sites() / name
                # One tree of code and one database for all: names are what differs.
                subprocess.run(["cp", "-al", model.folder, folder], check=True)
                kit.register(name, web_root=folder, **_reached(lab, kit, name))
            _break(lab, kit)
            with _small_disk(kit.settings.archives / "site50"):
                yield kit, sink
        finally:
            sink.stop()


def _reached(lab: Lab, kit: Toolkit, name: str) -> dict[str, object]:
    if BROKEN.get(name) == "ssh refused":
        return kit.over_ssh() | {"ssh_port": free_port()}
    return {}


def _break(lab: Lab, kit: Toolkit) -> None:
    """Break what is not broken by how the site is reached."""
    for name, cause in BROKEN.items():
        config = lab.sites() / name / "db" / "local.php"
        if cause == "wrong database password":
            _rewrite(config, config.read_text().replace("$pass_tiki='", "$pass_tiki='not "))
        if cause == "database down":
            _rewrite(config, config.read_text().replace(str(lab.mariadb.port), str(free_port())))
        if cause == "wrong settings":
            env_file = kit.top / "instances.d" / f"{name}.env"
            env_file.write_text(f"{env_file.read_text()}KEPP=7\n")


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k,mode=0700", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _rewrite(path: Path, text: str) -> None:
    """Give a file of one site a text of its own; the others have the same file under other names."""
    beside = path.with_suffix(".new")
    shutil.copy2(path, beside)
    beside.write_text(text)
    give_to(lab_user(), beside)
    beside.replace(path)


@pytest.fixture(scope="module")
def night(fleet) -> subprocess.CompletedProcess:
    """The run of all fifty."""
    return fleet[0].make("backup", "INSTANCE=all", "JOBS=8", "JSON=1", "UNATTENDED=1", "CRON=nightly")


def test_fifty_sites_five_broken_give_45_archives_five_named_faults_and_one_mail(fleet, night):
    kit, sink = fleet
    assert night.returncode
    well = [name for name in NAMES if name not in BROKEN]
    assert re.findall(r'"instance": "(\w+)"', night.stdout) == well
    assert [name for name in NAMES if list((kit.settings.archives / name).glob("*.tar.zst"))] == well

    [delivery] = sink.deliveries
    subject, body = delivery.mail["Subject"], delivery.mail.get_content()
    named = ", ".join(f"{name} ({cause})" for name, cause in list(BROKEN.items())[:4])
    assert re.fullmatch(rf"TRIM \S+: backup: 5 of 50 instances: {re.escape(named)} and 1 more", subject)
    rows = re.findall(r"^ +(site\d\d) +(\w+) +[\d.]+ s *(.*?)\r?$", body, re.MULTILINE)
    assert rows == [(name, "fault" if name in BROKEN else "ok", BROKEN.get(name, "")) for name in NAMES]
    assert re.findall(r"^  (site\d\d): (.*?)\r?$", body, re.MULTILINE) == list(BROKEN.items())
    assert body.count("End of the log") == 5


@pytest.mark.usefixtures("night")
def test_each_run_of_a_site_is_found_again_in_the_records(fleet):
    kit, _ = fleet
    for name, cause in (("site02", ""), ("site14", "ssh refused")):
        shown = kit.make("logs", f"INSTANCE={name}").stdout
        assert shown.count("nightly") == 1 and cause in shown
    whole = kit.make("logs", "INSTANCE=site14", "VERB=backup", "LAST=1").stdout
    assert "ssh refused: " in whole and "run [site14] ssh " in whole and "[site02]" not in whole


def test_sites_behind_ssh_are_told_in_order_each_with_a_record_and_an_archive_of_its_own(fleet):
    lab = fleet[0].lab
    kit = Toolkit(lab.folder / "far", lab)
    kit.set(compress="zst")
    names = build(kit, 6)
    done = kit.make("backup", "INSTANCE=all", "JOBS=4", "JSON=1")
    assert [row["instance"] for row in json.loads(done.stdout)] == names, done.stderr
    whole = runs.last(kit.settings, verb="backup")
    parts = runs.of(kit.settings, parent=whole.id)
    assert sorted((part.instances, part.outcome) for part in parts) == [((name,), "ok") for name in names]
    assert len({part.log for part in parts} | {whole.log}) == len(names) + 1
    for name in names:
        [archive] = (kit.settings.archives / name).glob("*.tar.zst")
        own = subprocess.run(["tar", "-xOf", archive, "--wildcards", "*/db/local.php"], capture_output=True, text=True)
        assert f"$dbs_tiki='{name}'" in own.stdout


def test_one_after_the_other_gives_the_same_table_and_the_good_results(fleet):
    kit, sink = fleet
    sink.deliveries.clear()
    done = kit.make("backup", "INSTANCE=site0[12],site1[34]", "UNATTENDED=1", "CRON=other")
    assert "backup: 3 of 4 instances failed: site01, site13, site14" in done.stderr
    [mail] = sink.mails
    rows = re.findall(r"^ +(site\d\d) +(\w+) +[\d.]+ s", mail.get_content(), re.MULTILINE)
    assert rows == [("site01", "fault"), ("site02", "ok"), ("site13", "fault"), ("site14", "fault")]
