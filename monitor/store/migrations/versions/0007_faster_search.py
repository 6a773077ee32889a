"""Searches by language and time, and an index of words that is cheaper to fill"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SET = "INSERT INTO article_words (article_words, rank) VALUES ('{}', {})"


def _set(hashsize: int, automerge: int) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_SET.format("hashsize", hashsize))
        op.execute(_SET.format("automerge", automerge))


def upgrade() -> None:
    op.create_index("ix_article_language_seq", "article", ["language", "seq"])
    op.create_index(
        "ix_article_seq_published_fetched", "article", ["seq", "published", "fetched"]
    )
    # Parts of the index are larger when they are first written, and written anew less often.
    _set(8 << 20, 16)


def downgrade() -> None:
    _set(1 << 20, 4)
    op.drop_index("ix_article_seq_published_fetched", "article")
    op.drop_index("ix_article_language_seq", "article")
