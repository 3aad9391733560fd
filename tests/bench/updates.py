"""How long visitors see the maintenance page while a site is updated, from a client that asks for it all the time.

Apache keeps compiled code (opcache), as in production. Two files that every request loads tell in a header of which
release they are: an answer of two releases at once, or of none, is one that no visitor may get.
"""

import http.client
import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import creation, limits, measuring
from tests.bench.context import Context
from tests.bench.limits import Limit
from tests.bench.measuring import Row
from tests.bench.peak import Peak
from tests.lab.web import Apache

OLD, NEW = "24.4", "24.5"
PAGE = "tiki-index.php"
LOADED = ("lib/init/initlib.php", "tiki-setup.php")   # the first that is there is loaded by every request
CHANGED_ONE_IN = 3       # files; between two minor releases of Tiki it is fewer
MOVED = 300              # files that only one of both releases has
PATCH = "installer/schema/20261101_bench_tiki"
PAUSE_SECONDS = 0.01     # between two questions
SEEN_BEFORE = 20         # answers before the update begins


@dataclass(frozen=True)
class Seen:
    """One answer: old, new, page, or what else it was; the moments are those of a clock that never goes back."""

    kind: str
    begun: float
    ended: float


class Visitor(threading.Thread):
    """Asks for the page all the time."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.seen, self.is_there = urlsplit(url), [], True

    def __enter__(self) -> "Visitor":
        self.start()
        while len(self.seen) < SEEN_BEFORE:
            time.sleep(PAUSE_SECONDS)
        return self

    def __exit__(self, *fault: object) -> None:
        time.sleep(1)
        self.is_there = False
        self.join()

    def run(self) -> None:
        while self.is_there:
            begun = time.monotonic()
            kind = self._ask()
            self.seen.append(Seen(kind, begun, time.monotonic()))
            time.sleep(PAUSE_SECONDS)

    def _ask(self) -> str:
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
        try:
            connection.request("GET", f"/{PAGE}")
            answer = connection.getresponse()
            body = answer.read()
        except OSError as error:
            return f"no answer: {error}"
        finally:
            connection.close()
        if answer.status == 503 and b"Retry-After" in bytes(str(answer.headers), "latin-1"):
            return "page"
        releases = {answer.getheader("X-Page-Release"), answer.getheader("X-Code-Release")}
        whole = answer.status == 200 and body.rstrip().endswith(b"</html>") and b"atal error" not in body
        if whole and len(releases) == 1:
            return {OLD: "old", NEW: "new"}.get(releases.pop(), "none")
        return f"status {answer.status}, of {sorted(map(str, releases))}" + ("" if whole else ", not whole")

    @property
    def closed_seconds(self) -> float:
        """Return the time from the last answer of a site before the page to the first one after it."""
        pages = [number for number, one in enumerate(self.seen) if one.kind == "page"]
        if not pages:
            return 0.0
        return self.seen[min(pages[-1] + 1, len(self.seen) - 1)].ended - self.seen[max(pages[0] - 1, 0)].ended

    @property
    def kinds(self) -> Counter[str]:
        return Counter(one.kind for one in self.seen)


def measure(context: Context) -> None:
    folder = context.lab.folder / "compiled"
    folder.mkdir(mode=0o755)
    apache = Apache(folder, keeps_compiled=True)
    try:
        _measure(context, apache)
    finally:
        apache.stop()


def _measure(context: Context, apache: Apache) -> None:
    lab = context.lab
    old, new = (_release(lab.folder / f"release-{version}" / f"tiki-{version}", context.code, version)
                for version in (OLD, NEW))
    changed = _change(new)
    root = lab.sites() / "updated"
    url = apache.serve(root)
    admin = creation.administrator(lab)
    context.make("instance", "NAME=updated", f"WEB_ROOT={root}", f"WEB_URL={url}/", f"VERSION={OLD}", f"SOURCE={old}",
                 f"DB_ADMIN={admin}")
    context.make("prepare", f"VERSION={NEW}", f"SOURCE={new}")
    files = sum(len(names) for _, _, names in os.walk(root))
    context.report.note(f"update: {files} files, {changed} of them changed")
    _run(context, url, "update", _schema_seconds(root, new), limits.of("update beyond schema"))
    # The way back loads the whole database: no limit is known for that.
    _run(context, url, "rollback", 0.0, limits.NONE)


def _run(context: Context, url: str, verb: str, schema_seconds: float, limit: Limit) -> None:
    """Keep two rows: how long visitors saw the page, and how long beyond what Tiki's own schema update takes."""
    with Peak() as peak, Visitor(url) as visitor:
        told = context.told(verb, "INSTANCE=updated")
    beyond, kinds = visitor.closed_seconds - schema_seconds, visitor.kinds
    others = tuple(f"{count} answers: {kind}" for kind, count in kinds.items() if kind not in ("old", "new", "page"))
    what = f"visitors see the page: {verb}"
    context.report.add(Row(what, f"make {verb}", (visitor.closed_seconds,), peak_mb=peak.megabytes,
                           peak_name=peak.name_of_largest, also_missed=others))
    if schema_seconds:
        context.report.add(Row(what, "schema update by hand", (schema_seconds,), limits.FREE))
        context.report.add(Row(what, "beyond the schema update", (beyond,), limit))
    context.report.note(f"{verb}: TRIM says {told['closed_seconds']} s of {told['seconds']} s; answers: {dict(kinds)}")


