"""Lines of a real crontab, and systemd's units: written, replaced, listed, removed, and run as cron runs them."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.registry import runs
from scripts.registry.runs import Run, RunFault
from scripts.schedule import times, wording
from scripts.store import archive
from scripts.verbs import takeover
from tests.lab import crontabs, forked
from tests.lab.crontabs import Crontab
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit

FOREIGN = """\
# mine, with a tab\tand an umlaut: ü
MAILTO = ann@example.org

5 0 * * *   /usr/bin/true  # make -sC /elsewhere backup INSTANCE=all CRON=backup-all
0 4 * * * make -sC /elsewhere backup INSTANCE=all CRON=backup-all
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def kit(lab: Lab) -> Toolkit:
    kit = Toolkit(lab.folder / "my trim's 50%", lab)     # no folder is too odd for a line
    kit.set(compress="zst")
    kit.tiki("blog", files=5, versions=1, web=False)
    return kit


@pytest.fixture
def crontab(tmp_path: Path) -> Iterator[Crontab]:
    with crontabs.opened(tmp_path) as crontab:
        yield crontab


def make(kit: Toolkit, crontab: Crontab, verb: str, *words: str, **environment: str) -> Ended:
    """Run `make VERB WORDS` with that crontab."""
    given = {name.lower(): value for name, _, value in (word.partition("=") for word in words)}
    return forked.run(kit.top, verb.replace("-", "_"), environment={**crontab.environment, **environment}, **given)


def ours(crontab: Crontab) -> list[str]:
    return [line for line in crontab.text.splitlines() if "my trim" in line]


def test_lines_come_are_replaced_and_go_and_what_is_foreign_stays_byte_for_byte(kit, crontab):
    crontab.set(FOREIGN)
    done = make(kit, crontab, "cron", "VERB=backup", "INSTANCE=all", "AT=30 2 * * *", "ARGS=KEEP=7 COMPRESS=zst")
    assert done.is_success, done.stderr
    assert make(kit, crontab, "cron", "VERB=doctor", "AT=@daily").is_success
    assert crontab.text.startswith(FOREIGN)
    first, second = ours(crontab)
    assert first.startswith("30 2 * * * make -sC ")
    assert "backup INSTANCE=all KEEP=7 COMPRESS=zst UNATTENDED=1 CRON=backup-all >> " in first
    again = make(kit, crontab, "cron", "VERB=backup", "INSTANCE=all", "AT=0 3 * * *")
    assert "in place of the one before" in again.stdout
    assert [line.split(" make ")[0] for line in ours(crontab)] == ["0 3 * * *", "@daily"]
    assert ours(crontab)[1] == second
    listed = make(kit, crontab, "crons")
    assert re.search(r"backup-all +0 3 \* \* \* +backup +all +\d{4}-\d\d-\d\d 03:00", listed.stdout), listed
    for job in ("backup-all", "doctor"):
        assert make(kit, crontab, "cron-remove", f"ID={job}").is_success
    assert crontab.text == FOREIGN


def test_a_first_line_and_the_last_one_gone(kit, crontab):
    assert make(kit, crontab, "cron", "VERB=doctor", "AT=@daily").is_success
    assert len(crontab.text.splitlines()) == 1
    assert make(kit, crontab, "cron-remove", "ID=doctor").is_success
    assert crontab.text == ""


def test_nothing_is_written_when_the_crontab_cannot_be_read(kit, crontab, tmp_path):
    crontab.set(FOREIGN)
    shim = tmp_path / "bin" / "crontab"
    real = shim.read_text()
    shim.write_text(real.replace("exec", '[ "$1" = -l ] && { echo "cannot open your crontab" >&2; exit 1; }\nexec'))
    for words in (("cron", "VERB=doctor", "AT=@daily"), ("cron-remove", "ID=doctor")):
        done = make(kit, crontab, *words)
        told = done.stderr.splitlines()
        assert len(told) == 1, done
        assert "the crontab cannot be read, and so nothing was written" in told[0]
        assert "cannot open your crontab" in told[0]
    shim.write_text(real)
    assert crontab.text == FOREIGN


