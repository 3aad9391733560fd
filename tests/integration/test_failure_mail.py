"""Nobody looks, something breaks, and exactly one right mail comes, for every cause that a night can have."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.accounts import give_to, lab_user
from tests.lab.http_sink import HttpSink
from tests.lab.lab import Lab
from tests.lab.processes import free_port, kill
from tests.lab.sample_tiki import PASSWORD, SampleTiki
from tests.lab.smtp import Delivery, SmtpSink
from tests.lab.sshd import Sshd
from tests.lab.toolkit import Toolkit

TINY = {"files": 2, "versions": 1, "web": False}
PEOPLE = ("ann@example.org", "bob@example.org")
LONGEST_WAIT = 30   # seconds; the machine may be busy
# Stands for a program of the far side that is at work when something happens.
WORKING = "#!/bin/sh\necho at work >{mark}\nexec sleep 60\n"


@dataclass
class Night:
    """blog runs here, shop behind an sshd of its own whose programs in `programs` come first."""

    lab: Lab
    kit: Toolkit
    sink: SmtpSink
    sshd: Sshd
    blog: SampleTiki
    shop: SampleTiki
    programs: Path

    def run(self, *words: str, **options) -> subprocess.CompletedProcess:
        """Run make as cron does, and return how it ended."""
        return self.kit.make(*words, "UNATTENDED=1", **options)

    def begun(self, *words: str) -> subprocess.Popen:
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
        return subprocess.Popen(["make", "-sC", str(self.kit.top), *words, "UNATTENDED=1"], env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)

    @contextmanager
    def replaced(self, path: Path, change: Callable[[str], str]) -> Iterator[None]:
        """Change a text file for the length of the block."""
        before = path.read_text()
        path.write_text(change(before))
        try:
            yield
        finally:
            path.write_text(before)

    @contextmanager
    def settings(self, **values: object) -> Iterator[None]:
        path = self.kit.top / "conf" / "settings.env"
        keys = {key.upper(): value for key, value in values.items()}
        with self.replaced(path, lambda text: "".join(
                [line for line in text.splitlines(keepends=True) if line.split("=")[0] not in keys]
                + [f"{key}={value}\n" for key, value in keys.items()])):
            yield

    @contextmanager
    def working(self, program: str) -> Iterator[Path]:
        """Let a program of the far side hang at its work; yield the file that says it is there."""
        mark, shim = self.lab.folder / "at-work", self.programs / program
        mark.unlink(missing_ok=True)
        shim.write_text(WORKING.format(mark=mark))
        shim.chmod(0o755)
        try:
            yield mark
        finally:
            shim.unlink()


@pytest.fixture(scope="module")
def built() -> Iterator[Night]:
    with Lab() as lab:
        kit, sink, programs = Toolkit(lab.folder / "trim", lab), SmtpSink(lab.folder), lab.folder / "programs"
        lab.folder.chmod(0o777)     # the far side leaves its marks here
        programs.mkdir(mode=0o755)
        temporary = lab.folder / "far-tmp"
        temporary.mkdir()
        temporary.chmod(0o1777)
        sshd = lab.sshd(programs, {"TMPDIR": str(temporary)})
        sink.start()
        try:
            kit.set(compress="zst", smtp_host=sink.host, smtp_port=sink.port, smtp_security="none",
                    mail_to=",".join(PEOPLE), mail_from="trim@example.org", wait_seconds=0)
            _, blog = kit.tiki("blog", **TINY)
            shop = lab.tiki("shop", ssh=True, **TINY)
            kit.register("shop", web_root=shop.folder, **kit.over_ssh(sshd))
            yield Night(lab, kit, sink, sshd, blog, shop, programs)
        finally:
            sink.stop()


@pytest.fixture
def night(built: Night) -> Iterator[Night]:
    """A night of which nothing has been told yet, and in which nobody holds anything."""
    built.sink.deliveries.clear()
    subprocess.run(["rm", "-rf", built.kit.top / "var/runs", built.kit.top / "var/outbox"], check=True)
    return built


@contextmanager
def disk(folder: Path, size: str, mode: str = "0700") -> Iterator[Path]:
    """Mount a disk of this size in memory."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode={mode}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def the_mail(night: Night) -> Delivery:
    """Return the one mail that came."""
    assert [one.mail["Subject"] for one in night.sink.deliveries][1:] == []
    assert night.sink.deliveries, "no mail came"
    return night.sink.deliveries[0]


