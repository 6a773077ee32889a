"""The service as it is shipped, on publishers and news of our own invention."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

import aiohttp
import yaml
from aiohttp import web

from tests.support.service import ServiceProcess

CONFIG = Path(__file__).parents[2] / "config"
PUBLISHERS = {
    "baltic-observer": "Baltic Observer",
    "capital-wire": "Capital Wire",
    "harbour-gazette": "Harbour Gazette",
}
TAIL = (
    "The decision came after a week of talks in which the two services argued over who would pay"
    " for crews and spare parts. “We have waited nine years for this,” said an official who spoke"
    " to reporters on the quay. “The hulls are the easy part. People are not.” An independent"
    " review, due in December, will look at costs, which have grown by a fifth since the plan was"
    " first shown to the committee. Neighbouring countries have been told of the schedule, and"
    " two of them have asked to send observers."
)


@dataclass(frozen=True, slots=True)
class Report:
    """One invented article, published so many minutes ago."""

    publisher: str
    minutes: int
    title: str
    lead: str


REPORTS = (
    Report("capital-wire", 12, "SCO defence ministers agree on a joint mountain exercise",
           "Defence ministers of the Shanghai Cooperation Organisation met in Astana on Friday."),
    Report("baltic-observer", 17, "Second undersea cable damaged between Estonia and Finland",
           "A submarine cable in the Baltic Sea was cut overnight; a tanker is under suspicion."),
    Report("capital-wire", 33, "Ceasefire talks resume after nine days of silence",
           "Envoys of both sides returned to the ceasefire negotiations in Muscat."),
    Report("harbour-gazette", 52, "Shipowners still avoid the Red Sea as insurance doubles",
           "Container lines said that merchant ships would keep away from the Red Sea after Houthi"
           " attacks on shipping."),
    Report("baltic-observer", 71, "Seven navies open a mine-clearing exercise off the coast",
           "The naval exercise, the largest of its kind this year, brings together 40 warships."),
    Report("capital-wire", 96, "Parliament approves an arms sale to its northern neighbour",
           "The sale of 24 radars and 600 missiles, worth 2.4 billion, was disputed for months."),
    Report("harbour-gazette", 140, "Ferry company orders two ships for the northern route",
           "The ferries are to be delivered in three years and will carry 900 passengers each."),
    Report("baltic-observer", 185, "Sanctions list grows by eleven tankers",
           "The European Union imposed sanctions on eleven tankers and two insurers."),
    Report("capital-wire", 260, "Security Council extends the mission for a year",
           "The UN Security Council voted to extend the mandate of the peacekeeping mission."),
)  # fmt: skip


@asynccontextmanager
async def first_run(folder: Path) -> AsyncIterator[str]:
    """Run `monitor run` on the shipped topics and rules until it has all reports; yield where."""
    async with _publishers() as locations:
        config = folder / "config"
        shutil.copytree(CONFIG, config)
        declared = {
            name: {"type": "feed", "url": url, "title": PUBLISHERS[name]}
            for name, url in locations.items()
        }
        (config / "sources.yaml").write_text(yaml.safe_dump({"sources": declared}))
        service = ServiceProcess(config, folder / "data")
        await service.start()
        try:
            await _all_stored(service.url)
            yield service.url
        finally:
            await service.stop()


@asynccontextmanager
async def _publishers() -> AsyncIterator[dict[str, str]]:
    """Serve the feeds, each on a loopback address of its own: a host is asked one at a time."""

    async def feed(request: web.Request) -> web.Response:
        return web.Response(text=_feed(request.match_info["name"]), content_type="text/xml")

    application = web.Application()
    application.router.add_get("/{name}.xml", feed)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()  # noqa: S104, all of loopback
    port = runner.addresses[0][1]
    try:
        yield {
            name: f"http://127.0.1.{number}:{port}/{name}.xml"
            for number, name in enumerate(PUBLISHERS, 1)
        }
    finally:
        await runner.cleanup()


def _feed(name: str) -> str:
    now = datetime.now(UTC)
    items = "".join(
        f"<item><guid>{report.minutes}</guid><title>{escape(report.title)}</title>"
        f"<link>https://{name}.example/{report.minutes}</link>"
        f"<pubDate>{format_datetime(now - timedelta(minutes=report.minutes))}</pubDate>"
        f"<description>{escape(f'{report.lead} {TAIL}')}</description></item>"
        for report in REPORTS
        if report.publisher == name
    )
    title = escape(PUBLISHERS[name])
    return f'<rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'


async def _all_stored(url: str) -> None:
    """Wait until every report is stored."""
    async with aiohttp.ClientSession(url) as client, asyncio.timeout(60):
        stored = 0
        while stored < len(REPORTS):
            await asyncio.sleep(0.2)
            async with client.get("/api/v1/articles") as answer:
                stored = len((await answer.json())["items"])
