"""What is told of a run, to whom, through what, and what is kept out of it."""

import json
import os
import time
from dataclasses import replace

import pytest

from scripts.errors import (
    BusyError,
    CommandError,
    DatabaseError,
    Fault,
    Findings,
    HostError,
    RegistryError,
    UsageError,
)
from scripts.notify import causes, chats, deliver, letters, message, outbox, pings, secrets, smtp, told
from scripts.notify.message import Message
from scripts.registry import runs
from scripts.registry.runs import Part, Run, RunFault
from tests.lab.http_sink import HttpSink
from tests.lab.smtp import SmtpSink

TO = ("ann@example.org",)


@pytest.fixture
def sink():
    sink = HttpSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def private(settings):
    """Write a file that is ours alone and return its path."""
    def write(text: str, name: str = "private", mode: int = 0o600) -> str:
        path = settings.top / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)
    return write


def run(*faults: RunFault, **values) -> Run:
    known = {"id": "1", "verb": "backup", "instances": ("blog",), "line": "make backup INSTANCE=blog",
             "started": time.time() - 9, "ended": time.time(), "exit_code": 5 if faults else 0, "unattended": True,
             "outcome": runs.FAULT if faults else runs.OK, "faults": faults}
    return Run(**known | values)


# Causes

@pytest.mark.parametrize(("fault", "cause"), [
    (CommandError("[far] tee /tmp/x: ended with exit code 1: No space left on device"), "disk full on the host"),
    (CommandError("[blog] tee /tmp/x: ended with exit code 1: No space left on device"), "disk full on the manager"),
    (HostError("far: no space for the last dump: about 3 MB are needed in /srv"), "disk full on the host"),
    (DatabaseError("far: ERROR 1114: The table is full (errno: 28)"), "disk full on the host"),
    (HostError("far: cannot reach x@h on port 22: ssh: connect to host h port 22: Connection refused. Is it up?"),
     "ssh refused"),
    (HostError("far: cannot reach x@h on port 22: ssh: connect to host h port 22: Connection timed out"),
     "host not reached"),
    (HostError("far: the host key of [h]:22 is not the one on record"), "host key changed"),
    (HostError("far: the host key of h is not known yet. Compare it"), "host key unknown"),
    (HostError("far: x@h does not let us in by key. Next: ssh-copy-id"), "ssh login refused"),
    (CommandError("[far] mariadb-dump x: ended with exit code 255"), "ssh dropped"),
    (CommandError("[far] rsync a b: ended: connection unexpectedly closed"), "ssh dropped"),
    (DatabaseError("blog: x:3306: the database server cannot be reached (ERROR 2002 (HY000))"), "database down"),
    (DatabaseError("blog: the server refuses the account or its password: ERROR 1045 (28000)"),
     "wrong database password"),
    (CommandError("[manager] zstd: there is no program zstd on the manager. What to install"), "program missing"),
    (CommandError("[far] php -v: ended with exit code 127: bash: php: command not found"), "program missing"),
    (CommandError("[far] tar: moved no bytes and used no processor time for 3600 seconds and was ended"), "hung"),
    (CommandError("[manager] backup blog: was ended by signal 9"), "killed"),
    (BusyError("blog: another run holds it: make backup; exit code 255"), "busy"),
    (Findings("3 findings: no space left on device"), "findings"),
    (UsageError("KEEP=x: expected"), "wrong call"),
    (RegistryError("settings.env:1: KEPP is not a known key"), "wrong settings"),
    (CommandError("[blog] du: ended with exit code 1"), "failed"),
    (Fault("whatever"), "failed"),
])
def test_a_cause_is_named(settings, register, fault, cause):
    register("far", "ACCESS=ssh\nSSH_HOST=h\n")
    register("blog")
    assert causes.of(settings, fault, "far" if "far" in str(fault) else "blog") == cause


