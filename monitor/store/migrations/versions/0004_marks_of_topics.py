"""Marks of topics, and articles in the order in which they were fetched"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "topic_mark",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("marked_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("topic", "article_id", name=op.f("pk_topic_mark")),
    )
    op.create_index("ix_article_fetched_seq", "article", ["fetched", "seq"])


def downgrade() -> None:
    op.drop_index("ix_article_fetched_seq", "article")
    op.drop_table("topic_mark")
