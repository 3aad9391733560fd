"""An SMTP server that keeps what it is given: plain, with STARTTLS or with TLS, with a login or without."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.lab.processes import free_port


@dataclass(frozen=True)
class Delivery:
    """One mail as it came: to which addresses, whether the way was private, and who was logged in."""

    mail: EmailMessage
    to: tuple[str, ...]
    is_private: bool
    login: str


class SmtpSink:
    """Mails are in `mails`, oldest first, and with their envelopes in `deliveries`.

    refusing makes it answer 451 to every mail; refused are addresses it answers with 550. With a folder it makes a
    certificate there (`ca_file`) for security "starttls" or "tls"; login is a name and a password that it insists on.
    """

    def __init__(
        self, folder: Path | None = None, security: str = "none", login: tuple[str, str] | None = None
    ) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.deliveries: list[Delivery] = []
        self.refusing = False
        self.refused: set[str] = set()
        self.ca_file = folder / "smtp.pem" if folder else None
        self._login = login
        self._controller = Controller(self, hostname=self.host, port=self.port, **self._manner(security))

    def _manner(self, security: str) -> dict[str, object]:
        known: dict[str, object] = {}
        if security != "none":
            context = self._certified()
            starttls = {"tls_context": context, "require_starttls": True}
            known = {"ssl_context": context} if security == "tls" else starttls
        if self._login:
            known |= {"authenticator": self._authenticate, "auth_required": True,
                      "auth_require_tls": security == "starttls"}
        return known

    def _certified(self) -> ssl.SSLContext:
        """Make a certificate for this address that vouches for itself, and return what a server needs."""
        assert self.ca_file
        key = self.ca_file.with_suffix(".key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=sink",
                        "-addext", f"subjectAltName=IP:{self.host}", "-keyout", key, "-out", self.ca_file],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        return context

    @property
    def mails(self) -> list[EmailMessage]:
        return [delivery.mail for delivery in self.deliveries]

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def _authenticate(self, server, session, envelope, mechanism, given: LoginPassword) -> AuthResult:
        is_right = (given.login.decode(), given.password.decode()) == self._login
        # Not handled: what to answer is left to the server.
        return AuthResult(success=is_right, handled=False, auth_data=given.login.decode() if is_right else None)

    async def handle_RCPT(self, server, session, envelope, address: str, options: list[str]) -> str:
        if address in self.refused:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.refusing:
            return "451 Try again later"
        mail = message_from_bytes(envelope.content, policy=default)
        is_private = session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None
        self.deliveries.append(Delivery(mail, tuple(envelope.rcpt_tos), is_private, session.auth_data or ""))
        return "250 Kept"
