"""make test-real TREE=folder [OLD=folder]: the round trip of a real Tiki, local and ssh, with nothing taken on trust.

The Tiki in TREE is copied into the lab, installed by its own console, backed up, proven, restored into a blank, and
the two are compared: every file by rsync's checksums, every table by the server's, the page through Apache and PHP.
A site of the release in OLD is upgraded to that in TREE and rolled back.
"""

import subprocess
import sys
import time
from pathlib import Path

from tests.bench import real_clone, real_quiet, real_update, sites
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

CACHES = ("/temp/cache/*", "/temp/templates_c/*", "/temp/public/*", "/temp/mail_attachs/*", "/temp/unified-index/*",
          "/modules/cache/*", "/templates_c/*")
KEPT = ("/db/local.php",)


def main(tree: Path, old: Path | None) -> int:
    """Run both round trips; return how many differences were not expected."""
    if not (tree / "tiki-setup.php").exists():
        print(f"test-real: TREE={tree}: there is no tiki-setup.php in it; give the folder of a Tiki's files",
              file=sys.stderr)
        return 2
    with Lab() as lab:
        found = sum(_round_trip(lab, tree, is_ssh) for is_ssh in (False, True))
        found += _quiet(lab, tree) + _clones(lab, tree) + (_upgrades(lab, old, tree) if old else 0)
    print(f"\ntest-real: {'all is equal' if not found else f'{found} differences'}")
    return 1 if found else 0


def _round_trip(lab: Lab, tree: Path, is_ssh: bool) -> int:
    kind = "ssh" if is_ssh else "local"
    print(f"\n== {kind} ==")
    source = _timed("install the Tiki by its own console", lambda: sites.real(lab, f"real-{kind}", tree, is_ssh))
    page = fetch(f"{source.url}tiki-index.php")
    print(f"   its page answers {page.status}, {len(page.body)} bytes")
    kit = Toolkit(lab.folder / f"toolkit-{kind}", lab)
    reached = kit.over_ssh() if is_ssh else {}
    kit.register("source", web_root=source.folder, web_url=source.url, **reached)
    copy = f"copy-{kind}"
    target = kit.blank(copy, ssh=is_ssh)
    url = lab.apache.serve(Path(target.web_root)) + "/"
    for words in (("backup", "INSTANCE=source"), ("prove", "INSTANCE=source"),
                  ("restore", f"INSTANCE={copy}", "FROM=source"),
                  ("restore", "INSTANCE=source"), ("restore", f"INSTANCE={copy}", "FROM=source")):
        done = _timed(f"make {' '.join(words)}", lambda words=words: kit.make(*words))
        print("   " + (done.stdout + done.stderr).strip().replace("\n", "\n   "))
        if done.returncode:
            return 1
    found = [*_files(source.folder, Path(target.web_root)), *_tables(lab, source, target.db_name)]
    answer = fetch(f"{url}tiki-index.php")
    print(f"   the restored page answers {answer.status}, {len(answer.body)} bytes")
    if (answer.status, page.status) != (200, 200):
        found.append(f"the page answers {answer.status} instead of 200")
    print("\n".join(f"   DIFFERS: {line}" for line in found) or "   every file and every table is equal")
    return len(found)


def _quiet(lab: Lab, tree: Path) -> int:
    print("\n== quiet ==")
    found = _timed("mail and jobs before, while and after it is muted", lambda: real_quiet.differences(lab, tree))
    print("\n".join(f"   DIFFERS: {line}" for line in found) or "   loud, silent, loud")
    return len(found)


def _clones(lab: Lab, tree: Path) -> int:
    print("\n== clones ==")
    found = _timed("clones in four directions", lambda: real_clone.differences(lab, tree))
    print("\n".join(f"   DIFFERS: {line}" for line in found) or "   equal but for what a clone has of its own")
    return len(found)


def _upgrades(lab: Lab, old: Path, tree: Path) -> int:
    print("\n== upgrades ==")
    found = _timed("there and back", lambda: real_update.differences(lab, old, tree))
    print("\n".join(f"   DIFFERS: {line}" for line in found) or "   every file and every table is as before")
    return len(found)


def _files(source: Path, target: Path) -> list[str]:
    """Return what rsync would still change, and in the data folders too."""
    left_out = [f"--exclude={path}" for path in (*CACHES, *KEPT)]
    pairs = [(source, target), *((folder, Path(f"{target}-data") / folder.name)
                                 for folder in Path(f"{source}-data").iterdir())]
    return [line for one, other in pairs for line in subprocess.run(
        ["rsync", "-aHnci", "--delete", *left_out, f"{one}/", f"{other}/"], capture_output=True, text=True,
        check=True).stdout.splitlines()]


def _tables(lab: Lab, source: SampleTiki, target: str) -> list[str]:
    """Return the tables whose checksum differs, but for the preferences that name moved folders."""
    ours, theirs = (real_clone.checksums(lab, name) for name in (source.database, target))
    differing = {table for table in ours.keys() | theirs.keys() if ours.get(table) != theirs.get(table)}
    if "tiki_preferences" in differing:
        rows = [set(lab.mariadb.sql("SELECT name, value FROM tiki_preferences", name).splitlines())
                for name in (source.database, target)]
        moved = sorted({row.split("\t")[0] for row in rows[0] ^ rows[1]})
        print(f"   rows of tiki_preferences that differ, as they must: {', '.join(moved)}")
        differing -= {"tiki_preferences"} if all(name.endswith("use_dir") for name in moved) else set()
    return [f"table {table}" for table in sorted(differing)]


def _timed(label: str, job):
    started = time.monotonic()
    result = job()
    print(f"-- {label}: {time.monotonic() - started:.1f} s", flush=True)
    return result


if __name__ == "__main__":
    given = [Path(word).resolve() if word else None for word in [*sys.argv[1:], "", ""][:2]]
    sys.exit(main(given[0] or Path("."), given[1]))
