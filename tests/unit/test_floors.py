"""Imports point down, programs are started in one place, and no file outgrows its reader."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
FLOORS = {"errors": 0, "hosts": 1, "registry": 2, "database": 3, "tiki": 3, "code": 3, "store": 3, "mods": 3,
          "schedule": 3, "notify": 3, "present": 3, "steps": 3.5, "health": 3.6,
          "verbs": 4, "run": 4.5, "edge": 5, "tasks": 6}
MOST_LINES = 320
TABLE_OF_CONTENTS = "tasks.py"   # grows by a few lines with each verb
HOME_OF_SH = "scripts/hosts/process.py"
FORBIDDEN_CALLS = {"os.system", "os.popen"}

MODULES = [path.relative_to(TOP).as_posix() for path in [*sorted((TOP / "scripts").rglob("*.py")), TOP / "tasks.py"]]


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of everything that is imported, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str:
    """Return the room of a file (`scripts/store/pack.py`) or of a dotted name (`scripts.store.pack`)."""
    words = module.removesuffix(".py").replace("/", ".").split(".")
    return words[1] if words[0] == "scripts" else words[0]


def faults(module: str, text: str) -> list[str]:
    """Return what a module does that its floor does not allow."""
    tree = ast.parse(text)
    room = room_of(module)
    found = []
    for name in imported(tree):
        if name.startswith("."):
            found.append(f"{module} imports {name}: say where it stands")
        elif name.split(".")[0] in ("scripts", "tasks"):
            other = room_of(name)
            if other != room and not FLOORS[other] < FLOORS[room]:
                found.append(f"{module} imports {name}, which is not below it")
        elif name.split(".")[0] == "sh" and module != HOME_OF_SH:
            found.append(f"{module} imports sh")
        elif name.split(".")[0] == "subprocess" or name in FORBIDDEN_CALLS:
            found.append(f"{module} imports {name}")
    return found + [f"{module} {call}" for call in _forbidden_calls(tree)]


def _forbidden_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in FORBIDDEN_CALLS:
            yield f"uses {ast.unparse(node)}"
        elif isinstance(node, ast.keyword) and node.arg == "shell" and ast.unparse(node.value) != "False":
            yield "starts a shell"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down_and_nothing_is_started_past_process(module):
    assert faults(module, (TOP / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("module", "text"), [
    ("scripts/hosts/host.py", "from scripts.registry import locks"),
    ("scripts/store/pack.py", "from scripts.tiki import layout"),
    ("scripts/store/pack.py", "import scripts.present.output"),
    ("scripts/store/pack.py", "from scripts.steps import site"),
    ("scripts/verbs/backup.py", "def backup():\n    from scripts import edge"),
    ("scripts/registry/locks.py", "from scripts import edge, errors"),
    ("scripts/edge.py", "import tasks"),
    ("scripts/errors.py", "import scripts.hosts.host as host"),
    ("scripts/store/pack.py", "from . import walk"),
    ("scripts/hosts/ssh.py", "from sh import ssh"),
    ("scripts/hosts/process.py", "import subprocess"),
    ("tasks.py", "from subprocess import run"),
    ("tasks.py", "import os\nos.system('reboot')"),
    ("tasks.py", "from os import popen"),
    ("tasks.py", "context.run('ls', shell=True)"),
])
def test_the_checker_sees_what_it_must_not_let_pass(module, text):
    assert len(faults(module, text)) == 1


@pytest.mark.parametrize(("module", "text"), [
    ("scripts/hosts/process.py", "import sh"),
    ("scripts/steps/site.py", "from scripts.store import pack\nfrom scripts.tiki import layout"),
    ("scripts/verbs/mirror.py", "from scripts.verbs import restore\nfrom scripts.store import pack"),
    ("tasks.py", "from scripts import edge\nfrom scripts.edge import Common"),
])
def test_the_checker_lets_pass_what_points_down(module, text):
    assert faults(module, text) == []


def test_every_room_stands_on_a_floor():
    assert {room_of(module) for module in MODULES} - {"__init__"} <= set(FLOORS)


def test_no_import_goes_in_a_circle():
    below = {module.removesuffix(".py").replace("/", "."): set() for module in MODULES}
    for name in below:
        path = TOP / (name.replace(".", "/") + ".py")
        for found in imported(ast.parse(path.read_text(encoding="utf-8"))):
            below[name] |= {found, found.rpartition(".")[0]} & below.keys() - {name}
    while free := [name for name, others in below.items() if not others]:
        for name in free:
            del below[name]
        for others in below.values():
            others -= set(free)
    assert below == {}


@pytest.mark.parametrize("module", [module for module in MODULES if module.endswith("__init__.py")])
def test_a_room_s_init_holds_its_docstring_only(module):
    tree = ast.parse((TOP / module).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) and len(tree.body) == 1


def test_every_room_has_an_init():
    folders = {path.parent for path in (TOP / "scripts").rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_knows(module):
    assert ast.get_docstring(ast.parse((TOP / module).read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", [module for module in MODULES if module != TABLE_OF_CONTENTS])
def test_no_file_outgrows_its_reader(module):
    assert len((TOP / module).read_text(encoding="utf-8").splitlines()) <= MOST_LINES
