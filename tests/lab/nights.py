"""Records of nights that never were: archives, runs and looks, for what is told of them. No site is behind them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scripts.registry import runs
from scripts.registry.instance import Instance
from scripts.registry.runs import Part, Run, RunFault
from scripts.store import archive
from scripts.store.archive import Record
from tests.lab.toolkit import Toolkit

NOW = datetime.now(UTC)
COMPLAINT = "cannot reach <b>club</b> on port 22: </td><script>document.title = 'hit'</script>. Next: ssh -v club"


def archives(instance: Instance, count: int, *, hours_ago: float = 6, version: str = "24.4", sizes: int = 10_000,
             proven: int = 1) -> None:
    """Put a good backup a night in place, the last one so many hours ago; all but the last are proven[s] old."""
    place = archive.folder(instance.settings, instance.name)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for night in range(count):
        finished = datetime.now(UTC) - timedelta(days=night, hours=hours_ago)
        begun = (finished - timedelta(seconds=40 + night * 3 % 17)).astimezone()
        path = place / f"{instance.name}_{begun.strftime(archive.STAMP)}.tar.zst"
        path.write_bytes(b"x" * (sizes + night * 37 % 200))
        moment = finished.isoformat(timespec="seconds")
        archive.write_record(path, Record("backup", moment, version, verified=moment, dumped=moment,
                                          proven=moment if night == proven else ""))


def sites(kit: Toolkit) -> None:
    """Register sites that are well and sites that are not, with relations, and their nights."""
    www = kit.register("www", web_root="/srv/www", web_url="https://ann:geheim@www.example.org/", stage="production",
                       contact="Ann <ann@example.org>", tags="public")
    test = kit.register("www-test", web_root="/srv/test", stage="test", parent="www")
    kit.register("weekago", web_root="/srv/weekago", mirror_of="www", mirror_delay="1w")
    club = kit.register("club", web_root="/srv/club")
    archives(www, 9)
    archives(test, 3, version="24.3")
    archives(club, 4, hours_ago=80)
    for night in range(3):
        started = (datetime.now(UTC) - timedelta(days=night, hours=6)).timestamp()
        broken = RunFault("club", "ssh refused", COMPLAINT)
        runs.end(kit.settings, Run(f"{night}", "backup", ("www", "club"), "make backup", True, "backup-all", started,
                                   started + 50, 4, runs.FAULT, (broken,), "/log", "",
                                   (Part("www", "ok", 40), Part("club", "fault", 10))))


def well(kit: Toolkit, name: str = "www") -> Instance:
    """Register a site that nothing is wrong with."""
    instance = kit.register(name, web_root=f"/srv/{name}", stage="production")
    archives(instance, 5)
    return instance