def as_cron(line: str, at: str) -> subprocess.CompletedProcess:
    """Run a line of a crontab as cron does."""
    command = wording.as_cron_runs_it(line.removeprefix(f"{at} "))
    clean = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={os.environ.get('HOME', '/')}", "SHELL=/bin/sh", "LOGNAME=ann"]
    return subprocess.run([*clean, "/bin/sh", "-c", command], capture_output=True, cwd="/", stdin=subprocess.DEVNULL,
                          timeout=120)


def test_a_line_runs_with_cron_s_environment_and_its_end_is_known(kit, crontab):
    given = "files/50% off's,x$HOME \\\\%d;`id`"
    done = make(kit, crontab, "cron", "VERB=backup", "INSTANCE=blog", "AT=@daily", f'ARGS=EXCLUDE="{given}" KEEP=3')
    assert done.is_success, done.stderr
    before = len(archive.of_instance(kit.settings, "blog"))
    ran = as_cron(ours(crontab)[0], "@daily")
    log = (kit.top / "var/logs/cron.log").read_text()
    assert (ran.returncode, ran.stdout, ran.stderr, log) == (0, b"", b"", "")
    assert len(archive.of_instance(kit.settings, "blog")) == before + 1
    run = runs.last(kit.settings, cron_id="backup-blog")
    assert (run.verb, run.outcome, run.unattended) == ("backup", "ok", True)
    started = Path(run.log).read_text()
    assert "--exclude=files/50% off's,x$HOME \\%d;`id`" in started
    assert re.search(r"backup-blog .* ok", make(kit, crontab, "crons").stdout)


def test_what_a_failing_line_says_is_in_its_log_and_its_table(kit, crontab):
    assert make(kit, crontab, "cron", "VERB=prove", "INSTANCE=blog", "AT=@weekly", "ARGS=ARCHIVE=99").is_success
    assert as_cron(ours(crontab)[0], "@weekly").returncode == 2
    assert "there is no archive number 99" in (kit.top / "var/logs/cron.log").read_text()
    assert re.search(r"prove-blog .* fault \(7\)", make(kit, crontab, "crons").stdout)


def test_a_run_of_a_clock_that_was_ahead_is_no_run_that_was_due_and_repeats_no_failed_one(kit, crontab):
    assert make(kit, crontab, "cron", "VERB=clean", "AT=@monthly").is_success
    now = time.time()
    failed = Run("1", "clean", unattended=True, cron_id="clean", started=now - 60, ended=now - 50, outcome=runs.FAULT,
                 faults=(RunFault("", "disk full", "no room. Next: df"),))
    ahead = replace(failed, id="2", started=now + 400 * runs.DAY, outcome=runs.OK, faults=())
    runs.end(kit.settings, failed)
    runs.end(kit.settings, ahead)
    told = make(kit, crontab, "status", "INSTANCE=blog").stdout
    assert "critical manager: cron: clean: make clean failed: disk full: no room. Next:" in told
    assert make(kit, crontab, "cron-remove", "ID=clean").is_success


def test_what_a_person_copied_and_edited_is_listed_and_is_theirs(kit, crontab):
    assert make(kit, crontab, "cron", "VERB=backup", "INSTANCE=all", "AT=30 2 * * *").is_success
    line = ours(crontab)[0]
    copied = line.replace("INSTANCE=all", "INSTANCE=blog").replace("30 2 * * *", "5  6 * * 1")
    by_hand = f"0 7 * * * make -C {wording.quoted(str(kit.top))} prove INSTANCE=blog | mail -s proof ann"
    crontab.set(f"{line}\n{copied}\n{by_hand}\n")
    listed = make(kit, crontab, "crons").stdout
    assert listed.count("CRON=backup-all stands in another line too") == 2
    refused = make(kit, crontab, "cron-remove", "ID=backup-all")
    assert "2 different jobs bear it" in refused.stderr
    again = make(kit, crontab, "cron", "VERB=backup", "INSTANCE=all", "AT=30 3 * * *")
    assert "another line is like it, and stays" in again.stderr
    assert crontab.text == f"{line.replace('30 2', '30 3')}\n{copied}\n{by_hand}\n"


