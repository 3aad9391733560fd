"""A part of make test-real: what a real Tiki mails and starts before it is muted, while it is, and after.

A watched page is edited, an account is to be confirmed, a newsletter is sent, the console runs scheduler, reports and
queue; an SMTP server of ours keeps what arrives.
"""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from scripts.steps import quieting
from scripts.steps import site as sites_of
from tests.bench import sites
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.smtp import SmtpSink
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

ACTS = Path(__file__).with_name("real_acts.php")
COMMANDS = ("scheduler:run", "mail-queue:send", "daily-report:send")
LOUD = ["ann@example.org: page", "ann@example.org: registration", "reader@example.org: News"]
EVENT = ('a:5:{s:5:"event";s:17:"wiki_page_changed";s:8:"pageName";s:8:"HomePage";s:6:"object";s:8:"HomePage";'
         's:8:"editUser";s:5:"admin";s:6:"oldVer";i:1;}')


def differences(lab: Lab, tree: Path) -> list[str]:
    """Return what was not as it should be."""
    sink = SmtpSink()
    sink.start()
    try:
        return _three_times(lab, sites.real(lab, "real-quiet", tree), sink)
    finally:
        sink.stop()


def _three_times(lab: Lab, tiki: SampleTiki, sink: SmtpSink) -> list[str]:
    instance = Toolkit(lab.folder / "toolkit-quiet", lab).register("quiet", web_root=tiki.folder, web_url=tiki.url)
    trace = tiki.folder / "temp" / "trace"
    _prepare(tiki, sink, trace)
    seen = [_seen(tiki, sink, trace)]
    with sites_of.opened(instance) as found:
        quieting.mute(found, "wiki.example.org", datetime.now(UTC))
    quieting.permissions.empty_caches(instance)
    seen.append(_seen(tiki, sink, trace))
    quieting.unmute(instance)
    seen.append(_seen(tiki, sink, trace))
    wanted = [(sorted([*LOUD, "bob@example.org: Report"]), True, False), ([], False, True),
              (sorted([*LOUD, "bob@example.org: Report"]), True, False)]
    return [f"{when}: mails, job run, banner: {was} instead of {want}"
            for when, was, want in zip(("before", "muted", "unmuted"), seen, wanted, strict=True) if was != want]


def _prepare(tiki: SampleTiki, sink: SmtpSink, trace: Path) -> None:
    """Let the site mail to the sink, and give it people who want mail and a job of each kind."""
    preferences = {"zend_mail_handler": "smtp", "zend_mail_smtp_server": sink.host, "zend_mail_smtp_port": sink.port,
                   "sender_email": "wiki@example.org", "feature_user_watches": "y", "feature_newsletters": "y",
                   "feature_daily_report_watches": "y", "fallbackBaseUrl": tiki.url}
    jobs = [("ShellCommandTask", {"shell_command": f"touch {trace}"}),
            ("ConsoleCommandTask", {"console_command": "daily-report:send"})]
    tiki.sql(";\n".join([
        *(f"REPLACE INTO tiki_preferences VALUES ('{name}', '{value}')" for name, value in preferences.items()),
        *(f"INSERT INTO users_users (login, email, hash, valid) VALUES ('{name}', '{name}@example.org', 'x', '')"
          for name in ("ann", "bob")),
        # Who may not see a page is not told of it.
        "INSERT INTO users_usergroups (userId, groupName) SELECT userId, 'Registered' FROM users_users "
        "WHERE login = 'ann'",
        "INSERT INTO tiki_user_watches (user, event, object, title, type, url, email) VALUES ('ann', "
        "'wiki_page_changed', 'HomePage', 'HomePage', 'wiki page', 'tiki-index.php', 'ann@example.org')",
        "INSERT INTO tiki_newsletters (name, created, unsubMsg, validateAddr, author) VALUES ('Monthly', 1, 'n', 'n', "
        "'admin')",
        "INSERT INTO tiki_newsletter_subscriptions (nlId, email, valid) VALUES (1, 'reader@example.org', 'y')",
        "INSERT INTO tiki_user_reports (user, `interval`, view, type, always_email) VALUES ('bob', 'minute', "
        "'detailed', 'plain', 1)",
        *(f"INSERT INTO tiki_scheduler (name, task, params, run_time, status, creation_date) VALUES ('{task}', "
          f"'{task}', '{json.dumps(params)}', '* * * * *', 'active', 1)" for task, params in jobs)]))
    _empty_cache(tiki)


def _seen(tiki: SampleTiki, sink: SmtpSink, trace: Path) -> tuple[list[str], bool, bool]:
    """Act, and return who got which mail, whether the shell's job ran, and whether the page has the banner."""
    sink.deliveries.clear()
    trace.unlink(missing_ok=True)
    tiki.sql("DELETE FROM tiki_scheduler_run; UPDATE tiki_user_reports SET last_report = '2020-01-01'; INSERT INTO "
             f"tiki_user_reports_cache (user, event, data, time) VALUES ('bob', 'wiki_page_changed', '{EVENT}', NOW())")
    assert _php(tiki, "--", str(tiki.folder), program=ACTS.read_text()).endswith("acted")
    for command in COMMANDS:
        _php(tiki, "console.php", command)
    mails = sorted(f"{mail['To']}: {_kind(mail['Subject'])}" for mail in sink.mails)
    return mails, trace.exists(), "Copy of wiki.example.org" in fetch(f"{tiki.url}tiki-index.php").body


def _kind(subject: str) -> str:
    return next((word for word in ("page", "registration", "News", "Report") if word in subject), subject)


def _php(tiki: SampleTiki, *words: str, program: str = "") -> str:
    """Run PHP as the site's owner: the scheduler refuses anybody else."""
    owner = ["setpriv", "--reuid", lab_user(), "--regid", lab_user(), "--clear-groups"] if os.geteuid() == 0 else []
    return subprocess.run([*owner, "php", "-d", "error_log=/dev/null", *words], cwd=tiki.folder, input=program,
                          capture_output=True, text=True, check=False).stdout.strip()


def _empty_cache(tiki: SampleTiki) -> None:
    for path in (tiki.folder / "temp" / "cache").iterdir():
        if path.is_file() and path.name != "index.php":
            path.unlink()
    give_to(lab_user(), tiki.folder)
