"""All topics at once: their queries, with what they use of each other and of word lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.model import AlertRule, Topic, WordList
from monitor.topics.mistakes import MOST_TOLD, BrokenUse, Mistake, QueryError, shown
from monitor.topics.query import Query, parse
from monitor.topics.reading import UNKNOWN
from monitor.topics.stems import LANGUAGES
from monitor.topics.tree import Node, Or

_USED = re.compile(r"(?<![^\s()\",:*-])@([a-z0-9][a-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class Compiled:
    """The queries that hold, by topic; and for each that does not, why."""

    queries: Mapping[str, Query]
    errors: Mapping[str, QueryError]
    names: Mapping[str, Node]
    """What `@name` stands for."""


def compile_topics(topics: Iterable[Topic], lists: Iterable[WordList] = ()) -> Compiled:
    """Parse topics in an order in which each comes after those that it uses.

    A word list's mistakes are found under its own name. Never raises.
    """
    return _Compiler(
        {topic.id: topic for topic in topics}, {item.name: item for item in lists}
    ).run()


def names_in(query: str) -> set[str]:
    """Return the names that a query may use as `@name`, without parsing it."""
    return set(_USED.findall(query))


def parse_with(text: str, compiled: Compiled, stem: str = "") -> Query:
    """Return a query that may use what is compiled. Raises QueryError."""
    return parse(text, stem=stem, names=compiled.names)


def queries_of_rules(
    rules: Iterable[AlertRule], topics: Iterable[Topic], lists: Iterable[WordList]
) -> Mapping[str, Node]:
    """Return the queries of those rules that have one, by rule; they may use what is declared.

    Raises QueryError.
    """
    asking = {rule.id: rule.query for rule in rules if rule.query}
    if not asking:
        return {}
    compiled = compile_topics(topics, lists)
    return {name: parse_with(query, compiled).root for name, query in asking.items()}


def parse_with_all(
    text: str, topics: Iterable[Topic], lists: Iterable[WordList], stem: str = ""
) -> Query:
    """Return a query that may use what there is. Raises QueryError."""
    used = "@" in text
    return parse_with(text, compile_topics(topics, lists) if used else _NOTHING, stem)


_NOTHING = Compiled({}, {}, {})


class _Compiler:
    def __init__(self, topics: Mapping[str, Topic], lists: Mapping[str, WordList]) -> None:
        self._topics = topics
        self._lists = lists
        self._queries: dict[str, Query] = {}
        self._errors: dict[str, QueryError] = {}
        self._names: dict[str, Node] = {}

    def run(self) -> Compiled:
        for name, words in self._lists.items():
            if name in self._topics:
                sentence = f"a topic and a word list are both called '{name}': rename one"
                self._errors[name] = QueryError([Mistake(sentence)])
            else:
                self._read_list(words)
        for topic_id in self._topics:
            self._read(topic_id, ())
        return Compiled(self._queries, self._errors, self._names)

    def _read(self, topic_id: str, using: tuple[str, ...]) -> None:
        if topic_id in self._queries or topic_id in self._errors:
            return
        topic = self._topics[topic_id]
        for used in _USED.findall(topic.query):
            path = (*using, topic_id)
            if used in path:
                circle = (*path[path.index(used) :], used)
                chain = " uses ".join(f"@{name}" for name in circle)
                sentence = f"{chain}: a topic cannot use itself, write one of them out"
                self._errors[topic_id] = QueryError([Mistake(sentence)])
                return
            if used in self._topics:
                self._read(used, path)
        self._compile(topic)

    def _compile(self, topic: Topic) -> None:
        known = not topic.stem or topic.stem in LANGUAGES
        mistakes = [] if known else [Mistake(_no_stemmer(topic.stem))]
        broken = [
            name for name in dict.fromkeys(_USED.findall(topic.query)) if name in self._errors
        ]
        names = {**self._names, **dict.fromkeys(broken, UNKNOWN)} if broken else self._names
        try:
            query = parse(topic.query, stem=topic.stem if known else "", names=names)
        except QueryError as error:
            mistakes += error.mistakes
        else:
            if not (mistakes or broken):
                self._queries[topic.id] = query
                self._names[topic.id] = query.root
                return
        if mistakes:
            self._errors[topic.id] = QueryError(mistakes)
        else:
            listed = " and ".join(f"@{name}" for name in broken)
            cure = "does not hold: correct that one" if len(broken) == 1 else "do not hold"
            self._errors[topic.id] = BrokenUse([Mistake(f"it uses {listed}, which {cure}")])

    def _read_list(self, words: WordList) -> None:
        terms: dict[Node, None] = {}
        mistakes = []
        for term in words.terms:
            quoted = term if term.startswith(("=", '"')) or term.isalnum() else f'"{term}"'
            try:
                terms[parse(quoted).root] = None
            except QueryError as error:
                mistakes.append(Mistake(f"{shown(term)}: {error}"))
        items = tuple(terms)
        if not words.terms:
            mistakes = [Mistake("the list has no term: add one")]
        if mistakes:
            self._errors[words.name] = QueryError(mistakes[:MOST_TOLD])
        else:
            self._names[words.name] = items[0] if len(items) == 1 else Or(items)


def _no_stemmer(stem: str) -> str:
    near = [code for code, name in LANGUAGES.items() if name == stem.lower()]
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(LANGUAGES))}"
    return f"stem: no stemmer for the language '{shown(stem)}'; {hint}"
