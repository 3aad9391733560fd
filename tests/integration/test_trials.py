"""make rehearse, cloneandupdate, cloneandupgrade: a change is tried on a copy first, and the site itself only read."""

import json
from collections.abc import Iterator

import psutil
import pytest

from scripts.steps import answering, lineage, switch_over
from scripts.store import archive
from tests.lab import forked, releases
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_database, describe_tree
from tests.lab.faults import small_site
from tests.lab.http_sink import HttpSink
from tests.lab.lab import Lab
from tests.lab.releases import NEW_FILE, PATCH
from tests.lab.shims import HERE, KILL, Call, Shims
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def kit(lab: Lab) -> Toolkit:
    """A toolkit with the releases 24.3, 24.4 and 25.0, the last with a patch that fails; near and far are of 24.3."""
    folder = lab.folder / "releases"
    releases.release(folder, "24.3", is_newer=False)
    releases.release(folder, "24.4")
    releases.release(folder, "25.0", {"installer/schema/20260102_broken_tiki.sql": "ALTER TABLE nowhere ADD x int;\n"})
    kit = Toolkit(lab.folder / "kit", lab)
    kit.set(compress="zst", releases_dir=folder, git_remote="")
    for name in ("near", "far"):
        sample = small_site(lab, name, name == "far", web=True, version="24.3", keeps=("tiki_secdb",))
        releases.complete(sample.folder, "24.3", is_newer=False)
        give_to(lab_user(), sample.folder)
        kit.register(name, web_root=sample.folder, web_url=sample.url, **(kit.over_ssh() if name == "far" else {}))
        setattr(kit, name, sample)
    database, user, password = lab.account("trial")
    root = lab.sites() / "trial"
    kit.register("trial", web_root=root, web_url=lab.apache.serve(root) + "/", db_name=database, db_user=user,
                 db_pass=password, db_host=f"127.0.0.1:{lab.mariadb.port}")
    return kit


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """Wait for no opcode cache: neither server has one."""
    monkeypatch.setattr(switch_over, "OPCACHE_SECONDS", 0)
    monkeypatch.setattr(answering, "PATIENT_SECONDS", 1)
    monkeypatch.setattr(answering, "PAUSE_SECONDS", 0.2)


def everything(sample) -> tuple:
    tree = {path: told for path, told in describe_tree(sample.folder).items() if not path.startswith(b"temp/")}
    return tree, describe_tree(sample.outside), describe_database(sample.server, sample.database)


def left(kit: Toolkit, lab: Lab) -> list[str]:
    """Return what a rehearsal must not leave: folders, servers, notes."""
    mine = str(kit.settings.work)
    running = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    return [*map(str, kit.settings.work.glob("*")), *(call for call in running if mine in call),
            *(path.name for path in (kit.settings.state / "status").glob("*") if "trial" not in path.name)]


# rehearse

@pytest.mark.parametrize("name", ["near", "far"])
def test_an_update_is_tried_on_a_clone_that_is_gone_afterwards(lab, kit, name):
    sample = getattr(kit, name)
    before = everything(sample)
    judge = ('curl -fs "$TRIM_WEB_URL/tiki-index.php" | grep -q Welcome && test -e "$TRIM_WEB_ROOT/' + NEW_FILE
             + '" && grep -q 24.4 "$TRIM_WEB_ROOT/lib/setup/twversion.class.php" && echo seen')
    ended = forked.run(kit.top, "rehearse", instance=name, json="1", test=judge)
    assert ended.is_success, ended.stderr
    found = json.loads(ended.stdout)[0]
    assert (found["version_before"], found["version"], found["updated"], found["answers"]) == \
        ("24.3", "24.4", [PATCH], 200)
    assert found["milliseconds"] > 0 and found["seconds"] > found["closed_seconds"] > 0
    assert f"{name}: TEST: seen" in ended.stderr and "the site itself was not touched" in ended.stderr
    assert everything(sample) == before and left(kit, lab) == []
    assert not archive.of_instance(kit.settings, name)
    assert fetch(sample.url).status == 200


@pytest.mark.parametrize("name", ["near", "far"])
def test_a_rehearsal_makes_no_index_at_the_search_server_of_the_site(lab, kit, name):
    sample, server = getattr(kit, name), HttpSink()
    server.start()
    try:
        sample.sql(f"REPLACE INTO tiki_preferences (name, value) VALUES ('unified_search_engine', 'elastic'), "
                   f"('unified_elastic_url', '{server.url}')")
        sample.console("index:rebuild")
        index = sample.preference("unified_elastic_index_current")
        assert {(one.method, one.path.split("/")[1]) for one in server.requests} == {("PUT", index), ("POST", index)}
        server.requests.clear()
        before = everything(sample)
        ended = forked.run(kit.top, "rehearse", instance=name,
                           test='cd "$TRIM_WEB_ROOT" && php console.php index:rebuild')
        assert ended.is_success, ended
        assert f"{name}: its search index is at a server of its own: the rehearsal makes none there" in ended.stdout
        assert server.requests == []
        assert everything(sample) == before and left(kit, lab) == []
    finally:
        server.stop()
        sample.sql("DELETE FROM tiki_preferences WHERE name IN ('unified_search_engine', 'unified_elastic_url', "
                   "'unified_elastic_index_current')")


