"""What doctor decides without a host: thresholds, rights, and commands that a shell takes as they are meant."""

import os
import shlex
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.errors import DatabaseError, Findings, HostError
from scripts.health import archives, database, env_files, files, finding, leftovers, manager, mends, reach, web
from scripts.health.finding import Wrong
from scripts.health.reach import Reached
from scripts.registry import registry
from scripts.registry.instance import Instance
from scripts.steps import answering
from scripts.steps.site import Site
from scripts.store import archive
from scripts.tiki.probe import Probe
from scripts.verbs.doctor import doctor
from tests.unit.recording_host import RecordingHost

NOW = datetime.now(UTC)


@pytest.fixture
def shop(settings) -> Instance:
    """An instance behind ssh, with a blank and a quote in every path."""
    return Instance(name="shop", settings=settings, access="ssh", ssh_host="web1", ssh_user="wiki", ssh_port=2222,
                    ssh_key="/k e'y", web_root="/srv/it's a shop")


def problems(wrong) -> str:
    return " / ".join(one.problem for one in wrong)


# Commands


def test_a_command_for_a_host_reaches_its_shell_as_one_word(shop):
    command = mends.at_host(shop, mends.words("rm", "--", "/srv/it's a shop/$HOME"))
    way, remote = shlex.split(command)[:-1], shlex.split(command)[-1]
    assert way == ["ssh", "-p", "2222", "-i", "/k e'y", "wiki@web1"]
    assert shlex.split(remote) == ["rm", "--", "/srv/it's a shop/$HOME"]


def test_a_command_that_asks_gets_a_terminal_at_the_host(shop):
    assert mends.at_host(shop, mends.install("rsync", is_root=False)).startswith("ssh -t ")
    assert mends.at_host(shop, mends.install("rsync", is_root=True)).startswith("ssh -p ")


def test_files_that_ssh_needs_are_named_by_their_whole_paths(shop):
    near = shop.with_(ssh_key="keys/shop")
    assert f"-i {near.settings.top}/keys/shop " in mends.reach_by_hand(near)


def test_a_make_call_names_the_toolkit_and_keeps_odd_values_literal(settings):
    assert shlex.split(mends.make(settings, "backup", INSTANCE="a b$c")) == [
        "make", "-C", str(settings.top), "backup", "INSTANCE=a b$c"]


def test_a_guarded_site_s_restore_carries_its_confirmation(shop):
    assert mends.restore(shop.with_(stage="production")).endswith("restore INSTANCE=shop CONFIRM=shop")
    assert "CONFIRM" not in mends.restore(shop)


# Faults as findings


@pytest.mark.parametrize(("text", "told"), [
    ("shop: the key is not known. Compare it, then: ssh-keyscan web1 >> /k", "the key is not known. Compare it"),
    ("shop: cannot reach it. Is it up? Next: make doctor", "cannot reach it. Is it up?"),
    ("/x.env:3: DB_PASS is a secret. Next: chmod 600 /x.env", "/x.env:3: DB_PASS is a secret"),
    ("shop: refused. Next: compare user and password", "refused. Compare user and password"),
    ("shop: not there. Give another WEB_ROOT in shop.env", "not there. Give another WEB_ROOT in shop.env")])
def test_a_finding_has_what_a_fault_says_without_the_command_it_closes_with(text, told):
    assert finding.told(HostError(text), "shop") == told


def test_a_check_that_a_fault_stops_keeps_what_it_found_before():
    def question():
        yield Wrong("first", "mend it")
        raise DatabaseError("blog: gone")
    checked = finding.look("blog", "database", question, "look closer")
    assert [(one.problem, one.next) for one in checked.findings] == [("first", "mend it"), ("gone", "look closer")]


# Archives


@pytest.mark.parametrize(("age", "found"), [(timedelta(hours=25), ""),
                                            (timedelta(hours=27), "no good backup for 27 hours")])
def test_an_archive_is_old_after_a_day_and_two_hours(settings, register, archived, age, found):
    register("blog")
    archive.update_record(archived(NOW - age), proven=NOW.isoformat())
    checked = archives.check(registry.load(settings, "blog"))
    assert found in problems(checked.findings) and bool(checked.findings) == bool(found)


def test_only_an_archive_of_ours_can_lack_a_proof(settings, register, archived):
    register("blog")
    archived(NOW, ours=False)
    assert archives.check(registry.load(settings, "blog")).findings == ()


def test_an_archive_taken_for_safety_is_no_backup(settings, register, archived):
    register("blog")
    archived(NOW, kind="safety")
    assert "no archive yet" in problems(archives.check(registry.load(settings, "blog")).findings)


@pytest.mark.parametrize(("reason", "mend"), [
    ("this server cannot hold this dump", r"${EDITOR:-vi} "), ("its dump does not come back as it went in", "make -C")])
def test_after_a_failed_proof_comes_what_helps_against_its_reason(settings, register, archived, reason, mend):
    register("blog")
    archive.update_record(archived(NOW), not_proven=reason)
    (one,) = archives.check(registry.load(settings, "blog")).findings
    assert one.next.startswith(mend) and one.next.endswith("prove INSTANCE=blog")


# Rights


ALL = database.FOR_BACKUP | database.FOR_RESTORE | database.FOR_VIEWS


