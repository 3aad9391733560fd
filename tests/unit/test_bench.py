"""The frame of make bench: what becomes of rounds, which limits are missed, what a wrong word gets."""

import json
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from scripts.errors import UsageError
from tests.bench import bench, content, hand, limits, machine, measuring, sizes, table
from tests.bench.limits import Limit
from tests.bench.measuring import FailedWay, Report, Row, Way
from tests.bench.peak import Peak
from tests.bench.relay import Relay

FACTS = {"cpu": "a processor", "cores": 2, "memory_gb": 8, "kernel": "6.1", "system": "Debian", "disk": "ext4",
         "disk_write_mb_s": 100, "disk_read_mb_s": 200, "python": "3.11", "programs": {"rsync": "3.2", "zstd": ""},
         "load_at_start": 0.1, "load_at_end": 0.2}


def timed(monkeypatch, seconds: dict[str, list[float]]):
    """Let ways take these seconds, round by round; the order of turns is kept in the list that is returned."""
    turns = []

    def take(run) -> float:
        name = run()
        turns.append(name)
        return seconds[name][turns.count(name) - 1]

    monkeypatch.setattr(measuring, "seconds", take)
    return turns


def way(name: str, **more) -> Way:
    return Way(name, lambda: name, **more)


# Rows

def test_ways_take_turns_and_their_medians_are_compared(monkeypatch):
    turns = timed(monkeypatch, {"classic": [9, 10, 30], "floor": [2, 1, 1], "ours": [4, 2, 3]})
    rows = Report(3).compare("a thing", [
        measuring.classic(lambda: "classic"), measuring.floor(lambda: "floor"), way("ours")])
    assert turns == ["classic", "floor", "ours"] * 3
    ours = rows["ours"]
    assert (ours.seconds, min(ours.rounds), max(ours.rounds)) == (3, 2, 4)
    assert (ours.to_classic, ours.to_floor) == (0.3, 3)


def test_a_way_may_name_another_floor_and_whose_bytes_it_is_compared_with(monkeypatch):
    timed(monkeypatch, {"classic": [10], "fast floor": [2], "bz2": [4], "zst": [3]})
    rows = Report(1).compare("a thing", [
        measuring.classic(lambda: "classic", disk=lambda: 100), measuring.floor(lambda: "fast floor", "fast floor"),
        way("bz2", disk=lambda: 50, floor="fast floor"), way("zst", disk=lambda: 60, disk_of="bz2")])
    assert (rows["bz2"].to_floor, rows["bz2"].disk_ratio) == (2, 0.5)
    assert (rows["zst"].to_floor, rows["zst"].disk_ratio) == (None, 1.2)


def test_a_way_that_fails_costs_its_own_row_alone(monkeypatch):
    turns = timed(monkeypatch, {"classic": [10, 10], "ours": [1, 1]})
    report = Report(2)

    def fail() -> None:
        raise subprocess.CalledProcessError(2, ["make", "backup"], stderr=b"backup: no space\n")

    rows = report.compare("a thing", [measuring.classic(lambda: "classic"), Way("broken", fail), way("ours")])
    assert turns == ["classic", "ours"] * 2
    assert "no space" in rows["broken"].failed
    assert rows["ours"].to_classic == 0.1
    assert report.missed == 1


def test_a_way_whose_result_is_wrong_has_failed(monkeypatch):
    timed(monkeypatch, {"ours": [1]})

    def look() -> None:
        raise FailedWay("3 files are missing")

    row = Report(1).compare("a thing", [way("ours", after=look, limit="extract file")])["ours"]
    assert row.missed == ["failed: 3 files are missing"]


def test_a_classic_way_that_failed_leaves_nothing_to_judge_by(monkeypatch):
    timed(monkeypatch, {"ours": [1]})
    report = Report(1)
    report.compare("a thing", [measuring.classic(lambda: 1 / 0), way("ours", limit="clone nothing new")])
    assert report.missed == 2
    assert report.rows[1].missed == ["of classic: nothing to compare with"]


