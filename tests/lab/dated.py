"""A site with archives of different days, and places that may become what it was then."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from scripts.registry.instance import Instance
from scripts.store import archive
from scripts.store.archive import Archive, Record
from tests.lab import forked
from tests.lab.faults import small_site
from tests.lab.forked import Ended
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki
from tests.lab.toolkit import Toolkit

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AGES = (9 * DAY, 2 * DAY, 2 * HOUR)
KEPT_OUT = "RESTRICT_ALLOW=192.0.2.0/24"  # nobody is there
numbers = count(1)


@dataclass
class Dated:
    """prod, with an archive of each of AGES; HomePage tells which. archives are their names, oldest first."""

    kit: Toolkit
    instance: Instance
    sample: SampleTiki
    archives: list[str]

    def run(self, verb: str, **words: str) -> Ended:
        return forked.run(self.kit.top, verb, **words)

    def mirror(self, to: Instance, **words: str) -> Ended:
        return self.run("mirror", to=to.name, **words)

    def home(self, name: str) -> str:
        return self.kit.lab.mariadb.sql("SELECT data FROM tiki_pages WHERE pageName = 'HomePage'", name).strip()

    def env(self, name: str) -> Path:
        return self.kit.top / f"instances.d/{name}.env"

    def add(self, name: str, *lines: str) -> None:
        """Add lines to an env file."""
        path = self.env(name)
        path.write_text("\n".join([path.read_text(), *lines, ""]))

    def take(self, name: str, *lines: str) -> None:
        """Take lines out of an env file."""
        path = self.env(name)
        path.write_text("".join(f"{line}\n" for line in path.read_text().splitlines() if line not in lines))

    @contextmanager
    def blank(self, ssh: bool = False) -> Iterator[Instance]:
        """Yield a blank of its own, served by Apache and restricted."""
        name, lab = f"past{next(numbers)}", self.kit.lab
        url = lab.apache.serve(lab.sites(ssh=ssh) / name) + "/"
        target = self.kit.blank(name, ssh=ssh, web_url=url)
        self.add(name, KEPT_OUT)
        yield self.kit.instance(name)
        self.env(name).unlink(missing_ok=True)
        shutil.rmtree(target.web_root, ignore_errors=True)

    @contextmanager
    def each(self, distance: timedelta, until: timedelta) -> Iterator[None]:
        """Let there be young archives at this distance, as far as what is known of them goes."""
        place, now, made = archive.folder(self.instance.settings, self.instance.name), datetime.now(UTC), []
        for number in range(1, int(until / distance)):
            moment = now - number * distance
            path = place / f"{self.instance.name}_{moment.astimezone():{archive.STAMP}}.tar.zst"
            path.write_bytes(b"packed")
            record = Record("backup", moment.isoformat(), "24.4", verified=moment.isoformat())
            beside = archive.companion(path, ".record.json")
            beside.write_text(json.dumps(asdict(record)))
            made += [path, beside]
        yield
        for path in made:
            path.unlink(missing_ok=True)

    def findings(self, name: str) -> dict[str, dict]:
        """Return what doctor finds of an instance, by the check that found it."""
        return {one["check"]: one for one in json.loads(self.run("doctor", instance=name, json="1").stdout)
                if one["instance"] == name}

    def bash(self, command: str) -> None:
        """Run a command that was printed, in another folder."""
        done = subprocess.run(["bash", "-c", command], cwd="/", stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def built(lab: Lab) -> Dated:
    """Make the site and its archives."""
    kit = Toolkit(lab.folder / "kit", lab)
    kit.set(compress="zst")
    sample = small_site(lab, "prod", False)
    instance = kit.register("prod", web_root=sample.folder, web_url="http://prod.example.org/", keep=9)
    made = []
    for age in AGES:
        sample.sql(f"UPDATE tiki_pages SET data = 'written {age.days} days ago' WHERE pageName = 'HomePage'")
        assert forked.run(kit.top, "backup", instance="prod").is_success
        made.append(archive.choose(instance.settings, "prod", "latest"))
        date(made[-1], datetime.now(UTC) - age)
    return Dated(kit, instance, sample, [one.path.name for one in made])


def date(made: Archive, moment: datetime) -> None:
    """Let an archive be of another moment, as far as what is known of it goes."""
    text = moment.isoformat(timespec="seconds")
    archive.write_record(made.path, replace(made.record, finished=text, dumped=text))
