"""A restricted site, seen through a real Apache and a real nginx: who gets in, what stays closed, what comes back."""

import base64
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.errors import HostError, RefusedError
from scripts.registry import admitted, change
from scripts.registry.instance import Instance
from scripts.steps import restricting
from scripts.tiki import maintenance, restriction
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.processes import Server, answers, find_program, free_port
from tests.lab.sample_tiki import SampleTiki
from tests.lab.terminal import Terminal
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

SMALL = {"files": 5, "versions": 1}
ELSEWHERE, HERE = "10.0.0.0/8", "127.0.0.1"
PASSWORD = "p\u00e4ss: w$rd"
OPEN_PATHS = ("", "HomePage", "tiki-index.php", "robots.txt", "storage/public/shown.txt", "temp/public/README")
"""The page, a clean address, PHP, a static file, and what .htaccess files of sub folders open."""
CLOSED_PATHS = ("db/tiki.sql", "temp/README", "storage/hidden.txt", "_htaccess")


@pytest.fixture(scope="module")
def kit() -> Iterator[Toolkit]:
    with Lab() as lab:
        yield Toolkit(lab.folder / "kit", lab)


@pytest.fixture(scope="module", params=["new-local", "old-ssh"])
def site(kit: Toolkit, request: pytest.FixtureRequest) -> tuple[Instance, SampleTiki]:
    """A site whose .htaccess is a file, and one behind ssh where it is a link."""
    generation, reached = request.param.split("-")
    one, sample = kit.tiki(f"wiki-{generation}", generation, ssh=reached == "ssh", **SMALL)
    for name in ("storage/public/shown.txt", "storage/hidden.txt", "temp/public/README", "temp/README"):
        (sample.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (sample.folder / name).write_text("text\n")
    for name, rule in (("storage/public", "granted"), ("storage", "denied")):
        (sample.folder / name / ".htaccess").write_text(f'<FilesMatch ".*">\nRequire all {rule}\n</FilesMatch>\n')
    give_to(lab_user(), sample.folder)
    return one, sample


@pytest.fixture(autouse=True)
def _open_again(kit: Toolkit, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "site" in request.fixturenames:
        one, _ = request.getfixturevalue("site")
        change.set_values(kit.settings, one.name, {"RESTRICT_ALLOW": "", "RESTRICT_USERS": "", "RESTRICT_BOTH": "no"})
        maintenance.turn_off(one.host, one.web_root)
        restricting.apply(one)


def restrict(kit: Toolkit, one: Instance, *words: str, password: str = "") -> subprocess.CompletedProcess:
    given = {"RESTRICT_PASS": password} if password else {}
    return kit.make("restrict", f"INSTANCE={one.name}", *words, environment=given)


def login(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def statuses(url: str, paths: tuple[str, ...], headers: dict[str, str] | None = None) -> set[int]:
    return {fetch(f"{url.rstrip('/')}/{path}", headers).status for path in paths}


def htaccess(sample: SampleTiki) -> tuple:
    """Return all there is of a site's .htaccess."""
    path = sample.folder / ".htaccess"
    if not os.path.lexists(path):
        return ()
    status = path.lstat()
    content = os.readlink(path) if path.is_symlink() else path.read_bytes()
    return (stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid,
            status.st_mtime_ns, content)


def beside(sample: SampleTiki) -> Path:
    return sample.folder.with_name(f"{sample.folder.name}-restrict")


# Who gets in


def test_by_address(kit, site):
    one, sample = site
    before = htaccess(sample)
    done = restrict(kit, one, f"ALLOW={ELSEWHERE}")
    assert "answered 403: this machine is turned away" in done.stdout, done.stderr
    assert statuses(sample.url, OPEN_PATHS + CLOSED_PATHS) == {403}
    done = restrict(kit, one, f"ALLOW={ELSEWHERE},{HERE}")
    assert "answered 200: right if this machine's address is among" in done.stdout, done.stderr
    assert statuses(sample.url, OPEN_PATHS) == {200}
    assert statuses(sample.url, CLOSED_PATHS) == {403}
    assert "everybody may enter" in restrict(kit, one, "STATE=off").stdout
    assert htaccess(sample) == before
    assert not beside(sample).exists()
    assert statuses(sample.url, OPEN_PATHS) == {200}


def test_by_login(kit, site):
    one, sample = site
    before = htaccess(sample)
    done = restrict(kit, one, "USERS=ann", password=PASSWORD)
    assert "answered 401: a login is asked for" in done.stdout, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert statuses(sample.url, OPEN_PATHS) == {401}
    assert statuses(sample.url, CLOSED_PATHS) == {403}
    assert statuses(sample.url, OPEN_PATHS, login("ann", PASSWORD)) == {200}
    assert statuses(sample.url, CLOSED_PATHS, login("ann", PASSWORD)) == {403}
    assert statuses(sample.url, OPEN_PATHS, login("ann", "wrong")) == {401}
    assert statuses(sample.url, (".htpasswd", ".htaccess")) == {403}
    restrict(kit, one, "STATE=off")
    assert htaccess(sample) == before


def test_by_either_and_by_both(kit, site):
    one, sample = site
    assert restrict(kit, one, f"ALLOW={ELSEWHERE}", "USERS=ann", password=PASSWORD).returncode == 0
    assert statuses(sample.url, OPEN_PATHS) == {401}
    assert statuses(sample.url, OPEN_PATHS, login("ann", PASSWORD)) == {200}
    assert restrict(kit, one, "BOTH=1").returncode == 0
    assert statuses(sample.url, OPEN_PATHS, login("ann", PASSWORD)) == {403}
    assert restrict(kit, one, f"ALLOW={HERE}").returncode == 0
    assert statuses(sample.url, OPEN_PATHS) == {401}
    assert statuses(sample.url, OPEN_PATHS, login("ann", PASSWORD)) == {200}
    assert statuses(sample.url, CLOSED_PATHS, login("ann", PASSWORD)) == {403}
    assert restrict(kit, one, "BOTH=no").returncode == 0
    assert statuses(sample.url, OPEN_PATHS) == {200}


def test_what_a_site_says_itself_of_access_opens_nothing(kit, site):
    one, sample = site
    path = sample.folder / ".htaccess"
    kept = os.readlink(path) if path.is_symlink() else path.read_bytes()
    path.unlink()
    path.write_text("Require all granted\n<Files robots.txt>\nRequire all granted\n</Files>\n")
    give_to(lab_user(), path)
    try:
        restrict(kit, one, f"ALLOW={ELSEWHERE}")
        assert statuses(sample.url, ("tiki-index.php", "robots.txt")) == {403}
    finally:
        restrict(kit, one, "STATE=off")
        path.unlink()
        path.symlink_to(kept) if isinstance(kept, str) else path.write_bytes(kept)
        give_to(lab_user(), path)


# Written once, read back, mended


def test_twice_the_same_writes_nothing(kit, site):
    one, sample = site
    restrict(kit, one, f"ALLOW={ELSEWHERE}", "USERS=ann", password=PASSWORD)
    files = [sample.folder / ".htaccess", *sorted(beside(sample).iterdir())]
    assert {path.name for path in files} == {".htaccess", ".htpasswd", "http.conf", "server.conf"}
    before = [(path.stat().st_ino, path.stat().st_mtime_ns) for path in files]
    hashes = kit.instance(one.name).restrict_users
    assert restrict(kit, one, f"ALLOW={ELSEWHERE}", "USERS=ann", password=PASSWORD).returncode == 0
    assert [(path.stat().st_ino, path.stat().st_mtime_ns) for path in files] == before
    assert kit.instance(one.name).restrict_users == hashes


def test_the_web_server_can_read_the_logins_whatever_the_umask(kit, site):
    one, sample = site
    done = kit.make("restrict", f"INSTANCE={one.name}", "USERS=ann", environment={"RESTRICT_PASS": PASSWORD},
                    umask=0o077)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(beside(sample).stat().st_mode) == 0o755
    assert stat.S_IMODE((beside(sample) / ".htpasswd").stat().st_mode) == 0o644
    assert statuses(sample.url, OPEN_PATHS, login("ann", PASSWORD)) == {200}


def test_doctor_tells_of_what_is_open_and_its_command_mends_it(kit, site):
    one, sample = site
    restrict(kit, one, "USERS=ann", password=PASSWORD)
    assert findings(kit, one) == []
    own = sample.folder / ".htaccess"
    own.write_bytes(restriction.without(own.read_bytes()))
    found = findings(kit, one)
    assert ["open to everybody" in one["problem"] for one in found] == [True], found
    assert found[0]["next"] == f"make -C {kit.top} restrict INSTANCE={one.name}"
    assert restrict(kit, one).returncode == 0
    assert findings(kit, one) == []
    assert statuses(sample.url, OPEN_PATHS) == {401}


def test_whatever_is_wrong_is_seen_and_mended(kit, site):
    one, sample = site
    restrict(kit, one, "USERS=ann", password=PASSWORD)
    restricted = kit.instance(one.name)
    own, logins = sample.folder / ".htaccess", beside(sample) / ".htpasswd"
    widened = own.read_bytes().replace(b"valid-user", b"all granted")
    for spoil, said in ((lambda: own.write_bytes(widened), "is not what"),
                        (logins.unlink, "is gone"), (lambda: logins.write_text("ann:x\n"), "does not hold the logins"),
                        (lambda: logins.chmod(0o600), "cannot be read by the web server"),
                        (lambda: beside(sample).chmod(0o700), "cannot be read by the web server"),
                        (lambda: shutil.rmtree(beside(sample)), "names a file of logins that is gone")):
        spoil()
        found = restricting.problems(restricted)
        assert [said in one for one in found] == [True], found
        restricting.apply(restricted)
        assert restricting.problems(restricted) == []
        assert statuses(sample.url, ("robots.txt",)) == {401}
        assert statuses(sample.url, ("robots.txt",), login("ann", PASSWORD)) == {200}


def findings(kit: Toolkit, one: Instance) -> list[dict]:
    found = json.loads(kit.make("doctor", f"INSTANCE={one.name}", "JSON=1").stdout)
    return [finding for finding in found if finding["check"] == "restriction"]


def test_a_login_keeps_its_password_and_another_one_gets_a_random_one(kit, site):
    one, sample = site
    restrict(kit, one, "USERS=ann", password=PASSWORD)
    done = restrict(kit, one, "USERS=ann,bob", "JSON=1")
    told = json.loads(done.stdout)[0]
    assert (told["users"], list(told["passwords"]), told["answer"]) == (["ann", "bob"], ["bob"], 401)
    assert statuses(sample.url, ("robots.txt",), login("ann", PASSWORD)) == {200}
    assert statuses(sample.url, ("robots.txt",), login("bob", told["passwords"]["bob"])) == {200}
    everywhere = "".join(path.read_text(errors="replace") for path in (kit.top / "var" / "logs").iterdir())
    assert told["passwords"]["bob"] not in everywhere and PASSWORD not in everywhere
    restrict(kit, one, "USERS=bob")
    assert statuses(sample.url, ("robots.txt",), login("ann", PASSWORD)) == {401}


def test_a_password_is_typed_twice_and_never_shown(kit, site):
    one, sample = site
    words = ["make", "-sC", str(kit.top), "restrict", f"INSTANCE={one.name}", "USERS=ann"]
    with Terminal(words, {"PATH": "/usr/local/bin:/usr/bin:/bin", "TERM": "dumb"}) as terminal:
        terminal.answer("Password for ann", "first one")
        terminal.answer("The same again", "not the same")
        terminal.answer("Password for ann", "second one")
        terminal.answer("The same again", "second one")
        assert terminal.ends() == 0, terminal.shown
    assert "first one" not in terminal.shown and "second one" not in terminal.shown
    assert statuses(sample.url, ("robots.txt",), login("ann", "second one")) == {200}


# A .htaccess that is no plain file


def test_a_link_is_never_written_through_takes_updates_in_and_comes_back(kit, site):
    one, sample = site
    own, template = sample.folder / ".htaccess", sample.folder / "_htaccess"
    was_link, text, before = own.is_symlink(), template.read_bytes(), htaccess(sample)
    restrict(kit, one, f"ALLOW={ELSEWHERE}")
    assert template.read_bytes() == text and not own.is_symlink()
    assert restriction.without(own.read_bytes()) == text
    template.write_bytes(text + b"# of an update\n")
    restrict(kit, one, f"ALLOW={HERE}")
    assert restriction.without(own.read_bytes()) == text + (b"# of an update\n" if was_link else b"")
    template.write_bytes(text)
    restrict(kit, one, "STATE=off")
    assert htaccess(sample) == before


def test_what_somebody_wrote_into_a_former_link_stays(kit, site):
    one, sample = site
    own = sample.folder / ".htaccess"
    kept = htaccess(sample)
    restrict(kit, one, f"ALLOW={HERE}")
    own.write_bytes(own.read_bytes() + b"# somebody's\n")
    restrict(kit, one, f"ALLOW={ELSEWHERE}")
    restrict(kit, one, "STATE=off")
    assert not own.is_symlink()
    assert own.read_bytes() == (sample.folder / "_htaccess").read_bytes() + b"# somebody's\n"
    own.unlink()
    if stat.S_ISLNK(kept[0]):
        own.symlink_to(kept[-1])
    else:
        own.write_bytes(kept[-1])
    give_to(lab_user(), own)


@pytest.mark.parametrize("page", ["without the page", "under the page", "page in between"])
def test_a_site_without_htaccess_has_none_again(kit, site, page):
    one, sample = site
    own, aside = sample.folder / ".htaccess", sample.folder / "aside"
    own.rename(aside)
    try:
        if page == "under the page":
            kit.make("maintenance", f"INSTANCE={one.name}", "STATE=on")
        restrict(kit, one, f"ALLOW={ELSEWHERE}")
        if page == "page in between":
            kit.make("maintenance", f"INSTANCE={one.name}", "STATE=on")
        if page != "without the page":
            assert statuses(sample.url, OPEN_PATHS) == {503}
            assert kit.make("maintenance", f"INSTANCE={one.name}", "STATE=off").returncode == 0
        assert statuses(sample.url, ("tiki-index.php", "robots.txt", "storage/public/shown.txt")) == {403}
        if page == "under the page":
            kit.make("maintenance", f"INSTANCE={one.name}", "STATE=on")
            restrict(kit, one, "STATE=off")
            assert maintenance.state(one.host, one.web_root).complete
            kit.make("maintenance", f"INSTANCE={one.name}", "STATE=off")
        else:
            restrict(kit, one, "STATE=off")
        assert not os.path.lexists(own)
        assert not any(os.path.lexists(sample.folder / name) for name in maintenance.OWN_NAMES)
    finally:
        aside.rename(own)


# The maintenance page


def test_under_the_page_the_site_s_own_file_is_changed_and_counts_when_the_page_goes(kit, site):
    one, sample = site
    before = htaccess(sample)
    kit.make("maintenance", f"INSTANCE={one.name}", "STATE=on")
    page = (sample.folder / ".htaccess").read_bytes()
    assert "answered 503: the maintenance page is on" in restrict(kit, one, f"ALLOW={ELSEWHERE}").stdout
    assert (sample.folder / ".htaccess").read_bytes() == page
    assert maintenance.state(one.host, one.web_root).complete
    assert statuses(sample.url, OPEN_PATHS) == {503}
    assert findings(kit, one) == []
    maintenance.turn_off(one.host, one.web_root)
    assert statuses(sample.url, OPEN_PATHS) == {403}
    kit.make("maintenance", f"INSTANCE={one.name}", "STATE=on")
    restrict(kit, one, "STATE=off")
    kit.make("maintenance", f"INSTANCE={one.name}", "STATE=off")
    assert htaccess(sample) == before
    assert statuses(sample.url, OPEN_PATHS) == {200}


def test_taking_the_page_away_brings_the_restriction_back(kit, site):
    one, sample = site
    restrict(kit, one, f"ALLOW={ELSEWHERE}")
    kit.make("maintenance", f"INSTANCE={one.name}", "STATE=on")
    kept = sample.folder / maintenance.KEPT
    kept.write_bytes(restriction.without(kept.read_bytes()))  # as after a restore that broke off
    assert kit.make("maintenance", f"INSTANCE={one.name}", "STATE=off").returncode == 0
    assert statuses(sample.url, OPEN_PATHS) == {403}


# Restore


def test_a_restriction_survives_a_restore_and_does_not_travel_with_an_archive(kit, site):
    one, sample = site
    before = htaccess(sample)[-1]
    assert kit.make("backup", f"INSTANCE={one.name}").returncode == 0
    restrict(kit, one, f"ALLOW={ELSEWHERE}")
    done = kit.make("restore", f"INSTANCE={one.name}")
    assert done.returncode == 0, done.stderr
    assert statuses(sample.url, OPEN_PATHS) == {403}
    restrict(kit, one, "STATE=off")
    assert htaccess(sample)[-1] == before
    restrict(kit, one, f"ALLOW={ELSEWHERE}")
    assert kit.make("backup", f"INSTANCE={one.name}").returncode == 0
    restrict(kit, one, "STATE=off")
    done = kit.make("restore", f"INSTANCE={one.name}", "ARCHIVE=latest")
    assert done.returncode == 0, done.stderr
    assert htaccess(sample)[-1] == before
    assert statuses(sample.url, OPEN_PATHS) == {200}


# Where the logins lie, what goes with a site, what is refused


def test_a_dry_run_changes_nothing(kit, site):
    one, sample = site
    env = (kit.top / "instances.d" / f"{one.name}.env").read_bytes()
    before = htaccess(sample)
    done = restrict(kit, one, f"ALLOW={ELSEWHERE}", "USERS=ann", "DRY=1")
    assert done.returncode == 0 and "would: " in done.stdout and "password" not in done.stdout, done
    assert (kit.top / "instances.d" / f"{one.name}.env").read_bytes() == env
    assert htaccess(sample) == before and not beside(sample).exists()


def test_where_no_folder_can_be_made_beside_the_web_root(kit, site):
    one, sample = site
    beside(sample).write_text("somebody's")
    outside = kit.instance(one.name).with_(restrict_allow=(HERE,))
    place = sample.outside / f"restrict-{one.name}"
    try:
        assert restricting.apply(outside) == str(place)
        assert (place / "server.conf").exists()
        restricting.apply(one)
        assert not place.exists() and sample.outside.exists()
        inside = outside.with_(data_root=f"{one.web_root}/files")
        with pytest.raises(HostError, match="lies in the web root") as caught:
            restricting.apply(inside)
        assert "is not TRIM's" in str(caught.value) and "Next: make the folder" in str(caught.value)
        locked = sample.folder.parent / "locked"
        locked.mkdir()
        give_to(lab_user(), locked)
        locked.chmod(0o750)
        with pytest.raises(HostError, match=f"the web server may not pass {locked}"):
            restricting.apply(outside.with_(data_root=str(locked)))
        locked.rmdir()
    finally:
        beside(sample).unlink()


def test_a_folder_of_somebody_else_is_not_taken(kit, site):
    one, sample = site
    beside(sample).mkdir()
    (beside(sample) / "index.php").write_text("another site\n")
    give_to(lab_user(), beside(sample))
    folder = restricting.apply(one.with_(restrict_allow=(HERE,)))
    assert folder == str(sample.outside / f"restrict-{one.name}")
    restricting.apply(one)
    assert [path.name for path in beside(sample).iterdir()] == ["index.php"]
    (beside(sample) / "index.php").unlink()
    beside(sample).rmdir()


def test_a_virtual_site_is_not_restricted_alone_and_leaves_the_main_one_s(kit, site):
    one, sample = site
    restrict(kit, one, f"ALLOW={ELSEWHERE}")
    with pytest.raises(RefusedError, match="shares its web root"):
        restricting.apply(one.with_(site="second", restrict_allow=(HERE,)))
    assert restricting.apply(one.with_(site="second")) == ""
    assert statuses(sample.url, OPEN_PATHS) == {403}


def test_delete_takes_the_logins_along(kit):
    one, sample = kit.tiki("gone", **SMALL)
    restrict(kit, one, "USERS=ann", password=PASSWORD)
    assert (beside(sample) / ".htpasswd").exists()
    done = kit.make("delete", f"INSTANCE={one.name}", "DESTROY=1", f"CONFIRM={one.name}", "SAFETY=no")
    assert done.returncode == 0, done.stderr
    assert not beside(sample).exists()


def test_a_web_server_that_reads_no_htaccess_is_told(kit):
    one, sample = kit.tiki("deaf", web=False, **SMALL)
    server = kit.lab.php_server(sample.folder)
    kit.register("deaf", web_root=one.web_root, web_url=server.url)
    done = restrict(kit, one, "USERS=ann", password=PASSWORD)
    assert done.returncode == 0 and "does not obey its .htaccess" in done.stderr, done
    found = json.loads(kit.make("doctor", "INSTANCE=deaf", "JSON=1").stdout)
    assert any(finding["check"] == "web" and "let us in without one" in finding["problem"] for finding in found)


# nginx


@pytest.fixture(scope="module")
def shop(kit: Toolkit) -> tuple[Instance, SampleTiki]:
    """A site that nginx serves; Apache knows nothing of it."""
    one, sample = kit.tiki("shop", web=False, **SMALL)
    (sample.folder / "storage/public/shown.txt").write_text("text\n")
    return one, sample


class Nginx:
    """Serves a folder with the lines that make restrict tells, and with a location that is denied to all."""

    def __init__(self, folder: Path, root: Path, http: str, server: str) -> None:
        folder.mkdir()
        self.port, self.folder = free_port(), folder
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"{f'user {lab_user()};' if os.geteuid() == 0 else ''} worker_processes 1;\n"
            f"events {{}}\nhttp {{ access_log off; {http}\n"
            f"server {{ listen 127.0.0.1:{self.port}; root {root};\n{server}\n"
            "location /db/ { deny all; }\nlocation /storage/ { allow all; }\n} }\n")
        self._server = Server([find_program("nginx"), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"],
                              folder / "log")
        self._server.wait_until(lambda: answers(self.port))

    def __enter__(self) -> "Nginx":
        return self

    def __exit__(self, *_fault: object) -> None:
        self._server.stop()


@pytest.mark.parametrize(("allow", "users", "both", "stranger", "known"), [
    (ELSEWHERE, "", "no", 403, 403), (HERE, "", "no", 200, 200), ("", "ann", "no", 401, 200),
    (ELSEWHERE, "ann", "no", 401, 200), (HERE, "ann", "no", 200, 200), (HERE, "ann", "yes", 401, 200),
    (ELSEWHERE, "ann", "yes", 403, 403)])
def test_nginx_lets_in_the_same(kit, shop, tmp_path, allow, users, both, stranger, known):
    one, sample = shop
    words = [f"ALLOW={allow}", f"USERS={users}", f"BOTH={both}"]
    done = restrict(kit, one, *words, password=PASSWORD)
    told = [part.split(";")[0] + ";" for part in done.stdout.split("include ")[1:]]
    http, server = ["", *(f"include {line}" for line in told)][-2:]
    tmp_path.chmod(0o755)
    with Nginx(tmp_path / "nginx", sample.folder, http, server) as nginx:
        for path in ("robots.txt", "storage/public/shown.txt"):
            assert fetch(f"{nginx.url}/{path}").status == stranger
            assert fetch(f"{nginx.url}/{path}", login("ann", PASSWORD)).status == known
            assert fetch(f"{nginx.url}/{path}", login("ann", "wrong")).status == stranger
        assert fetch(f"{nginx.url}/db/tiki.sql", login("ann", PASSWORD)).status == 403


def test_nginx_starts_when_the_restriction_is_gone(kit, shop, tmp_path):
    one, sample = shop
    restrict(kit, one, f"ALLOW={ELSEWHERE}")
    restrict(kit, one, "STATE=off")
    folder = beside(sample)
    tmp_path.chmod(0o755)
    with Nginx(tmp_path / "nginx", sample.folder, f'include "{folder}/http*.conf";',
               f'include "{folder}/server*.conf";') as nginx:
        assert fetch(f"{nginx.url}/robots.txt").status == 200


def test_the_env_file_holds_hashes_alone(kit, site):
    one, _ = site
    restrict(kit, one, "USERS=ann", password=PASSWORD)
    path = kit.top / "instances.d" / f"{one.name}.env"
    assert PASSWORD not in path.read_text() and path.stat().st_mode & 0o777 == 0o600
    assert list(admitted.logins(kit.instance(one.name).restrict_users)) == ["ann"]
    assert restricting.is_restricted(kit.instance(one.name)) and not restricting.is_restricted(one)
