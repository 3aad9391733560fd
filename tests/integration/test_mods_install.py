"""Mods on a site, here and behind ssh: installed, upgraded and removed as one change each, and nothing left over."""

import errno
import json
import os
import re
import signal
import subprocess
from itertools import count
from pathlib import Path

from scripts.registry.instance import Instance
from scripts.steps import (
    mods_journal,
    mods_state,
    mods_switching,
    mods_tables,
    mods_transaction,
    restoring,
    switching,
    visitors,
)
from scripts.tiki import maintenance
from tests.lab import sample_mods
from tests.lab.mods_fixtures import (
    done,
    each,
    here,
    installed,
    kit,
    lab,
    left_over,
    refused,
    removed,
    run,
    sites,
    state,
)
from tests.lab.sample_mods import BOOK, PAPER_NAME, PASSWORD
from tests.lab.sample_tiki import SampleTiki
from tests.lab.terminal import Terminal
from tests.lab.toolkit import Toolkit

__all__ = ["each", "here", "kit", "lab", "sites"]   # fixtures


def test_a_mod_is_installed_upgraded_over_two_blocks_and_removed_without_a_trace(kit, each):
    instance, sample = each
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    said = installed(kit, instance)
    plan = said.stdout
    assert plan.index(f"install {PAPER_NAME} 1.0") < plan.index(f"install {BOOK} 1.1")
    assert f"SQL of {BOOK}: INSERT INTO book_guests (name) VALUES ('$book_title'), (MD5('$book_pass'))" in plan
    assert "tables that are kept before: custom_types, tiki_preferences" in plan
    assert "write lib/book/conf.php" in plan and "See it at guests.php" in plan
    program = f"include '{sample.folder}/lib/book/conf.php'; echo json_encode([$title, $pass]);"
    config = subprocess.run(["php", "-n", "-r", program], capture_output=True, text=True, check=True)
    assert json.loads(config.stdout) == ["It's ours", PASSWORD]
    assert sample.sql("SELECT name FROM book_guests ORDER BY id").splitlines() == \
        ["It's ours", subprocess.run(["md5sum"], input=PASSWORD.encode(), capture_output=True,
                                     check=True).stdout.split()[0].decode(), "$unknown costs 5$"]
    assert (sample.folder / "lib/book/nothing.txt").read_bytes() == b""
    status = (sample.folder / "lib/book/conf.php").stat()
    top = sample.folder.stat()
    assert (status.st_mode & 0o777, status.st_uid) == ((sample.folder / "tiki-setup.php").stat().st_mode & 0o666,
                                                       top.st_uid)
    assert done(run(kit, "mods_check", instance)).is_success

    sample_mods.write(kit.settings, {BOOK: sample_mods.THIRD})
    said = done(run(kit, "mods_upgrade", instance, mod="all", yes=1))
    ran = re.findall(r"SQL of features-book: (.*)", said.stdout)
    assert [line.split("(")[0].split()[2] for line in ran] == ["book_pages", "tiki_preferences", "book_pages"]
    assert sample.sql("SELECT title FROM book_pages").strip() == "It's ours"
    assert sample.sql("SELECT COUNT(*) FROM book_guests").strip() == "3"
    assert not (sample.folder / "lib/book/nothing.txt").exists()
    assert (sample.folder / "lib/book/more/more.php").exists()

    assert "remove features-book" in removed(kit, instance).stdout
    assert_no_secret(kit)


def assert_no_secret(kit: Toolkit) -> None:
    """See that the password is in no log and in no file of ours but those of the instance's answers."""
    for path in (kit.top / "var").rglob("*"):
        if path.is_file() and "/var/mods/" not in str(path) and "/collection" not in str(path):
            assert b"DROP TABLE tiki_pages" not in path.read_bytes(), path


