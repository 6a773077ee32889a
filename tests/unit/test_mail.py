"""Newsletters: what becomes of messages, and a mailbox on a real server."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.model import Article, Document, Memory, NotModified, Parsed, Source, SourceState
from monitor.sources.imap import MAX_MESSAGE
from monitor.sources.mail import parse
from monitor.sources.mailbox import MAILBOX_TYPE, MAX_BYTES, MailFetcher
from tests.support.clock import FakeClock
from tests.support.imap import PASSWORD, ImapServer

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SOURCE = Source(name="letters", type="mail", location="imaps://desk@mail.example/INBOX")
TEXT = "The council met again on Monday and put off the vote on the harbour until the spring."
DAY = 86_400.0


def a_letter(
    subject: str = "Harbour reopens",
    text: str = TEXT,
    html: str = "",
    number: int = 1,
    **headers: str,
) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Ada Reed <ada@gazette.example>"
    message["Date"] = format_datetime(NOW - timedelta(hours=1))
    message["Message-ID"] = f"<{number}@gazette.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def parsed_of(*messages: EmailMessage | bytes) -> Parsed:
    numbered = [
        (number, message if isinstance(message, bytes) else message.as_bytes())
        for number, message in enumerate(messages, 1)
    ]
    document = Document(
        url=SOURCE.location,
        body=msgspec.msgpack.encode(numbered),
        content_type=MAILBOX_TYPE,
        fetched=NOW,
    )
    return parse(document, SOURCE, Memory())


def article_of(message: EmailMessage | bytes) -> Article:
    (article,) = parsed_of(message).articles
    return article


def test_a_message_is_an_article() -> None:
    message = a_letter("Härbour reopens “at last”", List_Id='"Gazette Weekly" <weekly.example>')
    article = article_of(message)
    assert article.title == "Härbour reopens “at last”"
    assert article.body == TEXT
    assert article.authors == ("Ada Reed",)
    assert article.categories == ("Gazette Weekly",)
    assert article.item_id == "1@gazette.example"
    assert article.published == NOW - timedelta(hours=1)
    assert (article.language, article.source, article.fetched) == ("en", "letters", NOW)
    assert article.url == ""


@pytest.mark.parametrize(
    ("sender", "name", "address"),
    [
        (b"=?utf-8?q?Caf=C3=A9=2C_Inc=2E?= <ada@x.example>", "Café, Inc.", "ada@x.example"),
        (b'"Reed, Ada" <ada@x.example>', "Reed, Ada", "ada@x.example"),
        (b"=?utf-8?b?8J+XniBOZXdz?=\r\n <ada@x.example>", "🗞 News", "ada@x.example"),
        ("Café <ada@x.example>".encode(), "Café", "ada@x.example"),
        ("Café <ada@x.example>".encode("cp1252"), "Café", "ada@x.example"),
        (b"ada@x.example", "ada@x.example", "ada@x.example"),
    ],
)
def test_senders(sender: bytes, name: str, address: str) -> None:
    article = article_of(b"From: " + sender + b"\r\nSubject: x\r\n\r\n" + TEXT.encode())
    assert (article.authors, article.categories) == ((name,), (address,))


def test_the_same_message_is_the_same_article() -> None:
    first, second = parsed_of(a_letter()), parsed_of(a_letter(), a_letter())
    assert first.articles == second.articles


def test_without_a_list_the_sender_is_the_category() -> None:
    assert article_of(a_letter()).categories == ("ada@gazette.example",)
    assert article_of(a_letter(List_Id="<weekly.example>")).categories == ("weekly.example",)


HTML = f"""<html><head><style>p {{ color: red }}</style></head><body>
<div style="display:none">Preheader&#847;&zwnj;&nbsp;</div>
<a href="https://gazette.example/letters/7?u=1">View this email in your browser</a>
<p>{TEXT}</p><p>Forty ships had waited &amp; two had turned back.</p></body></html>"""


def test_the_html_form_is_the_better_one() -> None:
    article = article_of(a_letter(text="Please see the HTML version.", html=HTML))
    assert article.body.endswith(f"{TEXT}\n\nForty ships had waited & two had turned back.")
    assert "Preheader" not in article.body
    assert "color" not in article.body
    assert article.url == "https://gazette.example/letters/7?u=1"


def test_a_plain_form_that_says_much_more_wins() -> None:
    article = article_of(a_letter(text=TEXT * 5, html="<p>See the text.</p>"))
    assert article.body.startswith(TEXT)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("View online: https://gazette.example/l/9\n", "https://gazette.example/l/9"),
        ("Im Browser ansehen https://gazette.example/l/9", "https://gazette.example/l/9"),
        ("Read in browser (https://gazette.example/l/9)", "https://gazette.example/l/9"),
        ("View online: https://gazette.example/", ""),
        ("See https://gazette.example/l/9", ""),
    ],
)
def test_the_page_of_a_plain_message(text: str, url: str) -> None:
    assert article_of(a_letter(text=f"{text}\n{TEXT}")).url == url


def test_the_page_that_a_header_names() -> None:
    message = a_letter(Archived_At="<https://lists.example/m/1>", List_Archive="<https://l.ex/a>")
    assert article_of(message).url == "https://lists.example/m/1"


def test_a_page_that_several_messages_name_is_that_of_none() -> None:
    text = f"View online: https://gazette.example/latest\n\n{TEXT}"
    articles = parsed_of(a_letter(text=text), a_letter(text=text, number=2)).articles
    assert [article.url for article in articles] == ["", ""]
    assert len({article.id for article in articles}) == 2


def test_messages_without_an_id_are_told_by_title_and_time() -> None:
    page = f"View online: https://gazette.example/latest\n\n{TEXT}"
    first, second = a_letter(text=page), a_letter("Bridge closes", text=page)
    for message in (first, second):
        del message["Message-ID"]
    assert len(parsed_of(first, second, first).articles) == 2


def test_attachments_are_no_text() -> None:
    message = a_letter()
    message.add_attachment("Long, " * 200, filename="minutes.txt")
    message.add_attachment(b"\x00" * 500, maintype="image", subtype="png", filename="a.png")
    assert article_of(message).body == TEXT


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 1 Jan 2100 00:00:00 +0000", "9" * 5_000])
def test_a_message_without_a_usable_date_is_of_now(date: str) -> None:
    raw = f"Subject: News\r\nMessage-ID: <1@x>\r\nDate: {date}\r\n\r\n{TEXT}".encode()
    parsed = parsed_of(raw)
    assert parsed.articles[0].published == NOW
    assert "no usable date" in parsed.notes[0]


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        (b"Subject: Caf\xc3\xa9\n\nText", "Café"),
        (b"Subject: Caf\xe9\n\nText", "Café"),
        (b"Subject: =?iso-8859-1?Q?Caf=E9?= =?utf-8?B?IG9wZW4=?=\n\nText", "Café open"),
        (b"Subject: =?zlib?Q?Caf=C3=A9?=\n\nText", "Café"),
        (b"Subject: =?utf-8?B?!!!?=\n\nText", "Text"),
        (b"Subject: a\x00b\n\nText", "ab"),
        (b"\n\nOnly a text", "Only a text"),
        (b"Subject: one\n two\n\nText", "one two"),
        (b"Subject: " + b"a " * 5_000_000 + b"\n\nText", "a " * 499 + "a a"),
    ],
)
def test_titles_of_every_kind(raw: bytes, title: str) -> None:
    assert article_of(raw).title == title[:1_000].rstrip()


@pytest.mark.parametrize("charset", ["no-such-thing", "unicode_escape", "utf-8", "iso-8859-1"])
def test_wrong_character_sets(charset: str) -> None:
    head = f"Subject: x\nContent-Type: text/plain; charset={charset}\n\n".encode()
    assert article_of(head + b"Caf\xe9 \\x41").body == "Café \\x41"


def nested(depth: int) -> bytes:
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(depth)
    )
    return b"Subject: Deep\n" + opening + b"\nText\n" * 10_000


def test_a_bad_message_leaves_its_siblings() -> None:
    parsed = parsed_of(a_letter(), nested(5_000), b"", a_letter("Bridge closes", number=2))
    assert [article.title for article in parsed.articles] == ["Harbour reopens", "Bridge closes"]
    assert parsed.rejected == 2
    assert "parts within parts" in parsed.notes[0]
    assert "empty" in parsed.notes[1]


def test_nesting_that_is_allowed_is_read() -> None:
    assert article_of(nested(20)).title == "Deep"


@pytest.mark.parametrize(
    "raw",
    [
        nested(199) + b"a\n" * 400_000,
        b"Subject: x\nContent-Type: text/plain" + b';a="b"' * 160_000 + b"\n\nText",
        b"Subject: x\n" + b"A: b\n" * 200_000 + b"\nText",
        b"Subject: x\n" + b"Content-Type: message/rfc822\n\n" * 33_000,
        b"Subject: x\nContent-Type: text/html\n\n" + b"<div>" * 200_000,
    ],
    ids=["nesting", "parameters", "fields", "messages", "elements"],
)
@pytest.mark.timeout(5)
def test_a_hostile_message_takes_little_time(raw: bytes) -> None:
    assert parsed_of(raw, a_letter("Sibling")).articles[-1].title == "Sibling"


def test_a_document_that_is_no_mailbox_is_rejected() -> None:
    document = Document(url="x", body=b"<rss/>", fetched=NOW)
    with pytest.raises(Rejected, match="no mailbox"):
        parse(document, SOURCE, Memory())
    with pytest.raises(Rejected, match="not the messages"):
        parse(replace(document, content_type=MAILBOX_TYPE), SOURCE, Memory())


LINES = st.lists(
    st.sampled_from([
        b"Subject: =?", b"utf-8?Q?", b"?=", b"\n", b"\r\n", b"\x00", b"\xff", b"--b\n", b"--b--",
        b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: message/rfc822\n",
        b"Content-Type: text/html; charset*0*=x''%ff\n", b"Content-Type: text/plain;;;=\n",
        b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: uuencode\n",
        b"Content-Disposition: attachment; filename*=\n", b"From: <@,:;\n", b"Date: -1\n", b"begin",
        b"Message-ID: <<>\n", b"List-Id: <\n", b"<a href='http://['>view online</a>", b"text",
    ]),
    max_size=30,
)  # fmt: skip


@given(LINES.map(b"".join))
def test_no_message_breaks_the_parser(raw: bytes) -> None:
    parsed = parsed_of(raw, a_letter("Sibling"))
    assert parsed.articles[-1].title == "Sibling"
    for article in parsed.articles:
        assert article.title
        assert "\x00" not in article.title + article.body


# The mailbox.

NAME = "LETTERS_PASSWORD"


@pytest.fixture
async def fetcher(imap_server: ImapServer) -> AsyncIterator[MailFetcher]:
    fetcher = a_fetcher(imap_server)
    yield fetcher
    await fetcher.close()


def a_fetcher(
    server: ImapServer, *, password: str = PASSWORD, max_bytes: int = MAX_BYTES
) -> MailFetcher:
    return MailFetcher(
        clock=FakeClock(datetime.now(UTC)),
        environ={NAME: password},
        allowed=lambda address: address.startswith("127.") or address == "::1",
        tls=server.tls,
        max_bytes=max_bytes,
    )


def state_of(location: str, etag: str = "") -> SourceState:
    source = Source(name="letters", type="mail", location=location, password=f"${{{NAME}}}")
    return SourceState(source=source, next_poll_at=NOW, memory=Memory(etag=etag))


async def titles_after(
    fetcher: MailFetcher, server: ImapServer, etag: str = ""
) -> tuple[list[str], str]:
    """Poll, and return the titles of what came and the state to go on with."""
    answer = await fetcher.fetch(state_of(server.location, etag))
    assert isinstance(answer, Document)
    parsed = parse(answer, SOURCE, Memory())
    assert not parsed.rejected
    return [article.title for article in parsed.articles], answer.etag


@pytest.mark.imap
async def test_a_mailbox_is_followed(imap_server: ImapServer, fetcher: MailFetcher) -> None:
    imap_server.deliver(a_letter("Long ago", number=9), age=40 * DAY)
    imap_server.deliver(a_letter("First"), a_letter("Second", number=2), age=DAY)
    titles, etag = await titles_after(fetcher, imap_server)
    assert sorted(titles) == ["First", "Second"]
    answer = await fetcher.fetch(state_of(imap_server.location, etag))
    assert isinstance(answer, NotModified)
    assert answer.etag == etag
    imap_server.deliver(a_letter("Third", number=3))
    titles, etag = await titles_after(fetcher, imap_server, etag)
    assert titles == ["Third"]
    assert isinstance(await fetcher.fetch(state_of(imap_server.location, etag)), NotModified)


@pytest.mark.imap
async def test_an_empty_mailbox_is_a_first_import(
    imap_server: ImapServer, fetcher: MailFetcher
) -> None:
    titles, etag = await titles_after(fetcher, imap_server)
    assert titles == []
    imap_server.deliver(a_letter("First"), age=40 * DAY)
    assert (await titles_after(fetcher, imap_server, etag))[0] == ["First"]


@pytest.mark.imap
async def test_nothing_of_a_mailbox_changes(imap_server: ImapServer, fetcher: MailFetcher) -> None:
    imap_server.deliver(a_letter("First"))
    for _ in range(2):
        titles, _ = await titles_after(fetcher, imap_server)
        assert titles == ["First"]
    flags = [path.name.partition(":2,")[2] for path in imap_server.messages()]
    assert "S" not in "".join(flags)


@pytest.mark.imap
async def test_new_numbers_begin_again(imap_server: ImapServer, fetcher: MailFetcher) -> None:
    imap_server.deliver(a_letter("First"))
    _, etag = await titles_after(fetcher, imap_server)
    imap_server.renumber()
    titles, renewed = await titles_after(fetcher, imap_server, etag)
    assert titles == ["First"]
    assert renewed.partition(":")[0] != etag.partition(":")[0]


@pytest.mark.imap
async def test_a_poll_is_bounded_and_the_next_goes_on(imap_server: ImapServer) -> None:
    letters = [a_letter(str(number), text=TEXT * 100, number=number) for number in range(5)]
    for letter in letters:
        imap_server.deliver(letter)
    fetcher = a_fetcher(imap_server, max_bytes=len(letters[0].as_bytes()) * 5 // 2)
    seen: list[str] = []
    etag = ""
    for expected in (2, 2, 1):
        answer = await fetcher.fetch(state_of(imap_server.location, etag))
        assert isinstance(answer, Document)
        assert answer.more is (expected == 2)
        titles, etag = await titles_after(fetcher, imap_server, etag)
        assert len(titles) == expected
        seen += titles
    assert sorted(seen) == ["0", "1", "2", "3", "4"]


@pytest.mark.imap
async def test_a_message_with_a_huge_attachment_is_read_in_part(
    imap_server: ImapServer, fetcher: MailFetcher
) -> None:
    message = a_letter("Heavy")
    message.add_attachment(b"x" * 3_000_000, maintype="image", subtype="png", filename="a.png")
    imap_server.deliver(message)
    answer = await fetcher.fetch(state_of(imap_server.location))
    assert isinstance(answer, Document)
    assert MAX_MESSAGE < answer.size < MAX_MESSAGE + 100
    (article,) = parse(answer, SOURCE, Memory()).articles
    assert (article.title, article.body) == ("Heavy", TEXT)


@pytest.mark.imap
async def test_this_machine_needs_no_tls(imap_server: ImapServer, fetcher: MailFetcher) -> None:
    imap_server.deliver(a_letter("First"))
    assert isinstance(await fetcher.fetch(state_of(imap_server.plain_location)), Document)


@pytest.mark.imap
async def test_a_wrong_password_is_told_with_its_cure(imap_server: ImapServer) -> None:
    fetcher = a_fetcher(imap_server, password="canary-4711")
    with pytest.raises(Rejected, match="refuses the login of news@desk") as caught:
        await fetcher.fetch(state_of(imap_server.location))
    assert "canary-4711" not in str(caught.value)


@pytest.mark.imap
async def test_a_folder_that_is_not_there(imap_server: ImapServer, fetcher: MailFetcher) -> None:
    location = imap_server.location.replace("INBOX", "Zürich%20&%20more")
    with pytest.raises(Rejected, match="does not open the folder Zürich & more"):
        await fetcher.fetch(state_of(location))


@pytest.mark.imap
async def test_a_certificate_that_nobody_knows(imap_server: ImapServer) -> None:
    fetcher = MailFetcher(
        clock=FakeClock(), environ={NAME: PASSWORD}, allowed=lambda _: True, deadline=20.0
    )
    with pytest.raises(Unavailable, match="certificate of localhost is not trusted"):
        await fetcher.fetch(state_of(imap_server.location))


@pytest.mark.imap
async def test_a_server_that_is_away_and_comes_back(
    imap_server: ImapServer, fetcher: MailFetcher
) -> None:
    imap_server.deliver(a_letter("First"))
    imap_server.stop()
    with pytest.raises(Unreachable):
        await fetcher.fetch(state_of(imap_server.location))
    imap_server.start()
    assert (await titles_after(fetcher, imap_server))[0] == ["First"]


@contextlib.asynccontextmanager
async def a_server_that_says(greeting: bytes) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A server that says one thing and then listens until the client has gone."""
    came, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        writer.write(greeting)
        with contextlib.suppress(ConnectionError):
            while await reader.read(1_000):
                pass
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], came
        if came.is_set():
            await gone.wait()


