"""The lab itself: servers that serve, and sample Tikis that behave like real ones."""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.accounts import lab_user
from tests.lab.compare import describe_database, describe_tree
from tests.lab.lab import Lab
from tests.lab.processes import answers
from tests.lab.sample_code import write_code
from tests.lab.sample_tiki import PASSWORD, SampleTiki, write_config
from tests.lab.smtp import SmtpSink
from tests.lab.sshd import Sshd
from tests.lab.web import fetch

BOTH = ["new", "old"]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def new(lab: Lab) -> SampleTiki:
    return lab.tiki("wiki")


@pytest.fixture(scope="module")
def old(lab: Lab) -> SampleTiki:
    return lab.tiki("old-wiki", "old", ssh=True)


@pytest.fixture
def blank(lab: Lab, request: pytest.FixtureRequest) -> SampleTiki:
    """The code of a new Tiki with a configuration, and an empty database."""
    folder = lab.sites() / f"blank{len(list(lab.sites().iterdir()))}"
    database, user, password = lab.account(folder.name)
    write_code(folder, files=3)
    write_config(folder, "new", "24.4", f"127.0.0.1:{lab.mariadb.port}", user, password, database)
    return SampleTiki(folder, folder, "new", "24.4", lab.mariadb, database, user, password)


def ssh(server: Sshd, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["ssh", *server.client_options(), f"{server.user}@{server.host}", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("generation", BOTH)
def test_apache_shows_the_home_page_with_its_files(generation, request):
    tiki = request.getfixturevalue(generation)
    page = fetch(tiki.url)
    assert page.status == 200
    assert "Welcome to" in page.body
    assert 'alt="logo.png"' in page.body
    assert "it&#039;s a &quot;file&quot;.pdf (265 bytes)" in page.body


@pytest.mark.parametrize("generation", BOTH)
def test_files_come_from_the_store_and_from_the_database(generation, request):
    tiki = request.getfixturevalue(generation)
    stored = fetch(f"{tiki.url}tiki-download_file.php?fileId=1")
    in_database = fetch(f"{tiki.url}tiki-download_file.php?fileId=4")
    assert stored.headers["Content-Type"] == "image/png"
    assert stored.body.encode("utf-8", "surrogateescape")[8:264] == bytes(range(256))
    assert in_database.body.encode("utf-8", "surrogateescape") == bytes(range(256))


@pytest.mark.parametrize("generation", BOTH)
@pytest.mark.parametrize(
    "path", ["db/local.php", "db/tiki.sql", "temp/cache/", "_htaccess", "setup.sh"]
)
def test_apache_denies_what_visitors_must_not_see(generation, path, request):
    assert fetch(request.getfixturevalue(generation).url + path).status == 403


@pytest.mark.parametrize("generation", BOTH)
def test_clean_urls_lead_to_pages(generation, request):
    tiki = request.getfixturevalue(generation)
    assert fetch(tiki.url + "HomePage").status == 200
    assert fetch(tiki.url + "NoSuchPage").status == 404


def test_php_server_shows_the_page_and_knows_no_htaccess(lab, new):
    server = lab.php_server(new.folder)
    assert "Welcome to" in fetch(f"{server.url}/tiki-index.php?page=HomePage").body
    assert fetch(f"{server.url}/db/tiki.sql").status == 200


def test_monitor_tells_that_the_database_is_behind(lab):
    tiki = lab.tiki("monitored", files=3)
    assert '"DbRequiresUpdate":false' in fetch(tiki.url + "tiki-monitor.php").body
    tiki.add_patch("20240101_later_tiki")
    assert '"DbRequiresUpdate":true' in fetch(tiki.url + "tiki-monitor.php").body


def test_a_container_carried_to_another_tree_breaks_the_site(lab):
    tiki = lab.tiki("container", files=3)
    fetch(tiki.url)
    container = tiki.folder / "temp/cache/container.php"
    container.write_text(container.read_text().replace("container'", "elsewhere'"))
    assert fetch(tiki.url).status == 500


def test_a_closed_site_answers_503_to_visitors_and_works_on_the_command_line(lab):
    tiki = lab.tiki("closed", files=3)
    assert "was set" in tiki.console("preferences:set", "site_closed", "y").stdout
    assert fetch(tiki.url).status == 503


def test_console_installs_an_empty_database(blank):
    assert "Installation completed." in blank.console("database:install").stdout
    assert "Database already exists." in blank.console("database:install").stdout
    assert "Tiki version: 24.4" in blank.console("tiki:info").stdout
    assert int(blank.sql("SELECT COUNT(*) FROM tiki_schema")) == 8


def test_console_applies_pending_patches_and_leaves_optional_ones(blank):
    blank.console("database:install")
    blank.add_patch("20240101_good_tiki", "UPDATE tiki_pages SET hits = 5;\n")
    blank.add_patch("optional_20240101_never_tiki", "DROP TABLE tiki_pages;\n")
    out = blank.console("database:update").stdout
    assert "Update completed." in out
    assert "Installed: 20240101_good_tiki" in out
    assert blank.sql("SELECT MAX(hits) FROM tiki_pages") == "5\n"


def test_console_ends_with_0_when_a_patch_fails(blank):
    blank.console("database:install")
    blank.add_patch("20240102_bad_tiki", "ALTER TABLE nowhere ADD x int;\n")
    done = blank.console("database:update")
    assert done.returncode == 0
    assert "Failed: 20240102_bad_tiki" in done.stdout
    assert "needs to be updated" in blank.console("index:rebuild").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["database:update"], "Cannot initiate Database"),
        (["index:rebuild"], "Command not available at this stage."),
    ],
)
def test_console_ends_with_0_on_an_empty_database(blank, words, message):
    done = blank.console(*words)
    assert done.returncode == 0
    assert message in done.stdout


