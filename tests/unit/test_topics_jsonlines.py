"""Articles from JSON lines."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from monitor.channels import ARTICLE_FETCHED
from monitor.events import Event, dump, dump_line
from monitor.topics.jsonlines import Line, read_lines
from tests.support.articles import NOW, an_article


def read(*lines: bytes) -> list[Line]:
    return list(read_lines(lines, NOW))


def test_a_plain_article() -> None:
    (line,) = read(b'{"id": "7", "title": "T", "text": "B", "language": "en", "label": [1]}\n')
    assert line.article is not None
    article = line.article
    assert (line.id, article.id) == ("7", "7")
    assert (article.title, article.body, article.language) == ("T", "B", "en")
    assert (article.source, article.fetched, article.published) == ("file", NOW, None)


def test_all_else_that_may_be_known() -> None:
    line = b"""{"id": 7, "text": "B", "title": null, "summary": "S", "url": "https://x.example/",
        "source": "bbc", "place": "P", "authors": ["A"], "categories": ["C"],
        "published": "2024-04-26T10:00:00"}""".replace(b"\n", b"")
    (found,) = read(line)
    assert found.article is not None
    article = found.article
    assert found.id == 7
    assert article.id == "7"
    assert (article.title, article.summary, article.url) == ("", "S", "https://x.example/")
    assert (article.source, article.place) == ("bbc", "P")
    assert (article.authors, article.categories) == (("A",), ("C",))
    assert article.published == datetime(2024, 4, 26, 10, tzinfo=UTC)


def test_an_article_without_an_id_has_the_number_of_its_line() -> None:
    assert [line.id for line in read(b"\n", b'{"title": "a"}', b" ", b'{"title": "b"}')] == [2, 4]


def test_a_recording() -> None:
    article = an_article(authors=("Ada",))
    event = Event(
        id="e", type=ARTICLE_FETCHED.name, source="s", time=NOW, key="a1", data=dump(article)
    )
    (line,) = read(dump_line(event))
    assert (line.id, line.article) == ("a1", article)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "not a line of JSON"),
        (b"[]", "not a line of JSON"),
        (b'{"id": "1", "title": 5}', r"Expected `str \| null`"),
        (b'{"id": "1", "published": "yesterday", "title": "a"}', "published"),
        (b'{"id": "1"}', "give it a title or a text"),
        (b'{"id": "1", "title": "\xff"}', "not a line of JSON"),
        (b'{"specversion": "1.0", "id": "1"}', "not a CloudEvent"),
        (b'{"specversion":"1.0","id":"1","type":"t","source":"s","time":"2024-01-01T00:00:00Z",'
         b'"data":{"id":"x"}}', "not Article data"),
    ],
)  # fmt: skip
def test_a_line_that_holds_none_is_told_and_the_next_one_is_read(line: bytes, problem: str) -> None:
    bad, good = read(line, b'{"id": "2", "title": "b"}')
    assert bad.article is None
    assert bad.number == 1
    assert re.search(problem, bad.problem)
    assert good.article is not None


def test_an_article_without_words_is_an_article() -> None:
    empty, null = read(b'{"id": "1", "title": "", "text": ""}', b'{"id": "2", "text": null}')
    assert empty.article is not None
    assert null.article is not None
    assert (null.article.title, null.article.body) == ("", "")


def test_a_byte_order_mark_is_no_mistake() -> None:
    (line,) = read(b'\xef\xbb\xbf{"id": "1", "title": "a"}')
    assert line.article is not None