def assert_told(night: Night, cause: str, *words: str, verb: str = "backup", instance: str = "blog") -> str:
    """The one mail names verb, instance and cause, goes to everybody, and says all that a mail has to say."""
    told = the_mail(night)
    subject, body = told.mail["Subject"], told.mail.get_content()
    assert re.fullmatch(rf"TRIM \S+: {verb} {instance}: {cause}", subject), subject
    assert told.to == PEOPLE and told.mail["To"] == ", ".join(PEOPLE)
    assert told.mail["From"] == "trim@example.org"
    for text in (f"make {verb} INSTANCE={instance} ", "What to do next", "End of the log", f"run [{instance}]" if words
                 and words[0] == "log" else "", "ARCHIVES_DIR", "memory:", *words[words[:1] == ("log",):]):
        assert text in body, body
    assert PASSWORD not in body
    return body


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# Causes

def test_a_full_archive_disk(night):
    with disk(night.lab.folder / "small", "48k") as small, night.settings(archives_dir=small):
        night.run("backup", "INSTANCE=blog")
    assert_told(night, r"disk full on the manager \(ARCHIVES_DIR\)", str(night.lab.folder / "small"), "make -C")


def test_an_archive_disk_that_fills_up_while_it_is_written(night):
    with disk(night.lab.folder / "small", "10m,nr_inodes=3") as small, night.settings(archives_dir=small):
        night.run("backup", "INSTANCE=blog")
    assert_told(night, r"disk full on the manager \(ARCHIVES_DIR\)", "No space left on device", "log")


def test_a_full_disk_with_everything_of_the_toolkit_on_it_is_told_all_the_same(night):
    full = night.lab.folder / "full"
    with disk(full, "64k") as small, night.settings(state_dir=small / "var"):
        (small / "var").mkdir(mode=0o700)
        _fill(small / "rest")
        night.run("backup", "INSTANCE=blog")
    assert "disk full on the manager (STATE_DIR)" in the_mail(night).mail["Subject"]


def _fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(512))


def test_a_full_disk_of_the_host(night):
    with disk(night.lab.folder / "far-tmp", "4k", "1777") as small:
        _fill(small / "everything")
        night.run("backup", "INSTANCE=shop")
    assert_told(night, "disk full on the host", "No space left on device", instance="shop")


def test_a_refused_ssh_connection(night):
    env_file = night.kit.top / "instances.d" / "shop.env"
    with night.replaced(env_file, lambda text: re.sub(r"SSH_PORT=\d+", f"SSH_PORT={free_port()}", text)):
        night.run("backup", "INSTANCE=shop")
    assert_told(night, "ssh refused", "Connection refused", "doctor INSTANCE=shop", instance="shop")


def test_a_changed_host_key(night):
    other = night.lab.folder / "other_hosts"
    key = subprocess.run(["ssh-keygen", "-y", "-f", night.sshd.key], capture_output=True, text=True, check=True).stdout
    other.write_text(f"{night.sshd.known_hosts.read_text().split()[0]} {' '.join(key.split()[:2])}\n")
    with night.settings(known_hosts=other):
        night.run("backup", "INSTANCE=shop")
    assert_told(night, "host key changed", "ssh-keygen -f", instance="shop")


def test_a_connection_that_drops_mid_way(night):
    with night.working("mariadb-dump") as mark:
        run = night.begun("backup", "INSTANCE=shop")
        until(mark.exists)
        night.sshd.drop_connections()
        assert run.wait(LONGEST_WAIT)
    assert_told(night, "ssh dropped", "log", instance="shop")


def test_a_database_that_is_down(night):
    config = night.blog.folder / "db" / "local.php"
    with night.replaced(config, lambda text: text.replace(str(night.lab.mariadb.port), str(free_port()))):
        night.run("backup", "INSTANCE=blog")
    assert_told(night, "database down", "log")


def test_a_wrong_database_password(night):
    config = night.blog.folder / "db" / "local.php"
    with night.replaced(config, lambda text: text.replace("$pass_tiki='", "$pass_tiki='not ")):
        night.run("backup", "INSTANCE=blog")
    assert "not " + PASSWORD not in assert_told(night, "wrong database password", "log")