def loose_fetcher(deadline: float = 20.0, allowed: bool = True) -> MailFetcher:
    return MailFetcher(
        clock=FakeClock(),
        environ={NAME: PASSWORD},
        allowed=lambda _: allowed,
        deadline=deadline,
    )


def mailbox_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mailbox"]


async def test_a_server_that_hangs_is_left_at_the_deadline() -> None:
    async with a_server_that_says(b"* OK ready\r\n") as (port, _):
        with pytest.raises(Unavailable, match="took longer than"):
            await loose_fetcher(deadline=0.3).fetch(state_of(f"imap://desk@127.0.0.1:{port}/"))
        for thread in mailbox_threads():
            await asyncio.to_thread(thread.join, 10.0)
        assert not mailbox_threads()


async def test_closing_ends_what_is_under_way() -> None:
    async with a_server_that_says(b"* OK ready\r\n") as (port, came):
        fetcher = loose_fetcher()
        poll = asyncio.create_task(fetcher.fetch(state_of(f"imap://desk@127.0.0.1:{port}/")))
        await came.wait()
        await fetcher.close()
        with pytest.raises(Unavailable, match="broke the connection off"):
            await poll


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 200 OK\r\n", b"\xff\r\n", b"* BYE no\r\n", b"x"])
async def test_what_is_no_imap_server(greeting: bytes) -> None:
    async with a_server_that_says(greeting) as (port, _):
        with pytest.raises(Unavailable):
            await loose_fetcher(deadline=2.0).fetch(state_of(f"imap://desk@127.0.0.1:{port}/"))