def test_console_ends_with_0_without_a_database_server(blank):
    config = blank.folder / "db/local.php"
    config.write_text(config.read_text() + "$host_tiki='127.0.0.1:1';\n")
    done = blank.console("preferences:get", "browsertitle")
    assert done.returncode == 0
    assert "must be running and have valid credentials" in done.stdout


def test_console_ends_with_1_on_an_unknown_command_and_a_missing_argument(new):
    unknown = new.console("no:such")
    missing = new.console("preferences:get")
    assert (unknown.returncode, missing.returncode) == (1, 1)
    assert "is not defined" in unknown.stderr
    assert unknown.stdout == ""


def test_console_fails_loudly_without_vendor(blank):
    shutil.rmtree(blank.folder / "vendor_bundled")
    assert blank.console("tiki:info").returncode == 1


def test_console_of_the_old_generation_has_no_preferences_command(old):
    assert old.console("preferences:get", "browsertitle").returncode == 1


def test_an_unknown_site_is_silently_the_main_one(new):
    get = ["preferences:get", "browsertitle"]
    assert new.console("--site=nobody", *get).stdout == new.console(*get).stdout


def test_a_virtual_site_has_its_own_database(lab, new, blank):
    (new.folder / "db/second").mkdir()
    shutil.copy(blank.folder / "db/local.php", new.folder / "db/second/local.php")
    (new.folder / "db/virtuals.inc").write_text("second\n")
    assert "Installation completed." in new.console("--site=second", "database:install").stdout
    assert blank.sql("SELECT data FROM tiki_pages") == "Congratulations\n"


@pytest.mark.parametrize("generation", BOTH)
def test_index_rebuild_makes_new_index_tables(generation, request):
    tiki = request.getfixturevalue(generation)
    tiki.console("index:rebuild")
    first = tiki.preference("unified_mysql_index_current")
    tiki.console("index:rebuild")
    tables = tiki.sql("SHOW TABLES LIKE 'index\\_%'").split()
    assert first not in tables
    assert sorted(tables) == sorted(
        [tiki.preference("unified_mysql_index_current"), "index_pref_en"]
    )


def test_users_create_makes_a_user(new):
    new.console("users:create", "bob", "--email=bob@example.org", "-p", "secret", "-G", "Admins")
    assert new.sql("SELECT email FROM users_users WHERE login = 'bob'") == "bob@example.org\n"


def test_an_old_database_upgrades_with_the_new_code(lab):
    tiki = lab.tiki("upgraded", "old", files=3)
    write_code(lab.folder / "code of 24", "new", files=3)
    shutil.copytree(lab.folder / "code of 24", tiki.folder, dirs_exist_ok=True)
    out = tiki.console("database:update").stdout
    assert "Installed: 20161104_scheduler_tiki" in out
    assert "Failed" not in out
    assert tiki.sql("SHOW TABLES LIKE 'tiki_scheduler'") == "tiki_scheduler\n"