def test_a_line_that_vanished_is_told_until_it_is_said_that_it_was_meant(kit, crontab):
    assert make(kit, crontab, "cron", "VERB=archives", "AT=@daily").is_success
    crontab.set("")
    told = make(kit, crontab, "status", "INSTANCE=blog").stdout
    assert "manager: cron: archives: make cron wrote it, and it is gone: @daily make" in told
    done = make(kit, crontab, "cron-remove", "ID=archives")
    assert (done.is_success, "was gone already" in done.stdout) == (True, True)
    assert "cron: archives: make cron" not in make(kit, crontab, "status", "INSTANCE=blog").stdout


def test_a_line_whose_run_failed_before_it_knew_a_site_is_told_until_it_works(kit, crontab):
    assert make(kit, crontab, "cron", "VERB=clean", "AT=@monthly").is_success
    run = Run("1", "clean", unattended=True, cron_id="clean", started=time.time() - 60, ended=time.time() - 50,
              outcome=runs.FAULT, faults=(RunFault("", "disk full", "no room. Next: df"),))
    runs.end(kit.settings, run)
    told = make(kit, crontab, "status", "INSTANCE=blog").stdout
    assert "critical manager: cron: clean: make clean failed: disk full: no room. Next:" in told
    runs.end(kit.settings, replace(run, id="2", cron_id="", started=time.time(), outcome=runs.OK, faults=()))
    assert "make clean failed" not in make(kit, crontab, "status", "INSTANCE=blog").stdout
    assert make(kit, crontab, "cron-remove", "ID=clean").is_success


def test_an_env_file_that_cannot_be_read_does_not_make_a_written_line_a_fault(kit, crontab):
    (kit.top / "instances.d/odd.env").write_text("WEB_ROT=/srv\n")
    try:
        done = make(kit, crontab, "cron", "VERB=update", "INSTANCE=all", "AT=@daily")
        assert done.is_success, done
        assert len(ours(crontab)) == 1
    finally:
        (kit.top / "instances.d/odd.env").unlink()
    assert make(kit, crontab, "cron-remove", "ID=update-all").is_success


def test_a_guarded_site_without_its_name_is_warned_of(kit, crontab):
    kit.register("prod", web_root="/srv/prod", stage="production")
    try:
        bare = make(kit, crontab, "cron", "VERB=update", "INSTANCE=prod", "AT=@daily")
        assert "prod: guarded" in bare.stderr
        named = make(kit, crontab, "cron", "VERB=update", "INSTANCE=prod", "AT=@daily", "ARGS=CONFIRM=prod")
        assert "guarded" not in named.stderr
        assert make(kit, crontab, "cron-remove", "ID=update-prod").is_success
    finally:
        (kit.top / "instances.d/prod.env").unlink()


def test_every_moment_that_is_taken_is_taken_by_the_real_program(crontab):
    taken = ["30 2 * * *", "*/5 0-6 1,15 jan-mar mon-fri", "0 0 * * 7", "1-59/2 * * * *", "0 9 * DEC Sun",
             "59 23 31 12 *", "0 0 1 */3 *", *times.NAMED, times.REBOOT]
    crontab.set("".join(f"{times.check(at)} true\n" for at in taken))
    assert len(crontab.text.splitlines()) == len(taken)


