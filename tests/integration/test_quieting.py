"""A copy that was muted sends nothing and starts nothing, says what it is, and can be given its own values back."""

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.database import dump, load
from scripts.errors import DatabaseError, RefusedError
from scripts.hosts import process
from scripts.registry.instance import Instance
from scripts.steps import quieting, site
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.smtp import SmtpSink
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

MOMENT = datetime(2026, 11, 21, 2, 10, tzinfo=UTC)
SAYS = "Copy of wiki.example.org as of 2026-11-21 02:10 UTC. Mail is off."
SMALL = {"files": 5, "versions": 1}


@dataclass
class Copy:
    """A site that mails to the sink, and what it was like before."""

    instance: Instance
    tiki: SampleTiki
    sink: SmtpSink
    trace: Path
    kit: Toolkit

    def mute(self, source: str = "wiki.example.org", moment: datetime = MOMENT) -> list[str]:
        with site.opened(self.instance) as found:
            return quieting.mute(found, source, moment)

    def act(self) -> tuple[list[str], bool]:
        """Edit a watched page, send a newsletter, run queue and scheduler; return who got mail, and the job's trace."""
        self.sink.deliveries.clear()
        self.trace.unlink(missing_ok=True)
        assert fetch(f"{self.tiki.url}tiki-editpage.php?page=HomePage&edit=new").body == "saved"
        assert fetch(f"{self.tiki.url}tiki-send_newsletters.php?nlId=1").body == "sent"
        assert "processed" in self.tiki.console("mail-queue:send").stdout
        if self.tiki.generation == "new":
            assert "schedule" in self.tiki.console("scheduler:run").stdout
        return sorted(mail["To"] for mail in self.sink.mails), self.trace.exists()

    def content(self) -> dict[str, str]:
        """Return what muting may touch, as the server prints it."""
        tables = ["tiki_preferences", "tiki_mailin_accounts", "tiki_forums"]
        return {table: self.tiki.sql(f"SELECT * FROM {table} ORDER BY 1")
                for table in tables + ["tiki_scheduler"] * (self.tiki.generation == "new")}

    def count(self, table: str) -> str:
        return self.tiki.sql(f"SELECT COUNT(*) FROM {table}").strip()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def sink() -> Iterator[SmtpSink]:
    sink = SmtpSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture(params=[("new", False), ("old", False), ("new", True)], ids=["new", "old", "ssh"])
def copy(lab, sink, request, tmp_path) -> Copy:
    return _built(lab, sink, tmp_path, *request.param)


@pytest.fixture
def one(lab, sink, tmp_path) -> Copy:
    return _built(lab, sink, tmp_path, "new", False)


def _built(lab: Lab, sink: SmtpSink, tmp_path: Path, generation: str, is_ssh: bool) -> Copy:
    number = len(list(lab.folder.glob("trim*")))
    kit = Toolkit(lab.folder / f"trim{number}", lab)
    instance, tiki = kit.tiki(f"copy{number}", generation, is_ssh, **SMALL)
    trace = lab.folder / f"trace{number}"
    tiki.sql(f"""UPDATE tiki_preferences SET value = '{sink.host}' WHERE name = 'zend_mail_smtp_server';
        INSERT INTO tiki_preferences VALUES ('zend_mail_smtp_port', '{sink.port}'), ('webcron_enabled', 'y');
        ALTER TABLE tiki_forums ADD inbound_pop_server varchar(250);
        UPDATE tiki_forums SET inbound_pop_server = 'pop.example.org' WHERE forumId = 1""")
    if generation == "new":
        tiki.sql(f"""DELETE FROM tiki_scheduler;
            INSERT INTO tiki_scheduler (name, task, params, status) VALUES
            ('Trace', 'ShellCommandTask', '{json.dumps({"shell_command": f"touch {trace}"})}', 'active'),
            ('Asleep', 'ShellCommandTask', '{{}}', 'inactive')""")
    return Copy(instance, tiki, sink, trace, kit)


