"""Data goes down and code goes up a chain of stages, each leaves the other alone, and a copy takes the top's place."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from scripts.registry import change
from scripts.registry.instance import Instance
from scripts.steps import known_version, lineage, quieting, restoring
from scripts.store import archive
from scripts.tiki import maintenance
from scripts.tiki.version import parse_version
from tests.lab import forked
from tests.lab.compare import describe_database, describe_tree
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

STAGES = (("prod", "production", "24.2"), ("test", "test", "24.3"), ("dev", "development", "24.4"))
WAIT_SECONDS = 60
numbers = count(1)


@dataclass(frozen=True)
class Stage:
    instance: Instance
    sample: SampleTiki

    @property
    def name(self) -> str:
        return self.instance.name

    def page(self) -> str:
        return self.sample.sql("SELECT data FROM tiki_pages WHERE pageName = 'HomePage'").strip()

    def write_page(self, text: str) -> None:
        self.sample.sql(f"UPDATE tiki_pages SET data = '{text}' WHERE pageName = 'HomePage'")

    def version(self) -> str:
        return str(parse_version((self.sample.folder / "lib/setup/twversion.class.php").read_text()).version)

    def code(self) -> str:
        return self.sample.folder.joinpath("lib/stage.txt").read_text()

    def everything(self) -> tuple:
        return (describe_tree(self.sample.folder), describe_tree(self.sample.outside),
                describe_database(self.sample.server, self.sample.database))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture
def kit(lab: Lab) -> Toolkit:
    """A toolkit with no neighbours of earlier tests."""
    kit = Toolkit(lab.folder / f"kit{next(numbers)}", lab)
    kit.set(compress="zst")
    return kit


def small(kit: Toolkit, name: str, is_far: bool, version: str = "24.4") -> tuple[Instance, SampleTiki]:
    """Build a small site that Apache serves, and register it."""
    sample = small_site(kit.lab, name, is_far, web=True, version=version, keeps=("tiki_secdb",))
    reached = kit.over_ssh() if is_far else {}
    return kit.register(name, web_root=sample.folder, web_url=sample.url, **reached), sample


def chain(kit: Toolkit, *, far: str = "", parents: bool = True) -> list[Stage]:
    """Build production <- test <- development, each with code and data of its own; one of them behind ssh."""
    number, found = next(numbers), []
    for name, stage, version in STAGES:
        instance, sample = small(kit, f"{name}{number}", name == far, version)
        given = {"STAGE": stage, **({"PARENT": found[-1].name} if parents and found else {})}
        one = Stage(change.set_values(instance.settings, instance.name, given), sample)
        one.write_page(f"page of {name}")
        (sample.folder / "lib/stage.txt").write_text(f"code of {name}")
        (sample.folder / f"files/of_{name}.txt").write_text("data")
        found.append(one)
    found[2].sample.add_patch("20260101_of_dev_tiki", "CREATE TABLE of_dev (id int);\n")
    found[2].sample.console("database:update")
    return found


def run(kit: Toolkit, verb: str, one: Stage | Instance, **words: str) -> Ended:
    return forked.run(kit.top, verb, instance=one.name, **words)


def told(ended: Ended) -> dict:
    assert ended.is_success, ended
    return json.loads(ended.stdout)[0]


def is_closed(one: Stage) -> bool:
    return maintenance.KEPT in os.listdir(one.sample.folder)


def wait_for(is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refused(ended: Ended, *says: str, code: int = 9) -> None:
    assert ended.code == code, ended
    for text in says:
        assert text in ended.stderr, ended


# The whole way

def test_code_goes_up_and_data_goes_down_a_chain_of_three_stages_the_middle_one_behind_ssh(kit):
    prod, test, dev = chain(kit, far="test")
    above = prod.everything()
    for one, text in ((dev, "theirs"), (test, "others")):
        alike = one.sample.folder / "lib/alike.php"
        alike.write_text(text)
        os.utime(alike, (1_700_000_000, 1_700_000_000))
    found = told(run(kit, "promote", dev, json="1"))
    assert (test.sample.folder / "lib/alike.php").read_text() == "theirs"
    assert (found["to"], found["version_before"], found["version"]) == (test.name, "24.3", "24.4")
    assert found["updated"] == ["20260101_of_dev_tiki"]
    assert (test.code(), test.version(), test.page()) == ("code of dev", "24.4", "page of test")
    assert "of_dev" in test.sample.sql("SHOW TABLES")
    assert (test.sample.folder / "files/of_test.txt").exists()
    assert not (test.sample.folder / "files/of_dev.txt").exists()
    assert prod.everything() == above

    refused(run(kit, "promote", test), f"CONFIRM={prod.name}")
    assert prod.everything() == above
    account = (prod.sample.folder / "db/local.php").read_bytes()
    found = told(run(kit, "promote", test, json="1", confirm=prod.name))
    assert (prod.code(), prod.page()) == ("code of dev", "page of prod")
    assert (prod.sample.folder / "db/local.php").read_bytes() == account
    assert prod.sample.preference("zend_mail_handler") == "smtp"
    assert archive.of_instance(kit.settings, prod.name)[0].path.name == found["safety"]
    assert fetch(prod.instance.web_url).status == 200

    above, code = prod.everything(), test.code()
    told(run(kit, "refresh", test, json="1", confirm=test.name))
    (dev.sample.folder / "lib/stage.txt").write_text("newer code of dev")
    dev.sample.add_patch("20260202_newer_tiki", "CREATE TABLE newer (id int);\n")
    found = told(run(kit, "refresh", dev, json="1", confirm=dev.name))
    assert found["updated"] == ["20260202_newer_tiki"]
    assert (test.page(), dev.page()) == ("page of prod", "page of prod")
    assert (test.code(), dev.code()) == (code, "newer code of dev")
    assert (dev.sample.folder / "files/of_prod.txt").exists()
    assert not (dev.sample.folder / "files/of_dev.txt").exists()
    assert dev.sample.preference("zend_mail_handler") != "smtp"
    assert lineage.read(dev.instance).source == test.name
    assert prod.everything() == above
    told(run(kit, "refresh", dev, json="1"))  # it is its clone now, and needs no name any more


# What is refused

def test_data_never_travels_up_and_code_never_down(kit):
    prod, test, dev = chain(kit, parents=False)
    change.set_values(kit.settings, prod.name, {"PARENT": test.name})
    change.set_values(kit.settings, test.name, {"PARENT": dev.name})
    before = [one.everything() for one in (prod, test, dev)]
    for above, below in ((prod, test), (test, dev)):
        refused(run(kit, "refresh", above, confirm=above.name), "data never travels up", above.name, below.name)
        refused(run(kit, "promote", above, to=below.name, confirm=below.name), "code never travels down")
        refused(run(kit, "promote", above), "code never travels down")
    change.set_values(kit.settings, dev.name, {"PARENT": prod.name})
    refused(run(kit, "refresh", dev, confirm=dev.name), "its PARENTs lead back to itself", f"INSTANCE={dev.name}")
    assert [one.everything() for one in (prod, test, dev)] == before


def test_data_does_not_come_onto_older_code_nor_older_code_onto_data(kit):
    prod, test, dev = chain(kit)
    told(run(kit, "promote", dev, json="1", to=prod.name, confirm=prod.name))
    before = test.everything(), prod.everything()
    refused(run(kit, "refresh", test, confirm=test.name), "older than the data")
    refused(run(kit, "promote", test, confirm=prod.name), "older than the data")
    assert (test.everything(), prod.everything()) == before


def test_a_missing_parent_and_a_stranger_as_target_are_told(kit):
    prod, test, dev = chain(kit, parents=False)
    for verb in ("refresh", "promote"):
        refused(run(kit, verb, dev), "has no PARENT", f"make edit INSTANCE={dev.name}", code=3)
    change.set_values(kit.settings, dev.name, {"PARENT": "nobody"})
    refused(run(kit, "refresh", dev), "PARENT=nobody", f"make edit INSTANCE={dev.name}", code=3)
    refused(run(kit, "promote", dev, to=test.name), f"CONFIRM={test.name}", "no clone")
    refused(run(kit, "refresh", prod), "has no PARENT", code=3)


# When it breaks

@pytest.mark.parametrize("how", ["patch", "error page"])
def test_a_promotion_that_breaks_is_put_back(kit, how):
    _, test, dev = chain(kit)
    assert fetch(test.instance.web_url).status == 200  # the first visit fills caches
    fetch(test.instance.web_url)
    if how == "patch":
        dev.sample.add_patch("20260303_broken_tiki", "CREATE NONSENSE;\n")
    else:
        (dev.sample.folder / "tiki-setup.php").write_text("<?php http_response_code(500); exit;\n")
    before = test.everything()[1:], test.code()
    ended = run(kit, "promote", dev)
    assert ended.code == (6 if how == "patch" else 4), ended
    assert ("20260303_broken_tiki" if how == "patch" else "answers 500 with the code of dev") in ended.stderr
    safety = archive.of_instance(kit.settings, test.name)[0].path.name
    assert f"What was there before was put back, from {safety}" in ended.stderr
    assert "was written there between" in ended.stderr
    assert (test.everything()[1:], test.code()) == before
    assert not restoring.unfinished(test.instance)
    assert not maintenance.state(test.instance.host, test.instance.web_root).is_on
    assert fetch(test.instance.web_url).status == 200
    assert known_version.newest(test.instance) == "24.3"


def test_a_promotion_that_was_killed_goes_on_with_the_archive_it_made(kit):
    _, test, dev = chain(kit)
    found = told(run(kit, "promote", dev, json="1"))
    restoring.begin(test.instance, "", found["safety"], source=dev.name, only="code", verb="promote",
                    variables={"INSTANCE": dev.name, "TO": test.name})
    (test.sample.folder / "lib/stage.txt").write_text("half")
    again = told(run(kit, "promote", dev, json="1"))
    assert again["safety"] == found["safety"]
    assert len(archive.of_instance(kit.settings, test.name)) == 1
    assert test.code() == "code of dev"
    restoring.begin(test.instance, "", "", source="x", verb="clone", variables={"FROM": "x", "TO": test.name})
    refused(run(kit, "promote", dev), "the site is a mixture", "make clone FROM=x")


@pytest.mark.parametrize("far", ["", "test"], ids=["here", "ssh"])
def test_what_visitors_write_after_a_promotion_was_killed_that_had_let_them_in_is_archived(kit, far):
    _, test, dev = chain(kit, far=far)
    (dev.sample.folder / "tiki-index.php").write_text("<?php sleep(4);\n")    # as long as the proof waits for it
    words = ["make", "-sC", str(kit.top), "promote", f"INSTANCE={dev.name}"]
    with subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL) as promotion:
        wait_for(lambda: is_closed(test))
        wait_for(lambda: not is_closed(test))
        os.killpg(promotion.pid, signal.SIGKILL)
    note = restoring.unfinished(test.instance)
    assert note.is_open
    test.write_page("written since")
    doctor = run(kit, "doctor", test).stdout
    assert "it ended before it closed the site, or after it opened it again, and visitors are in" in doctor
    assert "visitors see the maintenance page" not in doctor
    (dev.sample.folder / "tiki-index.php").write_text("<?php echo 1;\n")
    found = told(run(kit, "promote", dev, json="1"))
    assert found["safety"] != note.safety
    assert {one.path.name for one in archive.of_instance(kit.settings, test.name)} == {found["safety"], note.safety}
    assert (test.code(), test.page()) == ("code of dev", "written since")
    test.write_page("page of another day")
    assert run(kit, "restore", test, archive=found["safety"]).is_success
    assert (test.code(), test.page()) == ("code of dev", "written since")
    assert run(kit, "restore", test, archive=note.safety).is_success
    assert (test.code(), test.page()) == ("code of test", "page of test")


@pytest.mark.parametrize("far", ["", "test"], ids=["here", "ssh"])
def test_what_visitors_write_before_a_promotion_that_does_not_answer_is_put_back_is_kept(kit, far):
    _, test, dev = chain(kit, far=far)
    page = "<?php http_response_code(500);\n"
    (dev.sample.folder / "tiki-index.php").write_text(page)
    with subprocess.Popen(["make", "-sC", str(kit.top), "promote", f"INSTANCE={dev.name}"], start_new_session=True,
                          stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as promotion:
        wait_for(lambda: is_closed(test))
        wait_for(lambda: not is_closed(test))
        test.write_page("written in these seconds")
        said = promotion.communicate()[1]
    [kept] = (kit.top / "var/waysback").glob(f"{test.name}.written-*.sql.zst")
    assert f"what was written in the seconds in which it was open is in {kept}" in said
    assert b"written in these seconds" in subprocess.run(["zstd", "-dc", kept], check=True, capture_output=True).stdout
    assert (test.code(), test.page()) == ("code of test", "page of test")
    assert not restoring.unfinished(test.instance)
    assert not is_closed(test)


def test_a_dry_promotion_and_a_dry_refresh_change_nothing(kit):
    _, test, dev = chain(kit)
    before = test.everything(), dev.everything()
    ended = run(kit, "promote", dev, dry="1")
    assert ended.is_success, ended
    assert "would: archive what is in" in ended.stdout
    assert "1 patches come with the code" in ended.stdout
    ended = run(kit, "refresh", dev, dry="1", confirm=dev.name)
    assert "data only" in ended.stdout
    assert (test.everything(), dev.everything()) == before
    assert not archive.of_instance(kit.settings, test.name)


# The day the main site is gone

CRONTAB = """\
#!/bin/sh
case $1 in
    -l) [ -f @FILE@ ] || { echo "no crontab for root" >&2; exit 1; }; cat @FILE@ ;;
    -) cat >@FILE@ ;;
    *) exit 2 ;;