def test_an_upgrade_without_blocks_runs_no_sql_and_a_second_install_none_either(kit, here):
    instance, sample = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    installed(kit, instance)
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST.replace("1.1 $", "1.2 $")})
    said = done(run(kit, "mods_upgrade", instance, mod=BOOK, yes=1, json=1))
    assert json.loads(said.stdout)[0]["sql"] == []
    assert "is installed already" in done(run(kit, "mods_install", instance, mod=BOOK, yes=1)).stdout
    (sample.folder / "guests.php").write_text("by hand")
    said = json.loads(installed(kit, instance, force=1, json=1).stdout)[0]
    assert (said["sql"], said["written"]) == ([], ["guests.php"])
    assert [Path(path).read_text() for path in said["saved"]] == ["by hand"]
    removed(kit, instance)


FAILING = sample_mods.FIRST.replace("\nsql-remove:", "UPDATE tiki_pages SET data = '';\n"
                                    "INSERT INTO nowhere VALUES ('$book_pass');\n\nsql-remove:", 1)


def test_a_statement_that_fails_takes_everything_back(kit, each):
    instance, _ = each
    sample_mods.write(kit.settings, {BOOK: FAILING, PAPER_NAME: sample_mods.PAPER})
    ended = run(kit, "mods_install", instance, mod=BOOK, answers=sample_mods.answers(kit.top), yes=1)
    refused(ended, "features-book: its statement \"INSERT INTO nowhere VALUES ('$book_pass');\" failed",
            "doesn't exist", "What it had changed was put back", code=6)
    assert "DROP TABLE" not in ended.stderr


def test_a_mod_whose_tables_are_gone_is_removed_without_its_sql(kit, here):
    instance, sample = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    installed(kit, instance)
    sample.sql("ALTER TABLE custom_types DROP COLUMN book")
    ended = run(kit, "mods_remove", instance, mod="*", yes=1)
    refused(ended, "Can't DROP COLUMN", f"Next: make mods-remove INSTANCE={instance.name} MOD=* FORCE=1", code=6)
    done(run(kit, "mods_remove", instance, mod="*", yes=1, force=1))
    assert sample.sql("SELECT COUNT(*) FROM book_guests").strip() == "3"
    sample.sql("DROP TABLE book_guests; DELETE FROM tiki_preferences WHERE name = 'feature_book'")


def test_a_disk_that_is_full_leaves_the_site_as_it_was(kit, here):
    instance, _ = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER},
                      {**sample_mods.FILES, "features/book/book.tpl": os.urandom(200_000)})
    command = ["bash", "-c", 'ulimit -f 64; exec "$@"', "bash", "make", "-sC", str(kit.top), "mods-install",
               f"INSTANCE={instance.name}", f"MOD={BOOK}", f"ANSWERS={sample_mods.answers(kit.top)}", "YES=1"]
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert ended.returncode and "book.tpl: Wrote only" in ended.stderr, ended
    assert "Nothing was changed" in ended.stderr
    assert mods_journal.read(instance) is None


def test_nothing_is_done_without_a_yes(kit, here):
    instance, _ = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    path = sample_mods.answers(kit.top)
    refused(run(kit, "mods_install", instance, mod=BOOK, answers=path), "nothing was changed", "YES=1")
    said = done(run(kit, "mods_install", instance, mod=BOOK, answers=path, dry=1)).stdout
    assert f"would: {instance.name}: install {BOOK} 1.1" in said and "would: " in said.splitlines()[-1]
    words = ["make", "-sC", str(kit.top), "mods-install", f"INSTANCE={instance.name}", f"MOD={BOOK}"]
    with Terminal(words, {"PATH": os.environ["PATH"], "HOME": str(kit.top), "TERM": "dumb"}) as terminal:
        terminal.asks("The title stands above every page")
        terminal.answer("Title (book_title) [Guests of wiki.example.org]")
        terminal.answer("Password of the book (book_pass)", "geheim")
        terminal.answer("carry this out? yes or no", "no")
        assert terminal.ends()
    assert "the answer was no" in terminal.shown and "geheim" not in terminal.shown


# Killed

