"""make check and make watch: every change that nobody wanted is found, and nothing else."""

import difflib
import hashlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from scripts.hosts import summing
from scripts.hosts.local import MANAGER
from scripts.registry import change
from scripts.steps import baselines, watched, watching_surroundings
from scripts.tiki import restriction
from scripts.tiki.probe import Probe
from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.releases import EDITED, NEW_FILE
from tests.lab.update_fixtures import code, in_a_hurry, lab, shared
from tests.lab.watched import EARLY, LATER, PLUGINS, SEEN_BY_NONE, SHELL, Watched, missed

__all__ = ["code", "in_a_hurry", "lab", "shared"]  # fixtures

SHELL_PATH = "lib/wiki-plugins/wikiplugin_x.php"


@pytest.fixture(scope="module")
def quiet(shared) -> Watched:
    """Return a site that nobody changes for good."""
    return Watched(shared).settled()


# What is found

def test_every_change_of_fifty_is_found_and_four_that_were_there_before_the_first_look(shared):
    site = Watched(shared, far=True).prepared()
    for act, _, _ in EARLY.values():
        act(site)
    found = site.findings()
    assert missed(site, found, EARLY) == {}
    own = [name for name in found if name not in {name for _, name, _ in EARLY.values()}]
    names = shared.top / "accepted"
    names.write_bytes(b"".join(os.fsencode(name) + b"\0" for name in own))
    assert site.run("check", accept_from=str(names)).is_success
    site.use()
    again = site.findings()
    assert (missed(site, again, EARLY), len(again)) == ({}, len(EARLY))
    for act, _, _ in LATER.values():
        act(site)
    last = site.findings()
    assert missed(site, last, EARLY | LATER) == {}
    assert len(EARLY | LATER) >= 50
    consequences = ("lib/mail/", "lib/mail.away/", "inclusion:", "administrator:guest")
    told = {name for name in last if name.startswith(consequences)}
    expected = {name or f"{site.sample.outside}/fgal/x.php" for _, name, _ in (EARLY | LATER).values()}
    assert set(last) - told == expected - told


def test_an_accepted_state_is_no_finding_and_another_one_of_the_same_place_is(quiet):
    place = quiet.put("lib/own.php", "<?php // ours\n", 0o666)
    assert quiet.findings() == {"lib/own.php": {"new", "world-writable"}}
    assert quiet.run("check", accept="lib").is_success
    assert quiet.findings() == {}
    place.write_text("<?php // theirs\n")
    place.chmod(0o662)
    assert quiet.findings() == {"lib/own.php": {"changed", "mode", "world-writable"}}
    place.unlink()
    assert quiet.findings() == {"lib/own.php": {"removed"}}
    quiet.run("check", accept="lib/own.php")
    assert quiet.findings() == {}


def test_what_has_no_sum_the_quick_way_is_compared_each_time(quiet):
    place = quiet.put("lib/a\nb.php", "<?php // ours\n")
    assert quiet.run("check", accept="all").is_success
    assert quiet.findings() == {}
    place.write_text("<?php // else\n")
    assert quiet.findings() == {"lib/a\nb.php": {"changed"}}
    place.unlink()
    assert quiet.run("check", accept="all").is_success


def test_a_folder_of_code_and_one_of_data_that_cannot_be_listed_are_findings_and_what_was_in_them_is_none(shared):
    site = Watched(shared, far=True).settled()
    for path in ("lib/wiki-plugins", "files"):
        (site.root / path).chmod(SEEN_BY_NONE)
    found = site.findings()
    assert found == {"lib/wiki-plugins": {"unreadable", "mode"}, "files": {"unreadable", "mode"}}
    assert "2 findings are left" in site.run("check", accept="all").stdout
    for path in found:
        (site.root / path).chmod(0o755)
    assert site.findings() == {path: {"mode"} for path in found}  # it was accepted, and is another one again


def test_a_name_that_no_finding_has_is_not_accepted(quiet):
    ended = quiet.run("check", accept="lib/nothing.php")
    assert ended.code == 2 and "no finding has this name" in ended.stderr


def test_watch_says_nothing_when_all_is_well_and_names_what_it_finds(quiet):
    assert (quiet.run("watch", unattended="1").stdout, watched.read(quiet.instance).findings) == ("", 0)
    quiet.put("files/x.php", SHELL)
    ended = quiet.run("watch", unattended="1")
    (quiet.root / "files/x.php").unlink()
    assert (ended.code, ended.stdout) == (10, "")
    assert "1 finding (1 upload), as upload: files/x.php" in ended.stderr
    assert (watched.read(quiet.instance).findings, watched.read(quiet.instance).problem) == (1, "")