def _schema_seconds(root: Path, new: Path) -> float:
    """Return how long Tiki's own schema update takes here, and leave the site and its database as they were."""
    patch, undone = root / f"{PATCH}.sql", root / "installer/schema/20261102_benchundo_tiki.sql"
    shutil.copy(new / f"{PATCH}.sql", patch)
    undone.write_text("DROP TABLE tiki_bench_update; DELETE FROM tiki_schema WHERE patch_name LIKE '2026110%bench%';\n")
    taken = measuring.seconds(lambda: _console(root))
    patch.unlink()
    undone.unlink()
    return taken


def _console(root: Path) -> None:
    subprocess.run(["php", "-d", "error_log=/dev/null", "console.php", "database:update", "-n"], cwd=root, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# Two releases of one tree

def _release(folder: Path, code: Path, version: str) -> Path:
    """Copy code and let it say which release it is."""
    folder.parent.mkdir()
    shutil.copytree(code, folder, symlinks=True)
    named = folder / "lib/setup/twversion.class.php"
    named.write_text(named.read_text().replace(f"'{OLD}'", f"'{version}'"))
    loaded = next(name for name in LOADED if (folder / name).exists())
    for name, header in ((PAGE, "X-Page-Release"), (loaded, "X-Code-Release")):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("<?php", f"<?php header('{header}: {version}');", 1), encoding="utf-8")
    return folder


def _change(folder: Path) -> int:
    """Change what a release changes: a third of the files, some gone, some new, one patch; return how many."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
                   and path.suffix in (".php", ".js", ".css", ".svg", ".tpl", ".md", ".txt"))
    count = 0
    for path in files[::CHANGED_ONE_IN]:
        content = path.read_bytes()
        if path.suffix == ".php" and (b"?>" in content or not content.startswith(b"<?php")):
            continue
        path.write_bytes(content + (b"\n// changed\n" if path.suffix == ".php" else b"\n"))
        count += 1
    texts = [path for path in files if path.name in ("README.md", "CHANGELOG.md")][:MOVED]
    for number, path in enumerate(texts):
        path.rename(path.with_name(f"MOVED-{number}.md"))
    (folder / f"{PATCH}.sql").write_text("CREATE TABLE tiki_bench_update (id int) ENGINE=InnoDB;\n")
    return count + 2 * len(texts)
