"""Programs that stand in front of the real ones on PATH, note every call, and let one of them go wrong.

The folder has a name for every program of this machine, all of them one small dash script: it must cost little,
because a run makes a hundred calls. A call is known by its side, its program, and which of that program's calls
there it is: jobs that run side by side mix their calls, but each of them keeps its own order.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.lab.sshd import SYSTEM_PATH

HERE, FAR = "here", "far"
SIDE = "TRIM_LAB_SIDE"     # set on the far side only
FAIL, HANG, TRUNCATE, KILL = "fail", "hang", "truncate", "kill"
HANG_SECONDS = 60

# A number is claimed by making a file that must not be there (set -C), which is atomic and starts no program. A
# hint says where to begin to look; an old one costs another try. Only builtins and absolute paths: every name
# leads back here.
SCRIPT = f"""\
#!/bin/dash
name=${{0##*/}} lab=@FOLDER@ side=${{{SIDE}:-{HERE}}} count=0
for place in {SYSTEM_PATH.replace(":", " ")}; do
    [ -x "$place/$name" ] && break
done
real=$place/$name
mine=$lab/calls/$side.$name
set -C
[ -r "$mine.hint" ] && read -r count <"$mine.hint"
count=$((${{count:-0}} + 1))
until true 2>/dev/null >"$mine.$count"; do count=$((count + 1)); done
echo $count >|"$mine.hint"
printf '%s\\0' "$@" >|"$mine.$count"
wanted= mode=
[ -r "$lab/control" ] && read -r wanted mode <"$lab/control"
[ "$wanted" = "$side.$name.$count" ] || exec "$real" "$@"
echo $$ >|"$lab/fired"
case $mode in
    {FAIL}) exit 1 ;;
    {HANG}) exec /usr/bin/sleep {HANG_SECONDS} ;;
    {KILL})
        echo >|"$lab/kill"
        until [ -e "$lab/killed" ]; do /usr/bin/sleep 0.01; done
        exec "$real" "$@" ;;
    {TRUNCATE})
        "$real" "$@" >|"$lab/output.$$"
        size=$(/usr/bin/stat -c %s "$lab/output.$$")
        /usr/bin/head -c $((size / 2)) "$lab/output.$$" ;;
esac
exit 0
"""


@dataclass(frozen=True, order=True)
class Call:
    """One call of a good run: the ordinal-th one of a program on a side."""

    side: str
    program: str
    ordinal: int

    def __str__(self) -> str:
        return f"{self.side}.{self.program}.{self.ordinal}"


class Shims:
    """One folder of them, with the calls they noted. path is what comes first on PATH on both sides."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "bin"
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)        # both sides write, as different users
        self.path.mkdir()
        self.temporary = folder / "tmp"     # TMPDIR of the runs, so that what they leave there is seen
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        script = folder / "shim"
        script.write_text(SCRIPT.replace("@FOLDER@", str(folder)))
        script.chmod(0o755)
        for name in sorted({entry.name for place in SYSTEM_PATH.split(":") if os.path.isdir(place)
                            for entry in os.scandir(place)}):
            (self.path / name).symlink_to(script)
        os.mkfifo(folder / "kill")      # whoever started the run reads it, ends the run, and then makes `killed`
        (folder / "kill").chmod(0o666)
        self._calls = folder / "calls"
        self.reset()

    def reset(self, call: Call | None = None, mode: str = "") -> None:
        """Forget all calls; the next run goes wrong in this way at that call."""
        shutil.rmtree(self._calls, ignore_errors=True)
        self._calls.mkdir()
        self._calls.chmod(0o777)
        for path in (self.folder / "fired", self.folder / "killed", *self.folder.glob("output.*")):
            path.unlink(missing_ok=True)
        (self.folder / "control").write_text(f"{call or '-'} {mode or '-'}\n")

    def calls(self) -> dict[Call, list[bytes]]:
        """Return the calls since the reset, with their arguments."""
        found = {}
        for path in self._calls.iterdir():
            side, _, rest = path.name.partition(".")
            program, _, ordinal = rest.rpartition(".")
            if ordinal != "hint":
                found[Call(side, program, int(ordinal))] = path.read_bytes().split(b"\0")[:-1]
        return found

    @property
    def fired(self) -> int | None:
        """Return the process id of the call that went wrong, None while none did."""
        try:
            return int((self.folder / "fired").read_text() or 0)
        except FileNotFoundError:
            return None


def by_program(calls: dict[Call, list[bytes]]) -> Counter:
    """Return how often each program was called on each side."""
    return Counter((call.side, call.program) for call in calls)
