"""What `make test` leaves to `make test-all`: the list names tests that are there, and no other one with them."""

import re
from pathlib import Path

TOP = Path(__file__).parents[2]
BATS = "tests/make/test_bats.py::test_an_operator_gets_what_the_bats_file_says"


def test_every_line_names_one_test():
    lines = (TOP / "tests/long.txt").read_text(encoding="utf-8").splitlines()
    named = {line.removeprefix("--deselect=") for line in lines}
    assert len(named) == len(lines) > 100
    there = {f"{path.relative_to(TOP)}::{name}" for path in TOP.glob("tests/integration/test_*.py")
             for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}
    there |= {f"{BATS}[{path.stem}]" for path in TOP.glob("tests/make/*.bats")}
    assert named <= there, "gone or renamed: take them out"
    # pytest leaves out whatever begins like that.
    assert not {(one, other) for one in named for other in there - named if other.startswith(one)}
