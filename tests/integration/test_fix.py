"""make fix where some of a site's files belong to another account, as those that the web server wrote."""

import json
import os
from collections.abc import Iterator

import pytest

from scripts.steps import baselines
from tests.lab import forked
from tests.lab.accounts import give_to, lab_user
from tests.lab.lab import Lab
from tests.lab.one_site import OneSite


@pytest.fixture(params=["here", "far"])
def site(request: pytest.FixtureRequest) -> Iterator[OneSite]:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another account")
    with Lab() as lab:
        one = OneSite(lab, is_far=request.param == "far")
        if request.param == "here":
            folder = lab.sites(ssh=True) / "owned"
            one.sample.folder.rename(folder)
            one.sample.folder = folder
            give_to(lab_user(), folder)
            one.kit.register(one.name, web_root=folder, run_as=lab_user())
        one.run("fix", instance=one.name)
        yield one


def test_what_another_account_owns_is_told_and_all_else_is_done(site):
    root = site.sample.folder
    foreign = root / "files" / "upload.bin"
    foreign.write_text("the web server's")
    foreign.chmod(0o600)
    assert site.run("check", instance=site.name, accept="all").is_success
    (root / "templates").chmod(0o700)
    (root / "tiki-index.php").chmod(0o600)
    (root / "temp/cache/stale").write_text("x")
    give_to(lab_user(), root / "temp/cache/stale")
    ended = forked.run(site.kit.top, "fix", instance=site.name)
    assert ended.code == 5
    assert ended.stderr.count("files/upload.bin: mode 0600 to 0664") == 1
    assert "Next: " in ended.stderr
    modes = [oct((root / name).stat().st_mode & 0o777) for name in ("templates", "tiki-index.php", "files/upload.bin")]
    assert modes == ["0o775", "0o644", "0o600"]
    assert not (root / "temp/cache/stale").exists()
    files = baselines.read(site.kit.instance(site.name)).files
    assert [files[name].mode for name in ("templates", "tiki-index.php")] == ["775", "644"]
    foreign.unlink()
    told = json.loads(site.run("fix", instance=site.name, json="1").stdout)[0]
    assert (told["changed"], told["not_changed"]) == ([], [])