# What is none

def test_normal_use_is_no_finding(quiet):
    quiet.use()
    assert quiet.findings() == {}
    assert quiet.findings() == {}


def test_a_look_writes_nothing_at_the_site(quiet):
    before = quiet.everything()
    quiet.run("watch")
    assert quiet.everything() == before


def test_the_maintenance_page_and_a_restriction_are_none_and_a_false_one_is(shared):
    site = Watched(shared).settled()
    assert site.run("maintenance", state="on").is_success
    assert site.findings() == {}
    forged = (site.root / "index.php").read_bytes()
    (site.root / "index.php").write_bytes(forged.replace(b" if (PHP_SAPI", b" eval($_GET['x']); if (PHP_SAPI"))
    assert site.findings() == {"index.php": {"changed"}}
    (site.root / "index.php").write_bytes(forged)
    assert site.run("maintenance", state="off").is_success
    assert site.findings() == {}
    assert site.run("restrict", allow="127.0.0.0/8").is_success
    assert site.findings() == {}
    rules = (site.root / ".htaccess").read_bytes()
    (site.root / ".htaccess").write_bytes(rules.replace(b"AuthMerging And", b"AuthMerging And\nAddType x .jpg"))
    assert site.findings() == {".htaccess": {"changed"}, "restriction": {"restriction"}}


@pytest.mark.parametrize("is_far", [False, True])
def test_a_site_that_stands_open_though_its_env_file_restricts_it_is_a_finding(shared, is_far):
    site = Watched(shared, far=is_far).settled()
    assert site.run("restrict", allow="127.0.0.0/8").is_success
    assert site.findings() == {}
    rules = site.root / ".htaccess"
    closed = rules.read_bytes()
    rules.write_bytes(restriction.without(closed))
    watched_ended = site.run("watch")
    assert (watched_ended.code, site.findings()) == (10, {"restriction": {"restriction"}})
    assert f"open to everybody. Next: make restrict INSTANCE={site.name}" in watched_ended.stderr
    assert site.run("check", accept="all").code == 10
    assert site.findings() == {"restriction": {"restriction"}}
    assert site.run("restrict").is_success
    assert (rules.read_bytes(), site.findings()) == (closed, {})


def test_trims_own_changes_are_none_and_a_web_shell_stays_one_through_all_of_them(shared, tmp_path):
    site = Watched(shared, far=True).prepared()
    own = site.root / EDITED
    own.write_text(own.read_text().replace("// one", "// one, ours"))
    site.run("check", accept="all")
    site.put(SHELL_PATH, SHELL)
    only = {SHELL_PATH: {"new"}}
    assert site.findings() == only
    patch = tmp_path / "ours.patch"
    before = (site.root / "README").read_text().splitlines(keepends=True)
    patch.write_text("".join(difflib.unified_diff(before, ["Patched\n", *before], "a/README", "b/README")))
    assert site.run("patch", action="apply", file=str(patch)).is_success
    assert site.findings() == only
    assert site.run("update").is_success
    assert "// one, ours" in own.read_text() and (site.root / NEW_FILE).exists()
    assert site.findings() == only
    assert site.run("rollback").is_success
    assert site.findings() == only
    assert site.run("backup").is_success
    upgraded = site.run("upgrade", version="24.4")
    assert (upgraded.code, site.version()) == (0, "24.4"), upgraded.stderr
    assert site.findings() == only
    (site.root / SHELL_PATH).unlink()
    assert site.findings() == {}
    site.put(SHELL_PATH, SHELL)
    assert site.run("restore", archive="latest").is_success, site.run("restore", archive="latest").stderr
    assert site.findings() == only
    (site.root / SHELL_PATH).chmod(0o600)
    assert site.run("fix").is_success
    assert site.findings() == only


def test_a_clone_has_what_was_accepted_at_its_source_and_a_web_shell_of_the_source_is_found_there(shared):
    site = Watched(shared).settled()
    site.put(SHELL_PATH, SHELL)
    shared.blank("clone-of-watched", web_url=site.sample.url)
    clone = Watched.__new__(Watched)
    clone.kit, clone.name = shared, "clone-of-watched"
    for again in range(2):
        assert site.kit.make("clone", f"FROM={site.name}", "TO=clone-of-watched").returncode == 0
        assert clone.findings() == {SHELL_PATH: {"new"}}, again


