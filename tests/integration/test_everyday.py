"""access, cli, database, stats and temporary-user, on a local site, an old one and one behind ssh."""

import csv
import io
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.steps import restoring
from tests.lab.lab import Lab
from tests.lab.processes import free_port
from tests.lab.sample_tiki import PASSWORD, SampleTiki
from tests.lab.toolkit import Toolkit

LONGEST_WAIT = 60  # seconds without a sign; the machine may be busy
SMALL = {"files": 5, "versions": 1, "web": False}
# What Tiki's own tables have besides the sample's; 12 has the short column for hashes.
MEMBERSHIPS_END = ("ALTER TABLE users_usergroups ADD created int(14), ADD expire int(14); "
                   "ALTER TABLE users_groups ADD expireAfter int(14) DEFAULT 0")
COLUMNS_OF = {
    "12": "ALTER TABLE users_users MODIFY hash varchar(34), ADD provpass varchar(30), ADD created int(14), "
          "ADD pass_confirm int(14), ADD email_confirm int(14), ADD score int NOT NULL DEFAULT 0, ADD currentLogin int",
    "24": "ALTER TABLE users_users ADD provpass varchar(30), ADD created int(14), ADD pass_confirm int(14), "
          "ADD email_confirm int(14), ADD waiting char(1), ADD twoFactorSecret varchar(16)",
}
VERIFY = "[, $hash, $given] = $argv; echo password_verify($given, $hash) && crypt($given, $hash) === $hash ? 1 : 0;"


@dataclass
class Everyday:
    toolkit: Toolkit
    blog: SampleTiki
    wiki: SampleTiki
    shop: SampleTiki

    def make(self, *words: str) -> subprocess.CompletedProcess:
        return self.toolkit.make(*words)

    def begun(self, *words: str) -> tuple[int, int]:
        """Start make at a terminal of its own; return the process and our end of the terminal."""
        pid, terminal = pty.fork()
        if not pid:
            os.execvp("make", ["make", "-sC", str(self.toolkit.top), *words])
        return pid, terminal

    def typed(self, keys: dict[str, str], *words: str) -> str:
        """Run make at a terminal, type keys when their prompt is there, and return all that the terminal showed."""
        pid, terminal = self.begun(*words)
        shown = ""
        try:
            for prompt, line in keys.items():
                while not re.search(prompt, shown):
                    shown += _read(terminal)
                os.write(terminal, line.encode())
            with suppress(OSError):  # what Linux says when nobody is left at the other end
                while True:
                    shown += _read(terminal)
        finally:
            os.close(terminal)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        # make sits at the terminal too, and counts a Ctrl-C that the client took as its own.
        assert code in ((0, -signal.SIGINT) if "\x03" in keys.values() else (0,)), shown
        return shown


def _read(terminal: int) -> str:
    ready, _, _ = select.select([terminal], [], [], LONGEST_WAIT)
    assert ready, "nothing more came"
    return os.read(terminal, 4096).decode("utf-8", "replace")


@pytest.fixture(scope="module")
def day() -> Iterator[Everyday]:
    with Lab() as lab:
        toolkit = Toolkit(lab.folder / "trim", lab)
        _, blog = toolkit.tiki("blog", **SMALL)
        _, wiki = toolkit.tiki("wiki", "old", **SMALL)
        _, shop = toolkit.tiki("shop", ssh=True, **SMALL)
        for site, columns in ((blog, "24"), (wiki, "12")):
            site.sql(f"{COLUMNS_OF[columns]}; {MEMBERSHIPS_END}")
        yield Everyday(toolkit, blog, wiki, shop)


# access

@pytest.mark.parametrize("name", ["blog", "shop"])
def test_access_opens_a_shell_in_the_web_root_and_its_end_is_no_fault(day, name):
    shown = day.typed({r"[$#] ": "echo here=$(pwd -P)=$((40+2)); exit 3\n"}, "access", f"INSTANCE={name}")
    assert f"here={getattr(day, name).folder}=42" in shown


def test_access_without_a_terminal_says_so_in_one_line(day):
    done = day.make("access", "INSTANCE=blog")
    assert done.stderr.splitlines()[0] == "access: a shell wants a terminal, and there is none here"


# cli

