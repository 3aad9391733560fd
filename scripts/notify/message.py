"""A message to people, and the mail it becomes."""

import re
import socket
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import cache

from scripts.registry.settings import Settings

SUBJECT_LENGTH = 200    # characters; mail programs show fewer
CONTROL = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Message:
    """What is told: a subject in one line, a plain text, and the same as HTML where there is such.

    follows is the Message-ID of the mail that this one goes on from: mail programs show them together.
    """

    subject: str
    body: str
    html: str = ""
    follows: str = ""


@cache
def machine() -> str:
    """Return this machine's name, whole where that can be told without asking other machines."""
    name = socket.gethostname()
    return name if "." in name else socket.getfqdn()


def sender(settings: Settings) -> str:
    """Return who our mails are from."""
    return settings.mail_from or f"trim@{machine()}"


def mail(settings: Settings, message: Message, to: tuple[str, ...]) -> EmailMessage:
    """Return a message as the mail it becomes; each has an id of its own, so that one sent twice is known again."""
    made = EmailMessage()
    made["Subject"] = one_line(message.subject)
    made["From"] = sender(settings)
    made["To"] = ", ".join(to)
    made["Date"] = formatdate(localtime=True)
    made["Message-ID"] = make_msgid("trim", domain=sender(settings).rpartition("@")[2])
    # Holiday notices and ticket systems answer no mail that says this (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    if message.follows:
        made["In-Reply-To"] = made["References"] = message.follows
    made.set_content(plain(message.body))
    if message.html:
        made.add_alternative(plain(message.html), subtype="html")
    return made


def one_line(text: str) -> str:
    """Return a subject: no line break, no control character, not too long."""
    words = " ".join(_text(text).split())
    shown = "".join(character for character in words if character.isprintable())
    return shown if len(shown) <= SUBJECT_LENGTH else f"{shown[:SUBJECT_LENGTH - 3]}..."


def plain(text: str) -> str:
    """Return a text as mails and chats can hold it; what drives a terminal, or what servers refuse, is written out."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _text(text))


def _text(text: str) -> str:
    # Names on a disk need not be text; what is none comes as Python's surrogates, which no mail can hold.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
