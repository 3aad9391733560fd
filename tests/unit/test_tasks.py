"""Every call of a run in tasks.py has the words that a run takes: nothing else looks before somebody types the verb."""

import ast
import inspect
from pathlib import Path

import pytest

from scripts.edge import TOP
from scripts.run import Run

TREE = ast.parse((Path(TOP) / "tasks.py").read_text(encoding="utf-8"))


def named(node: ast.With) -> set[str]:
    """Return by which names a block knows its run."""
    return {item.optional_vars.id for item in node.items
            if isinstance(item.optional_vars, ast.Name) and "edge.verb(" in ast.unparse(item.context_expr)}


CALLS = [call for block in ast.walk(TREE) if isinstance(block, ast.With) and (names := named(block))
         for call in ast.walk(block) if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
         and isinstance(call.func.value, ast.Name) and call.func.value.id in names]


@pytest.mark.parametrize("call", CALLS, ids=ast.unparse)
def test_a_call_fits_the_run(call):
    signature = inspect.signature(getattr(Run, call.func.attr))
    starred = [None, None] if any(isinstance(word, ast.Starred) for word in call.args) else []
    plain = [None for word in call.args if not isinstance(word, ast.Starred)]
    signature.bind(None, *plain, *starred, **{word.arg: None for word in call.keywords if word.arg})


def test_the_calls_are_found():
    assert {call.func.attr for call in CALLS} >= {"each", "locked", "holding", "instance", "again"}