def test_a_full_disk_is_named_by_its_setting_the_inner_one_of_two(settings):
    text = "manager: {}/x: No space left on device. Next: make doctor"
    assert causes.of(settings, HostError(text.format(settings.archives))) == "disk full on the manager (ARCHIVES_DIR)"
    assert causes.of(settings, HostError(text.format(settings.state))) == "disk full on the manager (STATE_DIR)"
    denied = HostError(f"manager: {settings.work}/x: Permission denied")
    assert causes.of(settings, denied) == "no rights (WORK_DIR)"


def test_each_cause_has_advice_that_names_the_instance():
    named = {*causes.BY_WORDS, causes.HOST_FULL, causes.FULL, causes.RIGHTS, causes.BUG, "busy", "wrong call"}
    assert [cause for cause in named if not causes.advice(cause, "blog")] == []
    assert causes.advice("ssh refused", "blog").endswith("make doctor INSTANCE=blog")
    assert causes.advice("disk full on the manager (WORK_DIR)", "").startswith("Make room here")


# Secrets

def test_every_secret_that_the_toolkit_knows_is_covered(settings, register, private, monkeypatch):
    monkeypatch.setenv("DB_PASS", "from the environment")
    register("blog", "DB_PASS='quo\\'ted & more'\nRESTRICT_USERS='ann:$2y$05$abcdefghij'\n")
    known = replace(settings, smtp_pass="of the mail", ping_file=private("all https://hc.example/uuid-1\n", "pings"),
                    prove_db=private("[client]\npassword=\"of the server\"\n", "proofs"))
    text = ("quo'ted & more, quo%27ted%20%26%20more, $2y$05$abcdefghij, of the mail, of the server, from the "
            "environment, https://hc.example/uuid-1, https://ann:pw@example.org/x")
    assert secrets.hidden(known, text) == "***, ***, ***, ***, ***, ***, ***, https://***@example.org/x"


def test_a_password_of_several_words_is_covered_whole_and_a_remark_covers_nothing(settings, private):
    known = replace(settings, smtp_pass_file=private("s3cret sentence\n", "mail"),
                    ping_file=private("# what address\nall https://hc.example/x\n", "pings"))
    assert secrets.hidden(known, "s3cret sentence, another address") == "***, another address"
    assert secrets.hidden(known, "https://ann:p@ss@example.org/x?mail=a@b") == "https://***@example.org/x?mail=a@b"


def test_the_password_of_the_mail_server_is_the_first_line_as_it_is(settings, private):
    known = replace(settings, smtp_user="trim", smtp_host="h", smtp_pass_file=private("#1 secret\nnot this\n"))
    assert smtp._password(known) == "#1 secret"


def test_a_short_secret_covers_whole_words_only(settings, register):
    register("blog", "DB_PASS=ab\n")
    assert secrets.hidden(settings, "table ab: ab cabs") == "table ***: *** cabs"


def test_a_file_of_secrets_that_others_may_read_is_refused(settings, private):
    with pytest.raises(RegistryError, match=r"\(PING_FILE\) holds secrets and others may read it \(mode 0640\)"):
        secrets.read_private(settings, private("x", mode=0o640), "PING_FILE")


# Mails

def test_a_mail_holds_any_text_and_any_name(settings):
    made = message.mail(settings, Message("Größe:\n\x07two  lines", "caf\udce9 ü\n" + "x" * 3000, "<p>ü</p>"), TO)
    assert made["Subject"] == "Größe: two lines"
    text, html = made.iter_parts()
    assert text.get_content().replace("\r", "").startswith("caf\\xe9 ü\n" + "x" * 3000)
    assert "<p>ü</p>" in html.get_content()
    assert max(map(len, made.as_bytes().splitlines())) < 998


def test_what_drives_a_terminal_or_is_refused_by_servers_is_written_out(settings):
    made = message.mail(settings, Message("x", "a\x00b \x1b[2J\tc\n"), TO)
    assert made.get_content() == "a\\x00b \\x1b[2J\tc\n"


def test_a_run_over_several_that_is_ended_names_that_first():
    parts = (Part("a", "ok", 1), Part("b", "fault", 1))
    stop = RunFault("", "ended by SIGTERM", "ended by SIGTERM")
    assert letters.headline(run(RunFault("b", "hung", "x"), RunFault("b", "hung", "y"), stop, parts=parts)) == (
        "backup: ended by SIGTERM; 1 of 2 instances: b (hung)")
    assert letters.headline(run(stop, parts=parts)) == "backup: ended by SIGTERM; 0 of 2 instances failed before"


