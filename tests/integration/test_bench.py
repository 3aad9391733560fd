"""make bench, for real and tiny: what it says and how it ends; never how long anything took."""

import json
import subprocess

import pytest

from tests.lab.toolkit import SOURCE

FIRST = ["classic", "floor, .tar.bz2", "make backup, .tar.bz2", "floor, .tar.zst", "make backup, .tar.zst"]
AGAIN = ["classic", "floor", "make backup, nothing changed", "make backup, 0.1 % changed",
         "make backup, one row changed", "make backup, all is read"]


@pytest.fixture(scope="module")
def done() -> subprocess.CompletedProcess:
    return subprocess.run(["make", "-sC", SOURCE, "bench", "WHAT=backup", "SIZE=tiny", "ROUNDS=1", "JSON=1"],
                          capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300)


def test_bench_measures_each_way_and_finds_every_archive_equal_to_the_site(done):
    document = json.loads(done.stdout)
    # A way whose archive lacks a file or a row has failed.
    assert [row["failed"] for row in document["rows"]] == [""] * len(document["rows"]), done.stderr
    assert [row["way"] for row in document["rows"]] == FIRST + AGAIN
    for row in document["rows"]:
        assert len(row["rounds"]) == 1 and row["seconds"] > 0
        assert row["disk_bytes"] or row["way"] == "floor"
        assert row["peak_mb"] > 1 or "make" not in row["way"]


def test_bench_compares_bytes_and_times_with_the_classic_way_of_the_same_run(done):
    rows = {row["way"]: row for row in json.loads(done.stdout)["rows"][:len(FIRST)]}
    ours, classic = rows["make backup, .tar.bz2"], rows["classic"]
    assert ours["to_classic"] == pytest.approx(ours["seconds"] / classic["seconds"], rel=0.01)
    assert ours["disk_ratio"] == pytest.approx(ours["disk_bytes"] / classic["disk_bytes"], rel=0.01)
    assert rows["make backup, .tar.zst"]["disk_ratio"] == pytest.approx(
        rows["make backup, .tar.zst"]["disk_bytes"] / ours["disk_bytes"], rel=0.01)


def test_bench_tells_the_machine_and_ends_as_it_says(done):
    document = json.loads(done.stdout)
    assert document["machine"]["cores"] >= 1 and document["machine"]["programs"]["rsync"]
    assert document["machine"]["disk_write_mb_s"] > 0 and document["machine"]["load_at_end"] >= 0
    assert done.returncode == (2 if document["missed"] else 0)   # make's own word for a 1
    assert any("too small for limits" in note for note in document["notes"])
