"""An env file in the operator's editor: what is saved counts when it is right, and nothing typed is lost."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.registry import locks
from scripts.registry.locks import Lock
from tests.lab.lab import Lab
from tests.lab.terminal import type_at
from tests.lab.toolkit import Toolkit

TEXT = "# Ann's site\nWEB_ROOT=/srv/blog\n\nTAGS = 'a b' # why\n"
PATH = "/usr/local/bin:/usr/bin:/bin"


class Desk:
    """A toolkit with one env file, an operator's terminal, and an editor that does what a script says."""

    def __init__(self, kit: Toolkit, folder: Path) -> None:
        self.kit, self.folder = kit, folder
        kit.register("blog", web_root="/srv/blog")
        self.file = kit.top / "instances.d" / "blog.env"
        self.rejected = self.file.with_name("blog.env.rejected")
        self.file.write_text(TEXT)

    def edits(self, *scripts: str) -> str:
        """Return an editor whose calls run these scripts one after the other; $1 is the file."""
        for number, script in enumerate(scripts):
            (self.folder / f"do{number}").write_text(script)
        editor = self.folder / "my editor"
        editor.write_text(f'#!/bin/sh\ncd "{self.folder}"\nnext=$(ls do* | head -1)\nmv "$next" doing\n'
                          'stat -c %a "$2" "$(dirname "$2")" >modes\n. ./doing "$2"\n')
        editor.chmod(0o755)
        return f"'{editor}' --wait"

    def edit(self, editor: str, *answers: tuple[str, str], variable: str = "EDITOR") -> tuple[int, str]:
        clean = {"PATH": PATH, "HOME": str(self.folder), "TERM": "dumb", variable: editor}
        return type_at(["make", "-sC", str(self.kit.top), "edit", "INSTANCE=blog"], clean, list(answers))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Lab() as lab:
        yield Desk(Toolkit(lab.folder / "kit", lab), tmp_path)


def test_what_is_saved_replaces_the_file_byte_for_byte(desk):
    code, shown = desk.edit(desk.edits('sed -i "s|^TAGS.*|TAGS=c  # new|" "$2"'))
    assert code == 0, shown
    assert desk.file.read_text() == "# Ann's site\nWEB_ROOT=/srv/blog\n\nTAGS=c  # new\n"
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    assert (desk.folder / "modes").read_text().split() == ["600", "700"]
    assert not list((desk.kit.top / "var" / "work").iterdir())


def test_nothing_changed_says_so(desk):
    before = desk.file.stat()
    code, shown = desk.edit(desk.edits("true"), variable="VISUAL")
    assert (code, "blog: nothing was changed" in shown) == (0, True)
    after = desk.file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_mistake_is_shown_with_its_line_and_mended_in_the_editor(desk):
    code, shown = desk.edit(desk.edits('echo TGAS=a >>"$2"', 'sed -i "s/^TGAS=a/CONTACT=Ann/" "$2"'),
                            ("What now", "1\n"))
    assert code == 0, shown
    assert "instances.d/blog.env:5: TGAS is not a known key (did you mean TAGS?)" in shown
    assert desk.file.read_text() == TEXT + "CONTACT=Ann\n"


def test_a_mistake_that_is_declined_is_put_aside_and_gone_on_with(desk):
    code, shown = desk.edit(desk.edits('echo WEB_URL=ftp://x >>"$2"'), ("What now", "2\n"))
    assert code == 2 and "Error 3" in shown
    assert "your text is in blog.env.rejected" in shown
    assert desk.file.read_text() == TEXT
    assert (desk.rejected.read_text(), desk.rejected.stat().st_mode & 0o777) == (TEXT + "WEB_URL=ftp://x\n", 0o600)
    code, shown = desk.edit(desk.edits('sed -i s/ftp:/http:/ "$2"'), ("Which text", "2\n"))
    assert code == 0, shown
    assert desk.file.read_text() == TEXT + "WEB_URL=http://x\n"
    assert not desk.rejected.exists()


