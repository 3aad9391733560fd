"""Makes what a checkout lacks and a release has: the vendor folder (composer) and, from Tiki 27 on, scripts (npm).

Both run here on the manager, not on the site's host; what they must have made is looked for afterwards.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scripts.errors import CommandError, HostError
from scripts.hosts import process
from scripts.hosts.command import Command, shown
from scripts.hosts.local import MANAGER
from scripts.registry.settings import Settings

NODE_MODULES = "node_modules"
OUTPUT_TAIL = 800       # characters of a build's output that its fault shows


@dataclass(frozen=True)
class Step:
    """A program to run in a folder of the tree. sign is what it leaves, from the tree's top."""

    program: str
    calls: tuple[tuple[str, ...], ...]
    folder: str
    sign: str
    package: str


def steps(tree: Path) -> list[Step]:
    """Return what has to be run to make a tree complete; nothing for a release."""
    return [step for step in (_composer(tree), _npm(tree)) if step]


def complete(settings: Settings, tree: Path, tell: Callable[[str], None]) -> None:
    """Run what the tree needs; raise HostError or CommandError that says what to install or to do."""
    programs = {"composer": settings.composer, "npm": settings.npm}
    wanted = steps(tree)
    for step in wanted:
        _require(step, programs[step.program])
    for step in wanted:
        tell(f"{step.program} makes {step.sign}")
        _run(step, programs[step.program], tree, settings)
    if any(step.program == "npm" for step in wanted):
        _drop_node_modules(tree)


def _composer(tree: Path) -> Step | None:
    """Return the call for the layout of Tiki 17 and newer, or of 11 to 16, whose vendor folder is at the top."""
    for folder, layout in (("vendor_bundled", "vendor_bundled/"), (".", "")):
        if (tree / folder / "composer.json").is_file():
            sign = f"{layout}vendor/autoload.php"
            # The lock file says which packages: that this machine's PHP is another than the site's is no matter.
            is_locked = (tree / folder / "composer.lock").is_file()
            words = ("install", "--no-interaction", "--no-dev", "--prefer-dist", "--no-progress",
                     *(("--ignore-platform-reqs",) if is_locked else ()))
            return None if (tree / sign).is_file() else Step("composer", (words,), folder, sign, "composer")
        if (tree / folder).is_dir() and folder != ".":
            return None
    return None


def _npm(tree: Path) -> Step | None:
    sign = "public/generated/js"
    try:
        scripts = json.loads((tree / "package.json").read_text(encoding="utf-8")).get("scripts", {})
    except (OSError, ValueError, AttributeError):
        return None
    if "build" not in scripts or _is_filled(tree / sign):
        return None
    install = "ci" if (tree / "package-lock.json").is_file() else "install"
    return Step("npm", ((install, "--no-audit", "--no-fund"), ("run", "build")), ".", sign, "npm")


def _require(step: Step, program: str) -> None:
    if not shutil.which(program):
        raise HostError(f"{program} is not there, and the code as it is in git needs it. Next: apt-get install "
                        f"{step.package}, or give {step.program.upper()} in conf/settings.env, or take a release file, "
                        "which has everything: SOURCE= or RELEASES_DIR")


def _run(step: Step, program: str, tree: Path, settings: Settings) -> None:
    for words in step.calls:
        argv = ("env", "-C", str(tree / step.folder), *_environment(settings), program, *words)
        with tempfile.TemporaryFile() as said:
            try:
                process.pipe(Command(argv, shown("manager", (program, *words))), into=said)
            except CommandError as error:
                raise CommandError(f"{error}{_last_lines(said)}. The tree was not kept. Next: correct that, or take a "
                                   "release file, which has everything: SOURCE= or RELEASES_DIR", code=error.code,
                                   stderr=error.stderr) from error
    if not ((tree / step.sign).is_file() or _is_filled(tree / step.sign)):
        raise CommandError(f"{program} {' '.join(step.calls[-1])}: ended without a fault, and {step.sign} is not "
                           "there. The tree was not kept. The log of this run shows the calls")


def _last_lines(said: IO[bytes]) -> str:
    """Return the end of what a program printed: compilers tell their faults there, not on stderr."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - OUTPUT_TAIL))
    lines = [line.strip() for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return f"; before that: {' / '.join(lines)}" if lines else ""


def _environment(settings: Settings) -> list[str]:
    """Return what both programs need under cron: a home, and no questions because we are root."""
    given = {"COMPOSER_ALLOW_SUPERUSER": "1", "CI": "1"}
    if not os.environ.get("HOME"):
        given |= {"HOME": str(settings.cache)}
    return [f"{name}={value}" for name, value in given.items()]


def _is_filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _drop_node_modules(tree: Path) -> None:
    """Remove what was only needed for the build: three times the size of the rest, and never served."""
    found = MANAGER.read_names("find", str(tree), "-path", str(tree / "vendor_bundled"), "-prune", "-o", "-type", "d",
                               "-name", NODE_MODULES, "-prune", "-print0")
    for path in found:
        MANAGER.remove_tree(path)
