"""An index of the words of all articles"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.store.wordindex import FTS5, TSVECTOR, indexed_words

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Every character but a space belongs to a word: the words are cut and folded before they come here.
_FTS5 = """
CREATE VIRTUAL TABLE article_words USING fts5 (
    words, detail = none, columnsize = 0,
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* P* S* Co Cf Cn'"
)
"""
_BATCH = 500


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute(_FTS5)
        index = FTS5
    else:
        op.execute("CREATE TABLE article_words (seq bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_article_words_words ON article_words USING gin (words)")
        index = TSVECTOR
    page = sa.text(
        "SELECT seq, title, summary, body FROM article WHERE seq > :after ORDER BY seq LIMIT :most"
    )
    after = 0
    while rows := connection.execute(page, {"after": after, "most": _BATCH}).all():
        connection.execute(
            index.insert, [{"seq": seq, "words": indexed_words(*texts)} for seq, *texts in rows]
        )
        after = rows[-1].seq


def downgrade() -> None:
    op.drop_table("article_words")
