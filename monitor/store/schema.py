"""What every table of the schema shares. The classes of tables stay inside the store: SQLModel
does not validate a `table=True` class on construction, so the domain's types cross the border and
rows never do."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Index, MetaData, Table, text
from sqlmodel import SQLModel

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def partial_index(name: str, column: str, condition: str) -> Index:
    """Return an index of the rows that meet a condition."""
    return Index(name, column, sqlite_where=text(condition), postgresql_where=text(condition))


class Row(SQLModel):
    """Gives every table the same metadata, apart from other users of SQLModel in the process."""

    metadata: ClassVar[MetaData] = metadata


def table_of(row: Any) -> Table:
    """Return the table that a class declares."""
    table: Table = row.__table__
    return table
