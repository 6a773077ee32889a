"""Words of French, Italian, Korean and Persian texts, and those with soft hyphens, cut anew"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

from monitor.store.wordindex import FTS5, TSVECTOR, indexed_words

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BATCH = 500
# Most articles have nothing of this, and their words are what they were.
_CUT_ANEW = re.compile(
    r"(?<![^\W_])(?:[cdjlmnst]|qu|un|all|dall|dell|nell|sant|sull|jusqu|quell|quest|lorsqu|puisqu"
    r"|quoiqu)['’‘ʼʹ`´＇‛′]\w|\w[ʻʾʿ]|[\u00ad\u2060کی\ufb50-\ufdff\u1100-\u11ff\uac00-\ud7a3]",
    re.IGNORECASE,
)


def upgrade() -> None:
    connection = op.get_bind()
    index = FTS5 if connection.dialect.name == "sqlite" else TSVECTOR
    page = sa.text(
        "SELECT seq, title, summary, body FROM article WHERE seq > :after ORDER BY seq LIMIT :most"
    )
    after = 0
    while rows := connection.execute(page, {"after": after, "most": _BATCH}).all():
        changed = [(seq, texts) for seq, *texts in rows if any(map(_CUT_ANEW.search, texts))]
        if changed:
            connection.execute(index.delete, [{"old": seq} for seq, _ in changed])
            connection.execute(
                index.insert,
                [{"seq": seq, "words": indexed_words(*texts)} for seq, texts in changed],
            )
        after = rows[-1].seq


def downgrade() -> None:
    """The words stay: an earlier version of the program finds fewer of these articles."""
