"""Parsed queries of topics"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("topic", sa.Column("tree", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("topic", "tree")