esac
"""


@pytest.fixture
def cron(lab: Lab) -> Iterator[tuple[dict[str, str], Path]]:
    """A crontab program that keeps one file, and the PATH on which it stands first."""
    folder = lab.folder / f"cron{next(numbers)}"
    folder.mkdir()
    program, file = folder / "crontab", folder / "spool"
    program.write_text(CRONTAB.replace("@FILE@", str(file)))
    program.chmod(0o755)
    yield {"PATH": f"{folder}:{os.environ['PATH']}"}, file


def failover(kit: Toolkit, *, ssh: bool = False) -> tuple[Stage, Instance, str]:
    """Build a production site and a fail-over of it, muted and restricted; return both, and the second's database."""
    number = next(numbers)
    instance, sample = small(kit, f"main{number}", ssh)
    name = f"spare{number}"
    url = kit.lab.apache.serve(kit.lab.sites(ssh=ssh) / name) + "/"
    spare = kit.blank(name, ssh=ssh, web_url=url, stage="acceptance")
    done = forked.run(kit.top, "clone", from_=instance.name, to=name, kind="failover", expires="90d")
    assert done.is_success, done
    assert forked.run(kit.top, "restrict", instance=name, allow="192.0.2.0/24").is_success
    change.set_values(kit.settings, name, {"MIRROR_OF": instance.name, "MIRROR_DELAY": "1d"})
    return Stage(instance, sample), kit.instance(name), spare.db_name


