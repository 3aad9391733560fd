"""Files changed through a host: all or nothing, odd names, dry run."""

import os
import stat
from pathlib import Path

import pytest

from scripts.errors import CommandError
from scripts.hosts import identity, process
from scripts.hosts.host import Host
from scripts.hosts.local import LocalHost
from tests.unit.recording_host import RecordingHost

HERE = LocalHost("here")
ODD_NAMES = ["two words", "-rf", "line\nbreak", "it's", 'a "quoted" one', "$HOME", "*", "\\", "caf\udce9", "é",
             "ends\n"]


def mode_of(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def dry(monkeypatch) -> list[str]:
    shown: list[str] = []
    process.conduct.dry_run, process.conduct.on_dry = True, shown.append
    return shown


@pytest.mark.parametrize("name", ODD_NAMES)
def test_write_reaches_the_file_of_that_name_and_no_other(tmp_path, name):
    HERE.write(str(tmp_path / name), b"text")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_real_path_gives_back_a_name_as_it_is(tmp_path, name):
    (tmp_path / name).touch()
    assert HERE.real_path(str(tmp_path / name)) == os.path.realpath(tmp_path / name)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_word_reaches_a_program_as_it_is(name):
    assert HERE.read("printf", "%s", name) == os.fsencode(name)


def test_write_gives_the_mode_that_is_asked_for_over_that_of_the_old_file(tmp_path):
    (tmp_path / "local.php").touch(mode=0o644)
    HERE.write(str(tmp_path / "local.php"), b"<?php", 0o640)
    assert mode_of(tmp_path / "local.php") == 0o640


def test_write_without_a_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        HERE.write(str(tmp_path / "new"), b"")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "new") == 0o640


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    (tmp_path / "local.php").write_bytes(b"old")

    def disk_full(descriptor):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        HERE.write(str(tmp_path / "local.php"), b"new")
    assert os.listdir(tmp_path) == ["local.php"]
    assert (tmp_path / "local.php").read_bytes() == b"old"


def test_a_reader_of_the_old_file_keeps_it_whole(tmp_path):
    (tmp_path / "local.php").write_bytes(b"old text")
    with open(tmp_path / "local.php", "rb") as reader:
        HERE.write(str(tmp_path / "local.php"), b"new")
        assert reader.read() == b"old text"


def test_a_dry_run_changes_no_file(tmp_path, dry):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    HERE.write(str(tmp_path / "file"), b"new")
    HERE.rename(str(tmp_path / "file"), str(tmp_path / "other"))
    HERE.make_folder(str(tmp_path / "new"))
    HERE.remove(str(tmp_path / "file"))
    HERE.remove_tree(str(tmp_path / "folder"))
    HERE.sync(str(tmp_path / "file"))
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_dry_run_tells_each_change(tmp_path, dry):
    (tmp_path / "file").touch()
    HERE.write(str(tmp_path / "file"), b"new")
    HERE.remove(str(tmp_path / "file"), str(tmp_path / "not-there"))
    assert dry == [f"[manager] write {tmp_path}/file", f"[manager] remove {tmp_path}/file"]


def test_make_folder_leaves_one_that_is_there_as_it_is(tmp_path):
    (tmp_path / "db").mkdir(mode=0o700)
    HERE.make_folder(str(tmp_path / "db"), 0o755)
    assert mode_of(tmp_path / "db") == 0o700


def test_remove_takes_a_link_and_not_what_it_points_to(tmp_path):
    (tmp_path / "kept").touch()
    (tmp_path / "link").symlink_to("kept")
    HERE.remove(str(tmp_path / "link"), str(tmp_path / "not-there"))
    assert os.listdir(tmp_path) == ["kept"]