def test_a_refreshed_stage_and_the_one_above_that_gets_its_code_have_no_findings_but_the_web_shell(shared):
    site = Watched(shared).settled()
    shared.blank("stage-of-watched", web_url=site.sample.url, parent=site.name, stage="development")
    stage = Watched.__new__(Watched)
    stage.kit, stage.name = shared, "stage-of-watched"
    assert forked.run(shared.top, "clone", from_=site.name, to=stage.name).is_success
    assert stage.findings() == {}
    root = Path(shared.instance(stage.name).web_root)
    (root / SHELL_PATH).write_text(SHELL)
    for verb in ("unmute", "refresh"):
        ended = stage.run(verb)
        assert ended.is_success, ended.stderr
        assert stage.findings() == {SHELL_PATH: {"new"}}, verb
    ended = stage.run("promote", confirm=site.name)
    assert ended.is_success, ended.stderr
    assert site.findings() == {SHELL_PATH: {"new"}}


def test_what_was_wrong_in_a_merged_file_stays_a_finding(shared):
    site = Watched(shared).settled()
    own = site.root / EDITED
    own.write_text(own.read_text().replace("// one", "// one <?php eval($_POST[1]);"))
    assert site.findings() == {EDITED: {"changed"}}
    assert site.run("update").is_success
    assert "eval" in own.read_text()
    assert site.findings() == {EDITED: {"changed"}}


# The baseline

def test_a_baseline_that_was_changed_is_found_and_not_trusted(shared):
    site = Watched(shared).settled()
    site.put(SHELL_PATH, SHELL)
    path = shared.settings.state / "baselines" / f"{site.name}.baseline"
    assert (path.stat().st_mode & 0o777, path.with_name(".key").stat().st_mode & 0o777) == (0o600, 0o600)
    content = path.read_bytes()
    path.write_bytes(content[:-9] + b"x" + content[-8:])
    found = site.findings()
    assert (found["baseline"], found[SHELL_PATH]) == ({"baseline"}, {"new"})
    assert site.findings()["baseline"] == {"baseline"}
    path.unlink()
    assert site.findings()["baseline"] == {"baseline"}
    ended = site.run("check")
    [advised] = set(re.findall(r"make check INSTANCE=\S+ ACCEPT=(\w+)", ended.stdout + ended.stderr))
    assert site.run("check", accept=advised).is_success
    found = site.findings()
    assert "baseline" not in found and found[SHELL_PATH] == {"new"}     # it takes nothing else for right
    (site.root / SHELL_PATH).unlink()
    assert site.run("check", accept="all").is_success
    assert site.findings() == {}


def test_without_a_known_release_everything_has_to_be_accepted(shared, lab):
    site = Watched(shared).prepared()
    (site.root / "lib/setup/twversion.class.php").write_text(
        (site.root / "lib/setup/twversion.class.php").read_text().replace("24.3", "24.2"))
    found = site.findings()
    assert found["baseline"] == {"baseline"} and not any("new" in kinds for kinds in found.values())
    assert site.run("check", accept="all").is_success
    assert site.findings() == {}
    site.put("lib/x.txt", "new")
    assert site.findings() == {"lib/x.txt": {"new"}}


def test_a_git_that_moved_is_found(shared):
    site = Watched(shared).prepared()

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", site.root, "-c", "user.name=x", "-c", "user.email=x@y", "-c",
                               "safe.directory=*", *words], check=True, capture_output=True, text=True).stdout
    git("init", "-q", "-b", "24.x")
    git("add", "-A", "--", ".", ":!files", ":!db/local.php", ":!temp/cache/*")
    git("commit", "-q", "-m", "all")
    git("update-ref", "refs/remotes/origin/24.x", "HEAD")
    give_to(lab_user(), site.root / ".git")
    site.run("check", accept="all")
    assert site.findings() == {}
    git("commit", "-q", "--allow-empty", "-m", "moved")
    assert site.findings() == {"revision": {"revision"}}
    site.put(".git/hooks/x.php", SHELL)
    assert site.findings() == {"revision": {"revision"}, ".git/hooks/x.php": {"new"}}
    site.run("check", accept="revision")
    assert site.findings() == {".git/hooks/x.php": {"new"}}
    (site.root / ".git/HEAD").unlink()
    assert site.findings() == {"revision": {"revision"}, ".git/hooks/x.php": {"new"}}
    assert site.run("check", accept="all").is_success
    assert site.findings() == {}