@pytest.mark.parametrize("ssh", [False, True], ids=["here", "ssh"])
def test_a_copy_takes_the_place_of_a_main_site_that_is_gone(kit, cron, ssh):
    environment, file = cron
    main, spare, database = failover(kit, ssh=ssh)
    change.set_values(kit.settings, main.name, {"WEB_ROOT": "/gone", "WEB_URL": "https://wiki.example.org/"})
    keep = f"30 2 * * * make -sC {kit.top} backup INSTANCE=all\n"
    gone = f"0 3 * * * make -sC {kit.top} clone FROM={main.name} TO={spare.name} CONFIRM={spare.name}\n"
    both = f"0 4 * * * make -sC {kit.top} clone FROM={main.name} TO=office,{spare.name}\n"
    file.write_text(keep + gone + both)
    refused(run(kit, "takeover", spare), f"CONFIRM={spare.name}")
    assert file.read_text() == keep + gone + both
    assert quieting.is_muted(spare)
    found = forked.run(kit.top, "takeover", environment=environment, instance=spare.name, confirm=spare.name)
    assert found.is_success, found
    lines = file.read_text().splitlines(keepends=True)
    assert (lines[0], lines[2]) == (keep, both.replace(f",{spare.name}", ""))
    assert lines[1].startswith(f"# TRIM takeover of {spare.name}, ")
    assert lines[1].endswith(gone)
    now = kit.instance(spare.name)
    assert (now.stage, now.protected, now.parent, now.kind, now.expires, now.mirror_of, now.mirror_delay) == \
        ("production", True, "", "", "", "", "")
    assert lineage.read(now) is None
    assert not quieting.is_muted(now)
    value = kit.lab.mariadb.sql("SELECT value FROM tiki_preferences WHERE name = 'zend_mail_handler'", database)
    assert value.strip() == "smtp"
    answer = fetch(now.web_url)
    assert answer.status == 200
    assert "Copy of" not in answer.body
    for text in ("DNS: let wiki.example.org point to", "TTL", f"make edit INSTANCE={spare.name}",
                 "WEB_URL=https://wiki.example.org/", "answers 200"):
        assert text in found.stdout, found
    again = forked.run(kit.top, "takeover", environment=environment, instance=spare.name, confirm=spare.name)
    assert again.is_success, again
    assert again.stdout.count("already: ") == 4
    assert "crontab: no line overwrites it" in again.stdout
    assert "DNS: let wiki.example.org point to" in again.stdout
    assert file.read_text().splitlines(keepends=True) == lines
    refused(forked.run(kit.top, "clone", from_=main.name, to=spare.name), f"CONFIRM={spare.name}")