def test_cli_hands_over_every_word_as_it_was_written(day):
    title = "it's  \"$(id)\" `id` * ; & ü"
    for name in ("blog", "shop"):
        done = day.make("cli", f"INSTANCE={name}", f"COMMAND=preferences:set browsertitle {shlex.quote(title)}")
        assert (done.returncode, f"{name}: preferences:set: exit code 0" in done.stdout) == (0, True), done.stderr
        assert getattr(day, name).preference("browsertitle") == title


def test_cli_shows_whose_line_it_is_when_there_are_several(day):
    for jobs in ((), ("JOBS=2",)):
        done = day.make("cli", "INSTANCE=blog,shop", "COMMAND=tiki:info tiki", *jobs)
        assert done.returncode == 0, done.stderr
        assert {"blog: 24.4", "shop: 24.4"} <= set(done.stdout.splitlines())


def test_cli_carries_the_consoles_code_and_words(day):
    done = day.make("cli", "INSTANCE=blog", "COMMAND=no:such")
    assert done.stderr.splitlines()[0] == (
        'cli: blog: no:such: ended with exit code 1: Command "no:such" is not defined.')


def test_cli_does_not_believe_an_exit_code_of_zero(day):
    done = day.make("cli", "INSTANCE=blog", "COMMAND=preferences:get nothing")
    assert "make: *** " in done.stderr and "Error 10" in done.stderr
    assert "ended with exit code 0, but it says: Preference not found." in done.stderr


def test_cli_lists_the_commands_when_none_is_given(day):
    assert "cache:clear" in day.make("cli", "INSTANCE=wiki").stdout


def test_cli_runs_nothing_at_a_site_that_is_half_another(day):
    before, copy = day.blog.preference("browsertitle"), day.toolkit.instance("blog")
    restoring.begin(copy, "", "", source="shop", verb="clone", variables={"FROM": "shop", "TO": "blog"})
    done = day.make("cli", "INSTANCE=blog", "COMMAND=preferences:set browsertitle other")
    restoring.end(copy)
    assert "Error 9" in done.stderr and "the site is a mixture. Next: make clone FROM=shop TO=blog" in done.stderr
    assert day.blog.preference("browsertitle") == before


def test_cli_in_a_dry_run_runs_nothing(day):
    before = day.blog.preference("browsertitle")
    done = day.make("cli", "INSTANCE=blog", "COMMAND=preferences:set browsertitle other", "DRY=1")
    assert (done.returncode, "would: " in done.stdout, day.blog.preference("browsertitle")) == (0, True, before)


def test_cli_wants_a_guarded_site_confirmed_before_it_is_emptied(day):
    keys = {"web_root": day.blog.folder, "protected": "yes"}
    day.toolkit.register("guarded", **keys)
    try:
        done = day.make("cli", "INSTANCE=guarded", "COMMAND=d:inst --force")
        assert "Error 9" in done.stderr and "CONFIRM=guarded" in done.stderr
        assert day.blog.sql("SELECT COUNT(*) FROM users_users WHERE login = 'ann'").strip() == "1"
    finally:
        (day.toolkit.top / "instances.d" / "guarded.env").unlink()


def test_cli_keeps_what_the_console_prints_out_of_every_log(day):
    day.make("cli", "INSTANCE=blog,shop", "COMMAND=users:create carl -p x", "JOBS=2")
    logs = "".join(path.read_text() for path in (day.toolkit.top / "var/logs").glob("*_cli_*.log"))
    assert "users:create" in logs and "$2y$" not in logs
    for site in (day.blog, day.shop):
        assert site.sql("SELECT hash FROM users_users WHERE login = 'carl'").startswith("$2y$")


# database

@pytest.mark.parametrize("name", ["blog", "shop"])
def test_database_prints_the_answer_of_a_statement(day, name):
    done = day.make("database", f"INSTANCE={name}", "COMMAND=SELECT login, email FROM users_users WHERE login = 'ann'")
    assert [line.split() for line in done.stdout.splitlines()][::2] == [["login", "email"], ["ann", "ann@example.org"]]


def test_database_answers_programs_in_json_and_tells_null(day):
    done = day.make("database", "INSTANCE=blog", "COMMAND=SELECT 'NULL' a, NULL b", "JSON=1")
    assert json.loads(done.stdout)[0]["answers"] == [[{"a": "NULL", "b": None}]]