def test_a_muted_copy_is_silent_and_an_unmuted_one_is_not(copy):
    has_scheduler = copy.tiki.generation == "new"
    loud = (["ann@example.org", "reader@example.org"], has_scheduler)
    before = copy.content()
    assert copy.act() == loud
    copy.mute()
    assert quieting.is_muted(copy.instance)
    assert copy.act() == ([], False)
    quieting.unmute(copy.instance)
    assert not quieting.is_muted(copy.instance)
    assert copy.content() == before
    assert copy.act() == loud


def test_a_clone_is_silent_and_its_source_is_not_also_after_a_restore_from_the_source(lab, one):
    source, kit = one.instance.name, one.kit
    name = f"{source}-clone"
    url = lab.apache.serve(lab.sites() / name) + "/"
    target = kit.blank(name, web_url=url)
    done = kit.make("clone", f"FROM={source}", f"TO={name}")
    assert done.returncode == 0, done.stderr
    clone = replace(one, instance=target, tiki=replace(one.tiki, folder=Path(target.web_root), database=target.db_name,
                                                       user=target.db_user, password=target.db_pass, url=url))
    assert clone.act() == ([], False)
    assert one.act() == (["ann@example.org", "reader@example.org"], True)
    for words in (("backup", f"INSTANCE={source}"), ("restore", f"INSTANCE={name}", f"FROM={source}")):
        done = kit.make(*words)
        assert done.returncode == 0, done.stderr
    assert clone.act() == ([], False)
    assert f"Copy of {source} as of" in fetch(f"{url}tiki-index.php").body


def test_a_clone_is_silent_while_its_files_still_come(lab, sink, tmp_path):
    one = _built(lab, sink, tmp_path, "new", is_ssh=True)
    source, kit = one.instance.name, one.kit
    target = kit.blank(f"{source}-slow")
    film = Path(one.instance.web_root, "files", "film")
    film.write_bytes(random.Random(8).randbytes(6_000_000))
    kit.set(bwlimit="1m")
    arrived = Path(target.web_root, "files", "film")
    with ThreadPoolExecutor() as beside:
        running = beside.submit(kit.make, "clone", f"FROM={source}", f"TO={target.name}")
        while not (was_quiet := _is_quiet(lab, target.db_name) and not arrived.exists()) and not running.done():
            time.sleep(0.1)
        done = running.result()
    assert done.returncode == 0, done.stderr
    assert was_quiet
    assert arrived.read_bytes() == film.read_bytes()
    assert done.stdout.count("tiki_mail_queue: emptied (1 rows)") == 1, done.stdout


def _is_quiet(lab: Lab, database: str) -> bool:
    """Whether a database has come, and holds nothing that acts."""
    asked = ("SELECT (SELECT value FROM tiki_preferences WHERE name = 'zend_mail_handler'), "
             "(SELECT COUNT(*) FROM tiki_mail_queue), (SELECT COUNT(*) FROM tiki_scheduler WHERE status = 'active'), "
             "(SELECT COUNT(*) FROM tiki_scheduler)")
    try:
        return lab.mariadb.sql(asked, database).split() == ["file", "0", "0", "2"]
    except RuntimeError:
        return False   # some table has not come yet


def test_mails_that_wait_are_not_sent_a_second_time(one):
    one.tiki.sql("INSERT INTO tiki_preferences VALUES ('zend_mail_queue', 'y')")
    fetch(f"{one.tiki.url}tiki-editpage.php?page=HomePage&edit=new")
    assert one.count("tiki_mail_queue") == "2"  # with the one of the sample, which is no mail of its own
    assert "tiki_mail_queue: emptied (2 rows)" in one.mute()
    assert one.act() == ([], False)
    assert "tiki_mail_queue: what was removed does not come back (2 rows)" in quieting.unmute(one.instance)
    assert one.count("tiki_mail_queue") == "0"


def test_logins_of_the_source_do_not_open_the_copy(copy):
    copy.mute()
    tables = ["sessions", "tiki_sessions"] + ["tiki_user_login_cookies"] * (copy.tiki.generation == "new")
    assert [copy.count(table) for table in tables] == ["0"] * len(tables)


