"""What nobody would hear of: backups that are missing or shrunken, lines that did not run, runs that gave up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.health import figures, outlook, silence
from scripts.health.outlook import Told
from scripts.health.silence import CRITICAL, WARNING, Alarm
from scripts.registry.instance import Instance
from scripts.registry.runs import Part, Run, RunFault
from scripts.registry.settings import Settings
from scripts.schedule import times
from scripts.schedule.lines import Job
from scripts.steps.looking import Look
from scripts.steps.standing import Standing
from scripts.steps.watched import Watched
from scripts.store import archive
from scripts.store.archive import Archive, Record

NOW = datetime.now(UTC)


@pytest.fixture
def blog(tmp_path: Path) -> Instance:
    return Instance(name="blog", settings=Settings(top=tmp_path), web_root="/srv/blog")


def backup(instance: Instance, hours_ago: float, size: int = 1000, packed: str = "zst", **record: object) -> Archive:
    """Put an archive of this size and age in place."""
    moment = NOW - timedelta(hours=hours_ago)
    stamp = (moment - timedelta(seconds=90)).astimezone().strftime(archive.STAMP)
    path = archive.folder(instance.settings, instance.name) / f"{instance.name}_{stamp}.tar.{packed}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    known = {"verified": moment.isoformat(), "proven": moment.isoformat(), **record}
    archive.write_record(path, Record("backup", moment.isoformat(), "24.4", **known))
    return archive.read(path)


def alarms(instance: Instance, *backups: Archive, **known: object) -> list[tuple[str, str]]:
    found = silence.of_instance(Standing(instance.name, instance, backups=backups, **known))
    return [(one.level, one.check) for one in found]


def test_a_site_with_a_good_backup_is_silent(blog):
    assert alarms(blog, backup(blog, 3)) == []


def test_no_good_backup_is_told_with_its_hours(blog):
    old = backup(blog, 40)
    assert alarms(blog, old) == [(CRITICAL, "backup")]
    told_of = silence.of_instance(Standing("blog", blog, backups=(old,)))
    assert told_of[0].problem.startswith("no good backup for 40 hours")
    assert alarms(blog) == [(CRITICAL, "backup")]


def test_a_mirror_and_a_new_blank_owe_no_backup(blog):
    assert alarms(blog.with_(mirror_of="www", mirror_delay="1w")) == []
    assert alarms(blog.with_(db_name="blog")) == []


@pytest.mark.parametrize(("size", "is_told"), [(899, True), (900, False), (2000, False)])
def test_a_backup_under_90_per_cent_of_the_average_is_told(blog, size, is_told):
    row = [backup(blog, 3, size), *(backup(blog, 3 + 24 * day, 1000) for day in (1, 2, 3))]
    assert alarms(blog, *row) == ([(WARNING, "size")] if is_told else [])


def test_sizes_are_compared_with_what_was_packed_alike_and_with_no_less_than_two(blog):
    assert alarms(blog, backup(blog, 3, 100), backup(blog, 27, 1000)) == []
    assert alarms(blog, backup(blog, 3, 100), *(backup(blog, 3 + 24 * day, 1000, "bz2") for day in (1, 2))) == []


def run(hours_ago: float, outcome: str, *, verb: str = "backup", unattended: bool = True, **more: object) -> Run:
    started = (NOW - timedelta(hours=hours_ago)).timestamp()
    return Run(f"{hours_ago}", verb, ("blog",), unattended=unattended, started=started, ended=started + 60,
               outcome=outcome, **more)


def test_a_failed_night_is_told_until_it_works_again(blog):
    good, failed = backup(blog, 3), run(2, "fault", faults=(RunFault("blog", "ssh refused", "no way. Next: x"),))
    assert alarms(blog, good, runs=(failed,)) == [(CRITICAL, "run")]
    assert silence.of_instance(Standing("blog", blog, backups=(good,), runs=(failed,)))[0].problem == \
        "make backup failed: ssh refused: no way"
    assert alarms(blog, good, runs=(run(1, "ok"), failed)) == []
    assert alarms(blog, good, runs=(run(1, "ok", unattended=False), failed)) == []
    assert alarms(blog, good, runs=(run(1, "fault", unattended=False), failed)) == [(CRITICAL, "run")]
    assert alarms(blog, good, runs=(run(1, "fault", unattended=False),)) == []
    assert alarms(blog, good, runs=(run(24 * 20, "fault"),)) == []


def test_another_instance_s_fault_is_not_this_one_s(blog):
    night = run(2, "fault", parts=(Part("blog", "ok", 3), Part("wiki", "fault", 1)))
    assert alarms(blog, backup(blog, 3), runs=(night,)) == []


@pytest.mark.parametrize(("busy", "is_told"), [(2, False), (3, True)])
def test_skipped_too_often_is_told(blog, busy, is_told):
    row = tuple(run(24 * day + 1, "busy" if day <= busy and day else "ok") for day in range(8))
    assert alarms(blog, backup(blog, 3), runs=row) == ([(WARNING, "run")] if is_told else [])


def test_check_disk_and_certificate_are_told(blog):
    good, now = backup(blog, 3), NOW.isoformat()
    assert alarms(blog, good, check=Watched(NOW, 2)) == [(CRITICAL, "check")]
    assert alarms(blog, good, check=Watched(NOW, 0)) == []
    assert alarms(blog, good, look=Look(now, 4, 100)) == [(CRITICAL, "disk")]
    assert alarms(blog, good, look=Look(now, 9, 100)) == [(WARNING, "disk")]
    assert alarms(blog, good, look=Look(now, 40, 100)) == []
    soon = (NOW + timedelta(days=10, hours=1)).isoformat()
    assert alarms(blog, good, look=Look(now, 40, 100, certificate_ends=soon)) == [(WARNING, "certificate")]
    assert alarms(blog, good, look=Look(now, 40, 100, certificate_ends=now)) == [(CRITICAL, "certificate")]
    assert alarms(blog, good, look=Look(now, problem="cannot reach it")) == [(WARNING, "host")]


# Lines

LINE = Job("backup-all", "30 2 * * *", "backup", {}, "")
AT_TEN = datetime.now(times.local_zone()).replace(hour=10, minute=0, second=0, microsecond=0)


def line_run(hours_before: float) -> Run:
    return Run("x", "backup", started=(AT_TEN - timedelta(hours=hours_before)).timestamp())


def test_a_line_that_did_not_run_is_told():
    month_ago = AT_TEN - timedelta(days=30)
    assert silence.of_job(LINE, line_run(7.5), month_ago, AT_TEN) == ""
    assert "ran last at" in silence.of_job(LINE, line_run(31.5), month_ago, AT_TEN)
    assert silence.of_job(LINE, None, month_ago, AT_TEN).endswith("and never ran")


def test_a_line_that_was_not_due_yet_since_it_stands_is_not_told():
    assert silence.of_job(LINE, None, AT_TEN - timedelta(hours=2), AT_TEN) == ""
    assert silence.of_job(LINE, line_run(31.5), AT_TEN - timedelta(hours=2), AT_TEN) == ""
    assert silence.of_job(LINE, None, None, AT_TEN) == ""
    assert silence.of_job(Job("x", "@reboot", "backup", {}, ""), None, AT_TEN - timedelta(days=9), AT_TEN) == ""


def test_a_clock_that_was_ahead_does_not_keep_a_line_that_stands_still_silent():
    in_a_year, month_ago = AT_TEN + timedelta(days=365), AT_TEN - timedelta(days=30)
    ahead = line_run(-365 * 24)
    assert "a clock was wrong" in silence.of_job(LINE, ahead, month_ago, AT_TEN)
    assert "a clock was wrong" in silence.of_job(LINE, ahead, None, AT_TEN)
    assert silence.of_job(LINE, None, in_a_year, AT_TEN).endswith("and never ran")
    assert silence.of_job(LINE, line_run(7.5), in_a_year, AT_TEN) == ""
    assert silence.of_job(LINE, ahead, AT_TEN - timedelta(hours=2), AT_TEN) == ""


def test_a_line_has_some_minutes_before_it_is_late():
    soon = AT_TEN.replace(hour=2, minute=40)
    assert silence.of_job(LINE, None, AT_TEN - timedelta(days=2), soon) != ""   # yesterday's is missing
    assert silence.of_job(LINE, line_run(31.5), AT_TEN - timedelta(days=2), soon) == ""


# For monitors

def told(blog: Instance, *found: Alarm) -> Told:
    return Told(Standing("blog", blog, version='24.4 "x"\n', backups=(backup(blog, 1),)), found)


def test_a_plugin_ends_with_the_worst_and_says_it_first(blog):
    warning, critical = Alarm(WARNING, "disk", "a | b\x1b[2J\udcff", "x"), Alarm(CRITICAL, "backup", "none", "y")
    code, text = figures.plugin(blog.settings, [told(blog)], [])
    assert (code, text.splitlines()[0].split(" | ")[0]) == (0, "TRIM OK - 1 instance, all is well")
    code, text = figures.plugin(blog.settings, [told(blog, warning)], [])
    assert code == 1
    assert text.startswith("TRIM WARNING - 1 of 1 instance: blog: a / b\\x1b[2J\\xff | 'blog_backup_age'=")
    assert "s;;93600 'blog_backup_size'=1000B" in text.splitlines()[0]
    assert len(text.splitlines()) == 2
    assert figures.plugin(blog.settings, [told(blog, warning, critical)], [])[0] == 2
    assert figures.plugin(blog.settings, [told(blog)], [warning])[0] == 1
    assert figures.plugin(blog.settings, [], [])[0] == 3


def test_prometheus_reads_every_figure_back(blog):
    from prometheus_client.parser import text_string_to_metric_families

    from scripts.present import prometheus
    text = prometheus.text(figures.metrics([told(blog, Alarm(WARNING, "x", "y", "z"))], []))
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert {family.type for family in found.values()} == {"gauge"}
    assert all(family.documentation for family in found.values())
    info = found["trim_instance_info"].samples[0]
    assert info.labels == {"instance": "blog", "version": '24.4 "x"\n', "newest": "", "stage": ""}
    assert found["trim_backup_size_bytes"].samples[0].value == 1000
    levels = {(one.labels["instance"], one.labels["level"]): one.value for one in found["trim_alarms"].samples}
    assert levels == {("blog", "critical"): 0, ("blog", "warning"): 1, ("", "critical"): 0, ("", "warning"): 0}


def test_the_worst_comes_first(blog):
    warning, critical = Alarm(WARNING, "disk", "low", "x"), Alarm(CRITICAL, "backup", "none", "y")
    assert [one.level for _, one in outlook.everything([told(blog, warning)], [critical])] == [CRITICAL, WARNING]
