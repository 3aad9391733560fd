"""A verb begins quickly: what only some of them need is loaded by those alone, and nothing is compiled twice."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tasks
from scripts.registry.run_log import called
from tests.lab.toolkit import SOURCE, Toolkit

# Each takes from 2 to 200 ms. What a verb shows with them it imports where it shows it.
HEAVY = {"apprise", "bcrypt", "cronsim", "ctypes", "humanize", "jinja2", "markdown", "mysql", "prometheus_client",
         "psutil", "requests", "resolvelib", "sh", "tabulate", "tqdm"}
# A verb that only shows what is known reaches no host, and makes no archive.
NOT_OURS = {"scripts.hosts.ssh", "scripts.database.client", "scripts.store.write",
            "scripts.notify.letters"}
SHOWING = """
import sys, json
sys.argv = ["invoke", "instances", "--json=1"]
from pathlib import Path
from scripts import edge
edge.TOP = Path.cwd()
from invoke.main import program
try:
    program.run()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def kit(tmp_path: Path) -> Toolkit:
    """A toolkit with settings and one instance, which no test has used."""
    kit = Toolkit(tmp_path / "trim", None)
    kit.set(keep=7)
    kit.register("blog", access="ssh", ssh_host="192.0.2.1", web_root="/srv/blog")
    return kit


def test_a_verb_that_only_shows_loads_nothing_of_what_others_need(kit):
    done = subprocess.run([sys.executable, "-c", SHOWING], cwd=kit.top, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(kit.top)})
    assert [row["name"] for row in json.loads(done.stdout)] == ["blog"], done.stderr
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "scripts.verbs.instances" in loaded
    assert (HEAVY | NOT_OURS) & loaded == set()


def test_setup_alone_keeps_what_python_compiled_and_drops_what_was_cut_off(kit):
    for one in kit.top.rglob("*.pyc"):
        one.unlink()
    assert kit.make("instances").returncode == 0
    assert not [*kit.top.rglob("*.pyc")]
    setup = [kit.top / "scripts" / "setup.sh", "run"]
    subprocess.run(setup, check=True)
    kept = [next((kit.top / folder / "__pycache__").glob(f"{name}.*.pyc"))
            for folder, name in ((".", "tasks"), ("scripts", "edge"), ("scripts/verbs", "instances"))]
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    assert "EOFError" in kit.make("instances").stderr
    subprocess.run(setup, check=True)
    assert not kept[0].exists() and kept[1].exists()
    assert kit.make("instances").returncode == 0


def test_the_words_of_a_call_begin_with_its_verb(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["invoke", "backup", "--instance=blog"])
    assert called() == ["backup", "--instance=blog"]


@pytest.mark.parametrize(("words", "shown"), [
    (["--no-dedupe", "mods-install", "--mod=x"], {"mods-install"}),
    (["backup", "--instance=blog", "prove"], {"backup", "prove"}),
    (["--list"], None), (["bakup"], None), ([], None)])
def test_invoke_is_shown_the_task_that_is_called_or_all(monkeypatch, words, shown):
    monkeypatch.setattr(sys, "argv", ["invoke", *words])
    every = {name.replace("_", "-") for name, one in vars(tasks).items() if isinstance(one, tasks.Task)}
    assert set(tasks._called().task_names) == (shown or every)


def test_the_list_of_verbs_comes_without_python(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("make", "bash", "sh", "awk", "sed", "fold"):
        (programs / name).symlink_to(shutil.which(name))
    done = subprocess.run(["make", "-sC", SOURCE, "help", "PYTHON=/nowhere"], env={"PATH": str(programs)},
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  backup " in done.stdout and "Every verb: DRY=1" in done.stdout