# What cannot be seen

def test_a_host_that_cannot_be_reached_is_a_finding(shared, lab):
    site = Watched(shared, far=True)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        change.set_values(shared.settings, site.name, {"SSH_PORT": str(nobody.getsockname()[1])})
    assert site.findings() == {"site": {"unreachable"}}
    assert "cannot reach" in watched.read(site.instance).problem
    assert site.run("watch").code == 10


def test_a_blank_is_passed_over_until_something_was_there(shared):
    blank = shared.blank("spare")
    site = Watched.__new__(Watched)
    site.kit, site.name = shared, "spare"
    ended = site.run("watch")
    assert (ended.code, "is a blank" in ended.stdout, watched.read(blank)) == (0, True, None)
    shared.lab.mariadb.sql("CREATE TABLE left_over (id int)", "spare")
    assert site.findings() == {"site": {"unreachable"}}


@pytest.mark.parametrize("far", [False, True], ids=["here", "ssh"])
def test_an_account_that_fails_to_load_is_told_with_its_reason_and_hides_nothing_else(shared, far):
    site = Watched(shared, far=far).settled()
    account = site.root / "db/local.php"
    text = account.read_text()
    site.put(SHELL_PATH, SHELL)
    for broken, reason in (("<?php\nthis is no PHP;\n", "local.php: fails: syntax error"),
                           ("<?php\nno_such_function();\n", "fails: Call to undefined function no_such_function()"),
                           ("<?php\nexit(3);\n", "ends the program instead of setting its variables"),
                           ("<?php\ndie('closed');\n", "ends the program instead of setting its variables")):
        account.write_text(broken)
        ended = site.run("watch", unattended="1")
        assert (ended.code, f"as unreachable: its database: {account}" in ended.stderr) == (10, True), ended
        assert reason in ended.stderr, ended
        found = site.findings()
        assert (found["its database"], found[SHELL_PATH], found["db/local.php"]) == \
            ({"unreachable"}, {"new"}, {"changed"}), found
    account.write_text(text)
    assert site.findings() == {SHELL_PATH: {"new"}}
    account.unlink()
    found = site.findings()
    assert (found["its database"], found["db/local.php"]) == ({"unreachable"}, {"removed"}), found


def test_with_its_database_closed_the_files_are_looked_at_all_the_same(shared):
    site = Watched(shared).settled()
    site.put(SHELL_PATH, SHELL)
    account = site.root / "db/local.php"
    account.write_text(account.read_text().replace("$user_tiki='", "$user_tiki='no"))
    found = site.findings()
    assert (found["its database"], found[SHELL_PATH], found["db/local.php"]) == ({"unreachable"}, {"new"}, {"changed"})


# Seen, put back

def test_a_difference_is_shown_on_the_terminal_and_nothing_that_is_secret(quiet):
    own = quiet.root / PLUGINS[1]
    before = own.read_bytes()
    own.write_bytes(before + b"// a line of ours\n")
    shown = quiet.run("check", diff=PLUGINS[1]).stdout
    assert "+// a line of ours" in shown and "Tiki 24.3 as it shipped" in shown
    logs = "".join(path.read_text(errors="replace") for path in (quiet.kit.top / "var/logs").rglob("*")
                   if path.is_file())
    assert "a line of ours" not in logs
    own.write_bytes(before)
    secret = quiet.run("check", diff="db/local.php").stdout
    assert "is not shown" in secret and "pass_tiki" not in secret


def test_what_was_there_is_put_back_and_what_is_replaced_is_kept(quiet):
    place, before = quiet.root / PLUGINS[1], (quiet.root / PLUGINS[1]).read_bytes()
    place.write_text(SHELL)
    place.chmod(0o600)
    told = quiet.told("check", restore=PLUGINS[1])
    assert (place.read_bytes(), place.stat().st_mode & 0o777) == (before, 0o644)
    assert (Path(told["kept"]).read_text(), Path(told["kept"]).stat().st_mode & 0o777) == (SHELL, 0o600)
    place.unlink()
    place.symlink_to("/etc/hostname")
    assert quiet.run("check", restore=PLUGINS[1]).is_success
    assert (place.is_symlink(), place.read_bytes()) == (False, before)
    place.unlink()
    assert quiet.run("check", restore=PLUGINS[1]).is_success
    assert quiet.findings() == {}, quiet.check().stdout
    refused = quiet.put("lib/none.php", SHELL)
    assert quiet.run("check", restore="lib/none.php").code == 9 and refused.exists()
    refused.unlink()