def test_an_account_without_a_name_keeps_no_mail_back(settings, monkeypatch):
    monkeypatch.setattr("pwd.getpwuid", lambda uid: (_ for _ in ()).throw(KeyError(uid)))
    assert letters.facts(settings)[-1].endswith(f"account: {os.geteuid()}")


def test_a_subject_is_not_longer_than_mail_programs_bear():
    assert len(message.one_line("x " * 500)) == message.SUBJECT_LENGTH


def test_a_mail_about_several_instances_names_some_and_counts_the_rest():
    names = [f"site{number}" for number in range(7)]
    parts = tuple(Part(name, "ok" if name == "site3" else "fault", 1) for name in names)
    faults = tuple(RunFault(name, "hung", f"{name}: hung") for name in names if name != "site3")
    assert letters.headline(run(*faults, instances=tuple(names), parts=parts)) == (
        "backup: 6 of 7 instances: site0 (hung), site1 (hung), site2 (hung), site4 (hung) and 2 more")


def test_a_letter_s_log_is_that_of_its_own_instance(tmp_path):
    log = tmp_path / "log"
    log.write_text("01:00:00 backup --instance=all\n01:00:01 == a\n01:00:02 run x\n01:00:03 == b\n01:00:04 run y\n"
                   "01:00:05 fault: b\n")
    assert letters.tail(str(log), "a") == ["01:00:01 == a", "01:00:02 run x"]
    assert letters.tail(str(log), "b") == ["01:00:03 == b", "01:00:04 run y", "01:00:05 fault: b"]
    assert letters.tail(str(log), "c", 1) == ["01:00:05 fault: b"]
    assert letters.tail(str(tmp_path / "none")) == []


def test_details_of_findings_stand_in_the_mail(settings):
    found = RunFault("blog", "findings", "blog: 2 findings", "changed  a.php\nnew      b.php")
    body = letters.failure(settings, run(found), told.News([found])).body
    assert "  blog: findings\n    blog: 2 findings\n    changed  a.php\n    new      b.php\n" in body


# What is news

def news_of(settings, one: Run) -> tuple[list[str], list[str], list[str]]:
    found = told.news(settings, one)
    told.note(settings, one, found, "<1@x>")
    return ([fault.kind for fault in found.fresh], [fault.kind for fault in found.repeated],
            [one.kind for one in found.recovered])


def test_a_failure_is_news_once_and_its_end_too(settings):
    broken = run(RunFault("blog", "hung", "after 7 s"))
    assert news_of(settings, broken) == (["hung"], [], [])
    assert news_of(settings, run(RunFault("blog", "hung", "after 8 s"))) == ([], ["hung"], [])
    assert news_of(settings, run(RunFault("blog", "database down", "x"))) == (["database down"], [], [])
    assert [one.runs for one in told.failing(settings)] == [3]
    assert news_of(settings, run()) == ([], [], ["database down"])
    assert news_of(settings, run()) == ([], [], [])


def test_a_failure_is_news_again_after_repeat_hours(settings, monkeypatch):
    broken = run(RunFault("blog", "hung", "x"))
    news_of(settings, broken)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 20 * 3600 - 60)
    assert news_of(settings, broken) == ([], ["hung"], [])
    monkeypatch.setattr(time, "time", lambda: now + 20 * 3600 + 60)
    assert news_of(settings, broken) == (["hung"], [], [])


def test_a_clock_that_was_wrong_keeps_nothing_untold(settings, monkeypatch):
    broken = run(RunFault("blog", "hung", "x"))
    now = time.time()
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: now + 400 * 86_400)
        news_of(settings, broken)
    assert news_of(settings, broken) == (["hung"], [], [])


