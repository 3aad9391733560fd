"""Tells chats, phones and the like through Apprise, an optional package (pyproject's extra "chats")."""

import logging

from scripts.errors import HostError, RegistryError
from scripts.notify import secrets
from scripts.notify.message import Message
from scripts.registry.settings import Settings


def send(settings: Settings, message: Message) -> None:
    """Tell all addresses of APPRISE_FILE; raise HostError when one of them did not take it."""
    try:
        import apprise
    except ImportError as error:
        raise RegistryError("APPRISE_FILE is set and the package apprise is not installed. Next: make setup") from error
    # Its log has addresses in it, with what is secret in them.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    addresses = secrets.read_private(settings, settings.apprise_file, "APPRISE_FILE")
    failed = []
    for number, address in enumerate(addresses, 1):
        chat = apprise.Apprise()
        if not chat.add(address):
            failed.append(f"address {number} is none that Apprise knows")
        elif not chat.notify(title=message.subject, body=message.body, body_format=apprise.NotifyFormat.TEXT):
            failed.append(f"address {number} ({address.partition('://')[0]}) did not take it")
    if failed or not addresses:
        raise HostError(f"APPRISE_FILE: {'; '.join(failed) or 'has no address in it'}")