@pytest.mark.parametrize("limit, more, told", [
    (Limit(classic=0.4), {"to_classic": 0.41}, ["0.41 of classic, limit 0.4"]),
    (Limit(classic=0.05), {"to_classic": 0.052}, ["0.052 of classic, limit 0.05"]),
    (Limit(floor=1.5), {"to_floor": 1.501}, []),
    (Limit(floor=1.5), {"to_floor": 1.51}, ["1.51 of floor, limit 1.5"]),
    (Limit(seconds=8), {"rounds": (7.0, 9.0, 20.0)}, ["9 seconds, limit 8"]),
    (Limit(disk=1.03), {"disk_ratio": 1.02}, []),
    (Limit(disk=1.0), {"disk_ratio": 1.2}, ["1.2 of the bytes, limit 1"]),
    (Limit(wire_bytes=8_000_000), {"wire_bytes": 9_000_000}, ["9e+06 bytes over the wire, limit 8e+06"]),
    (Limit(), {"peak_mb": 151.0, "peak_name": "zstd"}, ["151 MB of memory, limit 150"]),
    (limits.FREE, {"peak_mb": 900.0, "peak_name": "tar"}, []),
    (Limit(), {"also_missed": ("it grew",)}, ["it grew"])])
def test_a_row_tells_each_limit_that_is_missed(limit, more, told):
    assert Row("a thing", "ours", **{"rounds": (1.0,), "limit": limit, "peak_mb": 0.0, **more}).missed == told


def test_shares_are_not_judged_on_a_small_site(monkeypatch):
    timed(monkeypatch, {"classic": [1], "ours": [9], "start": [9]})
    report = Report(1, is_small=True)
    report.compare("a thing", [measuring.classic(lambda: "classic"), way("ours", limit="clone nothing new"),
                               way("start", limit="start-up", floor="classic")])
    assert [len(row.missed) for row in report.rows] == [0, 0, 1]


def test_what_grows_with_the_size_is_told():
    small, large = Row("a thing", "x1", (1.0,), peak_mb=40.0), Row("a thing", "x10", (9.0,), peak_mb=60.0)
    assert measuring.flat(replace(large, peak_mb=51.0), small).missed == []
    assert measuring.flat(large, small).missed == ["60 MB of memory where the smaller takes 40, limit 1.3 times"]


def test_every_limit_that_is_named_is_there():
    with pytest.raises(KeyError):
        limits.of("a typing mistake")
    assert limits.of("") == limits.NONE


# What is told

def test_the_document_has_all_figures_and_their_limits():
    row = Row("a thing", "ours", (3.0, 1.0, 2.0), Limit(classic=0.1), to_classic=0.5, wire_bytes=7, peak_mb=1.5,
              peak_name="tar")
    told = json.loads(json.dumps(row.document()))
    assert (told["seconds"], told["least_seconds"], told["most_seconds"]) == (2.0, 1.0, 3.0)
    assert (told["to_classic"], told["limit_to_classic"], told["to_floor"]) == (0.5, 0.1, None)
    assert (told["wire_bytes"], told["peak_mb"], told["peak_name"], told["limit_peak_mb"]) == (7, 1.5, "tar", 150)
    assert told["missed"] == ["0.5 of classic, limit 0.1"] and told["failed"] == ""


def test_the_table_shows_what_there_is_and_what_was_missed():
    report = Report(1)
    report.add(Row("a thing", "classic", (80.0,), limits.FREE, to_classic=1.0))
    report.add(Row("a thing", "ours", (4.0,), Limit(classic=0.04), to_classic=0.05))
    report.fail("another", FailedWay("it broke"))
    plain, page = table.shown(report, FACTS), table.shown(report, FACTS, is_markdown=True)
    assert "MISSED: a thing, ours: 0.05 of classic, limit 0.04" in plain
    assert "MISSED: another, all: failed: it broke" in plain
    assert "wire MB" not in plain and "2 cores" in plain and "zstd" not in plain
    assert "| a thing | **ours** | 4.00 | 0.050 | 0.040 |" in " ".join(page.split())


