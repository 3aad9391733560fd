"""Each finding: the thing is broken for real, doctor tells it, the command it prints is run, and it is gone."""

import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.registry import locks
from scripts.registry.locks import Lock
from scripts.steps import restoring
from scripts.store import archive
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.sshd import Sshd
from tests.lab.toolkit import Toolkit

PATH = "/usr/local/bin:/usr/bin:/bin"
FINDING = re.compile(r"^finding  (?P<place>\S+): (?P<check>[^:]+): (?P<problem>.*)\. Next: (?P<mend>.*)$", re.MULTILINE)
FOUND = 2  # make's exit code for a verb that failed, whatever its own was


@dataclass
class Told:
    """One finding as an operator reads it."""

    place: str
    check: str
    problem: str
    mend: str


@dataclass
class Ward:
    """A toolkit with a local site and one behind ssh, both healthy, and the doctor that looks at them."""

    toolkit: Toolkit
    blog: SampleTiki
    shop: SampleTiki
    editor: Path
    environment: dict[str, str]

    def doctor(self, instance: str, *words: str) -> subprocess.CompletedProcess:
        return self.toolkit.make("doctor", f"INSTANCE={instance}", *words, environment=self.environment)

    def findings(self, instance: str) -> list[Told]:
        done = self.doctor(instance)
        found = [Told(**match.groupdict()) for match in FINDING.finditer(done.stdout)]
        assert done.returncode == (FOUND if found else 0), done.stdout + done.stderr
        assert done.stdout.count("finding  ") == len(found), done.stdout
        return found

    def bash(self, command: str) -> None:
        """Run a printed command as an operator does who stands in another folder."""
        done = subprocess.run(["bash", "-c", command], cwd="/", env={**os.environ, "EDITOR": str(self.editor),
                              "PATH": PATH, **self.environment}, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, start_new_session=True, timeout=120)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def edits(self, script: str) -> None:
        """Let the operator's editor do this to the file it is given, $1."""
        self.editor.write_text(f"#!/bin/bash\nset -e\n{script}\n")

    def is_told(self, instance: str, check: str, says: str) -> Told:
        """Return the one finding of this check that says this."""
        found = self.findings(instance)
        fitting = [one for one in found if one.check == check and re.search(says, one.problem)]
        assert len(fitting) == 1, found
        return fitting[0]

    def mends(self, instance: str, check: str, says: str, mend: str) -> None:
        """See a finding, run the very command it prints, and see the site healthy."""
        told = self.is_told(instance, check, says)
        assert re.search(mend, told.mend), told.mend
        self.bash(told.mend)
        assert self.findings(instance) == []


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    with Lab() as lab:
        toolkit = Toolkit(lab.folder / "trim", lab)
        for name in ("var", "var/archives", "var/work"):
            (toolkit.top / name).mkdir(mode=0o700, exist_ok=True)
        _, blog = toolkit.tiki("blog", files=5, versions=1)
        _, shop = toolkit.tiki("shop", "old", ssh=True, files=5, versions=1)
        for verb in ("backup", "prove"):
            done = toolkit.make(verb, "INSTANCE=all")
            assert done.returncode == 0, done.stderr
        editor = lab.folder / "editor"
        editor.touch()
        editor.chmod(0o755)
        yield Ward(toolkit, blog, shop, editor, {})


@pytest.fixture
def restored_files(ward: Ward) -> Iterator[None]:
    """Put settings and env files back when a test ends."""
    kept = {path: (path.read_text(), path.stat().st_mode) for path in (ward.toolkit.top / "instances.d").glob("*.env")}
    settings = ward.toolkit.top / "conf" / "settings.env"
    kept[settings] = (settings.read_text(), settings.stat().st_mode)
    yield
    for path in (ward.toolkit.top / "instances.d").glob("*.env"):
        path.unlink()
    for path, (text, mode) in kept.items():
        path.write_text(text)
        path.chmod(mode)


