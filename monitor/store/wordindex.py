"""The index of the archive's words: FTS5 in SQLite, a tsvector in PostgreSQL.

Its words are ours, cut and folded before they come here, so that both find the same. A row has the
`seq` of its article.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, TextClause, TextualSelect, column, text

from monitor.text.words import words

LONGEST = 100
"""Characters of a word in the index: PostgreSQL takes 2 KB at most, and nobody asks for those."""
_SEQ = column("seq", BigInteger)


@dataclass(frozen=True, slots=True)
class WordIndex:
    """SQL for one database product.

    `insert` takes `seq` and `words` (with spaces between them), `delete` takes `old`. `found` has
    the `seq` of those articles before `before` that `asked` is about, the newest first; `count`
    takes `asked` and `first`, the lowest `seq` that counts.
    """

    insert: TextClause
    delete: TextClause
    found: TextualSelect
    count: TextClause
    word: Callable[[str, bool], str]
    """How a word, or what words begin with, is written in `asked`."""
    either: str
    both: str

    def asked(self, clauses: Sequence[Sequence[str]]) -> str:
        """Return the expression for articles that have a word of each clause; `minist*` is any
        word that begins so."""
        return self.both.join(
            f"({self.either.join(map(self._written, clause))})" for clause in clauses
        )

    def _written(self, word: str) -> str:
        return self.word(word.removesuffix("*"), word.endswith("*"))


def indexed_words(title: str, summary: str, body: str) -> str:
    """Return the different words of an article, with spaces between them."""
    found = {*words(title), *words(summary), *words(body)}
    if (
        max(map(len, found), default=0) > LONGEST
    ):  # mostly none is, and cutting all would take longer
        found = {word[:LONGEST] for word in found}
    return " ".join(found)


def _fts5_word(word: str, prefix: bool) -> str:
    quoted = word.replace('"', '""')
    return f'"{quoted}" *' if prefix else f'"{quoted}"'


def _lexeme(word: str, prefix: bool) -> str:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*" if prefix else f"'{quoted}'"


FTS5 = WordIndex(
    insert=text("INSERT INTO article_words (rowid, words) VALUES (:seq, :words)"),
    delete=text("DELETE FROM article_words WHERE rowid = :old"),
    found=text(
        "SELECT rowid AS seq FROM article_words WHERE article_words MATCH :asked"
        " AND rowid < :before ORDER BY rowid DESC"
    ).columns(_SEQ),
    count=text(
        "SELECT count(*) FROM article_words WHERE article_words MATCH :asked AND rowid >= :first"
    ),
    word=_fts5_word,
    either=" OR ",
    both=" AND ",
)
TSVECTOR = WordIndex(
    insert=text(
        "INSERT INTO article_words (seq, words) VALUES (:seq,"
        " array_to_tsvector(coalesce(string_to_array(nullif(:words, ''), ' '), '{}')))"
    ),
    delete=text("DELETE FROM article_words WHERE seq = :old"),
    # `seq + 0`, so that the primary key is no way to the rows: PostgreSQL takes it where it knows
    # little of the words, and reads everything.
    found=text(
        "SELECT seq + 0 AS seq FROM article_words WHERE words @@ CAST(:asked AS tsquery)"
        " AND seq + 0 < :before ORDER BY seq + 0 DESC"
    ).columns(_SEQ),
    count=text(
        "SELECT count(*) FROM article_words WHERE words @@ CAST(:asked AS tsquery)"
        " AND seq + 0 >= :first"
    ),
    word=_lexeme,
    either=" | ",
    both=" & ",
)
