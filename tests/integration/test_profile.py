"""make profile: what a profile changes is told without secrets, what breaks half-way is put back, nothing is left."""

import io
import json
import os
import re
import shlex
import signal
import tarfile

import pytest

from scripts.database.digest import DumpDigest
from scripts.errors import Fault
from scripts.health import site as health
from scripts.hosts import process
from scripts.steps import keeping_tables, profile_sources, restoring
from scripts.steps import site as sites
from scripts.steps.scratch import scratch
from scripts.tiki import maintenance
from scripts.verbs import profile
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

DEMO = """preferences:
 browsertitle: A demo's title
 zend_mail_smtp_pass: geheim
 wikiHomePage: $start
objects:
 -
  type: wiki_page
  ref: start
  data:
   name: Welcome all
   content: wikicontent:Text
"""
BROKEN = """preferences:
 browsertitle: Broken
objects:
 -
  type: wiki_page
  ref: good
  data:
   name: Half a profile
 -
  type: wiki_page
  ref: bad
"""


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def kit(lab, tmp_path_factory):
    kit = Toolkit(lab.folder / "toolkit", lab)
    kit.here, kit.near = kit.tiki("near", files=5, versions=2)
    kit.there, kit.far = kit.tiki("far", ssh=True, files=5, versions=2)
    for sample in (kit.near, kit.far):
        sample.sql("DELETE FROM tiki_preferences WHERE name IN ('browsertitle', 'zend_mail_smtp_pass')")
    kit.folder = tmp_path_factory.mktemp("My Profiles, of all sites: the longest name")
    (kit.folder / "Demo").mkdir()
    (kit.folder / "Demo" / "Text.wiki").write_text("Hello 'all'\n")
    for name, text in {"Demo": DEMO, "Broken": BROKEN, "Wrong": "preferences\n  - : [\n",
                       "Plain": "preferences:\n language: de\n"}.items():
        (kit.folder / f"{name}.yml").write_text(text)
    return kit


@pytest.fixture(params=["near", "far"])
def sample(request, kit):
    return request.param, getattr(kit, request.param)


def rows(sample) -> str:
    return sample.sql("SELECT name, value FROM tiki_preferences ORDER BY name; SELECT pageName, data FROM tiki_pages "
                      "ORDER BY pageName")


def apply(kit, name: str, *words: str):
    return kit.make("profile", f"INSTANCE={name}", f"REPOSITORY={kit.folder}", *words)


def nothing_is_left(kit, sample) -> bool:
    return not (sample.folder / "temp/trim-profiles").exists() and not list(kit.settings.work.glob("*")) \
        and not list((kit.settings.state / "status").glob("*.restoring.*"))


class Watching:
    """Asks for the site's page whenever its console is called with a profile; what visitors saw is in seen."""

    def __init__(self, sample) -> None:
        self.sample, self.seen = sample, []

    def __call__(self, command) -> None:
        if "profile:apply" in command.shown:
            self.seen.append(fetch(f"{self.sample.url}tiki-index.php").status)