def test_a_half_cloned_site_does_not_take_over_and_the_way_out_is_told(kit, cron):
    main, spare, _ = failover(kit)
    assert run(kit, "backup", main).is_success
    restoring.begin(spare, "", "", source=main.name, verb="clone", variables={"FROM": main.name, "TO": spare.name})
    ended = forked.run(kit.top, "takeover", environment=cron[0], instance=spare.name, confirm=spare.name)
    refused(ended, "the site is a mixture", f"make clone FROM={main.name} TO={spare.name} ARCHIVE=latest")
    assert quieting.is_muted(spare)
    restoring.end(spare)
    alone = forked.run(kit.top, "takeover", environment=cron[0], instance=main.name, confirm=main.name)
    refused(alone, "is nobody's copy")


def test_a_takeover_that_was_killed_is_repeated_and_a_dry_one_changes_nothing(kit, cron):
    environment, file = cron
    main, spare, _ = failover(kit)
    file.write_text(f"0 3 * * * make -sC {kit.top} clone FROM={main.name} TO={spare.name}\n")
    before = file.read_text(), change.read(kit.settings, spare.name), lineage.read(spare)
    dry = forked.run(kit.top, "takeover", environment=environment, instance=spare.name, dry="1")
    assert dry.is_success, dry
    assert "would: " in dry.stdout
    assert (file.read_text(), change.read(kit.settings, spare.name), lineage.read(spare)) == before
    assert quieting.is_muted(spare)
    change.set_values(kit.settings, spare.name, {"STAGE": "production", "PROTECTED": "yes"})  # so far it had come
    done = forked.run(kit.top, "takeover", environment=environment, instance=spare.name, confirm=spare.name)
    assert done.is_success, done
    assert not quieting.is_muted(spare)
    assert lineage.read(spare) is None


