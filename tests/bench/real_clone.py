"""A part of make test-real: a real Tiki cloned in all four directions, and each clone compared with its source.

Only what a clone has of its own may differ; the server's own checksum of every table is asked as well.
"""

import time
from pathlib import Path

from tests.bench import sites
from tests.lab.lab import Lab
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

OF_ITS_OWN = {"tiki_preferences", "tiki_scheduler", "tiki_mailin_accounts", "tiki_mail_queue", "sessions",
              "tiki_sessions", "tiki_user_login_cookies", "tiki_user_reports_cache", "tiki_forums"}
"""Tables in which a clone is quiet, at another place, and nobody's session."""


def differences(lab: Lab, tree: Path) -> list[str]:
    """Return what was not as it should be."""
    kit = Toolkit(lab.folder / "toolkit-clone", lab)
    found = []
    for is_ssh in (False, True):
        source = sites.real(lab, f"real-clone-{is_ssh}".lower(), tree, is_ssh)
        name = "far" if is_ssh else "near"
        kit.register(name, web_root=source.folder, web_url=source.url, **(kit.over_ssh() if is_ssh else {}))
        for is_ssh_too in (False, True):
            found += _cloned(lab, kit, name, source.database, is_ssh_too)
    return found


def _cloned(lab: Lab, kit: Toolkit, source: str, database: str, is_ssh: bool) -> list[str]:
    name = f"{source}-{'far' if is_ssh else 'near'}"
    blank = kit.blank(name, ssh=is_ssh, web_url=lab.apache.serve(lab.sites(is_ssh) / name) + "/")
    for again in ("first", "again"):
        started = time.monotonic()
        done = kit.make("clone", f"FROM={source}", f"TO={name}")
        print(f"-- make clone FROM={source} TO={name} ({again}): {time.monotonic() - started:.1f} s", flush=True)
        print("   " + (done.stdout + done.stderr).strip().replace("\n", "\n   "), flush=True)
        if done.returncode:
            return [f"make clone FROM={source} TO={name} failed"]
    compared = kit.make("compare", f"A={source}", f"B={name}")
    print("   " + (compared.stdout + compared.stderr).strip().replace("\n", "\n   "), flush=True)
    found = [f"make compare A={source} B={name}: {compared.stderr.strip()}"] if compared.returncode else []
    ours, theirs = checksums(lab, database), checksums(lab, blank.db_name)
    differing = {table for table in ours.keys() | theirs.keys() if ours.get(table) != theirs.get(table)}
    print(f"   tables with another checksum: {', '.join(sorted(differing))}", flush=True)
    found += [f"{name}: table {table}" for table in sorted(differing - OF_ITS_OWN)]
    # Only now: a visit writes into the database.
    answer = fetch(f"{blank.web_url}tiki-index.php")
    if answer.status != 200 or "Copy of" not in answer.body:
        found.append(f"the page of {name} answers {answer.status}, {len(answer.body)} bytes")
    print(f"   its page answers {answer.status}, {len(answer.body)} bytes", flush=True)
    return found


def checksums(lab: Lab, database: str) -> dict[str, str]:
    """Return the server's own checksum of each table."""
    lines = lab.mariadb.sql(checksum_statement(lab, database), database).splitlines()
    return {line.split("\t")[0].split(".", 1)[1]: line.split("\t")[1] for line in lines}


def checksum_statement(lab: Lab, database: str) -> str:
    tables = ", ".join(f"`{table}`" for table in lab.mariadb.sql("SHOW TABLES", database).split())
    return f"CHECKSUM TABLE {tables} EXTENDED"