def test_database_says_how_many_rows_changed_and_changes_none_in_a_dry_run(day):
    day.blog.sql("CREATE TABLE scribble (a int); INSERT INTO scribble VALUES (1), (2)")
    words = ("database", "INSTANCE=blog", "COMMAND=UPDATE scribble SET a = 5")
    assert "would: " in day.make(*words, "DRY=1").stdout
    assert day.blog.sql("SELECT SUM(a) FROM scribble").strip() == "3"
    assert "2 rows changed" in day.make(*words).stdout
    day.blog.sql("DROP TABLE scribble")


def test_database_tells_the_servers_fault_in_one_line(day):
    done = day.make("database", "INSTANCE=blog", "COMMAND=SELECT * FROM nowhere")
    assert len(done.stderr.splitlines()) == 2 and "nowhere' doesn't exist" in done.stderr


PROMPT = r"\[\w+\]> "


@pytest.mark.parametrize("name", ["blog", "shop"])
def test_database_opens_the_client_which_knows_what_ctrl_c_means_and_leaves_no_password(day, name):
    shown = day.typed({PROMPT: "SELECT CONCAT('seen ', COUNT(*)) FROM users_users WHERE login = 'ann';\n",
                       rf"seen 1(?s:.*){PROMPT}": "\x03", rf"\^C(?s:.*){PROMPT}": "quit\n"},
                      "database", f"INSTANCE={name}", "V=1")
    path = re.search(r"--defaults-file=(\S+)", shown)[1]
    assert not Path(path).exists()
    assert PASSWORD not in shown


@pytest.mark.parametrize("name", ["blog", "shop"])
def test_database_leaves_no_password_when_the_terminal_is_closed(day, name):
    pid, terminal = day.begun("database", f"INSTANCE={name}", "V=1")
    shown = ""
    while not re.search(PROMPT, shown):
        shown += _read(terminal)
    path = Path(re.search(r"--defaults-file=(\S+)", shown)[1])
    assert path.exists()
    os.close(terminal)
    os.killpg(pid, signal.SIGHUP)  # as the shell of that terminal does to its jobs
    os.waitpid(pid, 0)
    deadline = time.monotonic() + LONGEST_WAIT
    while path.exists():  # make does not wait for what it started
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_database_without_a_terminal_wants_a_command(day):
    assert "database: a database client without COMMAND= wants a terminal" in day.make("database",
                                                                                       "INSTANCE=blog").stderr


# stats

def test_stats_counts_what_is_there_and_leaves_open_what_is_not(day):
    day.blog.sql("UPDATE users_users SET lastLogin = 1700000000 WHERE login = 'ann'")
    day.blog.sql("UPDATE tiki_pages SET lastModif = 1700000060 WHERE pageName = 'HomePage'")
    [row] = json.loads(day.make("stats", "INSTANCE=blog", "JSON=1").stdout)
    count = {table: int(day.blog.sql(f"SELECT COUNT(*) FROM {table}")) for table in ("tiki_pages", "tiki_files")}
    assert (row["version"], row["pages"], row["files"]) == ("24.4", count["tiki_pages"], count["tiki_files"])
    assert row["file_bytes"] == int(day.blog.sql("SELECT SUM(filesize) FROM tiki_files"))
    assert row["last_login"] == "2023-11-14T22:13:20+00:00"
    assert row["last_change"] == "2023-11-14T22:14:20+00:00"
    assert row["tracker_items"] is None and row["data_bytes"] > 0 and row["tree_bytes"] > 100_000


