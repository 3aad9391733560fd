"""make demo: the main job, for real, on a sample Tiki of our own with a private MariaDB and Apache.

Every line that starts with $ is what an operator types. The site, its servers and the registry live in a folder
under /tmp that goes when the demo ends.
"""

import subprocess
import sys

from tests.lab.lab import Lab
from tests.lab.sample_tiki import PASSWORD
from tests.lab.toolkit import Toolkit
from tests.lab.web import fetch

WHAT_NEXT = """
That was the whole job: taken over, backed up, proven, restored, and the copy answers. Now with your own site:

  make instance                                   asks for what it needs
  make instance NAME=blog WEB_ROOT=/var/www/blog  or tell it at once
  make instance NAME=blog ACCESS=ssh SSH_HOST=web1.example.org SSH_USER=www-data WEB_ROOT=/var/www/blog
  make backup INSTANCE=blog && make prove INSTANCE=blog
  make doctor                                     what could hurt at night
  make help                                       the rest
"""


def main() -> int:
    """Run the demo; return 0 when every step did what it should."""
    print("A sample Tiki with its own MariaDB and Apache is being started under /tmp ...", flush=True)
    with Lab() as lab:
        site = lab.tiki("blog")
        kit = Toolkit(lab.folder / "trim", lab)
        database, user, password = lab.account("copy")
        copy = lab.sites() / "copy"
        url = lab.apache.serve(copy)
        account = {"DB_HOST": f"127.0.0.1:{lab.mariadb.port}", "DB_NAME": database, "DB_USER": user,
                   "DB_PASS": password}
        steps = [
            (["instance", "NAME=blog", f"WEB_ROOT={site.folder}", f"WEB_URL={site.url}"], {}),
            (["backup", "INSTANCE=blog"], {}),
            (["prove", "INSTANCE=blog"], {}),
            (["blank", "NAME=copy", f"WEB_ROOT={copy}", f"WEB_URL={url}/"], account),
            (["restore", "INSTANCE=copy", "FROM=blog"], {}),
            (["archives"], {}),
            (["instances"], {}),
        ]
        for words, environment in steps:
            if not _typed(kit, words, environment):
                return 1
        return _answers(f"{url}/tiki-index.php?page=HomePage")


def _typed(kit: Toolkit, words: list[str], environment: dict[str, str]) -> bool:
    """Show a command as it is typed, run it, show what it says; return whether it went well."""
    given = "".join(f"{key}={'...' if value == PASSWORD else value} " for key, value in environment.items())
    print(f"\n$ {given}make {' '.join(words)}", flush=True)
    done: subprocess.CompletedProcess = kit.make(*words, environment=environment)
    print(done.stdout + done.stderr, end="", flush=True)
    return done.returncode == 0


def _answers(url: str) -> int:
    """Ask the restored site for its home page, as a visitor would."""
    answer = fetch(url)
    print(f"\n$ curl {url}\n{answer.status}, {len(answer.body)} bytes of the restored site's home page")
    if answer.status != 200 or "HomePage" not in answer.body:
        print("demo: the restored site does not answer as it should", file=sys.stderr)
        return 1
    print(WHAT_NEXT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
