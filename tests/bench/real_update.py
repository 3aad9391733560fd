"""A part of make test-real: a real site upgraded from the release in OLD to the one in TREE, and rolled back.

The older release's own installer need not run on this PHP: its database is loaded from the SQL that it ships. What the
users put there must be the same all the time, and after the way back every file and every table.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

from tests.bench.real_clone import checksums
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_tree
from tests.lab.lab import Lab
from tests.lab.sample_tiki import write_config
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

CACHES = {b"temp", b"modules/cache"}
USER_FILES = {"img/wiki_up/picture one.png": b"\x89PNG", "themes/ours/css/ours.css": b"a {}", "notes.txt": b"ours",
              "storage/fgal/0123": b"upload", "templates/custom/header.tpl": b"<b>ours</b>", ".user.ini": b"; ours\n"}
CHANGED = ("lang/de/language.php", "tiki-index.php")    # a line of the site's own at the end


def differences(lab: Lab, old: Path, new: Path) -> list[str]:
    """Return what was not as it should be."""
    kit = Toolkit(lab.folder / "toolkit-update", lab)
    versions = {}
    for label, tree in (("old", old), ("new", new)):
        versions[label] = _version(tree)
        if fault := _make(kit, "prepare", f"VERSION={versions[label]}", f"SOURCE={_clean(lab, label, tree)}"):
            return [fault]
    return [f"{'ssh' if is_ssh else 'local'}: {line}" for is_ssh in (False, True)
            for line in _upgraded(lab, kit, old, versions, is_ssh)]


def _upgraded(lab: Lab, kit: Toolkit, old: Path, versions: dict[str, str], is_ssh: bool) -> list[str]:
    name = "upgraded-far" if is_ssh else "upgraded"
    root = _site(lab, name, old, versions["old"], is_ssh)
    url = lab.apache.serve(root)
    kit.register(name, web_root=root, web_url=f"{url}/", **(kit.over_ssh() if is_ssh else {}))
    files, tables = describe_tree(root, CACHES), checksums(lab, name.replace("-", "_"))
    if fault := _make(kit, "upgrade", f"INSTANCE={name}", f"VERSION={versions['new']}", "PHP_CHECK=no"):
        return [fault]
    found = [f"{path} is not what the user put there" for path, content in USER_FILES.items()
             if (root / path).read_bytes() != content]
    found += [f"{path} lost what the site had changed in it" for path in CHANGED
              if b"ours, kept" not in (root / path).read_bytes()]
    found += [] if _version(root) == versions["new"] else [f"its code says {_version(root)}"]
    answer = fetch(f"{url}/tiki-index.php")
    print(f"   its page answers {answer.status}, {len(answer.body)} bytes", flush=True)
    found += [] if answer.status == 200 else [f"the page answers {answer.status}"]
    if fault := _make(kit, "rollback", f"INSTANCE={name}"):
        return [*found, fault]
    now = describe_tree(root, CACHES)
    found += [f"after the way back: {path!r}: {files.get(path)} is {now.get(path)}"
              for path in sorted(files.keys() | now.keys()) if files.get(path) != now.get(path)]
    after = checksums(lab, name.replace("-", "_"))
    return found + [f"after the way back: table {table}" for table in sorted(tables.keys() | after.keys())
                    if tables.get(table) != after.get(table)]


def _site(lab: Lab, name: str, tree: Path, version: str, is_ssh: bool) -> Path:
    """Put a site up whose database is what the release ships, with files of its users."""
    root = lab.sites(is_ssh) / name
    subprocess.run(["rsync", "-a", "--exclude=/db/local.php", "--exclude=/.git", f"{tree}/", f"{root}/"], check=True)
    database, user, password = lab.account(name)
    write_config(root, "new", version, f"127.0.0.1:{lab.mariadb.port}", user, password, database)
    client = ["mariadb", "--no-defaults", f"--socket={lab.mariadb.socket}", "--force", database]
    with open(tree / "db" / "tiki.sql", "rb") as sql:
        subprocess.run(client, stdin=sql, check=True, stderr=subprocess.DEVNULL)
    patches = sorted({path.stem for path in (tree / "installer" / "schema").iterdir()
                      if path.suffix in (".sql", ".php", ".yml") and path.name[0].isdigit()})
    values = ", ".join(f"('{patch}', NOW())" for patch in patches)
    lab.mariadb.sql(f"REPLACE INTO tiki_schema (patch_name, install_date) VALUES {values}", database)
    for path, content in USER_FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    for path in CHANGED:
        with open(root / path, "ab") as file:
            file.write(b"\n// ours, kept\n")
    (root / "db" / "lock").touch()
    give_to(lab_user(), root)
    return root


def _clean(lab: Lab, label: str, tree: Path) -> Path:
    """Return the code of a Tiki without anybody's account."""
    folder = lab.folder / f"{label}-release"
    shutil.copytree(tree, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    (folder / "db" / "local.php").unlink(missing_ok=True)
    return folder


def _version(tree: Path) -> str:
    text = (tree / "lib/setup/twversion.class.php").read_text()
    return text.partition("$this->version")[2].partition("'")[2].partition("'")[0]


def _make(kit: Toolkit, *words: str) -> str:
    """Run a verb, print what it says, and return a sentence when it failed."""
    started = time.monotonic()
    done = kit.make(*words, "JSON=1")
    print(f"-- make {' '.join(words)}: {time.monotonic() - started:.1f} s", flush=True)
    print("   " + done.stderr.strip().replace("\n", "\n   "), flush=True)
    if done.returncode:
        return f"make {' '.join(words)} failed"
    told = json.loads(done.stdout)[0]
    print(f"   {json.dumps({key: value for key, value in told.items() if key != 'updated'})[:600]}", flush=True)
    return ""
