"""A verb is six things of one name: make target, task, module, README row, bats file, and its variables."""

import ast
import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
NOT_VERBS = {"list",  # another name of instances
             "editinstance",  # another name of edit
             "verify",  # another name of check
             "setup", "demo", "test", "test_all", "test_real", "test_faults", "bench", "lint", "help"}
MAKEFILE = (TOP / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
TASKS = {node.name: node for node in ast.parse((TOP / "tasks.py").read_text(encoding="utf-8")).body
         if isinstance(node, ast.FunctionDef) and [ast.unparse(one) for one in node.decorator_list] == ["task"]
         and node.name != "refuse_variables"}
COMMON = {"DRY", "V", "JSON", "UNATTENDED"}  # besides those that the edge takes itself

OLD_WORDS = dict(re.findall(r"^([a-z-]+): (.+)$", (TOP / "conf/old-words.txt").read_text("utf-8"), re.MULTILINE))
# All targets of TRIM's last Makefile (2018), and what its pages promised.
WORDS_OF_TRIM = {"help", "instance", "editinstance", "blank", "viewdb", "check", "verify", "watch", "update", "upgrade",
                 "convert", "access", "backup", "restore", "fix", "cli", "detect", "enablewww", "delete", "profile",
                 "report", "copysshkey", "clone", "cloneandupgrade", "clean", "clean-files", "list-make-vars", "shell",
                 "mirror", "compare"}


def targets() -> set[str]:
    """Return the make targets that have a help text, without those that are no verbs."""
    return _names(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))


def variables(verb: str) -> set[str]:
    """Return the variables that the rule of a verb takes, with those that all verbs take."""
    named = dict(re.findall(r"^([A-Z_]+) :=(.*)$", MAKEFILE, re.MULTILINE))
    rule = re.search(rf"\$\(call trim,{verb.replace('_', '-')},(.*)\)$", MAKEFILE, re.MULTILINE)
    words = re.sub(r"\$\(([A-Z_]+)\)", lambda found: named[found[1]], rule[1])
    return set(words.split()) | COMMON


def _names(found: list[str]) -> set[str]:
    return {name.replace("-", "_") for name in found} - NOT_VERBS


def test_every_target_has_a_task():
    assert set(TASKS) == targets()


def test_every_target_has_a_verb_module():
    assert {path.stem for path in (TOP / "scripts/verbs").glob("*.py")} - {"__init__"} == targets()


def test_every_target_has_a_row_in_the_readme():
    rows = re.findall(r"^\| `make ([a-z-]+)", (TOP / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert _names(rows) == targets()


def test_every_target_has_a_bats_file():
    assert _names([path.stem for path in (TOP / "tests/make").glob("*.bats")]) == targets()


def test_what_is_no_verb_is_still_a_target():
    found = {name.replace("-", "_") for name in re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)}
    assert found >= NOT_VERBS


@pytest.mark.parametrize("verb", sorted(targets()))
def test_a_rule_passes_what_its_task_takes(verb):
    options = {argument.arg.rstrip("_").upper() for argument in TASKS[verb].args.args} - {"CONTEXT"}
    letters = {"VERBOSE": "V", "SIDE_A": "A", "SIDE_B": "B"}  # invoke takes no long option of one letter
    assert {letters.get(name, name) for name in options} == variables(verb)


def test_every_word_of_trim_is_a_target_or_says_what_takes_its_place():
    known = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    assert WORDS_OF_TRIM - known == set(OLD_WORDS)


def test_the_readme_names_the_words_that_only_say_what_takes_their_place():
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    assert [word for word in OLD_WORDS if f"`{word}`" not in readme] == []


def test_what_takes_a_word_s_place_is_there():
    known = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    named = {verb for answer in OLD_WORDS.values() for verb in re.findall(r"make ([a-z-]+)", answer)}
    assert named <= known