def test_a_busy_machine_is_told():
    assert "not quiet" in machine.warning(1.7)
    assert machine.warning(0.2) == ""


# Words

@pytest.mark.parametrize("words, told", [
    (["WAHT=backup"], "WAHT= is not a variable of make bench (did you mean WHAT?)"),
    (["WHAT=backup,restor"], "WHAT=restor: expected .* (did you mean restore?)"),
    (["SIZE=smal"], "(did you mean small?)"),
    (["SIZE=0.5GBx42"], "SIZE=0.5GBx42: expected tiny, small, r1 or FILESxSQL"),
    (["ROUNDS=0"], "ROUNDS=0: expected a number"),
    (["ROUNDS=many"], "ROUNDS=many: expected a number"),
    (["MARKDOWN=maybe"], "MARKDOWN=maybe: expected 1, yes, on"),
    (["JSON=/nowhere/at/all.json"], "the folder of that file is not there"),
    (["TREE=/nowhere"], "TREE=/nowhere: there is no tiki-setup.php in it")])
def test_a_wrong_word_gets_one_line(words, told, capsys):
    assert bench.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(part in line for part in told.split(".*"))


def test_words_become_wishes_in_the_order_of_measuring():
    wishes = bench.wishes_of(["WHAT=restore,backup", "SIZE=420000x0.5GB", "ROUNDS=3", "JSON=yes", "MARKDOWN=1"])
    assert (wishes.what, wishes.rounds, wishes.json, wishes.markdown) == (("backup", "restore"), 3, "1", True)
    assert (wishes.size.files, wishes.size.sql_bytes) == (420_000, 500_000_000)
    assert "growth" not in bench.wishes_of([]).what


def test_a_real_tree_has_no_size(tmp_path):
    (tmp_path / "tiki-setup.php").touch()
    with pytest.raises(UsageError, match="SIZE= is of a site that is made up"):
        bench.wishes_of([f"TREE={tmp_path}", "SIZE=r1"])


@pytest.mark.parametrize("rows, code", [([Row("a thing", "ours", (1.0,))], 0),
                                        ([Row("a thing", "ours", (1.0,), Limit(seconds=0.5))], 1)])
