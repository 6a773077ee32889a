"""Why an article has its topics, and its text with the matched words marked."""

from __future__ import annotations

from monitor.topics.query import parse
from monitor.web.matches import Reason, matches_of
from tests.support.articles import an_article

QUERIES = {
    "storms": parse("storm OR hurricane OR title:harbour").root,
    "ships": parse("ferry").root,
}


def test_each_topic_says_what_it_matched() -> None:
    article = an_article(topics=("gone", "ships", "storms"))
    found = matches_of(article, QUERIES)
    assert found.reasons == (
        Reason("ships", (), stale=True),
        Reason("storms", ("storm", "title:harbour")),
    )


def test_many_terms_are_counted() -> None:
    words = [f"word{number}" for number in range(15)]
    article = an_article(body=" ".join(words), topics=("all",))
    (reason,) = matches_of(article, {"all": parse(" ".join(words)).root}).reasons
    assert reason.terms == tuple(words[:12])
    assert reason.more == 3


def test_the_matched_words_are_marked_in_title_and_paragraphs() -> None:
    article = an_article(
        body="\n One.\n\nA storm,\nthe Storm.  \n\n \n\nThree.", topics=("storms",)
    )
    found = matches_of(article, QUERIES)
    assert found.title[0] == ("Harbour", True)
    assert found.paragraphs == (
        [("One.", False)],
        [("A ", False), ("storm", True), (",\nthe ", False), ("Storm", True), (".", False)],
        [("Three.", False)],
    )


def test_the_summary_is_marked_where_there_is_no_body() -> None:
    article = an_article(body="", summary="A storm.", topics=("storms",))
    (paragraph,) = matches_of(article, QUERIES).paragraphs
    assert paragraph == [("A ", False), ("storm", True), (".", False)]


def test_an_article_without_topics_is_shown_as_it_is() -> None:
    found = matches_of(an_article(body="a\n\nb"), QUERIES)
    assert found.reasons == ()
    assert found.paragraphs == ([("a", False)], [("b", False)])