def test_every_page_says_what_the_copy_is_and_robots_are_told_to_leave_it(copy):
    own = "<p>{$own} code äöü</p>"
    copy.tiki.sql(f"INSERT INTO tiki_preferences VALUES ('feature_endbody_code', '{own}')")
    copy.mute("wiki.example.org <b>{php} & \"ü\"")
    page = fetch(copy.tiki.url).body
    assert ("Copy of wiki.example.org &lt;b&gt;&#123;php&#125; &amp; &quot;&#252;&quot; as of 2026-11-21 02:10 UTC. "
            "Mail is off.</div>") in page
    assert own in page
    assert '<meta name="robots" content="noindex, nofollow">' in page
    quieting.unmute(copy.instance)
    page = fetch(copy.tiki.url).body
    assert ("trim" in page, own in page, "robots" in page) == (False, True, False)


def test_muting_twice_keeps_the_values_from_before(one):
    before = one.content()
    one.mute()
    one.mute(moment=datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
    page = fetch(one.tiki.url).body
    assert (page.count("Copy of"), "2026-11-22 03:00" in page) == (1, True)
    quieting.unmute(one.instance)
    assert one.content() == before


def test_a_second_copy_of_the_source_takes_the_values_that_it_has_now(one):
    _dump(one)
    one.mute()
    _load(one)
    one.tiki.sql("UPDATE tiki_preferences SET value = 'file' WHERE name = 'zend_mail_handler'; "
                 "UPDATE tiki_scheduler SET status = 'inactive'")
    before = one.content()
    one.mute()
    quieting.unmute(one.instance)
    assert one.content() == before
    assert one.tiki.preference("zend_mail_handler") == "file"


def test_an_archive_of_a_muted_copy_stays_muted_and_can_be_unmuted_later(one):
    before = one.content()
    one.mute()
    _dump(one)
    quieting.unmute(one.instance)
    with pytest.raises(RefusedError, match="is not muted: it was unmuted at"):
        quieting.unmute(one.instance)
    _load(one)
    assert SAYS in fetch(one.tiki.url).body
    quieting.unmute(one.instance)
    assert one.content() == before


def test_a_copy_of_a_muted_copy_comes_to_the_values_of_the_first_source(one):
    before = one.content()
    one.mute()
    second = one.instance.with_(name="second")
    with site.opened(second) as found:
        quieting.mute(found, "copy", MOMENT)
    page = fetch(one.tiki.url).body
    assert (page.count("Copy of"), "Copy of copy as of" in page) == (1, True)
    quieting.unmute(second)
    assert one.content() == before


def test_what_somebody_changed_on_the_copy_is_left_and_told(one):
    one.mute()
    one.tiki.sql("""UPDATE tiki_preferences SET value = 'none of it' WHERE name = 'metatag_robots';
        UPDATE tiki_preferences SET value = CONCAT('<i>before</i>', value, '<i>after</i>')
        WHERE name = 'feature_endbody_code'; DELETE FROM tiki_mailin_accounts""")
    told = quieting.unmute(one.instance)
    assert ("tiki_preferences metatag_robots: was changed on this copy since it was muted, and stays as it is") in told
    assert "tiki_mailin_accounts 1: was changed on this copy since it was muted, and stays as it is" in told
    assert one.tiki.preference("metatag_robots") == "none of it"
    assert one.tiki.preference("feature_endbody_code") == "<i>before</i><i>after</i>"
    assert one.tiki.preference("zend_mail_handler") == "smtp"


def test_a_perspective_does_not_bring_the_mail_back(one):
    one.tiki.sql("""CREATE TABLE tiki_perspective_preferences (perspectiveId int NOT NULL, pref varchar(40) NOT NULL,
        value text, PRIMARY KEY (perspectiveId, pref));
        INSERT INTO tiki_perspective_preferences VALUES (3, 'zend_mail_handler', 's:4:"smtp";'), (3, 'theme', 'x')""")
    one.mute()
    assert one.tiki.sql("SELECT pref FROM tiki_perspective_preferences") == "theme\n"
    quieting.unmute(one.instance)
    assert one.count("tiki_perspective_preferences") == "2"


def test_a_tiki_that_cannot_write_mails_to_files_gets_a_server_that_is_not_there(one):
    library = one.tiki.folder / "lib/mail/maillib.php"
    library.write_text(library.read_text().replace("=== 'file'", "=== 'unknown here'"))
    one.mute()
    assert [one.tiki.preference(f"zend_mail_{name}") for name in ("handler", "smtp_server", "smtp_port")] \
        == ["smtp", "127.0.0.1", "1"]
    one.sink.deliveries.clear()
    assert fetch(f"{one.tiki.url}tiki-editpage.php?page=HomePage&edit=new").body != "saved"
    assert one.sink.mails == []
    quieting.unmute(one.instance)
    assert one.act()[0] == ["ann@example.org", "reader@example.org"]


def test_a_copy_does_not_claim_that_mail_is_off_when_nobody_can_know(one, capsys):
    (one.tiki.folder / "lib/mail/maillib.php").write_text("<?php mail($to, $subject, $text);")
    one.mute()
    assert "Let sendmail_path in its php.ini be /bin/true" in capsys.readouterr().err
    assert "Mail may still go out." in fetch(one.tiki.url).body


def test_a_file_that_counts_more_than_the_database_is_told(one, capsys):
    config = one.tiki.folder / "db/local.php"
    config.write_text(config.read_text() + "$system_configuration_file='db/own.ini';\n")
    (one.tiki.folder / "db/own.ini").write_text("[global]\npreference.zend_mail_handler = smtp\n")
    one.mute()
    assert "db/own.ini sets preference.zend_mail_handler, which counts more than the database" \
        in capsys.readouterr().err


def test_a_file_that_may_count_more_and_cannot_be_read_is_told(lab, sink, tmp_path, capsys):
    far = _built(lab, sink, tmp_path, "new", is_ssh=True)
    config, own = far.tiki.folder / "db/local.php", far.tiki.folder / "db/own.ini"
    config.write_text(config.read_text() + "$system_configuration_file='db/own.ini';\n")
    own.write_text("[global]\npreference.zend_mail_handler = smtp\n")
    own.chmod(0)
    far.mute()
    assert "db/own.ini may not be read by this account" in capsys.readouterr().err
    assert "Mail may still go out" in far.tiki.preference("feature_endbody_code")


def test_a_value_that_does_not_hold_is_a_fault(one):
    one.tiki.sql("CREATE TRIGGER nobody BEFORE UPDATE ON tiki_mailin_accounts FOR EACH ROW SET NEW.active = 'y'")
    with pytest.raises(DatabaseError, match="not as it was written: tiki_mailin_accounts 1"):
        one.mute()


def test_the_list_is_private_and_no_secret_is_told(one):
    one.tiki.sql("INSERT INTO tiki_preferences VALUES ('site_piwik_code', 'a secret token of the site, a long one...')")
    told = one.mute()
    path = one.instance.settings.state / "status" / f"{one.instance.name}.muted.json"
    assert (path.stat().st_mode & 0o777, "a secret token" in path.read_text()) == (0o600, True)
    assert "secret" not in "\n".join([*told, *quieting.unmute(one.instance)])


def test_unmuting_empties_the_caches(one):
    one.mute()
    cached = one.tiki.folder / "temp/cache/global_preferences"
    cached.write_text("old")
    quieting.unmute(one.instance)
    assert not cached.exists()


def test_a_dry_run_changes_nothing(one, monkeypatch):
    before = one.content(), one.count("tiki_mail_queue")
    monkeypatch.setattr(process.conduct, "dry_run", True)
    one.mute()
    monkeypatch.setattr(process.conduct, "dry_run", False)
    assert (one.content(), one.count("tiki_mail_queue")) == before
    assert not quieting.is_muted(one.instance)


def _dump(copy: Copy) -> None:
    with site.opened(copy.instance) as found, open(copy.trace, "wb") as file:
        process.pipe(dump.dump_command(found.client), into=file)


def _load(copy: Copy) -> None:
    with site.opened(copy.instance) as found, open(copy.trace, "rb") as file:
        load.drop_everything(found.client)
        load.load(found.client, out_of=file)