def test_it_says_what_would_change_and_then_what_did_and_notices_the_second_time(kit, sample):
    name, site = sample
    before = rows(site)
    asked = apply(kit, name, "PROFILE=Demo", "DRY=1")
    assert asked.returncode == 0, asked.stderr
    assert "would: Demo: Preference set: browsertitle= A demo's title" in asked.stdout
    assert 'wiki_page "Welcome all"' in asked.stdout
    assert rows(site) == before and nothing_is_left(kit, site)

    done = apply(kit, name, "PROFILE=Demo", "V=1")
    assert done.returncode == 0, done.stderr
    assert f"{name}: preference browsertitle: the default is now 'A demo's title'" in done.stdout
    assert f"{name}: preference wikiHomePage: the default is now 'Welcome all'" in done.stdout
    assert f"{name}: preference zend_mail_smtp_pass: the default is now (not shown)" in done.stdout
    assert f"{name}: Demo: wiki_page Welcome all" in done.stdout
    told = asked.stdout + asked.stderr + done.stdout + done.stderr
    logs = "".join(path.read_text() for path in (kit.settings.state / "logs").rglob("*.log"))
    assert "geheim" not in told + logs
    assert site.sql("SELECT data FROM tiki_pages WHERE pageName = 'Welcome all'") == "Hello 'all'\n\n"
    assert fetch(site.url).status == 200 and nothing_is_left(kit, site)

    after = rows(site)
    again = apply(kit, name, "PROFILE=Demo")
    assert again.returncode == 0
    assert "Demo was applied before: nothing was changed. FORCE=1 applies it again" in again.stdout
    site.sql("DELETE FROM tiki_preferences WHERE name = 'browsertitle'")
    forced = apply(kit, name, "PROFILE=Demo", "FORCE=1", "JSON=1")
    [told] = json.loads(forced.stdout)[0]["profiles"]
    assert [one["name"] for one in told["preferences"]] == ["browsertitle"]
    assert told["objects"] == ["wiki_page Welcome all"]
    assert rows(site) == after
    assert len(site.sql("SELECT domain FROM tiki_profile_symbols").strip()) <= 50


def test_a_profile_that_breaks_half_way_leaves_nothing_in_the_database(kit, sample):
    name, site = sample
    site.sql("REPLACE INTO tiki_preferences VALUES ('browsertitle', 'mine')")
    before = rows(site)
    done = apply(kit, name, "PROFILE=Plain,Broken")
    assert done.returncode != 0
    assert "Installation failed: / An error occurred: Object (#bad) of type wiki_page does not validate" in done.stderr
    assert "What it had changed was put back, tables tiki_pages, tiki_preferences, " in done.stderr
    assert rows(site) == before and nothing_is_left(kit, site)
    assert fetch(site.url).status == 200


@pytest.mark.parametrize("name", ["Plain", "Broken", "Wrong"])
def test_visitors_write_nothing_meanwhile_that_would_be_put_back(kit, name, monkeypatch):
    watching = Watching(kit.near)
    monkeypatch.setattr(process.conduct, "on_start", watching)
    try:
        profile.profile(kit.here, profile.Wishes((name,), str(kit.folder), force=True))
    except Fault:
        assert name != "Plain"
    monkeypatch.undo()
    assert watching.seen == [503]
    assert fetch(kit.near.url).status == 200 and nothing_is_left(kit, kit.near)
    kit.near.sql("DELETE FROM tiki_preferences WHERE name = 'language'; DROP TABLE IF EXISTS tiki_profile_symbols")


@pytest.mark.parametrize("name", ["Plain", "Broken"])
def test_a_page_that_was_up_before_stays_as_it_was(kit, name):
    assert kit.make("maintenance", "INSTANCE=near", "STATE=on", "REASON=moving day").returncode == 0
    before = maintenance.state(kit.here.host, kit.here.web_root)
    assert (apply(kit, "near", f"PROFILE={name}").returncode == 0) is (name == "Plain")
    assert maintenance.state(kit.here.host, kit.here.web_root) == before
    assert kit.make("maintenance", "INSTANCE=near", "STATE=off").returncode == 0
    kit.near.sql("DELETE FROM tiki_preferences WHERE name = 'language'; DROP TABLE IF EXISTS tiki_profile_symbols")


