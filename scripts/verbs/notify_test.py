"""make notify-test: a test message through every channel that is set up, so that the first real one arrives.

Channels are tried each by itself; what waits to be sent since an earlier run goes out first.
"""

from scripts.errors import Fault, HostError, RegistryError
from scripts.hosts import process
from scripts.notify import deliver, letters, pings
from scripts.notify.message import Message, machine
from scripts.present import output
from scripts.registry.settings import Settings

COLUMNS = {"channel": "CHANNEL", "to": "TO", "result": "RESULT"}


def notify_test(settings: Settings, to: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Send a test message through each channel and return how that went; raise when one did not take it."""
    if not deliver.channels(settings, to) and not settings.ping_file:
        raise RegistryError("conf/settings.env: nothing is set up: no MAIL_TO, no APPRISE_FILE, no PING_FILE: nobody "
                            "would hear of a failure. Next: MAIL_TO=you@example.org there")
    rows = [*_messages(settings, to), *_pings(settings)]
    output.show(rows, COLUMNS, "")
    wrong = [row["channel"] for row in rows if row["result"] not in ("sent", "would be sent")]
    waiting = deliver.send_waiting(settings, is_patient=True)
    output.say(f"{len(waiting)} messages still wait to be sent" if waiting else "No message waits to be sent")
    if wrong:
        raise HostError(f"{', '.join(wrong)}: did not take the test message; the table says why. Next: "
                        "conf/settings.env")
    return rows


def _messages(settings: Settings, to: tuple[str, ...]) -> list[dict[str, str]]:
    facts = "\n".join(f"  {line}" for line in letters.facts(settings))
    message = Message(f"TRIM {machine()}: a test of make notify-test",
                      f"This is a test. Failures of unattended runs of TRIM in {settings.top} come this way."
                      f"\n\n{facts}\n")
    rows = []
    for channel in deliver.channels(settings, to):
        row = {"channel": channel, "to": _named(settings, channel, to)}
        rows.append(row | {"result": _result(lambda through=channel: deliver.test(settings, message, through, to))})
    return rows


def _named(settings: Settings, channel: str, to: tuple[str, ...]) -> str:
    return ", ".join(to or settings.mail_to) if channel == deliver.MAIL else settings.apprise_file


def _pings(settings: Settings) -> list[dict[str, str]]:
    if not settings.ping_file:
        return []
    if process.conduct.dry_run:
        return [{"channel": "pings", "to": settings.ping_file, "result": "would be sent"}]
    try:
        return [{"channel": f"ping of {what}", "to": settings.ping_file, "result": problem or "sent"}
                for what, problem in pings.test(settings).items()]
    except RegistryError as fault:
        return [{"channel": "pings", "to": settings.ping_file, "result": str(fault)}]


def _result(send) -> str:
    if process.conduct.dry_run:
        return "would be sent"
    try:
        send()
        return "sent"
    except (Fault, OSError) as fault:
        return str(fault)