def test_what_would_go_wrong_is_told_and_nothing_was_touched(lab, kit):
    before = everything(kit.near)
    ended = forked.run(kit.top, "rehearse", instance="near", version="25.0", php_check="no")
    assert ended.code == 6, ended
    assert "20260102_broken_tiki" in ended.stderr
    assert "All that was on a throw-away clone, which is gone: the site itself was not touched" in ended.stderr
    refused = forked.run(kit.top, "rehearse", instance="near", version="24.1")
    assert "VERSION=24.1 is not above it" in refused.stderr
    verdict = forked.run(kit.top, "rehearse", instance="near", test="echo no good; exit 3")
    assert verdict.code == 5
    assert "TEST ended with exit code 3: no good. The site itself was not touched" in verdict.stderr
    assert everything(kit.near) == before and left(kit, lab) == []


def test_a_dry_run_says_what_would_be_tried(lab, kit):
    ended = forked.run(kit.top, "rehearse", instance="near", dry="1")
    assert ended.is_success and "would: clone near into" in ended.stdout, ended
    assert left(kit, lab) == []


def test_the_users_files_and_mail_of_the_site_are_out_of_a_rehearsals_reach(lab, kit):
    store = kit.near.outside / "fgal"
    ask = "php console.php preferences:get"
    told = forked.run(kit.top, "rehearse", instance="near",
                      test=f'cd "$TRIM_WEB_ROOT" && {ask} fgal_use_dir && {ask} zend_mail_handler')
    assert told.is_success, told.stderr
    asked = [line for line in told.stdout.splitlines() if " has value " in line]
    assert len(asked) == 2 and str(store) not in asked[0] and f"{kit.settings.work}/scratch-near." in asked[0]
    assert "sendmail" not in asked[1] and "smtp" not in asked[1]


def test_what_a_killed_rehearsal_left_goes_with_the_next_one(lab, kit, tmp_path):
    shims = Shims(tmp_path / "shims")
    shims.reset(Call(HERE, "php", 6), KILL)
    killed = forked.run(kit.top, "rehearse", shims, instance="near")
    assert killed.code < 0, killed
    assert list(kit.settings.work.glob("scratch-near.*"))
    ended = forked.run(kit.top, "rehearse", instance="near")
    assert ended.is_success, ended.stderr
    assert left(kit, lab) == []


# cloneandupdate, cloneandupgrade

def test_a_clone_is_updated_and_what_changed_is_told(lab, kit):
    before = everything(kit.near)
    ended = forked.run(kit.top, "cloneandupdate", from_="near", to="trial", json="1",
                       test='test "$TRIM_INSTANCE" = trial')
    assert ended.is_success, ended.stderr
    found = json.loads(ended.stdout)[0]
    assert (found["version_before"], found["version"], found["updated"], found["answers"]) == \
        ("24.3", "24.4", [PATCH], 200)
    assert found["milliseconds_before"] > 0 and found["milliseconds"] > 0
    assert "near (A) and trial (B)" in ended.stderr and "files" in found["in_short"]
    assert "trial: TEST is content" in ended.stderr
    assert everything(kit.near) == before
    assert lineage.read(kit.instance("trial")).source == "near"


def test_a_clone_that_test_does_not_like_stays_to_be_looked_at(lab, kit):
    ended = forked.run(kit.top, "cloneandupdate", from_="near", to="trial", test="exit 7")
    assert ended.code == 5
    assert "trial: TEST ended with exit code 7. trial stays as it is, to be looked at" in ended.stderr
    assert fetch(kit.instance("trial").web_url).status == 200


def test_an_upgrade_that_fails_leaves_the_clone_as_it_was_cloned(lab, kit):
    ended = forked.run(kit.top, "cloneandupgrade", from_="near", to="trial", version="25.0", php_check="no")
    assert ended.code == 6 and "Code and database were put back" in ended.stderr, ended
    assert fetch(kit.instance("trial").web_url).status == 200
    below = forked.run(kit.top, "cloneandupgrade", from_="near", to="trial", version="24.2")
    assert "is not above it" in below.stderr
    missing = forked.run(kit.top, "cloneandupgrade", from_="near", to="trial")
    assert "VERSION= is missing" in missing.stderr


def test_a_guarded_target_asks_for_its_name_once(lab, kit):
    env = kit.top / "instances.d" / "trial.env"
    text = env.read_text()
    try:
        env.write_text(f"{text}PROTECTED=yes\n")
        refused = forked.run(kit.top, "cloneandupgrade", from_="near", to="trial", version="24.4")
        assert refused.code == 9 and "CONFIRM=trial" in refused.stderr
        ended = forked.run(kit.top, "cloneandupgrade", from_="near", to="trial", version="24.4", confirm="trial")
        assert ended.is_success, ended
    finally:
        env.write_text(text)