def program(folder: Path, name: str, script: str) -> None:
    """Put a program of our own into a folder."""
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


def machine_without(folder: Path, *names: str) -> Path:
    """Make a PATH of this machine's programs without some; its apt-get brings them back, as packages do.

    A real removal would take the program away from every test that runs beside this one.
    """
    folder.mkdir()
    for place in ("/usr/sbin", "/usr/bin"):
        for path in Path(place).iterdir():
            if path.name not in names and not (folder / path.name).exists():
                (folder / path.name).symlink_to(path)
    program(folder, "sudo", 'exec "$@"')
    links = "; ".join(f"ln -s {place} {folder}/{name}" for name in names if (place := shutil.which(name)))
    program(folder, "apt-get", f'echo "$@" > {folder}/apt-get.said\n{links}')
    return folder


def change_record(ward: Ward, name: str, **changes: object) -> Callable[[], None]:
    """Change what is known of an instance's newest archive; return what puts it back."""
    newest = archive.choose(ward.toolkit.settings, name, "latest")
    archive.write_record(newest.path, replace(newest.record, **changes))
    return lambda: archive.write_record(newest.path, newest.record)


def dead_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")


def disconnect(ward: Ward) -> None:
    """Close the connection that earlier runs left open: a broken way shows only when it is taken again."""
    ward.toolkit.instance("shop").host.disconnect()


# All is well


def test_of_a_healthy_toolkit_doctor_finds_nothing(ward):
    done = ward.doctor("all")
    assert (done.returncode, done.stderr) == (0, "")
    assert {line[:9] for line in done.stdout.splitlines()} == {"ok       "}
    assert "ok       shop: database rights" in done.stdout


