"""Mods of a site whose code becomes another one, or goes back: known, looked at again, and never in the way."""

from tests.lab import sample_mods
from tests.lab.releases import NEW_FILE
from tests.lab.sample_mods import BOOK, PAPER_NAME
from tests.lab.update_fixtures import Site, code, in_a_hurry, lab, shared

__all__ = ["code", "in_a_hurry", "lab", "shared"]  # fixtures

EARLY = f"revision:\n1.0\n\nversion:\n24.3\n\nfiles:\nx/came.php {NEW_FILE}\nx/own.php lib/own.php\n"
FILES = {"x/came.php": b"<?php // of the mod\n", "x/own.php": b"<?php // own\n", **sample_mods.FILES}


def test_an_update_knows_mods_and_says_what_became_of_them_and_so_does_a_rollback(shared):
    site = Site(shared)
    sample_mods.write(shared.settings, {"features-early": EARLY, BOOK: sample_mods.FIRST,
                                        PAPER_NAME: sample_mods.PAPER}, FILES)
    assert site.run("mods_install", mod="features-early", yes="1").is_success
    (site.root / "lib/own.php").write_bytes(b"<?php // by hand\n")

    ended = site.run("update")
    assert ended.is_success, ended
    assert f"features-early: {NEW_FILE}: is Tiki's own file in 24.4" in ended.stderr
    assert "features-early: lib/own.php: not as installed" in ended.stderr
    assert "features-early 1.0 is for Tiki 24.3, by its own word" in ended.stderr
    assert (site.root / NEW_FILE).read_text() == "<?php // new\n"

    ended = site.run("mods_install", mod=BOOK, answers=str(sample_mods.answers(shared.top)), yes="1")
    assert ended.is_success, ended
    ended = site.run("rollback")
    assert ended.is_success, ended
    assert f"{BOOK} 1.1 was installed after that, and what its SQL did is gone" in ended.stderr
    assert "features-early" not in ended.stderr
    assert (site.root / NEW_FILE).read_bytes() == FILES["x/came.php"]
    ended = site.run("mods_remove", mod=BOOK, force="1", yes="1")
    assert ended.is_success, ended

    ended = site.run("update")
    assert ended.is_success, ended
    ended = site.run("mods_remove", mod="features-early", yes="1")
    assert ended.is_success, ended
    assert (site.root / NEW_FILE).read_text() == "<?php // new\n"
    assert not (site.root / "lib/own.php").exists()
