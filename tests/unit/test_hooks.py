"""The site's own programs around a verb: when they run, what they are told, what of them is not trusted."""

import os
import stat
from pathlib import Path

import pytest

from scripts import edge
from scripts.edge import Common
from scripts.errors import BusyError, DatabaseError, RefusedError
from scripts.registry import locks
from scripts.registry.locks import Lock


@pytest.fixture(autouse=True)
def _toolkit(settings, register, monkeypatch) -> None:
    monkeypatch.setattr(edge, "TOP", settings.top)
    register("blog", "WEB_URL=https://blog.example.org/\nSTAGE=test\nTAGS=museum,old\nCONTACT=ann\n")


@pytest.fixture
def told(settings) -> Path:
    """The file to which hooks write what they were told."""
    return settings.top / "told"


@pytest.fixture
def hook(settings):
    """Write a hook; verb and moment are in its place: `before/10-space`."""
    def write(place: str, text: str, mode: int = 0o755, verb: str = "backup") -> Path:
        path = settings.top / "conf" / "hooks.d" / verb / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(mode)
        return path
    return write


def run(story=lambda one: None, wanted: str = "blog", locks_of=edge.none, **switches: str) -> int:
    """Return the exit code of a backup whose story is this."""
    try:
        with edge.verb("backup", Common(**switches)) as one:
            one.each(wanted, locks_of, story)
    except SystemExit as end:
        return end.code
    return 0


def failing(one):
    raise DatabaseError("blog: no such\n database")


def test_hooks_run_around_the_story_in_name_order(hook, told):
    for place in ("after/1", "before/20", "before/10", "failed/1"):
        hook(place, f"echo {place} >>{told}")
    assert run(lambda one: told.open("a").write("story\n")) == 0
    assert told.read_text().split() == ["before/10", "before/20", "story", "after/1"]


def test_when_the_story_fails_failed_runs_instead_of_after(hook, told):
    for place in ("after/1", "before/1", "failed/1"):
        hook(place, f'echo "{place} $TRIM_FAULT $TRIM_EXIT_CODE" >>{told}')
    assert run(failing) == DatabaseError.exit_code
    assert told.read_text().splitlines() == ["before/1  ", "failed/1 blog: no such database 6"]


def test_a_bug_of_ours_is_told_to_failed_without_its_words(hook, told):
    hook("failed/1", f'echo "$TRIM_FAULT $TRIM_EXIT_CODE" >>{told}')
    assert run(lambda one: {}["secret"]) == 1
    assert told.read_text() == "a fault of TRIM itself: KeyError 1\n"


def test_a_full_disk_is_told_to_failed_as_what_it_is(hook, told):
    hook("failed/1", f'echo "$TRIM_FAULT $TRIM_EXIT_CODE" >{told}')

    def full(one):
        raise OSError(28, "No space left on device", "/var/x")
    run(full)
    assert "o space" in told.read_text() and told.read_text().endswith(" 4\n")


def test_hooks_of_other_verbs_do_not_run(hook, told):
    hook("before/1", f"touch {told}", verb="restore")
    run()
    assert not told.exists()


def test_a_hook_runs_once_for_each_instance(hook, told, register):
    register("wiki")
    hook("before/1", f"echo $TRIM_INSTANCE >>{told}")
    run(wanted="all")
    assert told.read_text().split() == ["blog", "wiki"]


def test_a_hook_is_told_where_and_what(hook, told, settings):
    hook("after/1", f"env | grep ^TRIM_ | sort >{told}")
    run(lambda one: {"path": "/var/archives/blog.tar.bz2"})
    assert told.read_text().splitlines() == [
        "TRIM_ACCESS=local", "TRIM_ARCHIVE=/var/archives/blog.tar.bz2", "TRIM_CONTACT=ann", "TRIM_INSTANCE=blog",
        "TRIM_MOMENT=after", "TRIM_SITE=", "TRIM_SSH_HOST=", "TRIM_SSH_PORT=22", "TRIM_SSH_USER=", "TRIM_STAGE=test",
        "TRIM_TAGS=museum,old", f"TRIM_TOP={settings.top}", "TRIM_VERB=backup", "TRIM_WEB_ROOT=/srv/blog",
        "TRIM_WEB_URL=https://blog.example.org/"]