# The tree

def test_the_tree_shows_relations_versions_and_what_is_wrong_without_asking_a_host(kit, monkeypatch):
    prod, test, dev = chain(kit)
    told(run(kit, "promote", dev, json="1"))
    told(run(kit, "refresh", dev, json="1", confirm=dev.name))
    nowhere = {"web_root": "/srv/x", "access": "ssh", "ssh_host": "192.0.2.1"}
    kit.register("lost", **{**nowhere, "web_root": "/srv/lost"}, parent="nobody")
    kit.register("one", **{**nowhere, "web_root": "/srv/one"}, parent="two", stage="production")
    kit.register("two", **{**nowhere, "web_root": "/srv/two"}, parent="one")
    kit.register("week", **nowhere, mirror_of=prod.name, mirror_delay="1w", expires="2020-01-01")
    ended = forked.run(kit.top, "stages", json="1")
    assert ended.is_success, ended
    rows = {row["name"]: row for row in json.loads(ended.stdout)}
    assert [row["tree"] for row in rows.values()] == [
        "lost", prod.name, f"├─ {test.name}", f"│  └─ {dev.name}", "└─ week", "one", "└─ two"]
    assert (rows[dev.name]["stage"], rows[dev.name]["version"], rows[test.name]["version"]) == \
        ("development", "24.4", "24.4")
    assert (rows[dev.name]["data_of"], rows[test.name]["data_of"]) == (test.name, "")
    assert rows[dev.name]["age"]
    assert rows["lost"]["problem"] == "PARENT=nobody: there is no such instance"
    assert rows["one"]["problem"] == "circle: one -> two -> one"
    assert (rows["week"]["kind"], rows["week"]["problem"]) == ("mirror 1w", "it has expired")