def test_remove_tree_does_not_follow_links_out_of_the_folder(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").touch()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to("../outside")
    HERE.remove_tree(str(tmp_path / "tree"))
    assert os.listdir(tmp_path) == ["outside"]
    assert os.listdir(tmp_path / "outside") == ["kept"]


def test_remove_tree_takes_a_link_to_a_folder_and_not_the_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    (tmp_path / "link").symlink_to("folder")
    HERE.remove_tree(str(tmp_path / "link"))
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(tmp_path / "folder") == ["kept"]


def test_remove_tree_of_nothing_is_no_fault(tmp_path):
    HERE.remove_tree(str(tmp_path / "not-there"))


def test_remove_all_takes_files_links_and_folders_and_nothing_they_point_to(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "inside").touch()
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("../kept")
    (tmp_path / "file").touch()
    HERE.remove_all(*(str(tmp_path / name) for name in ("link", "folder", "file", "not-there")))
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(tmp_path / "kept") == ["inside"]


def test_a_time_is_set_with_all_its_digits(tmp_path):
    HERE.set_time(str(tmp_path), "1795250482.490211896")
    assert tmp_path.stat().st_mtime_ns == 1795250482490211896
    HERE.set_time(str(tmp_path), 1795250483)
    assert tmp_path.stat().st_mtime_ns == 1795250483 * 10 ** 9
    HERE.set_time(str(tmp_path / "not-there"), 1)
    assert not (tmp_path / "not-there").exists()


def test_a_dry_run_sets_no_time_and_removes_nothing(tmp_path, dry):
    before = tmp_path.stat().st_mtime_ns
    (tmp_path / "folder").mkdir()
    os.utime(tmp_path, ns=(before, before))
    HERE.set_time(str(tmp_path), 1)
    HERE.remove_all(str(tmp_path / "folder"))
    assert (tmp_path / "folder").is_dir() and tmp_path.stat().st_mtime_ns == before
    assert dry == [f"[manager] set the time of {tmp_path}", f"[manager] remove the folder {tmp_path}/folder"]


def test_free_bytes_is_what_an_ordinary_account_may_still_write(tmp_path):
    found = os.statvfs(tmp_path)
    assert abs(HERE.free_bytes(str(tmp_path)) - found.f_bavail * found.f_frsize) < 1 << 30


def test_read_line_refuses_an_answer_that_lost_its_end():
    with pytest.raises(CommandError, match="cut off: b'/var/www/wi'"):
        HERE.read_line("printf", "/var/www/wi")


def test_read_line_keeps_blanks_at_the_end_of_a_name():
    assert HERE.read_line("printf", "name \\n") == "name "


def test_read_names_refuses_a_last_name_that_lost_its_end():
    with pytest.raises(CommandError, match="cut off"):
        HERE.read_names("printf", "a\\0b")


def test_read_names_gives_every_name_back():
    assert HERE.read_names("printf", "a b\\0line\\nbreak\\0\\351\\0") == ["a b", "line\nbreak", "\udce9"]


def test_a_write_by_commands_is_put_in_place_by_one_rename():
    host = FarHost({("tee",): b"text"})
    host.write("/srv/db/local.php", b"text", 0o640)
    assert host.changes == [["install", "-m", "640", "/dev/null", "/srv/db/local.php.trim-new"],
                            ["tee", "--", "/srv/db/local.php.trim-new"],
                            ["mv", "-fT", "--", "/srv/db/local.php.trim-new", "/srv/db/local.php"]]


def test_a_write_by_commands_that_was_cut_short_replaces_nothing():
    host = FarHost({("tee",): b"te"})
    with pytest.raises(CommandError, match="wrote 2 of 4 bytes"):
        host.write("/srv/db/local.php", b"text")
    assert host.changes == [["tee", "--", "/srv/db/local.php.trim-new"]]


def test_a_recording_host_fails_at_the_call_it_is_told_to():
    host = RecordingHost({("df",): b"1\n", ("df", "-i"): b"2\n"}, fail_at=3)
    assert host.read("df", "-i", "/srv") == b"2\n"
    host.write("/srv/x", b"text")
    with pytest.raises(CommandError):
        host.run("rm", "/srv/x")
    assert (host.reads, host.changes) == ([["df", "-i", "/srv"]], [["write", "/srv/x"], ["rm", "/srv/x"]])
    assert host.written == {"/srv/x": b"text"}


class FarHost(RecordingHost):
    """A recording host that changes files by commands, as one behind ssh does."""

    def write(self, path: str, text: bytes, mode: int | None = None) -> None:
        super(RecordingHost, self).write(path, text, mode)


@pytest.mark.parametrize("kind", ["", "d", "f", "l"])
def test_this_machine_finds_what_find_would_find(tmp_path, kind):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "line\nbreak").touch()
    (tmp_path / "link").symlink_to("a folder")
    (tmp_path / "dangling").symlink_to("nowhere")
    paths = [f"{tmp_path}/{name}" for name in ("link", "a folder", "line\nbreak", "dangling", "missing", "link/x")]
    assert HERE.present(*paths, kind=kind) == Host.present(HERE, *paths, kind=kind)


def test_this_machine_follows_links_as_realpath_does(tmp_path):
    (tmp_path / "folder/inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("folder/inner")
    (tmp_path / "dangling").symlink_to(b"nowhere \xe9".decode(errors="surrogateescape"))
    paths = [f"{tmp_path}/{name}" for name in ("link/../x", "link/not there", "dangling/y", "folder//inner/.")]
    assert HERE.real_paths(*paths) == Host.real_paths(HERE, *paths)
    assert HERE.real_paths() == Host.real_paths(HERE) == []


@pytest.mark.parametrize("put", [HERE.put_temporary, lambda *words: Host.put_temporary(HERE, *words)],
                         ids=["here", "by programs"])
def test_a_temporary_file_is_ours_alone_and_goes_again(put, dry):
    path = put("trim-test", b"password=\xe9\n\n")
    try:
        assert Path(path).read_bytes() == b"password=\xe9\n\n"
        assert mode_of(path) == 0o600
        assert Path(path).name.startswith("trim-test.")
    finally:
        HERE.remove_temporary(path)
    assert not Path(path).exists()
    HERE.remove_temporary(path)


def test_a_temporary_file_that_comes_back_cut_off_is_a_fault_and_goes(tmp_path):
    left = tmp_path / "trim-test.x"
    left.touch()
    host = FarHost({("sh",): f"{left}\npass".encode()})
    with pytest.raises(CommandError, match="not written whole"):
        host.put_temporary("trim-test", b"password")
    assert host.reads[-1] == ["rm", "-f", "--", str(left)]


def test_this_machine_tells_of_itself_what_its_shell_would():
    assert identity.machine(HERE) == HERE.read_line("sh", "-c", identity.MACHINE)
