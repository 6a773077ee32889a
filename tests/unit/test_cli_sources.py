"""`monitor sources`: what people and scripts do with sources, on a real database and real feeds."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from monitor.cli import cli
from monitor.cli.sources import follow, listing
from monitor.clock import SystemClock
from monitor.declarations.naming import Names
from monitor.model import Document, Memory, Poll, PollNote
from monitor.store import SqlStore
from monitor.web.words import stamp
from tests.support.articles import NOW
from tests.support.feedserver import START
from tests.support.polls import a_page

FEED = "https://feeds.example.org/world.xml"
Monitor = Callable[..., Result]

_ITEM = (
    "<item><title>Harbour {topic} {n}</title><link>http://{host}/{topic}/{n}</link>"
    "<description>The council met again on {topic}, day {n}.</description></item>"
)
_PAGE = """<html><head><title>Harbour Gazette</title>
<link rel="alternate" type="application/rss+xml" title="News" href="/news.xml">
<link rel="alternate" type="application/rss+xml" title="Sport" href="/sport.xml">
</head><body><p>Welcome</p></body></html>"""
_LINKS = "".join(
    f'<h2><a href="/places/the-old-pier-of-{n}">The old pier of {n} opens</a></h2>'
    for n in range(12)
)


class _Site(BaseHTTPRequestHandler):
    """A site that names two feeds."""

    def do_GET(self) -> None:
        host = self.headers["Host"]
        topic = self.path.strip("/").removesuffix(".xml")
        items = "".join(_ITEM.format(n=n, host=host, topic=topic) for n in range(8))
        feed = f'<rss version="2.0"><channel><title>Harbour Gazette</title>{items}</channel></rss>'
        answers = {"/": ("text/html", _PAGE), "/places": ("text/html", _LINKS)} | {
            path: ("application/rss+xml", feed) for path in ("/news.xml", "/sport.xml", "/rss.xml")
        }
        kind, text = answers.get(self.path, ("text/plain", ""))
        self.send_response(500 if self.path == "/broken" else 200 if text else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """The test's output is not a log."""