def test_the_account_reaches_its_own_database_and_no_other(lab, new):
    def ask(database: str) -> subprocess.CompletedProcess[str]:
        words = [
            "-h127.0.0.1",
            f"-P{lab.mariadb.port}",
            f"-u{new.user}",
            database,
            "-e",
            "SELECT 1",
        ]
        environment = {**os.environ, "MYSQL_PWD": PASSWORD}
        return subprocess.run(
            ["mariadb", "--no-defaults", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert ask(new.database).returncode == 0
    assert "Access denied" in ask("mysql").stderr


def test_the_same_build_gives_the_same_site(lab):
    trees, databases = [], []
    for name in ("one", "two"):
        (lab.sites() / name).mkdir()
        tiki = lab.tiki(f"{name}/same", files=30, web=False)
        trees.append({path: what[-1] for path, what in describe_tree(tiki.folder).items()})
        databases.append(describe_database(lab.mariadb, tiki.database))
    place_dependent = {b"db/local.php", b"files/links/absolute"}
    assert {path for path in trees[0] if trees[0][path] != trees[1][path]} == place_dependent
    tables = {name for name in databases[0] if databases[0][name] != databases[1][name]}
    assert tables == {"tiki_preferences", "tiki_forums", "tiki_forum_attachments"}


def test_ssh_logs_in_as_the_second_user_with_the_asked_environment(lab):
    own = lab.folder / "own bin"
    own.mkdir(exist_ok=True)
    program = own / "whoareyou"
    program.write_text('#!/bin/sh\necho "$(id -un) $MARK"\n')
    program.chmod(0o755)
    server = lab.sshd(path=own, environment={"MARK": "two words"})
    done = ssh(server, "whoareyou")
    assert done.stdout == f"{lab_user()} two words\n", done.stderr


def test_a_dropped_connection_is_255_and_the_next_one_works(lab):
    server = lab.sshd()
    command = ["ssh", *server.client_options(), f"{server.user}@{server.host}", "echo on; sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        assert client.stdout.readline() == b"on\n"
        server.drop_connections()
        assert client.wait(10) == 255
    assert ssh(server, "echo again").stdout == "again\n"


def test_a_changed_host_key_is_refused(lab):
    server = lab.sshd(environment={"FOR": "this test"})
    assert ssh(server, "true").returncode == 0
    server.change_host_key()
    assert "Host key verification failed" in ssh(server, "true").stderr


def test_smtp_keeps_mails_until_it_refuses():
    sink = SmtpSink()
    sink.start()
    try:
        with smtplib.SMTP(sink.host, sink.port) as client:
            client.sendmail("a@example.org", ["b@example.org"], "Subject: Grüße\n\ntext\n".encode())
            sink.refusing = True
            with pytest.raises(smtplib.SMTPDataError):
                client.sendmail("a@example.org", ["b@example.org"], "Subject: two\n")
    finally:
        sink.stop()
    assert [mail.get_content().strip() for mail in sink.mails] == ["text"]


KILLED_LAB = """
import os, signal
from tests.lab.lab import Lab
lab = Lab().__enter__()
site = lab.apache.serve(lab.folder)
print(lab.folder, lab.mariadb.port, lab.sshd().port, site.rpartition(":")[2], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_servers_die_with_a_killed_lab():
    done = subprocess.run(
        [sys.executable, "-c", KILLED_LAB], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder, *ports = done.stdout.split()
    deadline = time.monotonic() + 10
    while any(answers(int(port)) for port in ports) and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)
    assert not any(answers(int(port)) for port in ports)


def test_commands_that_outlive_their_connection_end_with_the_lab():
    with Lab() as lab:
        server = lab.sshd()
        marker = lab.folder / "ssh0/alive"
        marker.touch()
        marker.chmod(0o666)
        ssh(server, f"nohup sh -c 'while date > {marker}; do sleep 0.1; done' >/dev/null 2>&1 &")
        server.drop_connections()
        processes = server._server.descendants()
        assert processes
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