def test_that_another_call_works_is_no_recovery(settings):
    wrong = run(RunFault("", "wrong call", "nix selects nothing"), instances=(), line="make backup INSTANCE=nix")
    assert news_of(settings, wrong) == (["wrong call"], [], [])
    assert news_of(settings, run()) == ([], [], [])
    assert news_of(settings, wrong) == ([], ["wrong call"], [])
    assert news_of(settings, run(line=wrong.line)) == ([], [], ["wrong call"])


def test_other_findings_are_news(settings):
    def found(details: str) -> Run:
        return run(RunFault("blog", "findings", "1 finding", details))
    assert [news_of(settings, found(text))[0] for text in ("a", "a", "b")] == [["findings"], [], ["findings"]]


def test_two_crontab_lines_of_one_verb_fail_each_for_itself(settings):
    news_of(settings, run(RunFault("blog", "hung", "x"), cron_id="weekly"))
    assert news_of(settings, run(cron_id="daily")) == ([], [], [])
    assert news_of(settings, run(cron_id="weekly")) == ([], [], ["hung"])


def test_an_instance_that_is_well_again_is_news_though_others_fail(settings):
    parts = {"instances": ("a", "b")}
    both = run(RunFault("a", "hung", "x"), RunFault("b", "hung", "x"), **parts,
               parts=(Part("a", "fault", 1), Part("b", "fault", 1)))
    one = run(RunFault("b", "hung", "x"), **parts, parts=(Part("a", "ok", 1), Part("b", "fault", 1)))
    news_of(settings, both)
    assert news_of(settings, one) == ([], ["hung"], ["hung"])


def test_a_busy_run_ends_no_failure(settings):
    news_of(settings, run(RunFault("blog", "hung", "x")))
    assert news_of(settings, run(RunFault("blog", "busy", "x"), outcome=runs.BUSY)) == (["busy"], [], [])


# The outbox

def test_a_message_that_waits_is_for_us_alone_and_keeps_its_id(settings):
    with_mail = replace(settings, mail_to=TO, smtp_host="127.0.0.1", smtp_port=1, smtp_security="none")
    with pytest.raises(HostError, match="^mail: 127.0.0.1:1: Connection refused"):
        deliver.send(with_mail, Message("x", "y"))
    mail_id = deliver.queue(with_mail, Message("x", "y"))
    [(path, waiting)] = outbox.waiting(settings)
    assert (path.stat().st_mode & 0o777, waiting.to, waiting.channels) == (0o600, TO, ("mail",))
    assert mail_id in waiting.mail
    [again] = deliver.send_waiting(with_mail, is_patient=True)
    assert again.mail == waiting.mail and "Connection refused" in again.why


def test_what_was_tried_a_short_while_ago_does_not_hold_up_a_person(settings, monkeypatch):
    with_mail = replace(settings, mail_to=TO)
    tried = []
    monkeypatch.setattr(deliver, "through", lambda *given: tried.append(given) or TO)
    deliver.send_or_queue(with_mail, Message("x", "y"))
    assert len(deliver.send_waiting(with_mail, is_patient=False)) == len(tried) == 1
    deliver.send_waiting(with_mail, is_patient=True)
    assert len(tried) == 2


def test_whatever_goes_wrong_with_a_channel_the_message_waits(settings, monkeypatch):
    def broken(*given):
        raise UnicodeError("label too long")
    monkeypatch.setattr(deliver, "through", broken)
    assert deliver.send_or_queue(replace(settings, mail_to=TO), Message("x", "y"))[1] == "mail: UnicodeError"
    assert [one.why for _, one in outbox.waiting(settings)] == ["mail: UnicodeError"]


def test_a_server_that_lets_us_wait_does_not_do_so_for_each_message(settings, monkeypatch):
    with_mail, tried = replace(settings, mail_to=TO), []
    for number in range(3):
        deliver.queue(with_mail, Message(str(number), "y"))

    def slow(_, channel, letter):
        tried.append(letter.subject)
        time.sleep(0.06)
        raise HostError("timed out")
    monkeypatch.setattr(deliver, "through", slow)
    monkeypatch.setattr(deliver, "MOST_SECONDS", 0.05)
    for _ in range(3):
        deliver.send_waiting(with_mail, is_patient=True)
    assert tried == ["0", "1", "2"]


