"""make profile: what a profile changes is told without secrets, what breaks half-way is put back, nothing is left."""

import io
import json
import re
import tarfile

import pytest

from scripts.database.digest import DumpDigest
from scripts.steps import keeping_tables, profile_sources
from scripts.steps import site as sites
from scripts.steps.scratch import scratch
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
    return not (sample.folder / "temp/trim-profiles").exists() and not list(kit.settings.work.glob("*"))


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
    assert "near: profile Nowhere: Profile not found." in done.stderr
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
        kept = keeping_tables.keep(found, folder)
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