def killed_while_putting_back(kit, monkeypatch) -> None:
    """Apply a profile that breaks, in a process that dies when half of what it changed is put back."""
    def half(client, *_, **__) -> None:
        client.execute("DROP TABLE tiki_preferences; DELETE FROM tiki_pages")
        os.kill(os.getpid(), signal.SIGKILL)

    wishes = profile.Wishes(("Broken",), str(kit.folder),
                            given={"PROFILE": "Broken", "REPOSITORY": str(kit.folder)})
    if (child := os.fork()) == 0:
        try:
            monkeypatch.setattr(keeping_tables.load, "load", half)
            profile.profile(kit.here, wishes)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_what_a_killed_run_had_not_put_back_is_put_back_by_the_next(kit, monkeypatch):
    before = rows(kit.near)
    killed_while_putting_back(kit, monkeypatch)
    call = f"make profile INSTANCE=near PROFILE=Broken {shlex.quote(f'REPOSITORY={kit.folder}')}"
    refused = kit.make("backup", "INSTANCE=near")
    assert refused.returncode != 0
    assert "a profile that began" in refused.stderr and f"Next: {call}" in refused.stderr
    assert restoring.dump(kit.here).stat().st_mode & 0o777 == 0o600
    assert fetch(kit.near.url).status == 503
    [wrong] = health._maintenance(kit.here)
    assert "a profile, begun" in wrong.problem
    assert wrong.mend == call.replace("make ", f"make -C {kit.top} ", 1)
    asked = apply(kit, "near", "PROFILE=Plain", "DRY=1")
    assert "would: near: put back what a profile that did not come to its end had changed" in asked.stdout

    done = apply(kit, "near", "PROFILE=Wrong")
    assert done.returncode != 0 and "Malformed inline YAML" in done.stderr
    assert "what it had changed was put back, tables tiki_pages, tiki_preferences" in done.stdout
    assert rows(kit.near) == before and nothing_is_left(kit, kit.near)
    assert fetch(kit.near.url).status == 200


def test_a_killed_run_whose_dump_is_gone_says_where_else_the_site_can_come_from(kit, monkeypatch):
    before = kit.near.sql("SELECT * FROM tiki_preferences ORDER BY name")
    restoring.begin(kit.here, "", "", verb="profile", variables={"INSTANCE": "near"})
    done = apply(kit, "near", "PROFILE=Plain")
    assert done.returncode != 0
    assert "is gone. Next: make restore INSTANCE=near; to open the site as it is: make maintenance" in done.stderr
    assert kit.near.sql("SELECT * FROM tiki_preferences ORDER BY name") == before
    assert kit.make("maintenance", "INSTANCE=near", "STATE=off").returncode == 0
    assert fetch(kit.near.url).status == 200 and nothing_is_left(kit, kit.near)


@pytest.mark.parametrize("name", ["Demo", "Wrong"])
def test_a_dry_run_leaves_neither_what_was_sent_nor_files_of_root(kit, name, tmp_path_factory):
    cache = kit.near.folder / "temp/cache"
    php = tmp_path_factory.mktemp("bin") / "php"
    php.write_text(f'#!/bin/sh\ncase "$*" in *profile:apply*) mkdir -p {cache}/new; echo x >{cache}/new/by-console;; '
                   'esac\nexec php "$@"\n')
    php.chmod(0o755)
    env = kit.top / "instances.d" / "near.env"
    text = env.read_text()
    env.write_text(f"{text}PHP={php}\n")
    try:
        asked = apply(kit, "near", f"PROFILE={name}", "DRY=1")
    finally:
        env.write_text(text)
    assert (asked.returncode == 0) is (name == "Demo")
    made = [cache / "new", cache / "new/by-console"]
    assert {one.stat().st_uid for one in made} == {cache.stat().st_uid}
    assert nothing_is_left(kit, kit.near)
    made[1].unlink()
    made[0].rmdir()


def test_a_profile_that_is_no_yaml_changes_nothing(kit, sample):
    name, site = sample
    before = rows(site)
    done = apply(kit, name, "PROFILE=Wrong")
    assert done.returncode != 0 and "Malformed inline YAML" in done.stderr
    assert "Nothing in the database was changed" in done.stderr
    assert rows(site) == before and nothing_is_left(kit, site)


def test_one_file_is_a_profile(kit):
    done = kit.make("profile", "INSTANCE=near", f"PROFILE={kit.folder}/Plain.yml")
    assert done.returncode == 0, done.stderr
    assert kit.near.preference("language") == "de"
    again = kit.make("profile", "INSTANCE=near", f"REPOSITORY={kit.folder}/Plain.yml")
    assert "0 preferences changed, 0 objects" in again.stdout