@pytest.mark.parametrize(("grants", "granted"), [
    (["GRANT ALL PRIVILEGES ON *.* TO `u`@`h`"], ALL),
    (["GRANT USAGE ON *.* TO `u`@`h` IDENTIFIED BY 'x'", "GRANT ALL PRIVILEGES ON `my\\_wiki`.* TO `u`@`h`"], ALL),
    (["GRANT SELECT, LOCK TABLES ON `my%`.* TO `u`@`h` WITH GRANT OPTION"], {"SELECT", "LOCK TABLES"}),
    (["GRANT SELECT ON `my_wiki`.* TO `u`@`h`", "GRANT INSERT ON `my_wiki`.* TO `u`@`h`"], {"SELECT", "INSERT"}),
    (["GRANT ALL PRIVILEGES ON `my_wiki`.`pages` TO `u`@`h`"], set()),
    (["GRANT ALL PRIVILEGES ON `myxwiki2`.* TO `u`@`h`"], set()),
    (["GRANT ALL PRIVILEGES ON `other`.* TO `u`@`h`"], set()),
    (["GRANT `operators` TO `u`@`h`"], None)])
def test_rights_are_read_as_the_server_means_them(grants, granted):
    assert database.granted_on("my_wiki", grants) == granted


def site_at(host: RecordingHost, instance: Instance) -> Site:
    class At(Instance):
        pass
    At.host = host
    chosen = At(**{name: getattr(instance, name) for name in instance.__dataclass_fields__})
    return Site(chosen, Probe("tiki", owner="www-data", group="www-data"), None, None, ())


def test_folders_of_others_ask_for_the_site_s_owner_behind_ssh_and_for_a_right_of_ours_here(shop):
    host = RecordingHost({("find",): b"www-data\0/srv/wiki/img\0"})
    (here,) = files.rights(site_at(host, shop.with_(access="local", web_root="/srv/wiki")), Reached(user="trim"))
    assert "/srv/wiki/img belong to others and are closed to trim" in here.problem and "www-data" in here.problem
    assert here.mend.endswith("setfacl -R -m u:trim:rwX -- /srv/wiki")
    (there,) = files.rights(site_at(host, shop), Reached(user="wiki"))
    assert there.mend == mends.edit_env(shop)


def test_what_a_backup_leaves_out_needs_no_rights(shop):
    host = RecordingHost()
    site = site_at(host, shop.with_(web_root="/srv/[w]", exclude=("img/*.tmp",)))
    assert list(files.rights(site, Reached(user="wiki"))) == []
    (words,) = host.reads
    assert "/srv/\\[w]/img/*.tmp" in words and "/srv/\\[w]/temp/cache/*" in words


# The manager


def test_a_folder_of_another_account_is_to_become_ours(settings, monkeypatch):
    for folder in (settings.archives, settings.work, settings.state):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    (checked,) = [one for one in manager.checks(settings) if one.check == "folders"]
    assert checked.findings == ()
    monkeypatch.setattr(os, "access", lambda *_: False)
    (checked,) = [one for one in manager.checks(settings) if one.check == "folders"]
    assert len(checked.findings) == 3 and "mount -o remount,rw" in checked.findings[0].next
    foreign = os.stat_result((stat.S_IFDIR | 0o700, 1, 1, 1, 4711, 0, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda self, **_: foreign)
    (checked,) = [one for one in manager.checks(settings) if one.check == "folders"]
    assert "belongs to another account" in problems(checked.findings) and "chown" in checked.findings[0].next


def test_a_file_of_passwords_is_closed_and_one_without_is_edited(settings, register):
    register("blog", "DB_PASS=x\n").chmod(0o644)
    register("shop", "WEB_ROT=/x\n").chmod(0o644)
    mended = {one.place: one.findings[0].next for one in env_files.checks(settings, ["blog", "shop"]) if one.findings}
    assert mended["blog"].startswith("chmod 600 ") and mended["shop"].startswith("${EDITOR:-vi} ")


def test_the_note_of_a_dead_or_missing_run_holds_no_lock(settings):
    assert not leftovers.is_running(settings, "blog")
    (settings.state / "locks").mkdir(parents=True)
    (settings.state / "locks" / "blog.lock").write_text(f'{{"pid": {os.getpid()}}}')
    assert leftovers.is_running(settings, "blog")
    (settings.state / "locks" / "blog.lock").write_text('{"pid"')
    assert not leftovers.is_running(settings, "blog")


# Hosts


@pytest.mark.parametrize(("now", "skew"), [("1000", 0), ("999", 0), ("1003", 0), ("1100", 97), ("900", -99),
                                           ("date?", 0)])
def test_the_time_a_call_takes_is_no_skew(now, skew):
    assert reach._skew(now, 1000.0, 1003.0) == skew


def test_a_server_that_knows_no_htaccess_is_to_be_told_in_its_own_configuration(shop, monkeypatch):
    monkeypatch.setattr(answering, "ask", lambda url: answering.Answer(200, b"CREATE TABLE x", "nginx"))
    checked = web.check(shop.with_(web_url="https://shop.example.org/"), is_closed=False)
    (one,) = checked.findings
    assert "https://shop.example.org/db/tiki.sql" in one.problem and "/etc/nginx" in one.next


def test_the_maintenance_page_is_no_error(shop, monkeypatch):
    monkeypatch.setattr(answering, "ask", lambda url: answering.Answer(503, b"", "Apache"))
    closed = shop.with_(web_url="https://shop.example.org")
    assert web.check(closed, is_closed=True).findings == ()
    assert "error 503" in problems(web.check(closed, is_closed=False).findings)


def test_a_file_that_is_no_env_file_does_not_stop_the_run(settings, register, capsys):
    register("broken", "no key\n")
    (settings.top / "Makefile").touch()  # whose rules tell which lines of a crontab are ours
    with pytest.raises(Findings, match=r"findings?: manager, broken"):
        doctor(settings, ["broken"])
    assert "broken.env:2: not a KEY=value line" in capsys.readouterr().out