def test_a_mail_that_was_taken_is_sent_though_the_server_says_no_goodbye(settings, monkeypatch):
    async def handle_QUIT(self, server, session, envelope) -> str:
        return "421 Too busy to say goodbye"
    monkeypatch.setattr(SmtpSink, "handle_QUIT", handle_QUIT, raising=False)
    taking = SmtpSink()
    taking.start()
    try:
        known = replace(settings, smtp_host=taking.host, smtp_port=taking.port, smtp_security="none")
        assert smtp.send(known, message.mail(known, Message("x", "y"), TO), TO) == ()
    finally:
        taking.stop()
    assert len(taking.mails) == 1


def test_with_nobody_to_tell_the_way_to_set_it_is_named(settings):
    with pytest.raises(RegistryError, match="MAIL_TO is not set"):
        deliver.send(settings, Message("x", "y"))


def test_when_one_channel_takes_a_message_the_other_gets_it_later(settings, private, sink):
    both = replace(settings, mail_to=TO, smtp_host="127.0.0.1", smtp_port=1, smtp_security="none",
                   apprise_file=private(f"json://{sink.url.removeprefix('http://')}\n"))
    deliver.send(both, Message("Grüße", "text"))
    assert [one.channels for _, one in outbox.waiting(settings)] == [("mail",)]
    assert json.loads(sink.requests[0].body)["title"] == "Grüße"


# Chats and pings

def test_a_chat_that_does_not_take_it_is_told_without_its_address(settings, private, sink):
    sink.status = 500
    place = sink.url.removeprefix("http://")
    with_chats = replace(settings, apprise_file=private(f"json://user:s3cret@{place}\nnowhere://x\n"))
    with pytest.raises(HostError) as caught:
        chats.send(with_chats, Message("x", "y"))
    assert "address 1 (json) did not take it; address 2 is none that Apprise knows" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_run_pings_the_first_address_that_is_about_it(settings, private, sink):
    lines = f"# ours\nall {sink.url}/a\nbackup {sink.url}/b/\nnightly {sink.url}/c\n"
    with_pings = replace(settings, ping_file=private(lines))
    for values in ({"cron_id": "nightly"}, {"cron_id": "other"}, {"verb": "prove"}):
        assert pings.ping(with_pings, run(**values), pings.START) == ""
    pings.ping(with_pings, run(), pings.FAIL, "ü" * 20_000)
    assert [one.path.partition("?rid=")[0] for one in sink.requests] == ["/c/start", "/b/start", "/a/start", "/b/fail"]
    assert len(sink.requests[3].body.encode()) <= pings.MOST_BYTES + 3
    assert len({one.path.partition("?rid=")[2] for one in sink.requests}) == 1


def test_a_watcher_that_is_not_there_is_a_sentence_without_its_address(settings, private, sink):
    gone = replace(settings, ping_file=private("all http://127.0.0.1:1/secret\n"))
    assert pings.ping(gone, run(), pings.SUCCESS) == "the watcher cannot be reached: [Errno 111] Connection refused"
    sink.status = 404
    here = replace(settings, ping_file=private(f"all {sink.url}/secret\n"))
    assert pings.ping(here, run(), pings.SUCCESS) == "the watcher answers 404"
    assert "others may read it" in pings.ping(replace(settings, ping_file=private("x", mode=0o644)), run(), "")


def test_every_address_is_tried_with_a_ping_that_changes_no_state(settings, private, sink):
    assert pings.test(replace(settings, ping_file=private(f"all {sink.url}/a\nprove {sink.url}/b\n"))) == {
        "all": "", "prove": ""}
    assert [one.path.partition("?")[0] for one in sink.requests] == ["/a/log", "/b/log"]


def test_the_files_stand_where_the_settings_say_also_below_home(settings, monkeypatch, private):
    private("s3cret\n", "mine")
    monkeypatch.setenv("HOME", str(settings.top))
    assert secrets.read_private(settings, "~/mine", "X") == ["s3cret"]
    assert secrets.read_private(settings, "mine", "X") == ["s3cret"]
