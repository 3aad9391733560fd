"""What a tree lacks is told by its layout; a program that is missing, fails or does nothing leaves no doubt."""

import dataclasses
import json
from pathlib import Path

import pytest

from scripts.code import build
from scripts.errors import CommandError, HostError


def written(top: Path, *names: str, text: str = "{}") -> Path:
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


def with_build(top: Path, scripts: dict[str, str] | None = None) -> Path:
    return written(top, "package.json", text=json.dumps({"scripts": scripts or {"build": "exit 0"}}))


def test_a_release_needs_nothing(tmp_path):
    with_build(written(tmp_path, "vendor_bundled/composer.json", "vendor_bundled/vendor/autoload.php",
                       "public/generated/js/app.js", "composer.json"))
    assert build.steps(tmp_path) == []


def test_a_tiki_that_knows_no_composer_needs_nothing(tmp_path):
    assert build.steps(written(tmp_path, "tiki-setup.php")) == []


def test_a_checkout_from_17_on_gets_the_bundled_vendor_folder(tmp_path):
    written(tmp_path, "vendor_bundled/composer.json", "composer.json")
    step, = build.steps(tmp_path)
    assert (step.folder, step.sign) == ("vendor_bundled", "vendor_bundled/vendor/autoload.php")


def test_a_checkout_of_11_to_16_gets_its_vendor_folder_at_the_top(tmp_path):
    step, = build.steps(written(tmp_path, "composer.json"))
    assert (step.folder, step.sign) == (".", "vendor/autoload.php")


def test_the_packages_of_an_administrator_are_not_ours_to_install(tmp_path):
    """From 17 on the composer.json at the top is his."""
    assert build.steps(written(tmp_path, "composer.json", "vendor_bundled/vendor/autoload.php")) == []


def test_only_a_lock_file_makes_this_machine_s_php_no_matter(tmp_path):
    written(tmp_path, "composer.json")
    assert "--ignore-platform-reqs" not in build.steps(tmp_path)[0].calls[0]
    assert "--ignore-platform-reqs" in build.steps(written(tmp_path, "composer.lock"))[0].calls[0]


def test_scripts_are_built_as_their_lock_file_says(tmp_path):
    with_build(tmp_path)
    assert [call[0] for call in build.steps(tmp_path)[0].calls] == ["install", "run"]
    assert [call[0] for call in build.steps(written(tmp_path, "package-lock.json"))[0].calls] == ["ci", "run"]


@pytest.mark.parametrize("text", ['{"scripts": {"test": "x"}}', "{}", "[]", "not json"])
def test_a_package_json_without_a_build_builds_nothing(tmp_path, text):
    assert build.steps(written(tmp_path, "package.json", text=text)) == []


@pytest.mark.parametrize(("program", "make"), [("composer", lambda top: written(top, "composer.json")),
                                               ("npm", with_build)])
def test_a_program_that_is_not_there_is_told_with_what_to_install(settings, tmp_path, program, make):
    chosen = dataclasses.replace(settings, **{program: f"{program}-is-missing"})
    with pytest.raises(HostError, match=rf"{program}-is-missing is not there.*apt-get install {program}.*SOURCE="):
        build.complete(chosen, make(tmp_path / "tree"), lambda line: None)


@pytest.mark.parametrize("program", ["composer", "npm"])
def test_nothing_is_begun_when_one_of_two_programs_is_not_there(settings, tmp_path, program):
    tree = with_build(written(tmp_path / "tree", "composer.json"))
    chosen = dataclasses.replace(settings, **{"composer": "touch", "npm": "touch", program: "missing"})
    told = []
    with pytest.raises(HostError):
        build.complete(chosen, tree, told.append)
    assert told == []


def test_a_program_that_fails_is_shown_with_what_it_said_and_what_to_do(settings, tmp_path):
    """ls knows none of composer's options: a real program's own words."""
    chosen = dataclasses.replace(settings, composer="ls")
    with pytest.raises(CommandError, match=r"ls install --no-interaction .*exit code 2: .*unrecognized option.*Next: "):
        build.complete(chosen, written(tmp_path / "tree", "composer.json"), lambda line: None)


@pytest.mark.parametrize(("program", "make", "sign"), [
    ("composer", lambda top: written(top, "vendor_bundled/composer.json"), "vendor_bundled/vendor/autoload.php"),
    ("npm", with_build, "public/generated/js")])
def test_a_program_that_ends_well_and_did_nothing_is_a_fault(settings, tmp_path, program, make, sign):
    chosen = dataclasses.replace(settings, **{program: "true"})
    with pytest.raises(CommandError, match=f"ended without a fault, and {sign} is not there"):
        build.complete(chosen, make(tmp_path / "tree"), lambda line: None)


def test_what_a_failing_build_printed_last_is_shown(settings, tmp_path):
    """Compilers tell their faults on stdout. Python takes the word "install" for a program to run."""
    tree = with_build(written(tmp_path / "tree", "install", text="print('app.ts: wrong type'); raise SystemExit(2)"))
    with pytest.raises(CommandError, match=r"exit code 2; before that: app\.ts: wrong type\. The tree was not kept"):
        build.complete(dataclasses.replace(settings, npm="python3"), tree, lambda line: None)
