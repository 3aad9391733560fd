"""Sends a message through every channel that is set up, and keeps what none of them took.

Channels are "mail" (SMTP or sendmail) and "chats" (Apprise). Nothing is sent in a dry run.
"""

import time
from contextlib import suppress
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from scripts.errors import Fault, HostError, RegistryError
from scripts.hosts import process
from scripts.notify import message as mails
from scripts.notify import outbox, secrets
from scripts.notify.message import Message
from scripts.notify.outbox import Waiting
from scripts.registry import runs
from scripts.registry.settings import Settings

MAIL, CHATS = "mail", "chats"
MOST_SECONDS = 60       # of one run for what waits: a server that lets us wait must not hold up run after run
AGAIN_SECONDS = 600     # an attended run tries what waits no oftener, so that a dead server does not hold up a person


def channels(settings: Settings, to: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the channels that are set up."""
    return (*((MAIL,) if to or settings.mail_to else ()), *((CHATS,) if settings.apprise_file else ()))


def send(settings: Settings, message: Message, to: tuple[str, ...] = ()) -> str:
    """Send a message, to these addresses or to those of MAIL_TO; return the id of the mail.

    Raises a Fault when no channel took it. What one channel did not take, though another did, is kept for later.
    """
    if _only_shown(message):
        return ""
    letter = _letter(settings, message, to)
    left = _try(settings, letter)
    if left and set(left.channels) == set(letter.channels) and left.to == letter.to:
        raise HostError(left.why)
    if left:
        outbox.put(settings, left)
    return mail_id(letter)


def queue(settings: Settings, message: Message, to: tuple[str, ...] = (), why: str = "not tried yet") -> str:
    """Keep a message for the next run to send; return the id of its mail."""
    letter = _letter(settings, message, to)
    outbox.put(settings, replace(letter, why=why))
    return mail_id(letter)


def send_or_queue(settings: Settings, message: Message, to: tuple[str, ...] = ()) -> tuple[str, str]:
    """Send a message now or keep it for later; return the id of its mail, and why it could not be sent.

    Raises HostError when it could not be kept either: then nobody may take it for told.
    """
    if _only_shown(message):
        return "", ""
    letter = _letter(settings, message, to)
    left = _try(settings, letter)
    if not left:
        return mail_id(letter), ""
    try:
        outbox.put(settings, left)
    except OSError as error:
        raise HostError(f"{left.why}; nor can it be kept for later: {error.strerror}") from error
    return mail_id(letter), left.why


def test(settings: Settings, message: Message, channel: str, to: tuple[str, ...] = ()) -> None:
    """Send a message through one channel; raise a Fault that says why it did not take it for everybody."""
    refused = through(settings, channel, _letter(settings, message, to))
    if refused:
        raise HostError(f"refused for {', '.join(refused)}")


def send_waiting(settings: Settings, is_patient: bool) -> list[Waiting]:
    """Try again to send what waits, and return what still does; one that is not patient leaves alone what was tried
    a short while ago.
    """
    if not outbox.waiting(settings) or process.conduct.dry_run:
        return [one for _, one in outbox.waiting(settings)]
    last = time.monotonic() + MOST_SECONDS
    with suppress(BlockingIOError), runs.alone(settings, "outbox", waits=False):     # else another run is at it
        # What was not tried for longest comes first: one that is never taken must not keep the others back.
        for path, letter in sorted(outbox.waiting(settings), key=lambda one: one[1].tried):
            if time.monotonic() > last:
                break
            if not is_patient and 0 <= time.time() - letter.tried < AGAIN_SECONDS:
                continue
            left = _try(settings, letter)
            if left:
                outbox.put(settings, left, path)
            else:
                outbox.drop(path)
    return [one for _, one in outbox.waiting(settings)]


def _only_shown(message: Message) -> bool:
    """In a dry run, show what would be sent and return True."""
    if process.conduct.dry_run:
        process.conduct.on_dry(f"send: {mails.one_line(message.subject)}")
    return process.conduct.dry_run


def mail_id(letter: Waiting) -> str:
    return str(_mail(letter)["Message-ID"]) if letter.mail else ""


def _letter(settings: Settings, message: Message, to: tuple[str, ...]) -> Waiting:
    """Return a message as it is sent: to whom, through what, and without a secret in it."""
    through, to = channels(settings, to), to or settings.mail_to
    if not through:
        raise RegistryError("conf/settings.env: MAIL_TO is not set: nobody can be told. Next: MAIL_TO=you@example.org "
                            "there, then make notify-test")
    told = Message(*(secrets.hidden(settings, text) for text in (message.subject, message.body, message.html)),
                   message.follows)
    text = mails.mail(settings, told, to).as_bytes().decode("ascii", "surrogateescape") if MAIL in through else ""
    return Waiting(mails.one_line(told.subject), mails.plain(told.body), text, to, through, time.time(), 0, "")


def _mail(letter: Waiting) -> EmailMessage:
    return message_from_bytes(letter.mail.encode("ascii", "surrogateescape"), policy=default)


def _try(settings: Settings, letter: Waiting) -> Waiting | None:
    """Send a letter through its channels; return what is left of it, None when all is sent."""
    left, to, why = [], letter.to, []
    for channel in letter.channels:
        try:
            refused = through(settings, channel, letter)
        except Exception as fault:  # noqa: BLE001 - whatever goes wrong with a channel, the message waits
            left.append(channel)
            why.append(f"{channel}: {fault if isinstance(fault, (Fault, OSError)) else type(fault).__name__}")
            continue
        if refused:
            left.append(channel)
            to = refused
            why.append(f"{channel}: refused for {', '.join(refused)}")
    if not left:
        return None
    return replace(letter, channels=tuple(left), to=to, why=secrets.hidden(settings, "; ".join(why)), tried=time.time())


def through(settings: Settings, channel: str, letter: Waiting) -> tuple[str, ...]:
    """Send a letter through one channel; return the addresses that were refused."""
    if channel == CHATS:
        from scripts.notify import chats
        chats.send(settings, Message(letter.subject, letter.body))
        return ()
    if settings.smtp_host:
        from scripts.notify import smtp
        return smtp.send(settings, _mail(letter), letter.to)
    from scripts.notify import sendmail
    return sendmail.send(settings, _mail(letter), letter.to)
