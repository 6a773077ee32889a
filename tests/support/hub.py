"""A WebSub hub, written from W3C's Recommendation of 23 January 2018.

It takes subscriptions, verifies them at the callback, and sends documents to all who subscribed,
signed with their secrets. `async with` starts it.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from monitor.protocols import Clock

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What the hub knows of one subscriber of a topic."""

    secret: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Verification:
    """A request to a callback, and what came back."""

    query: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    text: str


class Hub:
    """`lease` in s overrules what is asked for. `status` other than 202 is answered to every
    request, `denies` is the reason for which all are denied, `leads_to` an address to which it
    redirects with `status`. `verifies` may be switched off: then requests only pile up."""

    def __init__(self, clock: Clock) -> None:
        self.lease = 0
        self.status = 202
        self.denies = ""
        self.leads_to = ""
        self.verifies = True
        self.asked: list[dict[str, str]] = []
        self.verifications: list[Verification] = []
        self.subscribed: dict[tuple[str, str], Subscribed] = {}
        """By topic and callback."""
        self._clock = clock
        self._port = 0
        self._under_way: set[asyncio.Task[None]] = set()
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://{HOST}:{self._port}/hub"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self._port = self._runner.addresses[0][1]
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.settled()
        await self._client.close()
        await self._runner.cleanup()

    @property
    def _client(self) -> aiohttp.ClientSession:
        assert self._session is not None, "the hub has not been started"
        return self._session

    async def settled(self) -> None:
        """Wait until every verification that is under way has ended."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def publish(self, topic: str, body: bytes, method: str = "sha256") -> list[int]:
        """Send a document to all whose lease has not ended; return how they answered."""
        answers = []
        for (of, callback), one in list(self.subscribed.items()):
            if of != topic or one.until <= self._clock.now():
                continue
            digest = hmac.new(one.secret.encode(), body, method).hexdigest()
            status = await self.send(topic, callback, body, f"{method}={digest}")
            if status == 410:
                del self.subscribed[of, callback]
            answers.append(status)
        return answers

    async def send(self, topic: str, callback: str, body: bytes, signature: str | None) -> int:
        """Send a document with whatever signature; return the status."""
        headers = {
            "Content-Type": "application/atom+xml",
            "Link": f'<{self.url}>; rel="hub", <{topic}>; rel="self"',
        }
        if signature is not None:
            headers["X-Hub-Signature"] = signature
        async with self._client.post(callback, data=BytesIO(body), headers=headers) as answer:
            return answer.status

    async def ask(self, callback: str, query: Mapping[str, str]) -> Verification:
        """Send a verification or a denial to a callback."""
        given = {f"hub.{name}": value for name, value in query.items()}
        async with self._client.get(callback, params=given) as answer:
            text = await answer.text()
            made = Verification(given, answer.status, dict(answer.headers), text)
        self.verifications.append(made)
        return made

    async def _take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.leads_to:
            return web.Response(status=self.status, headers={"Location": self.leads_to})
        if self.status != 202:
            return web.Response(status=self.status, text="not today")
        missing = {"hub.callback", "hub.mode", "hub.topic"} - form.keys()
        if missing or form["hub.mode"] not in ("subscribe", "unsubscribe"):
            return web.Response(status=400, text=f"missing or wrong: {sorted(missing)}")
        if len(form.get("hub.secret", "").encode()) >= 200:
            return web.Response(status=400, text="hub.secret must be less than 200 bytes")
        if self.verifies:
            task = asyncio.ensure_future(self._verify(form))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return web.Response(status=202)

    async def _verify(self, form: Mapping[str, str]) -> None:
        mode, topic, callback = form["hub.mode"], form["hub.topic"], form["hub.callback"]
        if self.denies:
            await self.ask(callback, {"mode": "denied", "topic": topic, "reason": self.denies})
            return
        challenge = f"challenge-{len(self.verifications)}"
        query = {"mode": mode, "topic": topic, "challenge": challenge}
        lease = self.lease or int(form.get("hub.lease_seconds", "86400"))
        if mode == "subscribe":
            query["lease_seconds"] = str(lease)
        now = self._clock.now()
        made = await self.ask(callback, query)
        if not 200 <= made.status < 300 or made.text != challenge:
            return
        if mode == "subscribe":
            until = now + timedelta(seconds=lease)
            self.subscribed[topic, callback] = Subscribed(form.get("hub.secret", ""), until)
        else:
            self.subscribed.pop((topic, callback), None)
