"""The newest release of a series that was ever heard of, without asking anybody."""

import json
from pathlib import Path

import pytest

from scripts.code import mirror
from scripts.registry.settings import Settings
from scripts.steps import known_releases
from scripts.tiki.version import Version


@pytest.mark.parametrize(("version", "newest"), [("24.3", "24.10"), ("24.10", ""), ("25.0", ""), ("24.3vcs", "24.10"),
                                                 ("18.9", "18.10"), ("", ""), ("own", "")])
def test_newer_is_what_follows_in_the_same_series(version, newest):
    known = [Version(text) for text in ("24.3", "24.10", "24.9", "25.0", "18.10", "18.9")]
    assert known_releases.newest(version, known) == newest


def test_releases_are_known_from_a_folder_from_git_as_it_was_and_from_other_sites(tmp_path: Path):
    releases = tmp_path / "releases"
    releases.mkdir()
    (releases / "tiki-24.5.tar.gz").touch()
    settings = Settings(top=tmp_path, releases_dir="releases", git_remote="https://git.example.org/tiki.git")
    refs = {"refs/tags/tags/27.1": "a", "refs/heads/27.x": "b", "refs/tags/nonsense": "c"}
    settings.cache.mkdir(parents=True)
    mirror._remember(settings, refs)
    assert list(map(str, known_releases.all_of(settings, ["25.2", "26.0vcs"]))) == ["24.5", "25.2", "27.1"]
    other = Settings(top=tmp_path, git_remote="https://other.example.org/tiki.git")
    assert mirror.known_refs(other) == {}   # another repository's are not this one's
    (settings.cache / "remote_refs.json").write_text(json.dumps({"remote": settings.git_remote})[:-5])
    assert mirror.known_refs(settings) == {}
