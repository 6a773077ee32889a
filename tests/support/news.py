"""News of our own invention, as a defence desk would read it, and the one real fixture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.model import (
    Alert,
    AlertChannel,
    Article,
    ChannelKind,
    Condition,
    Memory,
    Poll,
    PollNote,
    Sighting,
    Source,
    Topic,
    Turn,
)
from monitor.protocols import Store

FIXTURE = Path(__file__).parents[2] / "config" / "fixtures" / "sco-meeting-2024-04-26.txt"

TOPICS = (
    Topic(id="sco-defence", name="SCO defence meetings", query='"Shanghai Cooperation" AND drills'),
    Topic(id="air-defence", name="Air defence", query='"air defence" OR interceptor'),
    Topic(id="naval", name="Naval operations", query="navy OR frigate OR submarine"),
    Topic(id="procurement", name="Procurement", query="contract OR tender"),
)
SOURCES = (
    Source(name="baltic", type="feed", location="https://baltic-observer.example/rss",
           title="Baltic Observer"),
    Source(name="capital", type="feed", location="https://capital-wire.example/atom.xml",
           title="Capital Wire", interval=300),
    Source(name="harbour", type="page", location="https://harbour-gazette.example/defence",
           title="Harbour Gazette", interval=3600),
    Source(name="fixtures", type="text", location="config/fixtures", title="Fixtures"),
    Source(name="pacific", type="jsonfeed", location="https://pacific-review.example/feed.json",
           title="Pacific Security Review", enabled=False),
)  # fmt: skip
PAGE = AlertChannel(id="page", kind=ChannelKind.STREAM)
DESK = AlertChannel(id="desk-hook", kind=ChannelKind.WEBHOOK)
LOG = AlertChannel(id="log", kind=ChannelKind.LOG)

_WIRE = (
    ("baltic", "Seven navies open autumn mine-clearing exercise off the Estonian coast",
     "Tallinn", ("naval",), 6, "en"),
    ("capital", "Parliament approves 2.4 billion for short-range air defence batteries",
     "", ("air-defence", "procurement"), 19, "en"),
    ("harbour", "Third frigate of the new class begins sea trials a month early",
     "Gdynia", ("naval", "procurement"), 47, "en"),
    ("capital", "Audit office: half of the army’s radio tender was awarded without competition",
     "", ("procurement",), 95, "en"),
    ("baltic", "Ministers agree on common ammunition stock for the northern brigade",
     "Riga", (), 150, "en"),
    ("harbour", "Submarine rescue vessel returns to port after joint drill",
     "", ("naval",), 260, "en"),
    ("capital", "Radar gap over the eastern border closed, air force says",
     "", ("air-defence",), 400, "en"),
    ("baltic", "Reservists’ association asks for longer notice before call-ups",
     "Vilnius", (), 700, "en"),
    ("harbour", "Shipyard wins maintenance contract for the minehunter flotilla",
     "", ("naval", "procurement"), 1500, "en"),
)  # fmt: skip
_BODY = (
    "The decision came after a week of talks in which the two services argued over who would pay"
    " for crews and spare parts.\n\n“We have waited nine years for this,” said the programme’s"
    " director, who spoke to reporters on the quay. “The hulls are the easy part. People are not.”"
    "\n\nThe first units are to be handed over next spring. An independent review, due in December,"
    " will look at costs, which have grown by a fifth since the plan was first shown to the"
    " defence committee.\n\nNeighbouring countries have been told of the schedule."
)


def fixture_article(fetched: datetime) -> Article:
    """Return the article of the fixture file as the text source reads it."""
    lines = FIXTURE.read_text(encoding="utf-8").split("\n\n")
    body = "\n\n".join(part for part in lines[2:] if not part.startswith("icon-"))
    return Article(
        id="4d0b7a6e-sco",
        source="fixtures",
        title=lines[0],
        body=body.replace("MOSCOW: ", ""),
        place="Moscow",
        language="en",
        published=datetime(2024, 4, 26, tzinfo=UTC),
        fetched=fetched,
        content_hash="fixture",
        topics=("sco-defence",),
        replayed=True,
    )


def wire(now: datetime) -> list[Article]:
    """Return a morning of invented news, the oldest first."""
    articles = [
        Article(
            id=f"wire-{number}",
            source=source,
            title=title,
            body=_BODY,
            place=place,
            language=language,
            url=f"https://{source}.example/{number}",
            authors=("Mara Lind",) if number % 2 else (),
            published=now - timedelta(minutes=minutes + 11),
            fetched=now - timedelta(minutes=minutes),
            content_hash=f"wire {number}",
            topics=topics,
            revision=2 if number == 3 else 1,
        )
        for number, (source, title, place, topics, minutes, language) in enumerate(_WIRE)
    ]
    return articles[::-1]


async def fill(store: Store, now: datetime) -> None:
    """Put a morning's news into a store: sources in every state, copies, alerts, deliveries."""
    await _sources(store, now)
    for article in wire(now):
        await store.save_articles([article], article.fetched + timedelta(seconds=1))
    arrived = now - timedelta(seconds=130)
    fixture = fixture_article(arrived)
    await store.save_articles([fixture], arrived)
    await store.record_sightings(
        [
            Sighting(
                article_id=f"copy-{n}", original_id="wire-1", source="baltic", url="", seen=now
            )
            for n in range(2)
        ]
    )
    air = next(article for article in wire(now) if article.id == "wire-1")
    frigate = next(article for article in wire(now) if article.id == "wire-2")
    for article, topic, rule, channels in (
        (frigate, "naval", "Fleet watch", (DESK, LOG)),
        (air, "air-defence", "Air defence desk", (DESK, PAGE)),
        (fixture, "sco-defence", "SCO defence meetings", (LOG, PAGE)),
    ):
        alert = an_alert(article, rule, topic, article.fetched + timedelta(seconds=2))
        await store.raise_alerts([(alert, channels)], alert.raised)


def an_alert(article: Article, name: str, topic: str, raised: datetime) -> Alert:
    """Return an alert of one article."""
    return Alert(
        id=f"alert of {article.id} by {name}",
        rule=name.lower().replace(" ", "-"),
        rule_name=name,
        article=article,
        topics=(topic,),
        raised=raised,
    )


async def _sources(store: Store, now: datetime) -> None:
    await store.declare(SOURCES, now - timedelta(hours=5))
    names = [source.name for source in SOURCES if source.enabled]
    turns = await store.lease_sources(names, now, "desk", 60)
    await store.record_polls([_poll(turn, now) for turn in turns if turn.state], "desk")


def _poll(turn: Turn, now: datetime) -> Poll:
    assert turn.state is not None
    name = turn.state.source.name
    at = now - timedelta(minutes=4)
    broken = name == "harbour"
    error = "HTTP 503 from harbour-gazette.example, asked again later" if broken else ""
    outcome = "failed" if broken else "not_modified"
    note = PollNote(at=at, outcome=outcome, status=503 if broken else 304, error=error)
    return Poll(
        source=name,
        host=turn.host,
        next_poll_at=now + timedelta(minutes=50 if broken else 11),
        host_next_at=now + timedelta(seconds=2),
        memory=Memory(
            last_polled_at=at,
            last_outcome=outcome,
            last_error=error,
            failures=3 if broken else 0,
            failing_since=at if broken else None,
            condition=Condition.FAILING if broken else Condition.WORKING,
            polls=(note.pack(),),
        ),
    )


def _copy(article_id: str, original_id: str, seen: datetime) -> Sighting:
    return Sighting(
        article_id=article_id, original_id=original_id, source="baltic", url="", seen=seen
    )