@pytest.fixture
def web() -> Iterator[str]:
    """The address of a site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    """Runs `monitor sources …` in a configuration with one declared source."""
    folder = tmp_path / "config"
    folder.mkdir()
    declared = {"desk": {"type": "feed", "url": "https://desk.example/rss", "enabled": False}}
    (folder / "sources.yaml").write_text(yaml.safe_dump({"sources": declared}))
    (folder / "topics.yaml").write_text("")
    (folder / "alerts.yaml").write_text("")
    monkeypatch.setenv("MONITOR_CONFIG_DIR", str(folder))
    monkeypatch.setenv("MONITOR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MONITOR_PRIVATE_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("COLUMNS", "400")

    def run(*words: str, code: int = 0, given: str = "") -> Result:
        result = CliRunner().invoke(cli, ["sources", *words], input=given)
        assert result.exit_code == code, f"{result.output}{result.exception!r}"
        return result

    return run


def listed(monitor: Monitor, *words: str) -> dict[str, Any]:
    return {item["name"]: item for item in json.loads(monitor("list", "--json", *words).stdout)}


def test_a_bare_name_is_looked_at(monitor: Monitor, web: str) -> None:
    bare = web.removeprefix("http://")
    (found,) = json.loads(monitor("add", bare, "--json").stdout)["found"]
    assert found["findings"][0]["location"] == f"{web}/news.xml"
    monitor("add", "ftp://feeds.example/x", "--json", code=2)
    monitor("add", "no name", "--json", code=2)


def test_a_password_in_an_address_is_refused_and_not_printed(
    monitor: Monitor, tmp_path: Path
) -> None:
    address = "https://me:hunter2@feeds.example/rss"
    file = tmp_path / "list.opml"
    file.write_text(f'<opml><body><outline xmlUrl="{address}"/></body></opml>')
    for words, code in ((("add", address, "--yes"), 2), (("import", str(file)), 1)):
        output = monitor(*words, code=code).output
        assert "feeds.example/rss: url must be" in output
        assert "hunter2" not in output


def polled(folder: Path, name: str, memory: Memory, **found: Any) -> None:
    """Record a poll of a source."""

    async def work() -> None:
        store = SqlStore.from_url(f"sqlite+aiosqlite:///{folder}/data/monitor.db")
        await store.start()
        try:
            (turn,) = await store.lease_sources([name], NOW, "me", 60)
            poll = Poll(
                source=name,
                host=turn.host,
                next_poll_at=NOW + timedelta(hours=1),
                host_next_at=NOW,
                memory=memory,
                **found,
            )
            await store.record_polls([poll], "me")
        finally:
            await store.stop()

    asyncio.run(work())


def test_a_source_is_added_paused_resumed_and_removed(monitor: Monitor) -> None:
    monitor("add", FEED, "--type", "feed", "--name", "world", "--yes")
    assert listed(monitor)["world"]["state"] == "new"
    assert "1 source paused" in monitor("pause", "world").stdout
    assert listed(monitor)["world"]["state"] == "paused"
    monitor("resume", "world")
    assert listed(monitor)["world"]["state"] == "new"
    monitor("remove", "world")
    assert list(listed(monitor)) == ["desk"]


def test_a_site_is_looked_at_before_it_is_followed(monitor: Monitor, web: str) -> None:
    seen = json.loads(monitor("add", web, "--json").stdout)
    (found,) = seen["found"]
    best = found["findings"][0]
    assert (best["type"], best["location"]) == ("feed", f"{web}/news.xml")
    assert best["headlines"] == [f"Harbour news {n}" for n in range(5)]
    assert seen["added"] == []
    shown = monitor("add", web, "--yes").stdout
    assert "1. feed" in shown
    assert "- Harbour news 4" in shown
    assert "- Harbour news 5" not in shown
    (name,) = set(listed(monitor)) - {"desk"}
    assert listed(monitor)[name]["location"] == f"{web}/news.xml"
    assert "followed already" in monitor("add", web, "--yes", code=1).stderr


def test_a_whole_site_is_looked_at_where_it_is_said_to_be_one(monitor: Monitor, web: str) -> None:
    for kind, best in (("auto", ("page", f"{web}/places")), ("site", ("feed", f"{web}/rss.xml"))):
        (seen,) = json.loads(monitor("add", f"{web}/places", "--type", kind, "--json").stdout)[
            "found"
        ]
        found = seen["findings"][0]
        assert (found["type"], found["location"]) == best


def test_one_of_several_findings_is_chosen(
    monitor: Monitor, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "attended", lambda: True)
    monitor("add", web, "--name", "none", given="0\n")
    assert "none" not in listed(monitor)
    monitor("add", web, "--name", "sport", given="7\nx\n2\n")
    assert listed(monitor)["sport"]["location"] == f"{web}/sport.xml"


def test_a_type_that_is_told_needs_no_answer(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "attended", lambda: True)
    monitor("add", FEED, "--type", "feed", "--name", "seen", "--json")
    assert "seen" not in listed(monitor), "--json without --yes only looks"
    monitor("add", FEED, "--type", "feed", "--name", "told")
    assert listed(monitor)["told"]["location"] == FEED


def test_an_address_that_fails_now_may_be_added_all_the_same(monitor: Monitor, web: str) -> None:
    url = f"{web}/broken"
    text = monitor("add", url, "--yes", code=1).stderr
    assert "answered 500 Internal Server Error; --type feed follows it all the same" in text
    assert "--type feed" not in monitor("add", f"{web}/missing", "--yes", code=1).stderr
    monitor("add", url, "--type", "feed", "--name", "broken", "--yes")
    assert listed(monitor)["broken"]["location"] == url


def test_what_was_added_is_polled(monitor: Monitor, web: str) -> None:
    monitor("add", f"{web}/news.xml", "--type", "feed", "--name", "news", "--yes")
    (done,) = json.loads(monitor("poll", "news", "--json").stdout)
    assert (done["source"], done["error"], done["new"]) == ("news", "", 8)
    shown = json.loads(monitor("show", "news", "--json").stdout)
    assert [poll["new"] for poll in shown["polls"]] == [8]
    hosts = {item["host"]: item for item in json.loads(monitor("politeness", "--json").stdout)}
    assert (hosts["127.0.0.1"]["sources"], hosts["127.0.0.1"]["requests"]) == (1, 1)
    assert "127.0.0.1" in monitor("politeness").stdout


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("add", "ftp://x/", "--yes"), 2, "must be http:// or https://"),
        (("add", "/etc/passwd", "--yes"), 2, "must be http:// or https://"),
        (("add", FEED, "--type", "fax", "--yes"), 2, "type 'fax' is unknown"),
        (("add", FEED, "--name", "A B", "--yes"), 2, "a name is small letters"),
        (("add", FEED, FEED, "--name", "a", "--yes"), 2, "--name is for one address"),
        (("add", FEED, "--type", "feed"), 2, "give --yes"),
        (("add", FEED, "--type", "feed", "--name", "desk", "--yes"), 1, "name desk is taken"),
        (("add", "https://desk.example/rss", "--type", "feed", "--yes"), 1, "followed already"),
        (("show", "nobody"), 2, "no source is called nobody"),
        (("poll", "nobody"), 2, "no source is called nobody"),
        (("pause", "desk"), 1, "sources.yaml: set enabled: false there"),
        (("resume", "desk"), 1, "sources.yaml: set enabled: true there"),
        (("remove", "desk"), 1, "sources.yaml: drop it there"),
        (("import", "nowhere.opml"), 2, "no such file"),
        (("show", "desk", "--last-failure"), 1, "no document of source 'desk'"),
    ],
)
def test_mistakes_are_one_line_and_an_exit_code(
    monitor: Monitor, words: tuple[str, ...], code: int, part: str
) -> None:
    text = monitor(*words, code=code).stderr
    assert part in text
    assert len(text.strip().splitlines()) == 1


def test_what_fares_badly_is_told(monitor: Monitor, tmp_path: Path) -> None:
    monitor("add", FEED, "--type", "feed", "--name", "world", "--yes")
    note = PollNote(at=NOW, outcome="failed", status=403, error="answers 403")
    memory = Memory(
        last_polled_at=NOW,
        failures=5,
        failing_since=START,
        last_error="answers 403",
        polls=(note.pack(),),
    )
    document = Document(url=FEED, body=b"<rss>\x00\xff", fetched=NOW, content_type="text/xml")
    polled(tmp_path, "world", memory, refused=document)
    assert list(listed(monitor, "--failing")) == ["world"]
    assert "failing: " in monitor("list").stdout
    shown = monitor("show", "world").stdout
    assert "403" in shown
    assert "adapts to its news" in shown
    raw = monitor("show", "world", "--last-failure")
    assert raw.stdout_bytes == document.body
    told = json.loads(monitor("show", "world", "--last-failure", "--json").stdout)
    assert (told["error"], told["size"]) == ("answers 403", 7)


def test_what_could_not_be_read_last_is_listed_as_failing(monitor: Monitor, tmp_path: Path) -> None:
    for name in ("world", "paused", "good"):
        monitor("add", f"{FEED}?{name}", "--type", "feed", "--name", name, "--yes")
    note = PollNote(at=NOW, outcome="failed", status=500, error="answered 500")
    for name in ("world", "paused"):
        once = Memory(
            last_polled_at=NOW, failures=0.5, last_error="answered 500", polls=(note.pack(),)
        )
        polled(tmp_path, name, once)
    polled(tmp_path, "good", Memory(last_polled_at=NOW))
    monitor("pause", "paused")
    assert list(listed(monitor, "--failing")) == ["world"]
    assert "the first poll failed: answered 500" in monitor("list", "--failing").stdout
    monitor("pause", "world")
    assert "could be read when it was last polled" in monitor("list", "--failing").stdout


@pytest.mark.parametrize(
    ("ahead", "words"), [(-5, "just now"), (5, "just now"), (59, "just now"), (300, "in 5 min")]
)
def test_a_poll_seconds_ahead_is_one_of_just_now(ahead: float, words: str) -> None:
    assert listing.since(NOW + timedelta(seconds=ahead), NOW) == words


def test_a_host_that_wants_to_be_left_alone_is_not_asked_by_hand(
    monitor: Monitor, tmp_path: Path, web: str
) -> None:
    monitor("add", f"{web}/news.xml", "--type", "feed", "--name", "news", "--yes")
    until = SystemClock().now() + timedelta(hours=1)
    polled(tmp_path, "news", Memory(failures=0.5, last_error="answered 429", quiet_until=until))
    assert f"left alone until {stamp(until)} (answered 429)" in monitor("poll", code=1).stdout
    (done,) = json.loads(monitor("poll", "--json", code=1).stdout)
    assert (done["outcome"], done["new"]) == ("postponed", 0)
    hosts = {item["host"]: item for item in json.loads(monitor("politeness", "--json").stdout)}
    assert hosts["127.0.0.1"]["requests"] == 0


def test_what_a_parser_noticed_is_told(monitor: Monitor, tmp_path: Path) -> None:
    monitor("add", FEED, "--type", "feed", "--name", "wire", "--yes")
    note = PollNote(at=NOW, outcome="changed", new=2, noticed=("2 items have no link",))
    polled(tmp_path, "wire", Memory(last_polled_at=NOW, polls=(note.pack(),)))
    assert "2 new; 2 items have no link" in monitor("show", "wire").stdout


def test_what_waits_for_its_full_text_is_told(monitor: Monitor, tmp_path: Path) -> None:
    monitor("add", FEED, "--type", "feed", "--name", "wire", "--yes")
    polled(tmp_path, "wire", Memory(last_polled_at=NOW), pages=(a_page(),))
    assert listed(monitor)["wire"]["awaiting_pages"] == 1
    assert "1 for the full text" in monitor("show", "wire").stdout


def test_a_list_goes_out_and_comes_back(monitor: Monitor, tmp_path: Path) -> None:
    for number in range(3):
        monitor("add", f"{FEED}?{number}", "--type", "page", "--name", f"world-{number}", "--yes")
    monitor("pause", "world-1")
    file = str(tmp_path / "all.opml")
    monitor("export", file)
    before = listed(monitor)
    assert "0 new sources followed, 4 known" in monitor("import", file).stdout
    monitor("remove", "world-0", "world-1", "world-2")
    told = json.loads(monitor("import", file, "--dry-run", "--json").stdout)
    assert told == {"new": ["world-0", "world-1", "world-2"], "known": 1, "problems": []}
    assert list(listed(monitor)) == ["desk"]
    assert "3 new sources followed, 1 known" in monitor("import", file).stdout
    after = listed(monitor)
    timeless = {name: {**item, "next_poll": 0} for name, item in after.items()}
    assert timeless == {name: {**item, "next_poll": 0} for name, item in before.items()}


def test_sources_as_the_file_has_them(monitor: Monitor) -> None:
    monitor("add", FEED, "--type", "feed", "--name", "world", "--yes")
    found = yaml.safe_load(monitor("export", "--format", "yaml").stdout)
    assert found["sources"]["world"] == {"type": "feed", "url": FEED}
    assert found["sources"]["desk"]["enabled"] is False


def test_an_import_refuses_what_is_no_source_and_goes_on(monitor: Monitor, tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_text(
        '<opml><body><outline text="World &amp; more" xmlUrl="https://a.example/feed?x=1&y=2"/>'
        '<outline text="Notes" xmlUrl="https://b.example/feed.json"/>'
        '<outline text="Local" xmlUrl="file:///etc/passwd"/></body></opml>'
    )
    result = monitor("import", str(file), code=1)
    assert "2 new sources followed, 0 known already, 1 refused" in result.stdout
    assert "file:///etc/passwd: url must be http://" in result.stderr
    found = listed(monitor)
    assert found["a-world-more"]["location"] == "https://a.example/feed?x=1&y=2"
    assert found["b-notes"]["type"] == "jsonfeed"
    file.write_text("<rss/>")
    assert "first tag must be <opml>" in monitor("import", str(file), code=1).stderr


@pytest.mark.parametrize(
    ("url", "title", "name"),
    [
        ("https://www.theguardian.com/world/rss", "World news | The Guardian",
         "theguardian-world-news"),
        ("https://feeds.bbci.co.uk/news/rss.xml", "BBC News - World", "bbci-news-world"),
        ("https://example.org/", "", "example"),
        ("https://例え.jp/", "新聞", "source"),
        ("https://192.0.2.1/feed", "Ärzteblatt", "192-0-2-1-arzteblatt"),
        ("http://192.0.2.1:8080/feed", "", "192-0-2-1"),
        ("http://[2001:db8::1]/feed", "Blog 1", "2001-db8-1-blog-1"),
        ("https://channel4.example/feed", "Channel 4", "channel4"),
        ("https://1tv.example/feed", "Blog 1", "1tv-blog-1"),
        ("https://example.org/novosti", "Новости порта", "example"),
    ],
)  # fmt: skip
def test_names_are_made_of_host_and_title(url: str, title: str, name: str) -> None:
    names = Names(["taken"])
    assert [names.make(url, title) for _ in range(3)] == [name, f"{name}-2", f"{name}-3"]