def test_stats_shows_the_other_sites_when_one_cannot_be_reached(day):
    day.toolkit.register("dead", **{**day.toolkit.over_ssh(), "ssh_port": free_port()}, web_root=day.shop.folder)
    try:
        done = day.make("stats", "CSV=1", "JOBS=2")
        rows = {row["instance"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
        assert "Error 4" in done.stderr and "1 of 4 instances failed: dead" in done.stderr
        assert {name for name, row in rows.items() if int(row["users"] or 0)} == {"blog", "wiki", "shop"}
        assert "cannot reach" in rows["dead"]["problem"]
        table = day.make("stats", "INSTANCE=dead,wiki").stdout
        assert "12.14" in table and re.search(r"^dead +- ", table, re.MULTILINE)
    finally:
        (day.toolkit.top / "instances.d" / "dead.env").unlink()


# temporary-user

def helper(day: Everyday, name: str, *words: str) -> dict[str, str]:
    done = day.make("temporary-user", f"INSTANCE={name}", "IN_GROUP=Admins", *words, "JSON=1")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[0]


@pytest.mark.parametrize(("name", "form"), [("blog", "$2y$"), ("wiki", "$1$")])
def test_a_temporary_user_can_log_in_and_only_for_as_long_as_was_said(day, name, form):
    made, site = helper(day, name, "DAYS=2"), getattr(day, name)
    stored = site.sql(f"SELECT hash FROM users_users WHERE login = '{made['login']}'").strip()
    assert stored.startswith(form)
    assert subprocess.run(["php", "-r", VERIFY, "--", stored, made["password"]], check=True, capture_output=True,
                          text=True).stdout == "1"
    ends = site.sql("SELECT groupName, expire - g.created FROM users_usergroups g JOIN users_users USING (userId) "
                    f"WHERE login = '{made['login']}' ORDER BY 1")
    assert ends.split() == ["Admins", "172800", "Registered", "172800"]


def test_a_password_is_said_once_and_stands_in_no_log(day):
    done = day.make("temporary-user", "INSTANCE=blog", "IN_GROUP=Registered", "NAME=helper.anna", "UNATTENDED=1")
    password = re.search(r"login helper\.anna, password (\w{16}) ", done.stdout)[1]
    assert all(password not in path.read_text() for path in (day.toolkit.top / "var/logs").iterdir())


def test_the_next_call_removes_those_that_are_over_and_no_other_login(day):
    over, kept = helper(day, "blog"), helper(day, "blog")
    day.blog.sql("UPDATE users_usergroups SET expire = 1 WHERE userId = "
                 f"(SELECT userId FROM users_users WHERE login = '{over['login']}')")
    foreign = int(day.blog.sql("SELECT COUNT(*) FROM users_users WHERE email NOT LIKE '%trim.invalid'"))
    assert helper(day, "blog")["dropped"] == [over["login"]]
    logins = day.blog.sql("SELECT login FROM users_users").split()
    assert over["login"] not in logins and {kept["login"], "ann", "admin"} <= set(logins)
    assert int(day.blog.sql("SELECT COUNT(*) FROM users_users WHERE email NOT LIKE '%trim.invalid'")) == foreign
    assert day.blog.sql("SELECT COUNT(*) FROM users_usergroups WHERE userId NOT IN "
                        "(SELECT userId FROM users_users)").strip() == "0"


def test_drop_removes_one_of_ours_and_refuses_any_other(day):
    made = helper(day, "wiki")
    refused = day.make("temporary-user", "INSTANCE=wiki", "DROP=ann")
    assert "Error 9" in refused.stderr and made["login"] in refused.stderr
    assert day.make("temporary-user", "INSTANCE=wiki", f"DROP={made['login']}").returncode == 0
    logins = day.wiki.sql("SELECT login FROM users_users").split()
    assert made["login"] not in logins and "ann" in logins


def test_an_unknown_group_names_the_known_ones(day):
    done = day.make("temporary-user", "INSTANCE=blog", "IN_GROUP=Admin")
    assert "there is no group Admin to be in" in done.stderr and "known: Admins, Registered" in done.stderr


def test_a_tiki_whose_memberships_never_end_gets_no_login(day):
    done = day.make("temporary-user", "INSTANCE=shop", "IN_GROUP=Admins")
    assert "Error 6" in done.stderr and "knows no end of a membership" in done.stderr
    assert "helper" not in day.shop.sql("SELECT login FROM users_users")


def test_a_temporary_user_in_a_dry_run_is_only_told(day):
    before = day.blog.sql("SELECT COUNT(*) FROM users_users")
    done = day.make("temporary-user", "INSTANCE=blog", "IN_GROUP=Admins", "DRY=1")
    assert "would: make the login helper-" in done.stdout
    assert day.blog.sql("SELECT COUNT(*) FROM users_users") == before
