"""What a database's error means: try again at once, an outage, input that never fits, or a bug."""

from __future__ import annotations

import re
import sqlite3
from enum import Enum, auto

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from monitor.errors import MonitorError, Rejected, Unavailable

DATABASE_ERRORS = (SQLAlchemyError, OSError, UnicodeError, OverflowError)
"""What SQLAlchemy and the drivers raise; a TimeoutError is an OSError."""

_NO_SCHEMA = ("no such table", "no such column", "has no column")
_SQL_NO_SCHEMA = re.compile(r"(relation|column) .* does not exist")


class Fault(Enum):
    """What to do about an error."""

    RETRY = auto()
    """The same transaction may well succeed in a moment; if it does not, it is an outage."""
    OUTAGE = auto()
    INPUT = auto()
    BUG = auto()


_SQLSTATES = {
    "40001": Fault.RETRY,  # serialization failure
    "40P01": Fault.RETRY,  # deadlock
    "55P03": Fault.RETRY,  # a lock was not to be had in time
    "0A000": Fault.RETRY,  # "cached statement plan is invalid", after a migration
    "57014": Fault.OUTAGE,  # statement_timeout
    "3D000": Fault.OUTAGE,  # the database does not exist (yet)
    "42P01": Fault.OUTAGE,  # its tables do not exist (yet)
    "42703": Fault.OUTAGE,  # nor do their columns: the schema is older than this program
    "25006": Fault.OUTAGE,  # read-only: a standby that is not promoted (yet)
}
_SQLSTATE_CLASSES = {
    "08": Fault.RETRY,  # connection lost
    "57": Fault.RETRY,  # shutting down or starting up
    "25": Fault.RETRY,  # idle_in_transaction_session_timeout: this process stood still
    "53": Fault.OUTAGE,  # no disk, memory or connections left
    "58": Fault.OUTAGE,  # system error
    "28": Fault.OUTAGE,  # wrong password: no record's fault
    "22": Fault.INPUT,  # data exceptions: NUL in text, numbers out of range
    "23": Fault.INPUT,  # constraints
    "54": Fault.INPUT,  # program limits: an index row that is too large
}
_SQLITE_CODES = {
    sqlite3.SQLITE_BUSY: Fault.RETRY,
    sqlite3.SQLITE_LOCKED: Fault.RETRY,
    sqlite3.SQLITE_PROTOCOL: Fault.RETRY,
    sqlite3.SQLITE_SCHEMA: Fault.RETRY,
    sqlite3.SQLITE_FULL: Fault.OUTAGE,
    sqlite3.SQLITE_IOERR: Fault.OUTAGE,
    sqlite3.SQLITE_CANTOPEN: Fault.OUTAGE,
    sqlite3.SQLITE_READONLY: Fault.OUTAGE,
    sqlite3.SQLITE_NOMEM: Fault.OUTAGE,
    sqlite3.SQLITE_PERM: Fault.OUTAGE,
    sqlite3.SQLITE_CORRUPT: Fault.OUTAGE,
    sqlite3.SQLITE_NOTADB: Fault.OUTAGE,
    sqlite3.SQLITE_CONSTRAINT: Fault.INPUT,
    sqlite3.SQLITE_TOOBIG: Fault.INPUT,
    sqlite3.SQLITE_MISMATCH: Fault.INPUT,
}


def fault_of(error: Exception) -> Fault:
    """Return what an error means that came out of SQLAlchemy or a driver."""
    if isinstance(error, DBAPIError):
        return Fault.RETRY if error.connection_invalidated else _fault_of_driver(error.orig)
    if isinstance(error, StatementError) and isinstance(error.orig, Exception):
        return fault_of(error.orig)
    if isinstance(error, TimeoutError | PoolTimeout):
        return Fault.OUTAGE
    if isinstance(error, OSError):
        return Fault.RETRY
    if isinstance(error, UnicodeError | OverflowError):
        return Fault.INPUT
    return Fault.BUG


def meaning_of(error: Exception, database: str) -> MonitorError | None:
    """Return the error to raise in place of this one, None where it is a bug."""
    match fault_of(error):
        case Fault.RETRY | Fault.OUTAGE:
            return Unavailable(f"the database {database} is not available: {reason_of(error)}")
        case Fault.INPUT:
            return Rejected(f"the database does not take this: {reason_of(error)}")
        case Fault.BUG:
            return None


def _fault_of_driver(error: BaseException | None) -> Fault:
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _fault_of_sqlite(code, str(error))
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return _SQLSTATES.get(state) or _SQLSTATE_CLASSES.get(state[:2], Fault.BUG)
    if isinstance(error, sqlite3.OperationalError):
        return Fault.RETRY  # the connection was closed under our feet
    cause = error.__cause__ if error else None
    if isinstance(cause, ValueError):
        return Fault.INPUT  # asyncpg could not encode a parameter, as a lone surrogate
    if isinstance(error, sqlite3.Error):
        return Fault.BUG
    # asyncpg's own errors without a state all say that the connection is not usable.
    return Fault.RETRY if type(error).__name__ in ("InterfaceError", "Error") else Fault.BUG


def _fault_of_sqlite(code: int, message: str) -> Fault:
    if any(sign in message for sign in _NO_SCHEMA):
        return Fault.OUTAGE  # as PostgreSQL's 42P01 and 42703
    return _SQLITE_CODES.get(code & 0xFF, Fault.BUG)  # the low byte of an extended result code


def reason_of(error: Exception) -> str:
    """Return what went wrong, in one line and without the statement."""
    inner = error.orig if isinstance(error, StatementError) and error.orig else error
    line = str(inner).strip().partition("\n")[0] or type(inner).__name__
    if any(sign in line for sign in _NO_SCHEMA) or _SQL_NO_SCHEMA.search(line):
        return f"its schema is missing or old, migrate it ({line})"
    return line.removeprefix("<class 'asyncpg.exceptions.").replace("'>: ", ": ")
