"""Alerts as signed HTTP requests, as the Standard Webhooks specification (version 1) says.

The receiver's part: verify the signature over the raw body, answer 2xx within 15 s, and drop a
`webhook-id` that it has seen. An attempt repeats the id and the body byte for byte; its time stamp
and so its signature are new.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from standardwebhooks import Webhook

from monitor.channels import ALERT_RAISED
from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.events import dump
from monitor.model import Alert, Delivery
from monitor.notifiers.wording import excerpt, headline, one_line
from monitor.protocols import Clock

MAX_BODY = 20_000
"""Bytes: what the specification recommends as the largest payload."""
LONGEST_WAIT = 86_400.0
"""Seconds: a receiver cannot ask for more than the longest step of our own schedule."""

_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}")
_ASKS_TO_WAIT = (429, 502, 503, 504)
# A body is built with these bounds on its texts, in characters, until it is small enough.
_EXCERPTS = (2_000, 1_000, 500, 100)


class WebhookNotifier:
    """Sends alerts to one URL. `secret` is `whsec_` and base64; `wait` is a deadline in seconds.

    Raises Rejected for a URL or a secret that cannot work. Neither is ever told in an error, since
    the path of a URL is often a secret too: errors name the host.
    """

    def __init__(
        self, url: str, secret: str, user_agent: str, clock: Clock, wait: float = 15.0
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Rejected("a webhook's url must begin with https:// or http:// and name a host")
        self._url = url
        self._host = parts.hostname
        self._signer = _signer(secret)
        self._user_agent = user_agent
        self._clock = clock
        self._wait = wait
        self._session: aiohttp.ClientSession | None = None

    async def send(self, delivery: Delivery) -> None:
        """Send one alert.

        Raises Rejected where the receiver is gone (410), Unavailable for every other answer than
        2xx, a redirect included, with the receiver's Retry-After; Unreachable without any answer.
        """
        body = payload(delivery.alert)
        headers = self._signed(f"msg_{delivery.id}", body)
        status, answer = await self._request("POST", headers, body)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if status == HTTPStatus.GONE:
            raise Rejected(f"{self._host} answered 410: the receiver says it is gone")
        if status < HTTPStatus.BAD_REQUEST:
            raise Unavailable(f"{self._host} answered {status}: redirects are not followed")
        wait = None
        if status in _ASKS_TO_WAIT:
            wait = seconds_to_wait(answer.get("Retry-After", ""), self._clock.now())
        raise Unavailable(f"{self._host} answered {status}", wait)

    async def check(self) -> None:
        """Ask the receiver for anything: every answer but 410 shows that it is there."""
        status, _ = await self._request("HEAD", {}, None)
        if status == HTTPStatus.GONE:
            raise Rejected(f"{self._host} answered 410: the receiver says it is gone")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _signed(self, message_id: str, body: bytes) -> dict[str, str]:
        now = self._clock.now()
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message_id, now, body.decode()),
        }

    async def _request(
        self, method: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str]]:
        """Return status and headers of the answer; its body is not read, as nobody needs it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"User-Agent": self._user_agent}, cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            # The deadline is over all of it: a peer that drips bytes never meets a read timeout.
            async with (
                asyncio.timeout(self._wait),
                self._session.request(
                    method,
                    self._url,
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                return response.status, response.headers
        except TimeoutError:
            raise Unavailable(f"{self._host} did not answer within {self._wait:g} s") from None
        except aiohttp.ClientSSLError:
            raise Unavailable(f"{self._host} failed: its TLS certificate or handshake") from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"{self._host} cannot be reached: {error.os_error}") from None
        except aiohttp.ClientError as error:
            raise Unavailable(f"{self._host} failed: {type(error).__name__}") from None


def _signer(secret: str) -> Webhook:
    with suppress(ValueError):  # base64 of a length that cannot be
        if _SECRET.fullmatch(secret):
            return Webhook(secret)
    raise Rejected("a webhook's secret must be whsec_ and the base64 of 24 to 64 random bytes")


def payload(alert: Alert) -> bytes:
    """Return the JSON body of an alert: the same bytes for the same alert, at most MAX_BODY."""
    for most in _EXCERPTS:
        body = dump(_message(alert, most))
        if len(body) <= MAX_BODY:
            return body
    raise Rejected(f"alert {alert.id} cannot be told in {MAX_BODY} bytes: its ids are too long")


def _message(alert: Alert, most: int) -> dict[str, Any]:
    article = alert.article
    return {
        "type": ALERT_RAISED.name,
        "timestamp": _time(alert.raised),
        "data": {
            "alert": alert.id,
            "rule": {"id": alert.rule, "name": one_line(alert.rule_name, most)},
            "topics": alert.topics,
            "article": {
                "id": article.id,
                "title": headline(article, min(500, most)),
                # Half an address leads nowhere.
                "url": article.url if len(article.url) <= most else "",
                "source": article.source,
                "published": article.published and _time(article.published),
                "summary": one_line(article.summary, min(1_000, most)),
                "excerpt": excerpt(article, most),
                "language": one_line(article.language, 35),
                "place": one_line(article.place, 100),
                "replayed": article.replayed,
            },
        },
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds_to_wait(retry_after: str, now: datetime) -> float | None:
    """Return what a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date), in seconds.

    At most LONGEST_WAIT; None where there is none or it cannot be read.
    """
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(float(text), LONGEST_WAIT)
    with suppress(ValueError):
        moment = parsedate_to_datetime(text)
        # RFC 9110 dates are GMT; "-0000" gives a time without a zone.
        wish = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
        return min(max(wish, 0.0), LONGEST_WAIT)
    return None