def test_what_makes_no_sense_at_night_is_refused_and_nothing_is_written(kit, crontab):
    for words, says in (
            (("VERB=upgrade", "INSTANCE=blog", "AT=@daily"), "make cron VERB=cloneandupgrade"),
            (("VERB=edit", "INSTANCE=blog", "AT=@daily"), "it opens an editor"),
            (("VERB=bakup", "INSTANCE=blog", "AT=@daily"), "did you mean backup?"),
            (("VERB=backup", "AT=@daily"), "at night nobody can be asked"),
            (("VERB=clone", "AT=@daily"), "TO= is missing"),
            (("VERB=backup", "INSTANCE=blgo", "AT=@daily"), "selects nothing (did you mean blog?)"),
            (("VERB=backup", "INSTANCE=blog", "AT=@daily", "ARGS=KEPP=3"), "did you mean KEEP?"),
            (("VERB=backup", "INSTANCE=blog", "AT=@daily", "ARGS=KEEP='3"), "quotes must come in pairs"),
            (("VERB=backup", "INSTANCE=blog", "AT=@daily", "ARGS=CRON=x"), "no matter of yours"),
            (("VERB=backup", "INSTANCE=blog", "AT=61 * * * *"), "minute: expected"),
            (("VERB=backup", "INSTANCE=blog"), "AT= is missing"), (("AT=@daily",), "VERB= is missing")):
        done = make(kit, crontab, "cron", *words)
        assert not done.is_success
        assert says in done.stderr, done.stderr
    assert crontab.text == ""


def test_an_update_without_a_backup_line_is_warned_of(kit, crontab):
    bare = make(kit, crontab, "cron", "VERB=update", "INSTANCE=blog", "AT=@weekly")
    assert "no line makes a backup of blog" in bare.stderr
    assert make(kit, crontab, "cron", "VERB=backup", "INSTANCE=all", "AT=@daily").is_success
    assert "no line makes" not in make(kit, crontab, "cron", "VERB=update", "INSTANCE=blog", "AT=@weekly").stderr
    assert len(ours(crontab)) == 2


def test_a_dry_run_shows_the_line_and_writes_nothing(kit, crontab):
    done = make(kit, crontab, "cron", "VERB=backup", "INSTANCE=all", "AT=@daily", "DRY=1")
    assert "would: [manager] crontab -" in done.stdout
    assert "@daily make -sC" in done.stdout
    assert crontab.text == ""


def test_doctor_tells_of_lines_for_what_is_gone_and_for_a_folder_that_is_gone(kit, crontab):
    here = wording.quoted(str(kit.top))
    crontab.set("0 1 * * * make -sC /gone/trim backup INSTANCE=all UNATTENDED=1 CRON=backup-all\n"
                f"0 2 * * * MYSQL_PWD=geheim make -sC {here} backup INSTANCE=old UNATTENDED=1\n")
    told = make(kit, crontab, "doctor", "INSTANCE=blog").stdout
    assert "manager: cron: /gone/trim is not there" in told
    assert "0 2 * * * make backup old: INSTANCE=old selects nothing" in told
    assert "geheim" not in told     # doctor's findings are mailed


# systemd

SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>@CALLS@
case "$*" in *enable*) [ -e @REFUSES@ ] && { echo "Failed to enable" >&2; exit 1; } ;; esac
exit 0
"""


@pytest.fixture
def systemd(crontab, tmp_path) -> dict[str, str]:
    """An account's systemd that notes what it is told."""
    shim = tmp_path / "bin" / "systemctl"
    calls, refuses = str(tmp_path / "calls"), str(tmp_path / "refuses")
    shim.write_text(SYSTEMCTL.replace("@CALLS@", calls).replace("@REFUSES@", refuses))
    shim.chmod(0o755)
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_a_timer_takes_the_place_of_a_line_and_a_line_that_of_a_timer(kit, crontab, systemd, tmp_path):
    call = ("cron", "VERB=backup", "INSTANCE=blog", "AT=30 2 13 * fri", 'ARGS=EXCLUDE="a $b %c"')
    assert make(kit, crontab, *call).is_success
    done = make(kit, crontab, *call, "SYSTEMD=1", **systemd)
    assert done.is_success, done.stderr
    assert crontab.text == ""
    folder = tmp_path / "config/systemd/user"
    assert sorted(path.name for path in folder.iterdir()) == ["trim-backup-blog.service", "trim-backup-blog.timer"]
    assert "enable trim-backup-blog.timer" in (tmp_path / "calls").read_text()
    listed = make(kit, crontab, "crons", **systemd)
    assert re.search(r"backup-blog +30 2 13 \* fri +backup +blog +\d{4}-", listed.stdout), listed
    assert make(kit, crontab, *call, **systemd).is_success
    assert list(folder.iterdir()) == []
    assert "disable --now trim-backup-blog.timer" in (tmp_path / "calls").read_text()
    assert len(ours(crontab)) == 1