def test_an_unattended_doctor_is_silent_when_all_is_well_and_tells_findings_otherwise(ward):
    done = ward.doctor("all", "UNATTENDED=1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    ward.toolkit.settings.work.chmod(0o755)
    done = ward.doctor("blog", "UNATTENDED=1")
    ward.toolkit.settings.work.chmod(0o700)
    assert done.stdout == "" and "WORK_DIR" in done.stderr and "Next: chmod 700" in done.stderr


def test_for_programs_findings_are_json_and_the_exit_code_says_that_there_are_some(ward):
    assert json.loads(ward.doctor("all", "JSON=1").stdout) == []
    ward.toolkit.settings.work.chmod(0o755)
    done = subprocess.run([ward.toolkit.top / ".venv/bin/invoke", "doctor", "--json=1", "--dry=1"],
                          cwd=ward.toolkit.top, capture_output=True, text=True)
    ward.toolkit.settings.work.chmod(0o700)
    (one,) = json.loads(done.stdout)
    assert done.returncode == 10 and "1 finding: manager" in done.stderr
    assert (one["instance"], one["check"]) == ("manager", "folders") and one["next"].startswith("chmod 700 -- ")


# The manager


@pytest.mark.parametrize(("names", "package"), [
    (("rsync",), "rsync"), (("zstd",), "zstd"), (("lbzip2", "pbzip2"), "lbzip2"),
    (("mariadb-dump", "mysqldump"), "mariadb-client")])
def test_a_missing_program_is_told_with_the_package_that_has_it(ward, tmp_path, names, package):
    folder = machine_without(tmp_path / "bin", *names)
    sick = replace(ward, environment={"PATH": str(folder)})
    told = sick.is_told("shop", "programs", f"^{re.escape(' or '.join(names))} is not installed")
    assert told.mend.removeprefix("sudo ") == f"apt-get install -y {package}"
    sick.bash(told.mend)
    assert (folder / "apt-get.said").read_text() == f"install -y {package}\n"
    assert sick.findings("shop") == []


def test_a_wrong_settings_file_is_told_at_its_line(ward, restored_files):
    settings = ward.toolkit.top / "conf" / "settings.env"
    settings.write_text("KEPP=7\n")
    done = ward.doctor("blog")
    assert done.returncode == FOUND and f"{settings}:1: KEPP is not a known key (did you mean KEEP?)" in done.stderr


def test_a_missing_folder_is_told_with_the_mkdir_that_makes_it(ward):
    ward.toolkit.settings.work.rename(ward.toolkit.top / "moved")
    try:
        ward.mends("blog", "folders", r"WORK_DIR\) is not there", "^mkdir -p -m 0700 ")
    finally:
        shutil.rmtree(ward.toolkit.settings.work)
        (ward.toolkit.top / "moved").rename(ward.toolkit.settings.work)


def test_a_folder_that_others_may_enter_is_told_with_the_chmod_that_closes_it(ward):
    ward.toolkit.settings.archives.chmod(0o755)
    ward.mends("blog", "folders", r"ARCHIVES_DIR\) has mode 0755", "^chmod 700 ")


def test_too_small_a_disk_for_the_largest_archive_is_told_with_the_settings(ward, restored_files, tmp_path):
    archives = ward.toolkit.settings.archives
    big = archives / "big" / "big_2026-11-21_02-00-00.tar.bz2"
    big.parent.mkdir(mode=0o700)
    with open(big, "wb") as file:
        file.truncate(shutil.disk_usage(archives).free * 3 // 4)  # a file of nothing but a length
    try:
        ward.edits(f'echo "ARCHIVES_DIR={tmp_path}" >> "$1"; chmod 700 {tmp_path}; cp -a {archives}/blog {tmp_path}')
        assert len([one for one in ward.findings("blog") if one.check == "disk"]) == 2
        ward.bash(ward.is_told("blog", "disk", "ARCHIVES_DIR.*backups will fail").mend)
        assert ward.findings("blog") == []
    finally:
        shutil.rmtree(big.parent)


def test_an_env_file_with_a_wrong_line_is_told_and_opened_in_the_editor(ward, restored_files):
    with open(ward.toolkit.top / "instances.d" / "blog.env", "a") as file:
        file.write("WEB_ROT=/srv\n")
    ward.edits('sed -i /^WEB_ROT/d "$1"')
    ward.mends("blog", "env file", "blog.env:[0-9]+: WEB_ROT is not a known key", r"^\$\{EDITOR:-vi\} .*blog\.env$")


def test_a_password_that_others_may_read_is_told_with_the_chmod_that_hides_it(ward, restored_files):
    ward.toolkit.blank("open-secret")
    (ward.toolkit.top / "instances.d" / "open-secret.env").chmod(0o644)
    ward.mends("open-secret", "env file", "DB_PASS is a secret and others may read", "^chmod 600 ")


def test_an_env_file_whose_name_is_no_name_is_told_with_the_renaming(ward, restored_files):
    shutil.copy2(ward.toolkit.top / "instances.d" / "shop.env", ward.toolkit.top / "instances.d" / "My Shop.env")
    told = next(one for one in _all_findings(ward) if one.check == "env file")
    ward.bash(told.mend)
    assert (ward.toolkit.top / "instances.d" / "my-shop.env").exists()


def _all_findings(ward: Ward) -> list[Told]:
    """Return the findings of a run that names no instance; a place may have a blank in it."""
    done = ward.toolkit.make("doctor", environment=ward.environment)
    form = re.compile(FINDING.pattern.replace(r"\S+", "[^:]+"), re.MULTILINE)
    return [Told(**match.groupdict()) for match in form.finditer(done.stdout)]


def test_two_names_for_one_site_are_told_and_the_one_without_archives_goes(ward, restored_files):
    shutil.copy2(ward.toolkit.top / "instances.d" / "blog.env", ward.toolkit.top / "instances.d" / "again.env")
    ward.mends("blog", "twins", "again and blog are one site", r"^rm -- .*again\.env$")


def test_a_dead_run_s_scratch_folder_is_told_with_its_removal(ward):
    left = ward.toolkit.settings.work / f"scratch-blog.{dead_process()}"
    (left / "deep").mkdir(parents=True)
    (ward.toolkit.settings.work / f"scratch-blog.{os.getpid()}").mkdir()  # of a run at work: stays
    try:
        ward.mends("blog", "leftovers", f"scratch folders.*{left.name}", "^rm -rf -- ")
    finally:
        (ward.toolkit.settings.work / f"scratch-blog.{os.getpid()}").rmdir()


def test_a_work_copy_of_an_older_version_is_told_with_what_removes_it(ward):
    left = ward.toolkit.settings.work / "shop"
    (left / "deep").mkdir(parents=True)
    ward.mends("shop", "leftovers", f"work copies.*{left}", "make .*clean$")
    assert not left.exists()


def test_a_patch_that_was_written_in_part_is_told_and_put_back(ward):
    note = ward.toolkit.top / "var/patches/blog/.changing.json"
    changed = ward.blog.folder / "about.php"
    note.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    texts = (b"<?php // as it was\n", b"<?php // half, and the rest\n")
    note.write_text(json.dumps({"about.php": [base64.b64encode(text).decode() for text in texts]}))
    changed.write_text("<?php // half")
    give_to(lab_user(), changed)
    ward.mends("blog", "patches", "about.php", "make .*fix")
    assert changed.read_text() == "<?php // as it was\n"
    changed.unlink()


def test_half_archives_and_companions_of_none_are_told_with_their_removal_when_no_run_writes(ward):
    folder = ward.toolkit.settings.archives / "blog"
    whole = sorted(folder.iterdir())
    (folder / "blog_2026-11-20_02-00-00.tar.bz2.partial").touch()
    (folder / "blog_2026-11-19_02-00-00.tar.bz2.sha256").touch()
    with locks.hold(ward.toolkit.settings, [Lock("blog.store", exclusive=True)], "backup"):
        assert ward.findings("blog") == []
    note = ward.toolkit.settings.state / "locks" / "blog.store.lock"
    note.write_text(json.dumps({"verb": "backup", "pid": dead_process(), "since": 0}))
    ward.mends("blog", "leftovers", r"unfinished archives.*\.partial and 1 more", "^rm -rf -- ")
    assert sorted(folder.iterdir()) == whole


def option_file_of_a_dead_run(ward: Ward) -> Path:
    known_as = hashlib.sha256(f"{socket.gethostname()}:{ward.toolkit.top}".encode()).hexdigest()[:8]
    left = Path("/tmp") / f"trim-{known_as}-{dead_process()}.AbCdEfGh"
    left.touch()
    return left


def test_a_dead_run_s_option_file_on_the_manager_is_told_with_its_removal(ward):
    left = option_file_of_a_dead_run(ward)
    if lab_user() == "trimlab":
        ward.mends("shop", "leftovers", f"database passwords.*{left.name}", "^rm -rf -- ")
    else:  # the manager and the host of the lab are one machine and one account
        ward.bash(ward.findings("shop")[0].mend)
    assert not left.exists()


def test_settings_that_name_missing_files_are_told_with_what_makes_them(ward, restored_files, tmp_path):
    settings = ward.toolkit.top / "conf" / "settings.env"
    with open(settings, "a") as file:
        file.write(f"PROVE_DB={tmp_path}/prove.cnf\n")
    ward.edits('echo "[client]" > "$1"')
    ward.mends("blog", "settings", r"prove\.cnf \(PROVE_DB\) is not there", "^install -m 600 ")
    (tmp_path / "prove.cnf").chmod(0o644)
    ward.mends("blog", "settings", "others may read it", "^chmod 600 ")
    settings.write_text(f"KNOWN_HOSTS={tmp_path}/known\n")
    ward.mends("blog", "settings", r"known \(KNOWN_HOSTS\) is not there", "^touch ")


# Archives


def test_a_site_without_an_archive_is_told_with_its_backup_and_then_with_its_proof(ward):
    place = archive.folder(ward.toolkit.settings, "blog")
    place.rename(place.with_name("kept"))
    try:
        told = ward.is_told("blog", "archives", "no archive yet")
        assert told.mend.endswith(" backup INSTANCE=blog")
        ward.bash(told.mend)
        ward.mends("blog", "archives", "no archive was ever proven", " prove INSTANCE=blog$")
    finally:
        shutil.rmtree(place)
        place.with_name("kept").rename(place)


def test_an_old_archive_is_told_with_a_new_backup(ward):
    place = archive.folder(ward.toolkit.settings, "blog")
    shutil.copytree(place, place.with_name("kept"))
    change_record(ward, "blog", finished=days_ago(1.2))
    try:
        ward.mends("blog", "archives", "no good backup for ", " backup INSTANCE=blog$")
    finally:
        shutil.rmtree(place)
        place.with_name("kept").rename(place)


def test_an_archive_of_a_time_to_come_is_told_and_speaks_for_no_backup(ward):
    place = archive.folder(ward.toolkit.settings, "blog")
    shutil.copytree(place, place.with_name("kept"))
    change_record(ward, "blog", finished=days_ago(-300))
    try:
        ward.mends("blog", "archives", "has no archive but blog_.* of a time to come", " backup INSTANCE=blog$")
    finally:
        shutil.rmtree(place)
        place.with_name("kept").rename(place)


@pytest.mark.parametrize(("record", "says"), [
    ({"proven": days_ago(40)}, "the last proof is a month old"),
    ({"proven": "", "not_proven": "trim: this server cannot hold this dump"}, "cannot hold this dump")])
def test_an_old_or_failed_proof_is_told_with_a_new_one(ward, record, says):
    put_back = change_record(ward, "blog", **record)
    ward.edits("true")
    try:
        ward.mends("blog", "archives", says, " prove INSTANCE=blog$")
    finally:
        put_back()


# The way to a host


def test_an_unknown_host_key_is_told_with_the_keyscan_that_notes_it(ward):
    disconnect(ward)
    ward.toolkit.lab.sshd().known_hosts.write_text("")
    ward.mends("shop", "host", "host key of .* is not known yet", "^ssh-keyscan -p ")


def test_a_changed_host_key_is_told_with_what_replaces_it(ward):
    disconnect(ward)
    ward.toolkit.lab.sshd().change_host_key()
    ward.mends("shop", "host", "host key of .* is not the one on record", "^ssh-keygen -f .* && ssh-keyscan ")


def test_a_refused_key_is_told_with_the_ssh_copy_id_that_brings_it(ward, tmp_path):
    """The real ssh-copy-id wants a password, which the lab's accounts have none of: ours does what it does."""
    sshd = ward.toolkit.lab.sshd()
    authorized = sshd.folder / "authorized_keys"
    authorized.write_text("")
    disconnect(ward)
    program(tmp_path, "ssh-copy-id", f'[ "$*" = "-p {sshd.port} -i {sshd.key} {sshd.user}@{sshd.host}" ] && '
                                     f'cat "$4.pub" >> {authorized}')
    told = ward.is_told("shop", "host", "does not let us in by key")
    replace(ward, environment={"PATH": f"{tmp_path}:{PATH}"}).bash(told.mend)
    assert ward.findings("shop") == []


def test_a_private_key_that_ssh_will_not_use_is_told_with_the_chmod_that_closes_it(ward):
    disconnect(ward)
    ward.toolkit.lab.sshd().key.chmod(0o644)
    told = [one for one in ward.findings("shop") if "others may read the private key" in one.problem]
    ward.bash(told[0].mend)
    assert ward.findings("shop") == []


def test_a_private_key_that_is_not_there_is_told_and_its_env_file_opened(ward, restored_files):
    disconnect(ward)
    env = ward.toolkit.top / "instances.d" / "shop.env"
    env.write_text(env.read_text().replace("client_key", "no_key"))
    ward.edits('sed -i s/no_key/client_key/ "$1"')
    ward.bash(ward.is_told("shop", "host", r"no_key \(SSH_KEY\) is not there").mend)
    assert ward.findings("shop") == []


def test_a_host_that_is_down_is_told_and_the_other_sites_are_looked_at_all_the_same(ward):
    disconnect(ward)
    sshd = ward.toolkit.lab.sshd()
    sshd.stop()
    try:
        done = ward.doctor("all")
        told = ward.is_told("shop", "host", "cannot reach .* Connection refused")
        assert "ok       blog: database rights" in done.stdout and "ok       shop: archives" in done.stdout
    finally:
        sshd.start()
    ward.bash(told.mend)  # shows the way in detail, and by now it is open
    assert ward.findings("shop") == []


# What is on a host


@pytest.fixture
def other_host(ward: Ward, restored_files: None, tmp_path: Path) -> Iterator[tuple[Ward, Path]]:
    """Let the shop's host have a PATH of its own, on which programs can be missing or lie."""
    folder = machine_without(ward.toolkit.lab.folder / f"bin-{time.monotonic_ns()}", "rsync")
    give_to(lab_user(), folder)
    sshd: Sshd = ward.toolkit.lab.sshd(environment={"PATH": str(folder)})
    env = ward.toolkit.top / "instances.d" / "shop.env"
    first = ward.toolkit.lab.sshd()
    env.write_text(env.read_text().replace(str(first.port), str(sshd.port)).replace(str(first.key), str(sshd.key)))
    ward.toolkit.set(known_hosts=sshd.known_hosts)
    yield ward, folder
    ward.toolkit.set(known_hosts=first.known_hosts)
    sshd.stop()


def test_a_program_that_the_host_lacks_is_told_with_its_installation_there(other_host):
    ward, _ = other_host
    ward.mends("shop", "programs", "the host has no rsync", r"^ssh -t .* 'sudo apt-get install -y rsync'$")


def test_a_tar_that_is_not_gnu_s_is_told(other_host):
    ward, folder = other_host
    (folder / "rsync").symlink_to("/usr/bin/rsync")
    (folder / "tar").unlink()
    program(folder, "tar", "echo 'BusyBox v1.36.1 multi-call binary' >&2; exit 1")
    program(folder, "apt-get", f"ln -sf /usr/bin/tar {folder}/tar")
    ward.mends("shop", "programs", "the host has no GNU tar", r"^ssh -t .* 'sudo apt-get install -y tar'$")


def test_a_clock_that_is_wrong_is_told_with_what_sets_it(other_host):
    ward, folder = other_host
    (folder / "rsync").symlink_to("/usr/bin/rsync")
    program(folder, "date", f'[ -e {folder}/is-set ] && exec /usr/bin/date "$@"; exec /usr/bin/date -d +1hour "$@"')
    program(folder, "timedatectl", f'[ "$*" = "set-ntp true" ] && touch {folder}/is-set')
    ward.mends("shop", "clock", "the host's clock is 3[56][0-9][0-9] seconds ahead", "timedatectl set-ntp true'$")


def test_a_full_disk_at_the_host_is_told_with_the_clearing_of_the_site_s_caches(other_host):
    ward, folder = other_host
    (folder / "rsync").symlink_to("/usr/bin/rsync")
    cached = ward.shop.folder / "temp" / "cache" / "big"
    cached.touch()
    program(folder, "df", f'echo Avail; if [ -e {cached} ]; then echo 1000000; else echo 9000000000; fi')
    ward.mends("shop", "disk", "1.0 MB are free where the site is", "console.php cache:clear --all'$")


def test_a_dead_run_s_option_file_on_the_host_is_told_with_its_removal(ward):
    left = option_file_of_a_dead_run(ward)
    give_to(lab_user(), left)
    fitting = [one for one in ward.findings("shop") if one.place == "shop" and one.check == "leftovers"]
    assert left.name in fitting[0].problem
    ward.bash(fitting[0].mend)
    assert ward.findings("shop") == [] and not left.exists()


# The site


def test_a_web_root_that_is_gone_is_told_with_the_restore_of_its_archive(ward):
    kept = ward.blog.folder.with_name("blog-kept")
    ward.blog.folder.rename(kept)
    try:
        told = ward.is_told("blog", "web root", "there is no such folder on the host")
        assert told.mend.endswith(" restore INSTANCE=blog")
        ward.bash(told.mend)
        assert ward.findings("blog") == []
    finally:
        shutil.rmtree(ward.blog.folder, ignore_errors=True)
        kept.rename(ward.blog.folder)


def test_a_configuration_that_php_cannot_run_is_told_and_opened_in_the_editor_of_its_host(ward):
    config = ward.blog.folder / "db" / "local.php"
    text = config.read_text()
    config.write_text(f"{text}exit;\n")
    ward.edits('sed -i /^exit/d "$1"')
    ward.mends("blog", "web root", "ends the program instead of setting", r"^\$\{EDITOR:-vi\} .*local\.php$")
    assert config.read_text() == text


def test_a_file_that_its_own_account_may_not_read_is_told_with_the_chmod_for_all_such(ward):
    secret = ward.shop.folder / "files" / "it's secret"
    secret.mkdir()
    give_to(lab_user(), secret)
    secret.chmod(0)
    try:
        ward.mends("shop", "rights", "it's secret cannot be read: a backup fails", "^ssh .*find -H ")
    finally:
        secret.rmdir()


def test_a_data_folder_that_is_not_there_is_told_with_the_making_of_it(ward):
    folder = next(path for path in ward.shop.outside.iterdir() if path.is_dir())
    kept = ward.shop.outside.with_name("kept-data")
    shutil.move(ward.shop.outside, kept)
    ward.shop.outside.mkdir()
    give_to(lab_user(), ward.shop.outside)
    try:
        found = [one for one in ward.findings("shop") if one.check == "data folders"]
        assert any(str(folder) in one.problem for one in found) and len(found) > 1
        for one in found:
            ward.bash(one.mend)
        assert ward.findings("shop") == []
    finally:
        shutil.rmtree(ward.shop.outside)
        shutil.move(kept, ward.shop.outside)


def test_a_maintenance_page_that_was_left_on_is_told_with_its_end(ward):
    ward.toolkit.make("maintenance", "INSTANCE=blog", "STATE=on", "REASON=moving day")
    ward.mends("blog", "maintenance page", r"visitors see the maintenance page since .* \(moving day\)",
               " maintenance INSTANCE=blog STATE=off$")


def test_a_broken_restore_is_told_with_the_restore_that_ends_it(ward):
    blog = ward.toolkit.instance("blog")
    restoring.begin(blog, archive.choose(blog.settings, "blog", "latest").path.name, "")
    ward.mends("blog", "maintenance page", "a restore of blog_.* did not come to its end",
               r" restore INSTANCE=blog ARCHIVE=blog_\S+$")


def test_a_php_that_is_not_there_is_told_and_its_env_file_opened(ward, restored_files):
    with open(ward.toolkit.top / "instances.d" / "blog.env", "a") as file:
        file.write("PHP=php4\n")
    ward.edits('sed -i /^PHP/d "$1"')
    ward.mends("blog", "web root", r"there is no program php4 \(PHP\)", "EDITOR")


# The database


def test_a_wrong_password_is_told_and_the_site_s_configuration_opened(ward):
    config = ward.blog.folder / "db" / "local.php"
    text = config.read_text()
    config.write_text(text.replace("$pass_tiki='", "$pass_tiki='wrong"))
    ward.edits("""sed -i "s/='wrong/='/" "$1" """)
    ward.mends("blog", "database", "refuses the account or its password", r"EDITOR.*db/local\.php$")


def test_rights_that_the_account_lacks_are_told_with_the_grant_that_gives_them(ward):
    ward.blog.server.sql("REVOKE DROP, ALTER ON `blog`.* FROM blog@`127.0.0.1`")
    ward.mends("blog", "database rights", "may not ALTER, DROP on database blog: a restore is not whole",
               "-u root -p -e 'GRANT ALTER, DROP ON `blog`")


def test_a_database_that_the_account_may_not_enter_is_told_with_the_grant_that_lets_it(ward):
    ward.blog.server.sql("REVOKE ALL ON `blog`.* FROM blog@`127.0.0.1`")
    ward.mends("blog", "database", "the account may not enter", "CREATE DATABASE IF NOT EXISTS `blog`; GRANT ALL")


def test_a_database_that_is_gone_is_told_with_its_creation(ward, restored_files):
    ward.toolkit.blank("lost")
    ward.blog.server.sql("DROP DATABASE lost")
    ward.mends("lost", "database", "the server has no such database", "CREATE DATABASE `lost`")


def test_a_database_server_that_is_down_is_told_with_its_start(ward, tmp_path):
    """The lab's server is no service: systemctl is ours, and notes that it was called rightly."""
    program(tmp_path, "systemctl", f'[ "$*" = "restart mariadb" ] && touch {tmp_path}/called')
    program(tmp_path, "sudo", 'exec "$@"')
    ward.blog.server.stop()
    try:
        told = ward.is_told("blog", "database", "the database server cannot be reached")
        replace(ward, environment={"PATH": f"{tmp_path}:{PATH}"}).bash(told.mend)
        assert (tmp_path / "called").exists()
    finally:
        ward.blog.server.start()
    assert ward.findings("blog") == []


def test_a_blank_whose_database_is_not_empty_is_told_and_its_env_file_opened(ward, restored_files):
    ward.toolkit.blank("taken")
    ward.toolkit.blank("free")
    ward.blog.server.sql("CREATE TABLE taken.here (id INT)")
    ward.edits('sed -i -e s/DB_NAME=taken/DB_NAME=free/ -e s/DB_USER=taken/DB_USER=free/ "$1"')
    ward.mends("taken", "blank", "database taken holds 1 tables, as in here", "EDITOR")


# What visitors see


def test_an_address_that_does_not_answer_is_told_and_its_env_file_opened(ward, restored_files):
    env = ward.toolkit.top / "instances.d" / "blog.env"
    env.write_text(env.read_text().replace("http://127.0.0.1:", "http://127.0.0.1:1"))
    ward.edits('sed -i s,127.0.0.1:1,127.0.0.1:, "$1"')
    ward.mends("blog", "web", "does not answer", "EDITOR")


def test_a_site_that_answers_with_an_error_is_told_with_the_clearing_of_its_caches(ward):
    container = ward.blog.folder / "temp" / "cache" / "container.php"
    container.write_text("<?php return '/somewhere/else';")
    ward.mends("blog", "web", "visitors get error 500", "console.php cache:clear --all$")


def test_a_db_folder_that_is_open_to_the_web_is_told_with_the_htaccess_that_closes_it(ward):
    top, db = ward.shop.folder / ".htaccess", ward.shop.folder / "db" / ".htaccess"
    own, text = top.rename(top.with_name("kept")), db.read_text()
    db.unlink()
    try:
        ward.mends("shop", "web", r"everybody can read http.*/db/tiki\.sql", r"^ssh .*_htaccess .*/\.htaccess'$")
        top.write_text("")
        ward.mends("shop", "web", r"everybody can read http.*/db/tiki\.sql", r"^ssh .*printf .*/db/\.htaccess'$")
    finally:
        own.replace(top)
        db.write_text(text)
