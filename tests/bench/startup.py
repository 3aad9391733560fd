"""What it takes until a verb begins: the cheapest one against a bare invoke with an empty task, both by make."""

import os
import subprocess
from pathlib import Path

from tests.bench import measuring
from tests.bench.context import Context
from tests.bench.measuring import FailedWay, Way

TASKS = """\
from invoke import task


@task
def nothing(context):
    '''Do nothing.'''
"""
MAKEFILE = """\
nothing:
\t@exec "{invoke}" nothing
"""
ROUNDS = 15     # each of them a fraction of a second


def measure(context: Context) -> None:
    bare = _bare(context)
    context.kit.set(keep=7)
    context.kit.register("one", web_root="/srv/one")
    environment = {"PATH": os.defpath, "HOME": "/"}
    for verb in ("instances", "help"):  # the first of all compiles
        context.make(verb)

    def nothing() -> None:
        subprocess.run(["make", "-sC", bare, "nothing"], env=environment, check=True, capture_output=True)

    context.report.compare("start-up", [
        measuring.floor(nothing, "bare invoke, an empty task"),
        Way("make instances", lambda: context.make("instances"), limit="start-up", floor="bare invoke, an empty task"),
        Way("make help", lambda: context.make("help"), after=lambda: _needs_no_python(context))], rounds=ROUNDS)


def _bare(context: Context) -> Path:
    """Return a folder with a task that does nothing."""
    folder = context.lab.folder / "bare"
    folder.mkdir()
    (folder / "tasks.py").write_text(TASKS)
    (folder / "Makefile").write_text(MAKEFILE.format(invoke=context.kit.top / ".venv/bin/invoke"))
    return folder


def _needs_no_python(context: Context) -> None:
    """Raise FailedWay when `make help` does not work without the Python environment."""
    venv = context.kit.top / ".venv"
    aside = venv.rename(venv.with_name(".aside"))
    try:
        if "backup" not in context.make("help"):
            raise FailedWay("make help says nothing of backup")
    finally:
        aside.rename(venv)
