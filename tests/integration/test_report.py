"""The page of all sites in a real browser, the digest as a real mail, and as a page in a Tiki."""

import json
import stat
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.lab import forked, nights
from tests.lab.browser import Browser
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.smtp import SmtpSink
from tests.lab.toolkit import Toolkit

CRONTAB = "30 2 * * * make -sC {top} backup INSTANCE=all UNATTENDED=1 CRON=backup-all\n"
PHONE, DESK = 390, 1280
AXE = distribution("axe-playwright-python").locate_file("axe_playwright_python/axe.min.js")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def kit(lab: Lab, tmp_path: Path) -> Toolkit:
    return Toolkit(tmp_path / "trim", lab)


def report(kit: Toolkit, more: dict[str, str] | None = None, /, **variables: str) -> Ended:
    """Run make report with a crontab of its own, without asking hosts that are not there."""
    shim = kit.top / "bin" / "crontab"
    shim.parent.mkdir(exist_ok=True)
    shim.write_text(f"#!/bin/sh\ncat {kit.top}/crontab\n")
    shim.chmod(0o755)
    (kit.top / "crontab").write_text(CRONTAB.format(top=kit.top))
    environment = {"PATH": f"{shim.parent}:/usr/bin:/bin", **(more or {})}
    return forked.run(kit.top, "report", environment=environment, look="no", **variables)


def pages(kit: Toolkit) -> Path:
    return kit.top / "var" / "report"


@pytest.fixture(scope="module")
def written(lab: Lab, tmp_path_factory) -> Toolkit:
    """A toolkit with sites that are well and sites that are not, and its pages."""
    kit = Toolkit(tmp_path_factory.mktemp("written") / "trim", lab)
    nights.sites(kit)
    done = report(kit)
    assert done.is_success, done
    assert "things want attention" in done.stdout
    return kit


