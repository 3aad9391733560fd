"""make bench [TREE=folder] [WHAT=backup|create|clone|update|watch]: times against the plain way, measured in one run.

TREE= is a real Tiki's files; without it the site is made up.
"""

import subprocess
import sys
from pathlib import Path

from tests.bench import backups, clones, creation, sites, updates, watch
from tests.lab import sample_code
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

MADE_UP_FILES = 6000
ALL = ("backup", "create", "clone", "update", "watch")


def main(tree: str, what: str) -> int:
    """Measure and print; return 1 when a limit is missed, 2 for a word that means nothing here."""
    if what and what not in ALL:
        print(f"bench: WHAT={what}: expected {', '.join(ALL)}", file=sys.stderr)
        return 2
    wanted = [what] if what else ALL
    missed = 0
    with Lab() as lab:
        kit = Toolkit(lab.folder / "toolkit", lab)
        if "create" in wanted:
            missed += creation.measure(lab, kit, _code(lab, tree), bool(tree))
        if "update" in wanted:
            missed += updates.measure(lab, kit, _code(lab, tree))
        if "watch" in wanted:
            missed += watch.measure(lab, kit, _site(lab, tree, "watched", is_far=True))
        if {"backup", "clone"} & set(wanted):
            site = _site(lab, tree, "site")
            kit.register("site", web_root=site.folder)
            missed += backups.measure(lab, kit, site) if "backup" in wanted else 0
            missed += clones.measure(lab, kit, site) if "clone" in wanted else 0
    print(f"\nbench: {missed} limits missed" if missed else "\nbench: all within their limits")
    return 1 if missed else 0


def _site(lab: Lab, tree: str, name: str, is_far: bool = False) -> SampleTiki:
    return sites.real(lab, name, Path(tree).resolve(), is_far) if tree else sites.made_up(lab, name, MADE_UP_FILES)


def _code(lab: Lab, tree: str) -> Path:
    """Return the code of a Tiki without anybody's account."""
    code = lab.folder / "tiki-24.4"
    if code.exists():
        return code
    if not tree:
        sample_code.write_code(code, files=MADE_UP_FILES)
        return code
    subprocess.run(["rsync", "-a", "--exclude=/db/local.php", "--exclude=/.git", f"{Path(tree).resolve()}/",
                    f"{code}/"], check=True)
    return code


if __name__ == "__main__":
    sys.exit(main(*[*sys.argv[1:], "", ""][:2]))