def test_a_missed_limit_is_the_exit_code(rows, code, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(machine, "facts", lambda folder: dict(FACTS))
    monkeypatch.setitem(sys.modules, "tests.bench.startup",
                        SimpleNamespace(measure=lambda context: [context.report.add(row) for row in rows]))
    assert bench.main(["WHAT=startup", f"JSON={tmp_path / 'found.json'}"]) == code
    assert json.loads((tmp_path / "found.json").read_text())["missed"] == code
    assert ("all within their limits" in capsys.readouterr().out) is (code == 0)


def test_a_measurement_that_breaks_down_is_counted_and_the_next_one_is_taken(monkeypatch, capsys):
    monkeypatch.setattr(machine, "facts", lambda folder: dict(FACTS))
    row = Row("a thing", "ours", (1.0,))
    monkeypatch.setitem(sys.modules, "tests.bench.startup", SimpleNamespace(measure=lambda context: 1 / 0))
    monkeypatch.setitem(sys.modules, "tests.bench.fleet",
                        SimpleNamespace(measure=lambda context: context.report.add(row)))
    assert bench.main(["WHAT=startup,fleet", "JSON=1"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [one["failed"] for one in document["rows"]] == ["ZeroDivisionError: division by zero", ""]
    assert (document["failed"], document["missed"]) == (1, 1)


def test_an_interrupted_run_tells_what_it_has(monkeypatch, capsys):
    monkeypatch.setattr(machine, "facts", lambda folder: dict(FACTS))

    def interrupted(context) -> None:
        context.report.add(Row("a thing", "ours", (1.0,)))
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "tests.bench.startup", SimpleNamespace(measure=interrupted))
    assert bench.main(["WHAT=startup,fleet"]) == 1
    shown = capsys.readouterr().out
    assert "a thing" in shown and "was interrupted" in shown


# What sites are made of, and the programs around

def test_made_up_code_is_the_same_each_time_and_as_large_as_was_asked_for():
    size = sizes.of("tiny")
    one, other = (list(content.Code(size.files).files(size.code_bytes, size.files)) for _ in range(2))
    assert one == other
    assert len({path for path, _ in one}) == size.files
    assert sum(len(text) for _, text in one) == pytest.approx(size.code_bytes, rel=0.1)


def test_sizes_grow():
    grown = sizes.of("small").grown(files=10)
    assert (grown.files, grown.sql_bytes) == (20_000, 10_000_000)
    assert sizes.of(grown.name) == grown
    r1 = sizes.of("r1")
    assert r1.code_bytes + r1.upload_bytes == pytest.approx(425e6, rel=0.02)


def test_a_dump_in_pieces_is_the_whole_dump(tmp_path, monkeypatch):
    monkeypatch.setattr(hand, "LEAST_PIECE", 100)
    lines = [b"SET NAMES utf8mb4;\n"]
    for number in range(9):
        lines += [b"-- Table structure for table `t%d`\n" % number, b"INSERT INTO t%d VALUES (1);\n" % number * 2]
    (tmp_path / "dump").write_bytes(b"".join(lines))
    hand.split(tmp_path / "dump", tmp_path / "pieces")
    pieces = sorted((tmp_path / "pieces").iterdir())
    head = pieces.pop()
    assert head.name == hand.HEAD and head.read_bytes() == lines[0]
    assert head.read_bytes() + b"".join(piece.read_bytes() for piece in pieces) == b"".join(lines)
    assert 1 < len(pieces) < 9
    assert all(piece.read_bytes().startswith(hand.TABLE) for piece in pieces)


def test_trees_that_differ_are_told(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name / "lib").mkdir(parents=True)
        (tmp_path / name / "lib/a.php").write_text("same")
    hand.require_equal(tmp_path / "one", tmp_path / "other")
    (tmp_path / "other/lib/a.php").write_text("else")
    with pytest.raises(FailedWay, match="differs from .* in 1 places, as .*lib/a.php"):
        hand.require_equal(tmp_path / "one", tmp_path / "other")


def test_a_pipe_fails_when_any_of_its_programs_does(tmp_path):
    hand.pipe([["echo", "a"], ["cat"]], tmp_path / "out")
    assert (tmp_path / "out").read_text() == "a\n"
    with pytest.raises(FailedWay, match="sh | cat ended with .*: it broke"):
        hand.pipe([["sh", "-c", "echo it broke >&2; exit 3"], ["cat"]], tmp_path / "out")


def test_the_largest_process_is_found_and_not_those_that_were_there():
    large = [sys.executable, "-c", "import time; a = b'x' * 90_000_000; time.sleep(0.3)"]
    with subprocess.Popen([sys.executable, "-c", "a = b'x' * 200_000_000; input()"], stdin=subprocess.PIPE) as before:
        with Peak() as peak:
            subprocess.run(large, check=True)
        before.communicate(b"\n")
    assert 90 < peak.megabytes < 150 and "python" in peak.name_of_largest


def test_the_relay_counts_both_directions(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        known = tmp_path / "known_hosts"
        known.write_text("[127.0.0.1]:1 ssh-ed25519 KEY\n")
        relay = Relay(SimpleNamespace(host="127.0.0.1", port=server.getsockname()[1], known_hosts=known))
        relay.start()

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(1 << 16):
                    connection.sendall(data[:10])

        threading.Thread(target=answer, daemon=True).start()
        with socket.create_connection(("127.0.0.1", relay.port)) as client:
            client.sendall(b"x" * 1000)
            assert client.recv(100) == b"x" * 10
        assert relay.bytes == 1010
        assert known.read_text().splitlines()[1] == f"[127.0.0.1]:{relay.port} ssh-ed25519 KEY"