def test_an_archive_folder_that_is_not_ours(night):
    theirs = night.lab.folder / "theirs"
    theirs.mkdir(mode=0o700)
    give_to(lab_user(), theirs)
    powerless = ["setpriv", "--bounding-set=-dac_override", "make", "-sC",
                 str(night.kit.top), "backup", "INSTANCE=blog", "UNATTENDED=1"]
    with night.settings(archives_dir=theirs):
        subprocess.run(powerless, env={"PATH": "/usr/bin:/bin", "HOME": "/"}, stdin=subprocess.DEVNULL,
                       capture_output=True, check=False)
    assert_told(night, r"no rights \(ARCHIVES_DIR\)", "Permission denied")


def test_an_archive_disk_that_became_read_only(night):
    with disk(night.lab.folder / "small", "1m") as small, night.settings(archives_dir=small):
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        night.run("backup", "INSTANCE=blog")
    assert_told(night, r"no rights \(ARCHIVES_DIR\)", "Read-only file system")


def test_a_program_that_is_missing_at_the_host(night):
    bare = night.lab.folder / "bare"
    bare.mkdir()
    for name in os.listdir("/usr/bin"):
        if name not in ("mariadb-dump", "mysqldump"):
            (bare / name).symlink_to(f"/usr/bin/{name}")
    sshd = night.lab.sshd(environment={"PATH": str(bare)})
    night.kit.register("bare", web_root=night.shop.folder, **night.kit.over_ssh(sshd) | {"ssh_key": sshd.key})
    try:
        with night.settings(known_hosts=sshd.known_hosts):
            night.run("backup", "INSTANCE=bare")
    finally:
        (night.kit.top / "instances.d" / "bare.env").unlink()
        night.kit.set(known_hosts=night.sshd.known_hosts)
    assert_told(night, "program missing", "dump", instance="bare")


def test_a_program_that_is_missing_here(night):
    night.run("backup", "INSTANCE=blog", environment={"PATH": str(_without("tar", night))})
    assert_told(night, "program missing", "tar")


def _without(name: str, night: Night) -> Path:
    folder = night.lab.folder / f"without-{name}"
    folder.mkdir()
    for place in ("/usr/bin", "/bin"):
        for program in os.listdir(place):
            if program != name and not (folder / program).is_symlink():
                (folder / program).symlink_to(f"{place}/{program}")
    return folder


def test_a_killed_run_is_told_once_by_the_next_run_of_anything(night):
    with night.working("mariadb-dump") as mark:
        run = night.begun("backup", "INSTANCE=shop", "CRON=nightly")
        until(mark.exists)
        for pid in map(int, subprocess.run(["pgrep", "-g", str(run.pid)], capture_output=True, text=True,
                                           check=True).stdout.split()):
            kill(pid)
        run.wait(LONGEST_WAIT)
    night.sshd.drop_connections()
    assert night.sink.deliveries == []
    with night.settings(mail_to=""):
        night.kit.make("instances", "DRY=1")
    for _ in range(2):
        assert night.kit.make("instances").returncode == 0
    assert_told(night, "killed", "log", "never came to its end", "called by the crontab line nightly", instance="shop")


def test_a_part_that_is_killed_is_told_by_its_whole_alone(night):
    with night.working("mariadb-dump") as mark:
        run = night.begun("backup", "INSTANCE=blog,shop", "JOBS=2")
        until(mark.exists)
        part = subprocess.run(["pgrep", "-g", str(run.pid), "-x", "shop"], capture_output=True, text=True,
                              check=True).stdout
        kill(int(part))
        assert run.wait(LONGEST_WAIT)
    night.sshd.drop_connections()
    night.run("instances")
    mail = the_mail(night).mail
    assert mail["Subject"].endswith(": backup: 1 of 2 instances: shop (killed)")
    assert "was ended by signal 9" in mail.get_content()
    assert "killed" in night.kit.make("logs", "INSTANCE=shop", "LAST=1").stdout


def test_a_run_that_is_ended_by_a_signal(night):
    with night.working("mariadb-dump") as mark:
        run = night.begun("backup", "INSTANCE=shop")
        until(mark.exists)
        os.killpg(run.pid, signal.SIGTERM)
        assert run.wait(LONGEST_WAIT)
    assert_told(night, "ended by SIGTERM", "log", instance="shop")