def test_a_twin_does_not_count(desk):
    desk.kit.register("wiki", web_root="/srv/wiki")
    code, shown = desk.edit(desk.edits('sed -i s:srv/blog:srv/wiki: "$2"'), ("What now", "2\n"))
    assert code == 2
    assert "those of wiki" in shown
    assert desk.file.read_text() == TEXT


def test_a_file_that_is_wrong_already_can_be_mended(desk):
    desk.file.write_text("this is no line\n" + TEXT)
    code, shown = desk.edit(desk.edits('sed -i 1d "$2"'))
    assert code == 0, shown
    assert desk.file.read_text() == TEXT


def test_no_lock_is_held_while_the_editor_is_open(desk):
    held = "\n".join(f'flock -n "{desk.kit.top}/var/locks/{name}.lock" true || touch "{desk.folder}/held"'
                     for name in ("blog", "blog.store", "blog.env"))
    with locks.hold(desk.kit.settings, [Lock("blog", True), Lock("blog.store", True), Lock("blog.env", True)], "test"):
        pass
    code, shown = desk.edit(desk.edits(f'{held}\necho CONTACT=Ann >>"$2"'))
    assert code == 0, shown
    assert not (desk.folder / "held").exists()


def test_what_another_wrote_meanwhile_is_not_overwritten(desk):
    code, shown = desk.edit(desk.edits(f'echo CONTACT=Ann >>"$2"; echo KEEP=3 >>"{desk.file}"'))
    assert code == 2 and "Error 8" in shown and "somebody else has changed it" in shown
    assert desk.file.read_text() == TEXT + "KEEP=3\n"
    assert desk.rejected.read_text() == TEXT + "CONTACT=Ann\n"


def test_an_editor_that_fails_changes_nothing_and_loses_nothing(desk):
    code, shown = desk.edit(desk.edits('echo CONTACT=Ann >>"$2"; exit 3'))
    assert code == 2 and "ended with exit code 3" in shown
    assert desk.file.read_text() == TEXT
    assert desk.rejected.read_text() == TEXT + "CONTACT=Ann\n"


def test_an_interrupt_at_the_question_keeps_the_text(desk):
    code, shown = desk.edit(desk.edits('echo TGAS=a >>"$2"'), ("What now", chr(3)))
    assert code != 0
    assert "your text is in blog.env.rejected" in shown
    assert desk.rejected.read_text() == TEXT + "TGAS=a\n"


def test_an_interrupt_in_the_editor_is_the_editors_affair(desk):
    program = 'trap "echo CONTACT=Ann >>\\"$2\\"; exit 0" INT; echo ready; sleep 20 & wait'
    _, shown = desk.edit(desk.edits(program), ("ready", chr(3)))  # make itself ends by it
    assert "blog.env is changed" in shown
    assert desk.file.read_text() == TEXT + "CONTACT=Ann\n"


@pytest.mark.parametrize("editor", ["no-such-editor", "'unclosed"])
def test_an_editor_that_is_none_is_told(desk, editor):
    code, shown = desk.edit(editor)
    assert code == 2 and f"EDITOR={editor}: " in shown


def test_vi_is_there_when_no_editor_is_named(desk):
    programs = desk.folder / "programs"
    programs.mkdir()
    for name in ("make", "bash", "sh", "ls", "head", "stat", "dirname", "mv", "python3", "sed", "awk"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    (programs / "vi").write_text("#!/bin/sh\necho KEEP=3 >>\"$1\"\n")
    (programs / "vi").chmod(0o755)
    clean = {"PATH": str(programs), "HOME": str(desk.folder), "TERM": "dumb"}
    code, shown = type_at(["/usr/bin/make", "-sC", str(desk.kit.top), "edit", "INSTANCE=blog"], clean, [])
    assert code == 0, shown
    assert desk.file.read_text() == TEXT + "KEEP=3\n"


def test_without_a_terminal_it_says_what_to_do(desk):
    done = desk.kit.make("edit", "INSTANCE=blog", environment={"EDITOR": "true"})
    assert "an editor needs a terminal" in done.stderr
    assert desk.file.read_text() == TEXT
