"""Gives a mail to a mail server, as the settings say."""

import smtplib
import ssl
from contextlib import ExitStack, suppress
from email.message import EmailMessage

from scripts.errors import HostError, RegistryError
from scripts.notify import message, secrets
from scripts.registry.settings import Settings

TIMEOUT = 20    # seconds for each answer
USUAL_PORT = {"none": 25, "starttls": 587, "tls": 465}
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def send(settings: Settings, mail: EmailMessage, to: tuple[str, ...]) -> tuple[str, ...]:
    """Send a mail and return the addresses that the server refused; raise HostError when it took it for nobody."""
    place = f"{settings.smtp_host}:{settings.smtp_port or USUAL_PORT[settings.smtp_security]}"
    password = _password(settings)
    try:
        with ExitStack() as held:
            server = _connected(settings)
            held.callback(_part, server)
            if settings.smtp_user:
                server.login(settings.smtp_user, password)
            return tuple(server.send_message(mail, message.sender(settings), list(to)))
    except smtplib.SMTPRecipientsRefused as refused:
        raise HostError(f"{place} takes mail for none of {', '.join(to)}: {_first(refused)}") from None
    except smtplib.SMTPResponseException as error:
        raise HostError(f"{place}: {_plain(error.smtp_code, error.smtp_error)}") from None
    except (smtplib.SMTPException, OSError) as error:
        # Without the cause: its words and values may have the login in them.
        raise HostError(f"{place}: {getattr(error, 'strerror', None) or error}") from None


def _connected(settings: Settings) -> smtplib.SMTP:
    port = settings.smtp_port or USUAL_PORT[settings.smtp_security]
    known = {"timeout": TIMEOUT, "local_hostname": message.machine()}
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(settings.smtp_host, port, context=_trust(settings), **known)
    server = smtplib.SMTP(settings.smtp_host, port, **known)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=_trust(settings))
    except BaseException:
        server.close()
        raise
    return server


def _part(server: smtplib.SMTP) -> None:
    """Say goodbye. What the server answers to that changes nothing: a mail that it took must not be sent again."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _trust(settings: Settings) -> ssl.SSLContext:
    path = settings.smtp_ca_file
    return ssl.create_default_context(cafile=str(settings.place(path)) if path else None)


def _password(settings: Settings) -> str:
    """Return the password of the login; raise RegistryError when there is none, or it would travel in the clear."""
    if not settings.smtp_user:
        return ""
    if settings.smtp_security == "none" and settings.smtp_host not in OWN_MACHINE:
        raise RegistryError("conf/settings.env: SMTP_USER with SMTP_SECURITY=none: the password would travel in the "
                            "clear. Next: SMTP_SECURITY=starttls or tls")
    if settings.smtp_pass_file:
        # The line as it is: a password may begin with what would be a remark elsewhere.
        text = secrets.read_text(settings, settings.smtp_pass_file, "SMTP_PASS_FILE")
        return text.partition("\n")[0].strip()
    if not settings.smtp_pass:
        raise RegistryError("conf/settings.env: SMTP_USER has no password. Next: SMTP_PASS_FILE=file (mode 0600)")
    return settings.smtp_pass


def _first(refused: smtplib.SMTPRecipientsRefused) -> str:
    return _plain(*next(iter(refused.recipients.values())))


def _plain(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"
