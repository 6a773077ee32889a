"""Alerts as plain mails through a submission server.

The Message-ID is derived from the delivery, so that a mail sent twice (a crash between the
server's yes and our record of it) is one message to the programs that care.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_RULES
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.model import Alert, Delivery
from monitor.notifiers.naming import BY_IDS, Named, Naming
from monitor.notifiers.wording import excerpt, headline, one_line
from monitor.protocols import Clock

log = logging.getLogger(__name__)

EXCERPT = 1_500
FAREWELL = 5.0
PERMANENT = 500
LOGIN_REQUIRED = 530
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class EmailNotifier:
    """Mails alerts from `sender` to the addresses `to`; `wait` is a deadline in seconds.

    `smtp_url` is `SCHEME://[USER:PASSWORD@]HOST[:PORT]`: `smtps` speaks TLS from the start,
    `smtp+starttls` insists on STARTTLS, `smtp` uses it where it is offered. A password never
    crosses a network without TLS. Raises Rejected for a URL or an address that cannot work.
    """

    def __init__(
        self,
        smtp_url: str,
        sender: str,
        to: Sequence[str],
        clock: Clock,
        wait: float = 30.0,
        naming: Naming = BY_IDS,
    ) -> None:
        self._server = _server(smtp_url)
        self._sender = _address(sender)
        self._to = tuple(_address(each) for each in to)
        if not self._to:
            raise Rejected("a mail needs at least one address")
        self._clock = clock
        self._wait = wait
        self._naming = naming

    async def send(self, delivery: Delivery) -> None:
        """Mail one alert.

        Raises Rejected where the server refuses the mail for good (5xx), Unavailable where it
        asks to come again (4xx), refuses our login or breaks off; Unreachable without a server.
        A mail that reached at least one of the addresses is sent: another attempt would reach
        that one twice.
        """
        message = self.message(delivery, await self._naming.of(delivery.alert))

        async def submit(server: aiosmtplib.SMTP) -> None:
            refused, _ = await server.send_message(message)
            for address, answer in refused.items():
                log.warning("mail to '%s' refused: %s", address, answer)

        await self._talk(submit)

    async def check(self) -> None:
        """Connect, log in and say nothing."""

        async def greet(server: aiosmtplib.SMTP) -> None:
            await server.noop()

        await self._talk(greet)

    async def close(self) -> None:
        """Nothing is held open: each mail has its own connection."""

    def message(self, delivery: Delivery, named: Named) -> EmailMessage:
        """Return the mail, safe against what a title may hold."""
        alert, article = delivery.alert, delivery.alert.article
        message = EmailMessage(policy=MAIL_RULES)
        left = re.sub(r"[^A-Za-z0-9_-]", "-", delivery.id)
        message["Message-ID"] = f"<{left}@{self._sender.domain}>"
        message["Date"] = format_datetime(self._clock.now())
        message["From"] = self._sender
        message["To"] = self._to
        rule = one_line(alert.rule_name or alert.rule, 60)
        message["Subject"] = _plain(f"[{rule}] {headline(article, 150)}")
        # Tells other programs not to answer (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(_text(alert, rule, named))
        return message

    async def _talk(self, say: Callable[[aiosmtplib.SMTP], Awaitable[None]]) -> None:
        """Connect, log in, `say` something and leave, all within the deadline."""
        server = self._server.client(self._wait)
        try:
            with self._server.told():
                async with asyncio.timeout(self._wait):
                    await server.connect()
                    await say(server)
            # The mail is accepted by now: a farewell that fails must not send it once more.
            with suppress(aiosmtplib.SMTPException, OSError):
                await server.quit(timeout=FAREWELL)
        finally:
            server.close()


@dataclass(frozen=True, slots=True)
class _Server:
    """Where mail is submitted. `start_tls`: True insists, None takes what is offered."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    use_tls: bool
    start_tls: bool | None

    def client(self, wait: float) -> aiosmtplib.SMTP:
        """Return a client that is not connected yet."""
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_tls=self.use_tls,
            start_tls=self.start_tls,
            timeout=wait,
        )

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what goes wrong into Rejected or Unavailable."""
        try:
            yield
        except aiosmtplib.SMTPRecipientsRefused as error:
            for_good = all(each.code >= PERMANENT for each in error.recipients)
            kind = Rejected if for_good else Unavailable
            answers = "; ".join(f"{each.code} {each.message}" for each in error.recipients)
            raise kind(f"{self.host} refuses all recipients: {one_line(answers, 300)}") from None
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            # 530 asks for a login: the mail is good, the configuration is not.
            for_good = error.code >= PERMANENT and error.code != LOGIN_REQUIRED
            kind = Rejected if for_good else Unavailable
            raise kind(f"{self.host} refuses the mail: {_answer(error)}") from None
        except aiosmtplib.SMTPResponseException as error:
            what = "the login" if isinstance(error, aiosmtplib.SMTPAuthenticationError) else "us"
            raise Unavailable(f"{self.host} refuses {what}: {_answer(error)}") from None
        except aiosmtplib.SMTPConnectError as error:
            raise Unreachable(f"{self.host}: {one_line(str(error), 200)}") from None
        except TimeoutError:
            raise Unavailable(f"{self.host} did not finish in time") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unavailable(f"{self.host}: {one_line(str(error), 200)}") from None


def _server(url: str) -> _Server:
    """Return the server that a URL names."""
    cure = "write smtp://, smtp+starttls:// or smtps://, then [USER:PASSWORD@]HOST[:PORT]"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    # The URL holds a password, so it is not told.
    if host is None or parts.scheme not in PORTS or parts.path.strip("/") or parts.query:
        raise Rejected(f"the mail server's URL cannot be read: {cure}")
    start_tls = {"smtps": False, "smtp+starttls": True}.get(parts.scheme)
    if parts.scheme == "smtp" and _is_this_machine(host):
        start_tls = False
    elif parts.scheme == "smtp" and parts.password:
        start_tls = True
    return _Server(
        host=host,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=parts.scheme == "smtps",
        start_tls=start_tls,
    )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _address(text: str) -> Address:
    """Return an address like `desk@example.org` or `News desk <desk@example.org>`."""
    name, spec = parseaddr(text)
    if not re.fullmatch(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+", spec) or len(text.splitlines()) > 1:
        raise Rejected(f"'{one_line(text, 80)}' is not a mail address")
    return Address(display_name=name, addr_spec=spec)


def _answer(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {one_line(error.message, 200)}"


def _plain(text: str) -> str:
    """Return a header's text with no encoded word (RFC 2047) in it.

    EmailMessage would decode `=?utf-8?q?=0D=0ABcc:...?=` of a title and write the line break.
    """
    return text.replace("=?", "= ?")


def _text(alert: Alert, rule: str, named: Named) -> str:
    """Return what the mail says."""
    article = alert.article
    told = "(replayed, not news) " if article.replayed else ""
    lines = [
        told + headline(article),
        "",
        f"Source: {named.source}",
        f"Published: {_time(article.published)}",
        f"Found: {_time(article.fetched)}",
        f"Topics: {', '.join(named.topics)}",
        "",
        excerpt(article, EXCERPT),
        "",
        one_line(article.url, 2_000) or "(the article has no address)",
        *((named.page,) if named.page else ()),
        "",
        f"Alert {alert.id} of the rule {rule}",
    ]
    return "\n".join(lines) + "\n"


def _time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "unknown"
