"""Column types that behave alike on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

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

    # The processors themselves, not process_bind_param: that is one call more for every value.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        """Return what makes the stored value."""
        return _to_stored_time

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[int | None], datetime | None]:
        """Return what makes the value of what was stored."""
        return _to_time


class Words(TypeDecorator[tuple[str, ...]]):
    """A tuple of strings as JSON text, which needs no server-side parsing when it is written."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[tuple[str, ...] | None], str]:
        """Return what makes the stored value."""
        return _to_stored_words

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[str], tuple[str, ...]]:
        """Return what makes the value of what was stored."""
        return _to_words


class Numbers(TypeDecorator[tuple[int, ...]]):
    """A tuple of integers as JSON text."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[tuple[int, ...] | None], str]:
        """Return what makes the stored value."""
        return _to_stored_words

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[str], tuple[int, ...]]:
        """Return what makes the value of what was stored."""
        return _to_numbers


def _to_stored_time(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


def _to_time(stored: int | None) -> datetime | None:
    return None if stored is None else _EPOCH + stored * _MICROSECOND


def _to_stored_words(words: tuple[object, ...] | None) -> str:
    return msgspec.json.encode(words).decode() if words else "[]"


def _to_words(stored: str) -> tuple[str, ...]:
    return () if stored == "[]" else _WORDS.decode(stored)


def _to_numbers(stored: str) -> tuple[int, ...]:
    return () if stored == "[]" else _NUMBERS.decode(stored)


_NUMBERS = msgspec.json.Decoder(tuple[int, ...])
_WORDS = msgspec.json.Decoder(tuple[str, ...])

UTC_TIME = DateTime(timezone=True).with_variant(Microseconds(), "sqlite")
ROW_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up by itself only in a column that is declared exactly INTEGER PRIMARY KEY."""
