"""Gives a mail to this machine's sendmail program."""

from email.message import EmailMessage

from scripts.errors import CommandError, HostError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.notify import message
from scripts.registry.settings import Settings

NO_PROGRAM = 127
STALL_SECONDS = 60  # it only puts the mail into a queue


def send(settings: Settings, mail: EmailMessage, to: tuple[str, ...]) -> tuple[str, ...]:
    """Hand over a mail; it goes to all of the addresses or to none."""
    kept, process.conduct.stall_seconds = process.conduct.stall_seconds, STALL_SECONDS
    try:
        # -i: a line with a single dot is text and not the end.
        MANAGER.run(settings.sendmail, "-i", "-f", message.sender(settings), "--", *to, stdin=mail.as_bytes())
    except CommandError as error:
        if error.code == NO_PROGRAM:
            raise HostError(f"there is no program {settings.sendmail} on the manager. Next: SMTP_HOST= in "
                            "conf/settings.env, or apt-get install msmtp-mta") from error
        raise
    finally:
        process.conduct.stall_seconds = kept
    return ()