def test_a_file_of_the_sites_own_comes_back_from_its_last_archive(shared):
    site = Watched(shared).settled()
    own = site.root / "themes/own/css/own.css"
    assert site.run("backup").is_success
    before = own.read_bytes()
    own.write_text("changed")
    told = site.told("check", restore="themes/own/css/own.css")
    assert (own.read_bytes(), told["from"].startswith(f"{site.name}_")) == (before, True)
    assert site.findings() == {}


# Around a site

def test_a_release_with_fixes_is_named_and_can_be_accepted(lab, code, shared):
    site = Watched(shared).settled()
    found = watching_surroundings.findings(site.instance, _probe("24.3", "8.2.1"))
    assert [(one.kind, one.state) for one in found] == [("release", "24.3 24.4")]
    assert [one.kind for one in watching_surroundings.findings(site.instance, _probe("24.4", "7.4.3"))] == ["php"]
    assert watching_surroundings.findings(site.instance, _probe("24.4", "8.9.0")) == []


def _probe(version: str, php: str) -> Probe:
    from scripts.tiki.version import parse_version
    text = f"$this->branch = 'stable';\n$this->version = '{version}';"
    return Probe("tiki", edition=parse_version(text), php_version=php)


@pytest.mark.parametrize(("days", "trusted", "told"),
                         [(300, True, ""), (5, True, "ends in 4 days"), (300, False, "self")],
                         ids=["good", "soon", "not trusted"])
def test_a_certificate_is_asked_for(shared, tmp_path, monkeypatch, days, trusted, told):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key", "-out",
                    tmp_path / "cert"], check=True, capture_output=True)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_shake_hands, args=(server, context), daemon=True).start()
        instance = shared.register("certified", web_root="/nowhere",
                                   web_url=f"https://localhost:{server.getsockname()[1]}/")
        found = [one.told for one in watching_surroundings.findings(instance, _probe("24.4", "8.9.0"))]
    assert len(found) == bool(told) and told in "".join(found)


def _shake_hands(server: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = server.accept()
            with context.wrap_socket(connection, server_side=True) as safe:
                safe.recv(1)
        except ssl.SSLError:
            continue
        except OSError:
            return


# How sums are made

@pytest.mark.parametrize("programs", [("openssl", "stdbuf"), ("sha256sum",), ("php",)],
                         ids=["openssl", "coreutils", "php"])
def test_sums_are_the_same_by_whatever_program_a_host_has(tmp_path, monkeypatch, programs):
    tree, tools = tmp_path / "tree", tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "find", "xargs", "nproc", "env", *programs):
        (tools / name).symlink_to(shutil.which(name))
    names = [b"a b", b"deep/er/x", b"-n", b"\xff", b"quo'te\"", b"*", b"br\neak"]
    for name in names + [b"many/%d" % number for number in range(1200)]:
        place = Path(os.fsdecode(os.path.join(os.fsencode(tree), name)))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(name)
    monkeypatch.setenv("PATH", str(tools))
    found = summing.sums(MANAGER, str(tree), ["passed"]).parsed()
    expected = {os.fsdecode(name): hashlib.sha256(name).hexdigest()
                for name in names + [b"many/%d" % number for number in range(1200)] if b"\n" not in name}
    assert found == expected


def test_the_baseline_is_written_and_read_as_it_was(shared):
    instance = shared.register("written", web_root="/nowhere")
    odd = {f"lib/{os.fsdecode(name)}": baselines.Expected("f", "644", "x", "y", "", "0" * 64, "a")
           for name in (b"\xff", b"two\nlines", b"-")}
    one = baselines.Baseline(files=odd, past={"lib/-": frozenset({"1" * 64})}, database={"administrator:ann": "Admins"},
                             harmless=frozenset({"2" * 64}), folders=("own",), commit="3" * 40)
    baselines.write(instance, one)
    assert baselines.read(instance) == one
    other = shared.register("other", web_root="/nowhere")
    path = shared.settings.state / "baselines"
    shutil.copy(path / "written.baseline", path / "other.baseline")
    with pytest.raises(baselines.Broken):
        baselines.read(other)


