"""What an operator types, verb by verb: each .bats file is run whole against one house."""

import subprocess
from pathlib import Path

import pytest

from tests.make.house import House, bats, clean_environment

FILES = sorted(Path(__file__).parent.glob("*.bats"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_operator_gets_what_the_bats_file_says(house: House, file: Path, tmp_path: Path):
    done = subprocess.run([bats(), "--formatter", "tap", str(file)], cwd=tmp_path, text=True,
                          env=clean_environment(**house.variables),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "# skip" not in done.stdout, done.stdout
