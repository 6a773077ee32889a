"""What a source may be, from its address to the alert: pages, sites, files and mailboxes."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from monitor import app
from tests.support.clock import FastClock
from tests.support.imap import PASSWORD, ImapServer
from tests.support.running import WITHIN, a_service, write_config
from tests.support.site import PARAGRAPH, START, TITLES, Site, home, rss
from tests.support.world import until

RSS = "application/rss+xml"
PLAIN = {"full_text": "never", "backlog": "none"}
HOUR = 3_600.0


async def test_a_page_of_links_is_followed_link_by_link(tmp_path: Path) -> None:
    async with Site("127.2.0.1") as site:
        site.put("/", home(listed=4))
        site.put_articles()
        page = {"type": "page", "url": site.url("/"), "backlog": "none"}
        async with a_service(tmp_path, {"gazette": page}) as running:
            first = await running.stored(4)
            site.put("/", home(listed=5))
            await running.poll_again("gazette")
            second = await running.stored(5)
            await running.poll_again("gazette")
            assert await running.stored(5) == second
            assert await running.alerted() == sorted(TITLES[:5])
            assert (await running.source("gazette"))["chosen_type"] == "page"
    assert set(first) == set(TITLES[:4])
    assert set(second) == set(TITLES[:5])
    assert {revision for revision, *_ in second.values()} == {1}
    assert all(PARAGRAPH in body for _, body, *_ in second.values())
    assert site.asked.count("/robots.txt") == 1
    assert all(site.asked.count(path) == 1 for path in site.asked if path.startswith("/2026/"))


async def test_a_site_is_followed_by_its_feed_and_by_another_when_that_is_gone(
    tmp_path: Path,
) -> None:
    async with Site("127.2.0.2") as site:
        site.put("/", home((RSS, "News", "/old.xml")))
        site.put("/old.xml", rss(site.url("")), RSS)
        source = {"type": "site", "url": site.url("/"), **PLAIN}
        async with a_service(tmp_path, {"gazette": source}) as running:
            await running.stored(10)
            before = await running.source("gazette")
            site.put("/", home((RSS, "News", "/new.xml")))
            site.put("/new.xml", rss(site.url(""), 11), RSS)
            del site.parts["/old.xml"]
            for _ in range(5):
                failed = await running.poll_again("gazette")
            assert failed["chosen_location"] == ""
            assert "404" in failed["last_error"]
            after = await running.poll_again("gazette")
            articles = await running.stored(11)
            assert await running.alerted() == sorted(TITLES[:11])
    assert (before["type"], before["chosen_type"]) == ("site", "feed")
    assert before["chosen_location"] == site.url("/old.xml")
    assert "feed" in before["chosen_why"]
    assert (after["chosen_type"], after["chosen_location"]) == ("feed", site.url("/new.xml"))
    assert set(articles) == set(TITLES[:11])
    assert {revision for revision, *_ in articles.values()} == {1}


async def test_what_a_new_feed_already_had_is_stored_and_not_alerted(tmp_path: Path) -> None:
    clock = FastClock(START)
    clock.advance(9.5 * HOUR)
    text = "The council has voted."
    async with Site("127.2.0.3") as site:
        root = site.url("")
        site.put("/feed", rss(root, 20, text), RSS)
        feed = {"type": "feed", "url": site.url("/feed"), "full_text": "never"}
        async with a_service(tmp_path, {"wire": feed}, clock) as running:
            articles = await running.stored(20)
            backlog = {title for title, (*_, old, _) in articles.items() if old}
            assert backlog == set(TITLES[15:]), "older than a day"
            assert all(topics == '["harbour"]' for *_, topics in articles.values())
            assert await running.alerted() == sorted(TITLES[:15])
            site.put("/feed", rss(root, 20, text).replace("voted", "voted twice"), RSS)
            polled = await running.poll_again("wire")
            assert polled["polls"][0]["revised"] == 20

            async def revised() -> bool:
                found = await running.articles()
                return all(revision == 2 for revision, *_ in found.values())

            await until(revised, WITHIN, "all revised")
            await running.stored(20)
            assert await running.alerted() == sorted(TITLES[:15])


async def test_a_text_is_always_alerted_however_old(tmp_path: Path) -> None:
    config = write_config(tmp_path, {})
    (config / "old.txt").write_text(
        f"School burns down\n\nMon Apr 26 2010\n\nOLDPORT: {PARAGRAPH}\n"
    )
    async with a_service(tmp_path, {"desk": {"type": "text", "path": "old.txt"}}) as running:
        articles = await running.stored(1)
        assert [old for *_, old, _ in articles.values()] == [0]
        assert await running.alerted() == ["School burns down"]


async def test_a_changed_item_is_its_articles_next_revision_until_it_flaps(tmp_path: Path) -> None:
    clock = FastClock(rate=200)
    async with Site("127.2.0.4") as site:
        feed = {"type": "feed", "url": site.url("/feed"), **PLAIN}
        config = app.load_config(
            config_dir=write_config(tmp_path, {"wire": feed}),
            data_dir=tmp_path / "data",
            private_networks=("127.0.0.0/8",),
            parser_workers=1,
        )
        service = app.compose(config, clock)
        found = []
        async with service.connected():
            for number in range(27):
                site.put("/feed", rss(site.url(""), 1, f"{number} votes were counted."), RSS)
                clock.advance(HOUR)
                ((poll, _),) = await service.poll_named(["wire"])
                found += [(item.id, item.revision) for item in poll.articles]
    assert len({id_ for id_, _ in found}) == 1
    assert [revision for _, revision in found] == list(range(1, 25))
    assert (poll.memory.last_outcome, poll.memory.notes[-1].known) == ("unchanged", 1)


@pytest.mark.imap
async def test_a_letter_is_an_article_once(
    imap_server: ImapServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(imap_server.certificate))
    monkeypatch.setenv("DESK_PASSWORD", PASSWORD)
    imap_server.deliver(_letter("Ferries return"))
    mail = {
        "type": "mail",
        "url": imap_server.location,
        "password": "${DESK_PASSWORD}",
        "backlog": "none",
    }
    async with a_service(tmp_path, {"letters": mail}) as running:
        await running.stored(1)
        imap_server.deliver(_letter("Bridge to be rebuilt"))
        await running.poll_again("letters")
        articles = await running.stored(2)
        await running.poll_again("letters")
        assert await running.stored(2) == articles
        assert await running.alerted() == ["Bridge to be rebuilt", "Ferries return"]
        said = str(await running.source("letters"))
    assert all(PARAGRAPH in body for _, body, *_ in articles.values())
    assert PASSWORD not in said


def _letter(title: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ada Reed <ada@gazette.example>"
    message["To"] = "news@desk.example"
    message["Subject"] = title
    message["Date"] = "Mon, 05 Jan 2026 11:00:00 +0000"
    message["Message-ID"] = f"<{title.replace(' ', '.')}@gazette.example>"
    message.set_content(PARAGRAPH)
    return message
