"""Alerts as signed HTTP requests, as the Standard Webhooks specification (version 1) says.

The receiver's part: verify the signature over the raw body, answer 2xx within 15 s, and drop a
`webhook-id` that it has seen. An attempt repeats the id and the body byte for byte; its time stamp
and so its signature are new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from monitor.channels import ALERT_RAISED
from monitor.errors import Rejected, Unavailable
from monitor.events import dump
from monitor.model import Alert, Delivery
from monitor.notifiers.wording import excerpt, headline, one_line
from monitor.outbound import Answer, Outbound, retry_after
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
        self, url: str, secret: str, outbound: Outbound, clock: Clock, wait: float = 15.0
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Rejected("a webhook's url must begin with https:// or http:// and name a host")
        self._url = url
        self._host = parts.hostname
        self._signer = _signer(secret)
        self._outbound = outbound
        self._clock = clock
        self._wait = wait

    async def send(self, delivery: Delivery) -> None:
        """Send one alert.

        Raises Rejected where the receiver is gone (410) or must not be asked, Unavailable for every
        other answer than 2xx, a redirect included, with the receiver's Retry-After; Unreachable
        without any answer.
        """
        body = payload(delivery.alert)
        answer = await self._request("POST", self._signed(f"msg_{delivery.id}", body), body)
        status = answer.status
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if status == HTTPStatus.GONE:
            raise Rejected(f"{self._host} answered 410: the receiver says it is gone")
        if status < HTTPStatus.BAD_REQUEST:
            raise Unavailable(f"{self._host} answered {status}: redirects are not followed")
        wait = None
        if status in _ASKS_TO_WAIT:
            told = answer.headers.get("Retry-After", "")
            wait = retry_after(told, self._clock.now(), LONGEST_WAIT)
        raise Unavailable(f"{self._host} answered {status}", wait, status)

    async def check(self) -> None:
        """Ask the receiver for anything: every answer but 410 shows that it is there."""
        answer = await self._request("HEAD", {}, None)
        if answer.status == HTTPStatus.GONE:
            raise Rejected(f"{self._host} answered 410: the receiver says it is gone")

    async def close(self) -> None:
        """Close the connections."""
        await self._outbound.close()

    def _signed(self, message_id: str, body: bytes) -> dict[str, str]:
        now = self._clock.now()
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message_id, now, body.decode()),
        }

    async def _request(self, method: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Return the answer without its body, which nobody needs."""
        return await self._outbound.request(
            method,
            self._url,
            headers=headers,
            body=body,
            max_bytes=0,
            deadline=self._wait,
            redirects=0,
            polite=False,  # alerts are the receiver's own wish
        )


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