STEPS = {"journal": (mods_journal, "write", (1, 2, 3)), "staged": (mods_switching, "stage", (1,)),
         "noted": (restoring, "begin", (1,)), "closed": (visitors, "keep_out", (1,)),
         "kept": (mods_tables, "keep", (1,)),
         "sql": (mods_tables, "run", (1,)), "put": (mods_switching, "put", (1,)),
         "recorded": (mods_state, "write", (1,)), "opened": (maintenance, "turn_off", (1,)),
         "ended": (restoring, "end", (1,)), "cleared": (switching, "remove", (1,))}


def test_a_run_that_is_killed_after_any_step_is_ended_by_the_next(kit, here, monkeypatch):
    instance, sample = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    before = state(sample)
    installed(kit, instance)
    after = state(sample)
    removed(kit, instance)
    wrong = []
    for name, (module, function, calls) in STEPS.items():
        for call in calls:
            with monkeypatch.context() as change:
                killed_after(change, module, function, call)
                ended = run(kit, "mods_install", instance, mod=BOOK, answers=sample_mods.answers(kit.top), yes=1)
            wrong += [f"{name}: was not killed: {ended}"] if ended.code != -signal.SIGKILL else []
            wrong += [f"{name}: {one}" for one in judged(instance, sample, before, after)]
            mods_transaction.recover(instance)
            now = state(sample)
            is_new = now == after
            if now not in (before, after) or left_over(sample) or mods_journal.read(instance):
                wrong.append(f"{name} {call}: is not what it was, nor what it was to be: {differing(now, after)}")
            assert is_new == (BOOK in mods_state.read(instance).mods), wrong
            if is_new:
                removed(kit, instance)
    assert wrong == []


def differing(one: tuple[dict, list], other: tuple[dict, list]) -> list:
    return [*(one[0].items() ^ other[0].items()), *({*one[1]} ^ {*other[1]})]


def killed_after(change, module, function: str, number: int) -> None:
    """Let the runs of this test die when a function has ended for so many times."""
    whole, calls = getattr(module, function), count(1)

    def killed(*words, **named):
        result = whole(*words, **named)
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    change.setattr(module, function, killed)


def judged(instance: Instance, sample: SampleTiki, before: tuple, after: tuple) -> list[str]:
    """Return what is wrong with what a killed run left: open and mixed, or a mixture that nothing tells of."""
    is_closed = maintenance.state(instance.host, instance.web_root).is_on
    note = restoring.unfinished(instance)
    if is_closed and not note:
        return ["the page is on, and no note says why"]
    if not is_closed and state(sample) not in (before, after):
        return ["visitors see a mixture"]
    return []


def test_done_work_whose_end_fails_says_so_and_is_ended_by_the_next_run(kit, here, monkeypatch):
    instance, _ = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as change:
        change.setattr(restoring, "end", full)
        ended = run(kit, "mods_install", instance, mod=BOOK, answers=sample_mods.answers(kit.top), yes=1)
    refused(ended, "No space left", "Its work is done", f"make fix INSTANCE={instance.name}", code=4)
    assert "brought to its end" in mods_transaction.recover(instance)
    removed(kit, instance)


def test_half_done_work_is_told_refused_and_taken_back(kit, here, monkeypatch):
    instance, _ = here
    sample_mods.write(kit.settings, {BOOK: sample_mods.FIRST, PAPER_NAME: sample_mods.PAPER})
    with monkeypatch.context() as change:
        killed_after(change, mods_tables, "run", 1)
        assert run(kit, "mods_install", instance, mod=BOOK, answers=sample_mods.answers(kit.top), yes=1).code == -9
    refused(run(kit, "backup", instance), "a mods-install that began", "did not come to its end",
            f"make mods-install INSTANCE={instance.name} MOD={BOOK}")
    refused(run(kit, "maintenance", instance, state="off"), "make fix")
    ended = run(kit, "doctor", instance)
    assert "a mods-install, begun" in ended.stdout + ended.stderr
    said = installed(kit, instance).stdout
    assert "a mods-install that was killed was taken back" in said
    removed(kit, instance)
    assert mods_transaction.recover(instance) == ""