def test_a_busy_instance_is_waited_for_and_then_told_with_who_holds_it(night):
    with night.working("mariadb-dump") as mark:
        first = night.begun("backup", "INSTANCE=shop")
        until(mark.exists)
        began = time.monotonic()
        night.run("backup", "INSTANCE=shop", "WAIT=2s")
        assert time.monotonic() - began > 2
        assert_told(night, "busy", "another run holds it: make backup, process", "has not ended in 2 s",
                    instance="shop")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()


def test_a_mistake_in_the_settings_is_told_though_they_cannot_be_loaded(night):
    with night.replaced(night.kit.top / "conf" / "settings.env", lambda text: f"KEPP=7\n{text}"):
        night.run("backup", "INSTANCE=blog")
    mail = the_mail(night).mail
    assert "backup: wrong settings" in mail["Subject"] and "did you mean KEEP?" in mail.get_content()


def test_a_variable_that_the_verb_does_not_know_is_told(night):
    night.run("backup", "INSTANCE=blog", "KEPP=7")
    mail = the_mail(night).mail
    assert "backup: wrong call" in mail["Subject"] and "KEPP= is not a variable of make backup" in mail.get_content()


# When a mail comes, and when none

def test_no_mail_comes_when_all_is_well_nor_when_somebody_looks(night):
    assert night.run("backup", "INSTANCE=blog").returncode == 0
    with night.settings(mail_to=""):
        night.kit.make("backup", "INSTANCE=nix")
    night.kit.make("backup", "INSTANCE=nix", "DRY=1", "UNATTENDED=1")
    assert night.sink.deliveries == []


def test_without_a_terminal_a_mail_comes_when_somebody_is_to_be_told(night):
    night.kit.make("backup", "INSTANCE=nix")
    assert "backup: wrong call" in the_mail(night).mail["Subject"]


def test_addresses_of_the_call_come_before_those_of_the_settings(night):
    night.kit.make("backup", "INSTANCE=nix", "MAIL_TO=eve@example.org")
    assert the_mail(night).to == ("eve@example.org",)


def test_the_same_failure_is_told_once_another_one_again_and_its_end_too(night):
    config = night.blog.folder / "db" / "local.php"
    with night.replaced(config, lambda text: text.replace("$pass_tiki='", "$pass_tiki='not ")):
        for _ in range(2):
            night.run("backup", "INSTANCE=blog")
    with night.replaced(config, lambda text: text.replace(str(night.lab.mariadb.port), str(free_port()))):
        night.run("backup", "INSTANCE=blog")
    for _ in range(2):
        night.run("backup", "INSTANCE=blog")
    mails = night.sink.mails
    assert [mail["Subject"].split(": ", 1)[1] for mail in mails] == [
        "backup blog: wrong database password", "backup blog: database down", "backup blog: works again"]
    assert mails[2]["In-Reply-To"] == mails[1]["Message-ID"]
    assert "3 runs: database down" in mails[2].get_content()


def test_with_repeat_hours_0_every_failure_is_told(night):
    with night.settings(repeat_hours=0):
        for _ in range(2):
            night.run("backup", "INSTANCE=nix")
    assert len(night.sink.mails) == 2


# Ways

def test_a_mail_that_cannot_be_sent_is_told_by_doctor_and_sent_by_the_next_run(night):
    with night.settings(smtp_port=free_port()):
        done = night.run("backup", "INSTANCE=nix")
        assert "nobody was told of this by mail" in done.stderr and "Connection refused" in done.stderr
        with night.settings(mail_to=""):    # somebody looks
            assert "1 message since" in night.kit.make("instances").stderr
            assert "finding  manager: mail: 1 message could not be sent" in night.kit.make("doctor").stdout
    outbox = night.kit.top / "var" / "outbox"
    assert [path.stat().st_mode & 0o777 for path in (outbox, *outbox.glob("*.json"))] == [0o700, 0o600]
    for _ in range(2):
        assert night.run("instances").stderr == ""
    assert "backup: wrong call" in the_mail(night).mail["Subject"]


