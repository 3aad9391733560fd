"""Keeps visitors out of a site while a run changes it, and lets them in again.

A page that the operator put up is another matter than a run's: it says so itself, no run takes it away, and what it
tells visitors stays.
"""

from datetime import UTC, datetime
from pathlib import Path

from scripts.errors import Fault
from scripts.hosts.host import Host
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import restoring
from scripts.tiki import maintenance, maintenance_page
from scripts.tiki.maintenance_page import Notice

PAGE = Path("conf") / "maintenance.html"


def keep_out(instance: Instance, reason: str) -> Notice:
    """Put the maintenance page up for the length of a run, and return what it tells: the operator's own, if it was up.
    """
    standing = maintenance.state(instance.host, instance.web_root)
    now = datetime.now(UTC)
    notice = Notice(standing.since or now, standing.reason) if standing.is_on_purpose else \
        Notice(now, reason, is_of_a_run=True)
    show(instance, instance.web_root, notice)
    return notice


def show(instance: Instance, web_root: str, notice: Notice, host: Host | None = None) -> None:
    """Put a page that tells this up at a web root of the instance's host, or of another host."""
    template = (instance.settings.top / PAGE).read_text(encoding="utf-8")
    page = maintenance_page.page(template, site=instance.web_url or instance.name, since=notice.since.astimezone(),
                                 reason=notice.reason)
    if not maintenance.turn_on(host or instance.host, web_root, page, notice.since, notice.reason, notice.is_of_a_run):
        output.warn(f"{instance.name}: the site's PHP files belong to another account, so only Apache shows "
                    "the page")


def seen(instance: Instance) -> str:
    """Return what visitors see of a site whose change broke off, in words; where the host is gone, what is on record.
    """
    try:
        is_on = maintenance.state(instance.host, instance.web_root).is_on
    except (Fault, OSError):
        return restoring.seen(instance)
    return restoring.OUT if is_on else restoring.IN


def let_in(instance: Instance) -> None:
    """Take the page of a run away; one that was put up on purpose stays, and that is said."""
    standing = maintenance.state(instance.host, instance.web_root)
    if not standing.is_on_purpose:
        maintenance.turn_off(instance.host, instance.web_root)
        return
    since = f" {output.local(standing.since)}" if standing.since else ""
    reason = f" ({standing.reason})" if standing.reason else ""
    output.say(f"{instance.name}: the maintenance page that was put up{since}{reason} stays. To let visitors in: make "
               f"maintenance INSTANCE={instance.name} STATE=off")