def test_what_is_written_on_docs_hooks_md_is_what_they_are_told(hook, told):
    hook("after/1", f"env | grep -o '^TRIM_[A-Z_]*' >>{told}")
    hook("failed/1", f"env | grep -o '^TRIM_[A-Z_]*' >>{told}")
    run(lambda one: {"archive": "x"})
    run(failing)
    page = (Path(__file__).resolve().parents[2] / "docs" / "hooks.md").read_text()
    named = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `TRIM_")}
    assert named == set(told.read_text().split())


def test_a_hook_sees_neither_secrets_nor_make_s_own(hook, told, monkeypatch):
    for name in ("DB_PASS", "DB_USER", "RESTRICT_PASS", "MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS",
                 "TRIM_ARG_INSTANCE"):
        monkeypatch.setenv(name, "seen by a hook")
    hook("before/1", f"env >{told}")
    run()
    assert "seen by a hook" not in told.read_text()
    assert "PATH=" in told.read_text()


def test_a_before_that_fails_stops_the_verb_for_its_instance_alone(hook, register, capfd):
    register("wiki")
    hook("before/1", 'echo on the way; echo "no room" >&2; [ $TRIM_INSTANCE = wiki ] || exit 3')
    done = []
    assert run(lambda one: done.append(one.name), wanted="all") == RefusedError.exit_code
    assert done == ["wiki"]
    assert ("backup: blog: the hook conf/hooks.d/backup/before/1 ended with exit code 3: on the way / no room. "
            "Nothing was changed\n") in capfd.readouterr().err


def test_a_before_that_fails_is_told_to_failed(hook, told):
    hook("before/1", "exit 3")
    hook("failed/1", f'echo "$TRIM_FAULT" >{told}')
    run()
    assert "before/1 ended with exit code 3" in told.read_text()


def test_a_second_before_does_not_run_after_one_that_failed(hook, told):
    hook("before/1", "exit 3")
    hook("before/2", f"touch {told}")
    run()
    assert not told.exists()


@pytest.mark.parametrize(("story", "place", "code"), [(lambda one: None, "after/1", 0), (failing, "failed/1", 6)])
def test_a_hook_behind_the_story_that_fails_is_a_warning(hook, capfd, story, place, code):
    hook(place, "echo no mail; exit 4")
    assert run(story) == code
    said = capfd.readouterr().err
    assert f"warning: blog: the hook conf/hooks.d/backup/{place} ended with exit code 4: no mail\n" in said


def test_what_hooks_say_is_in_the_run_log_alone(hook, capfd, settings):
    hook("before/1", "echo out; echo err >&2; printf 'odd \\351'")
    run()
    log = next((settings.state / "logs").iterdir()).read_text()
    assert [line.split(" ", 1)[1] for line in log.splitlines() if "before/1: " in line] == [
        f"conf/hooks.d/backup/before/1: {text}" for text in ("out", "err", "odd \ufffd")]
    assert capfd.readouterr() == ("", "")


def test_a_dry_run_shows_hooks_and_runs_none(hook, told, capfd):
    hook("before/1", f"touch {told}")
    hook("after/1", f"touch {told}")
    assert run(dry="1") == 0
    assert capfd.readouterr().out.splitlines() == ["would: [manager] conf/hooks.d/backup/before/1",
                                                   "would: [manager] conf/hooks.d/backup/after/1"]
    assert not told.exists()


def test_a_hook_that_hangs_is_ended(hook, settings, capfd):
    (settings.top / "conf").mkdir(exist_ok=True)
    (settings.top / "conf" / "settings.env").write_text("STALL_SECONDS=1\n")
    hook("before/1", "sleep 60")
    assert run() == RefusedError.exit_code
    assert "moved no bytes and used no processor time for 1 seconds and was ended" in capfd.readouterr().err


def test_a_hook_may_leave_something_running(hook, told):
    hook("after/1", f"sleep 5 & echo $! >{told}")
    assert run() == 0
    os.kill(int(told.read_text()), 15)


def test_hooks_run_while_the_locks_are_held(hook, settings):
    seen = []

    def story(one):
        with pytest.raises(BusyError), locks.hold(settings, [Lock("blog", True)], "other"):
            seen.append("free")
    assert run(story, locks_of=edge.changing) == 0
    assert seen == []


def test_a_site_that_is_busy_gets_no_hook(hook, told, settings):
    for moment in ("before", "failed"):
        hook(f"{moment}/1", f"touch {told}")
    with locks.hold(settings, [Lock("blog", True)], "restore"):
        assert run(locks_of=edge.changing) == BusyError.exit_code
    assert not told.exists()


# What is not trusted

def untrusted(capfd) -> str:
    done = []
    assert run(done.append) == RefusedError.exit_code
    assert done == []
    return capfd.readouterr().err


def test_a_hook_that_is_not_executable_stops_the_verb(hook, capfd):
    hook("before/1", "true", 0o644)
    assert "before/1 is not run: it is no executable file. Next: chmod +x conf/hooks.d/backup/before/1" in untrusted(
        capfd)


@pytest.mark.parametrize("place", ["", "before", "before/2"])
def test_what_everybody_may_change_is_not_run(hook, told, capfd, place):
    hook("before/1", f"touch {told}")
    path = hook("before/2", "true").parents[1] / place
    path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IWOTH)
    assert "is not run: everybody may change conf/hooks.d/backup" in untrusted(capfd)
    assert not told.exists()


def test_a_hook_of_another_account_is_not_run(hook, capfd, monkeypatch):
    hook("before/1", "true")
    real = Path.stat

    def of_a_stranger(path, **options):
        status = real(path, **options)
        values = list(status)
        values[4] = 12345 if path.parent.name == "before" else values[4]
        return os.stat_result(values)
    monkeypatch.setattr(Path, "stat", of_a_stranger)
    assert "conf/hooks.d/backup/before/1 belongs to another account" in untrusted(capfd)


def test_a_link_into_nothing_is_not_run(hook, capfd):
    hook("before/1", "true").with_name("2").symlink_to("/nowhere/at/all")
    assert "before/2 is not run: No such file" in untrusted(capfd)


def test_a_hook_that_cannot_be_started_is_a_failed_one(hook, capfd):
    path = hook("before/1", "true")
    path.write_text("#!/no/such/shell\n")
    assert "the hook conf/hooks.d/backup/before/1 ended with exit code 127" in untrusted(capfd)


def test_hidden_files_and_an_editor_s_copies_are_no_hooks(hook, told):
    for name in (".hidden", "1~"):
        hook(f"before/{name}", f"touch {told}", 0o644)
    assert run() == 0
    assert not told.exists()


def test_a_folder_that_never_runs_is_told(hook, capfd):
    hook("befor/1", "true")
    assert run() == 0
    assert "conf/hooks.d/backup/befor: hooks stand in before, after or failed" in capfd.readouterr().err