@pytest.mark.parametrize(("words", "told"), [
    (["PROFILE=Dmeo"], "has no Dmeo.yml. It has: Broken, Demo, Plain, Wrong"),
    ([], "PROFILE= is missing.*has: Broken, Demo, Plain, Wrong"),
])
def test_a_folder_tells_which_profiles_it_has(kit, words, told):
    done = apply(kit, "near", *words)
    assert done.returncode != 0 and re.search(told, done.stderr), done.stderr


def test_what_is_not_here_is_asked_for_by_tiki_itself(kit):
    done = kit.make("profile", "INSTANCE=near", "PROFILE=Nowhere")
    assert "near: profile Nowhere: Profile not found. Nothing in the database was changed" in done.stderr
    assert fetch(kit.near.url).status == 200
    missing = kit.make("profile", "INSTANCE=near", "PROFILE=x", "REPOSITORY=./nowhere")
    assert "(REPOSITORY): there is no such folder" in missing.stderr


def test_only_profiles_and_their_texts_are_sent(kit, tmp_path):
    folder = tmp_path / "p"
    (folder / "One").mkdir(parents=True)
    (folder / "private").mkdir()
    for path in ("One.yml", "One/Text.wiki", "Two.yml", "private/key", "notes.txt"):
        (folder / path).write_text("x")
    (folder / "One" / "link.wiki").symlink_to(folder / "notes.txt")
    [source] = profile_sources.find(kit.settings, ("One",), str(folder))
    with tarfile.open(fileobj=io.BytesIO(profile_sources._packed(source))) as tar:
        assert {one.name for one in tar if one.isfile()} == {"One.yml", "One/Text.wiki", "One/link.wiki", "Two.yml"}
    assert len(f"file://{source.place}") <= 50


def test_only_tables_that_were_changed_are_put_back(kit):
    with scratch(kit.here) as folder, sites.opened(kit.here) as found:
        kept = keeping_tables.keep(found, folder / "before.sql")
        before = kit.near.sql("CHECKSUM TABLE tiki_files, users_users").strip()
        kit.near.sql("DELETE FROM tiki_files; UPDATE users_users SET email = 'other'; CREATE TABLE later (id int)")
        assert keeping_tables.put_back(kept) == ["tiki_files", "users_users"]
        assert kit.near.sql("CHECKSUM TABLE tiki_files, users_users").strip() == before
        assert keeping_tables.put_back(kept) == []
        kit.near.sql("DROP TABLE users_users")
        assert keeping_tables.put_back(kept) == ["users_users"]
    kit.near.sql("DROP TABLE later")


def test_a_stage_lets_one_table_of_a_dump_pass_whole():
    dump = b"""-- MariaDB dump
/*!40101 SET NAMES utf8mb4 */;

--
-- Table structure for table `one`
--
DROP TABLE IF EXISTS `one`;
--
-- Dumping data for table `one`
--
INSERT INTO `one` VALUES ('\\n-- Table structure for table `two`');
--
-- Table structure for table `t``wo`
--
DROP TABLE IF EXISTS `t``wo`;
CREATE TABLE `t``wo` (
  `id` int
);
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
-- Dump completed
"""

    class Chunks:
        def chunks(self):
            return (dump[place:place + 7] for place in range(0, len(dump), 7))

    class Written:
        text = b""

        def write(self, text):
            self.text += text

    for name, passed in {"one": [b"`one`", b"40101"], "t`wo": [b"`t``wo`", b"40101"]}.items():
        sink = Written()
        keeping_tables.only({name})(Chunks(), sink)
        assert all(part in sink.text for part in passed) and sink.text.endswith(b"-- Dump completed\n")
        assert (b"DROP TABLE IF EXISTS `one`" in sink.text) is (name == "one")
        digest = DumpDigest()
        digest.feed(sink.text)
        assert list(digest.finish()) == [name]
