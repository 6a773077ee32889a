"""Column types that behave alike on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BigInteger, DateTime, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970; raises TypeError where `moment` has no time zone."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class Microseconds(TypeDecorator[datetime]):
    """UTC as an integer: SQLite has no type for time, and integers sort and compare right."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return what is stored."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return what is read."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class Words(TypeDecorator[tuple[str, ...]]):
    """A tuple of strings as JSON text, which needs no server-side parsing when it is written."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        """Return what is stored."""
        if value is None:
            return None
        return msgspec.json.encode(value).decode() if value else "[]"

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[str, ...] | None:
        """Return what is read."""
        if value is None:
            return None
        return () if value == "[]" else _WORDS.decode(value)


_WORDS = msgspec.json.Decoder(tuple[str, ...])

UTC_TIME = DateTime(timezone=True).with_variant(Microseconds(), "sqlite")
ROW_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up by itself only in a column that is declared exactly INTEGER PRIMARY KEY."""