async def test_an_endless_answer_is_cut() -> None:
    line = b"* OK " + b"more " * 5_000 + b"\r\n"
    async with a_server_that_says(b"* OK ready\r\n" + line * 1_000) as (port, _):
        with pytest.raises(Unavailable, match="more than it was asked for"):
            await loose_fetcher().fetch(state_of(f"imap://desk@127.0.0.1:{port}/"))


async def test_forbidden_addresses_are_not_asked() -> None:
    async with a_server_that_says(b"* OK ready\r\n") as (port, _):
        with pytest.raises(Rejected, match="may not be asked"):
            await loose_fetcher(allowed=False).fetch(state_of(f"imap://desk@127.0.0.1:{port}/"))


@pytest.mark.parametrize(
    ("location", "password", "sentence"),
    [
        ("https://mail.example/", "${LETTERS_PASSWORD}", "cannot be read"),
        ("imaps://mail.example/INBOX", "${LETTERS_PASSWORD}", "cannot be read"),
        ("imaps://desk:canary@mail.example/", "${LETTERS_PASSWORD}", "holds a password"),
        ("imaps://desk%0d%0a@mail.example/", "${LETTERS_PASSWORD}", "control characters"),
        ("imaps://desk@mail.example/", "canary", "not a reference"),
        ("imaps://desk@mail.example/", "${CANARY}", "holds no CANARY"),
        ("imaps://desk@[mail/", "${LETTERS_PASSWORD}", "cannot be read"),
    ],
)
async def test_what_is_declared_wrongly(location: str, password: str, sentence: str) -> None:
    state = state_of(location)
    state = replace(state, source=replace(state.source, password=password))
    with pytest.raises(Rejected, match=sentence) as caught:
        await loose_fetcher().fetch(state)
    assert "canary" not in str(caught.value)