def test_systemd_itself_finds_nothing_wrong_with_our_units(kit, crontab, systemd, tmp_path):
    assert make(kit, crontab, "cron", "VERB=backup", "INSTANCE=blog", "AT=*/20 1-3 * * 1-5", 'ARGS=EXCLUDE="a $b %c"',
                "SYSTEMD=1", **systemd).is_success
    units = sorted(map(str, (tmp_path / "config/systemd/user").iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", "--user", *units], capture_output=True, text=True)
    told = [line for line in done.stderr.splitlines() if "trim-" in line]
    assert told == [], done.stderr
    assert make(kit, crontab, "cron-remove", "ID=backup-blog", **systemd).is_success
    assert list((tmp_path / "config/systemd/user").iterdir()) == []


def test_an_account_that_may_have_no_crontab_has_timers(kit, crontab, systemd, tmp_path):
    denied = 'echo "You (ann) are not allowed to use this program (crontab)" >&2; exit 1'
    (tmp_path / "bin" / "crontab").write_text(f"#!/bin/sh\n{denied}\n")
    assert make(kit, crontab, "cron", "VERB=doctor", "AT=@daily", "SYSTEMD=1", **systemd).is_success
    assert "doctor" in make(kit, crontab, "crons", **systemd).stdout
    line = make(kit, crontab, "cron", "VERB=stats", "INSTANCE=blog", "AT=@daily", **systemd)
    assert (line.code, "not allowed" in line.stderr) == (5, True)
    assert make(kit, crontab, "cron-remove", "ID=doctor", **systemd).is_success


def test_a_takeover_takes_a_timer_away_that_would_overwrite(kit, crontab, systemd, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", systemd["XDG_CONFIG_HOME"])
    monkeypatch.setenv("PATH", crontab.path)
    kit.register("spare", web_root="/srv/spare")
    for words in (("VERB=clone", "ARGS=FROM=blog TO=spare"), ("VERB=mirror", "ARGS=FROM=blog TO=blog,spare DELAY=1d")):
        assert make(kit, crontab, "cron", *words, "AT=@daily", "SYSTEMD=1", **systemd).is_success
    takeover._switch_off_timers(kit.instance("spare"), "")
    left = sorted(path.name for path in (tmp_path / "config/systemd/user").iterdir())
    assert left == ["trim-mirror-blog_spare.service", "trim-mirror-blog_spare.timer"]


def test_a_timer_that_systemd_does_not_take_is_taken_back(kit, crontab, systemd, tmp_path):
    assert make(kit, crontab, "cron", "VERB=doctor", "AT=@daily").is_success
    (tmp_path / "refuses").touch()
    done = make(kit, crontab, "cron", "VERB=doctor", "AT=@daily", "SYSTEMD=1", **systemd)
    assert "does not take the timer, and it was taken back" in done.stderr
    units = tmp_path / "config/systemd/user"
    assert list(units.iterdir()) == []
    assert len(ours(crontab)) == 1
    (tmp_path / "refuses").unlink()
    assert make(kit, crontab, "cron", "VERB=doctor", "AT=@daily", "SYSTEMD=1", **systemd).is_success
    before = {path.name: path.read_text() for path in units.iterdir()}
    (tmp_path / "refuses").touch()
    assert make(kit, crontab, "cron", "VERB=doctor", "AT=@hourly", "SYSTEMD=1", **systemd).code == 4
    assert {path.name: path.read_text() for path in units.iterdir()} == before