def test_what_one_of_two_addresses_refuses_goes_to_the_other_once(night):
    night.sink.refused = {PEOPLE[0]}
    try:
        night.run("backup", "INSTANCE=nix")
    finally:
        night.sink.refused = set()
    night.run("instances")
    assert [one.to for one in night.sink.deliveries] == [(PEOPLE[1],), (PEOPLE[0],)]
    assert len({one.mail["Message-ID"] for one in night.sink.deliveries}) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_by_a_private_way_with_a_login(night, tmp_path, security):
    sink = SmtpSink(tmp_path, security, ("trim", "s3cret word"))
    sink.start()
    secret = tmp_path / "secret"
    secret.write_text("s3cret word\n")
    secret.chmod(0o600)
    try:
        with night.settings(smtp_port=sink.port, smtp_security=security, smtp_user="trim", smtp_pass_file=secret,
                            smtp_ca_file=sink.ca_file):
            done = night.kit.make("notify-test")
            assert done.returncode == 0, done.stderr
            secret.write_text("another one\n")
            refused = night.kit.make("notify-test").stdout
            secret.chmod(0o644)
            opened = night.kit.make("notify-test").stdout
        with night.settings(smtp_port=sink.port, smtp_security=security):
            strange = night.kit.make("notify-test").stdout
    finally:
        sink.stop()
    assert [(one.is_private, one.login, one.to) for one in sink.deliveries] == [(True, "trim", PEOPLE)]
    assert "535" in refused and "another one" not in refused
    assert "others may read it" in opened
    assert "CERTIFICATE_VERIFY_FAILED" in strange or "certificate verify failed" in strange


def test_a_mail_goes_through_the_sendmail_program(night):
    program, kept = night.lab.folder / "sendmail", night.lab.folder / "sent"
    program.write_text(f'#!/bin/sh\necho "$@" >{kept}\ncat >>{kept}\n')
    program.chmod(0o755)
    with night.settings(smtp_host="", sendmail=program, repeat_hours=0):
        night.run("backup", "INSTANCE=nix")
        first, _, mail = kept.read_text().partition("\n")
        program.write_text("#!/bin/sh\ncat >/dev/null\nexit 75\n")
        assert "exit code 75" in night.run("backup", "INSTANCE=nix").stderr
    assert first == f"-i -f trim@example.org -- {' '.join(PEOPLE)}"
    assert "backup: wrong call" in mail


def test_a_watcher_elsewhere_hears_of_start_success_and_failure_and_a_chat_of_failures(night, tmp_path):
    elsewhere = HttpSink()
    elsewhere.start()
    pings, chats = tmp_path / "pings", tmp_path / "chats"
    pings.write_text(f"all {elsewhere.url}/all\nbackup {elsewhere.url}/backup\n")
    chats.write_text(f"json://{elsewhere.url.removeprefix('http://')}/chat\n")
    for path in (pings, chats):
        path.chmod(0o600)
    try:
        with night.settings(ping_file=pings, apprise_file=chats):
            night.run("tags")
            night.run("backup", "INSTANCE=nix")
            night.kit.make("backup", "INSTANCE=nix", "DRY=1", "UNATTENDED=1")
    finally:
        elsewhere.stop()
    assert [one.path.partition("?rid=")[0] for one in elsewhere.requests] == [
        "/all/start", "/all", "/backup/start", "/chat", "/backup/fail"]
    assert "INSTANCE=nix selects nothing" in elsewhere.requests[4].body
    assert json.loads(elsewhere.requests[3].body)["title"] == the_mail(night).mail["Subject"]


def test_a_mail_holds_no_secret_that_the_toolkit_knows(night):
    env_file = night.kit.top / "instances.d" / "closed.env"
    env_file.write_text("WEB_ROOT=/nowhere\nDB_NAME=x\nDB_USER=x\nDB_PASS='p&ss word'\n")
    env_file.chmod(0o600)
    try:
        night.run("backup", "INSTANCE=p&ss word", environment={"RESTRICT_PASS": "nix"})
    finally:
        env_file.unlink()
    body = the_mail(night).mail.get_content()
    assert "p&ss word" not in body and "***" in body


def test_two_runs_that_fail_at_the_same_time_tell_each_its_own(night):
    runs = [threading.Thread(target=night.run, args=("backup", f"INSTANCE={name}")) for name in ("nix", "nox")]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    said = " ".join(mail.get_content() for mail in night.sink.mails)
    assert len(night.sink.mails) == 2 and "INSTANCE=nix selects" in said and "INSTANCE=nox selects" in said