@pytest.mark.parametrize("name", ["index", "club"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_page_is_whole_accessible_and_fits(written, browser, tmp_path, name, dark, width):
    path = pages(written) / f"{name}.html"
    page = browser.open(path, width=width, dark=dark)
    assert (page.requests, page.errors) == ([path.as_uri()], [])
    assert browser.run(page, "document.documentElement.scrollWidth") == width
    assert browser.run(page, "document.title") != "hit"
    paper = browser.run(page, "getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper[4:-1].split(","))) < 200) is dark
    browser.picture(page, tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 20_000
    browser.run(page, f"{AXE.read_text()};0")
    found = browser.run(page, "axe.run()")
    told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
    assert told == []
    assert len(found["passes"]) > 20


def test_the_page_tells_of_every_site_and_leads_to_its_own(written, browser):
    page = browser.open(pages(written) / "index.html", width=DESK)
    text = browser.run(page, "document.body.innerText")
    for words in ("club: no good backup for 80 hours", "production · Tiki 24.4", "test · Tiki 24.3 · 24.4 is out",
                  "club: make backup failed: ssh refused: cannot reach <b>club</b>", "Made from the archives of www.",
                  "6 hours ago", "30 2 * * *", "fault (4)", "mirror 1w"):
        assert words in text, text
    links = browser.run(page, "[...document.querySelectorAll('.card a')].map(a => a.getAttribute('href'))")
    assert sorted(links) == ["club.html", "weekago.html", "www-test.html", "www.html"]
    assert all((pages(written) / link).exists() for link in links)
    nested = "[...document.querySelectorAll('.tree > li > ul > li > a')].map(a => a.innerText)"
    assert browser.run(page, nested) == ["weekago", "www-test"]
    bars = "document.querySelector('.card:has(a[href=\"www.html\"])').querySelectorAll('.chart rect').length"
    assert browser.run(page, bars) == 9
    own = browser.open(pages(written) / "www.html", width=DESK)
    text = browser.run(own, "document.body.innerText")
    for words in ("Ann <ann@example.org>", "https://www.example.org/", "www_2", "40.0 s"):
        assert words in text, text
    assert "geheim" not in (pages(written) / "www.html").read_text()


def test_pages_are_for_our_account_alone_and_those_of_gone_sites_go(written):
    assert stat.S_IMODE(pages(written).stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in pages(written).iterdir()} == {0o600}
    (pages(written) / "gone.html").write_text("an earlier site")
    assert report(written).is_success
    assert not (pages(written) / "gone.html").exists()


def test_a_dry_run_writes_and_sends_nothing(kit):
    nights.well(kit)
    kit.set(mail_to="ann@example.org")
    done = report(kit, dry="1", send="1")
    assert done.is_success, done
    assert "would: [manager] write" in done.stdout
    assert "would be: sent to ann@example.org" in done.stdout
    assert not pages(kit).exists()


# The digest

@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    sink = SmtpSink()
    sink.start()
    yield sink
    sink.stop()


def test_the_digest_is_one_mail_that_says_all_is_well(kit, sink):
    nights.well(kit)
    kit.set(mail_to="ann@example.org,bob@example.org", smtp_host=sink.host, smtp_port=sink.port, smtp_security="none")
    done = report(kit, send="1", unattended="1")
    assert (done.is_success, done.stdout, len(sink.mails)) == (True, "", 1), done
    mail = sink.mails[0]
    assert mail["Subject"].endswith(": all is well: 1 site")
    assert mail["To"] == "ann@example.org, bob@example.org"
    text = mail.get_body(("plain",)).get_content()
    assert "All is well. 1 site, and nothing is wrong with it." in text
    assert "6 hours ago" in text
    assert str(pages(kit) / "index.html") in text
    assert "<h1" in mail.get_body(("html",)).get_content()


def test_the_digest_says_what_is_not_well_and_nothing_in_it_is_taken_for_html(kit, sink):
    nights.sites(kit)
    kit.set(mail_to="ann@example.org", smtp_host=sink.host, smtp_port=sink.port, smtp_security="none")
    assert report(kit, send="1").is_success
    mail = sink.mails[0]
    assert "things want attention: club" in mail["Subject"]
    assert "critical: club: backup: no good backup for 80 hours" in mail.get_body(("plain",)).get_content()
    assert "<script>" not in mail.get_body(("html",)).get_content()
    assert report(kit, {"TRIM_ARG_MAIL_TO": "bob@example.org"}, send="1").is_success
    assert sink.mails[-1]["To"] == "bob@example.org"


def test_a_digest_that_nobody_can_get_is_a_fault_in_one_line(kit):
    nights.well(kit)
    done = report(kit, send="1")
    assert done.code == 3
    assert "MAIL_TO is not set" in done.stderr
    assert (pages(kit) / "index.html").exists()     # the page is there all the same


# In a Tiki

@pytest.mark.parametrize("generation", ["new", "old"])
def test_the_digest_is_one_wiki_page_with_a_history(kit, generation):
    _, sample = kit.tiki(f"{generation}wiki", generation, files=5, versions=1, web=False)
    nights.sites(kit)
    for round_ in (1, 2):
        done = report(kit, push=f"{generation}wiki", page="Our sites", json="1")
        assert done.is_success, done
        told = json.loads(done.stdout)[0]["pushed"]
        if round_ == 1:     # the digest names its minute
            sample.sql("UPDATE tiki_pages SET data = 'earlier' WHERE pageName = 'Our sites'")
        assert told["outcome"] == ("created" if round_ == 1 else "updated")
    ours = "WHERE pageName = 'Our sites'"
    assert sample.sql(f"SELECT COUNT(*), MAX(version) FROM tiki_pages {ours}").split() == ["1", "2"]
    assert sample.sql(f"SELECT version FROM tiki_history {ours} ORDER BY version").split() == ["1", "2"]
    text = sample.sql(f"SELECT data FROM tiki_pages {ours}")
    assert "__critical__ ~np~club~/np~: ~np~backup: no good backup" in text
    assert "~np~24.3 (24.4 is out)~/np~" in text


def test_what_keeps_a_page_from_a_tiki_is_one_line(kit):
    instance, sample = kit.tiki("pushed", files=5, versions=1, web=False)
    for variables, says in (({"push": "pushed", "page": "a/b"}, "no page's name"), ({"page": "x"}, "into which Tiki?"),
                            ({"push": "psuhed"}, "did you mean pushed?")):
        done = report(kit, **variables)
        assert (done.code, len(done.stderr.splitlines())) == (2, 1), done
        assert says in done.stderr
    (Path(instance.web_root) / "tiki-setup.php").write_text("<?php echo 'The database is away'; exit;")
    done = report(kit, push="pushed")
    assert done.code == 5
    assert "The database is away" in done.stderr
    assert sample.sql("SELECT COUNT(*) FROM tiki_pages WHERE pageName = 'TRIM report'").strip() == "0"
