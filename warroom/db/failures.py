"""What a driver's error means: for the caller, for a retry, and for the connection it came from."""

from __future__ import annotations

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from warroom.db.deadline import DeadlineExceeded
from warroom.errors import (
    DatabaseReadOnly,
    DatabaseUnavailable,
    InvalidInput,
    LockNotAvailable,
    OutcomeUnknown,
    WarRoomError,
)


class StaleConnection(DatabaseUnavailable):
    """A connection of the pool was dead before it had answered anything: another may be sound."""


_ENDED = ("57P01", "57P02", "57P03")


def connection_lost(error: BaseException) -> bool:
    """Say whether the connection itself is gone, as all are after a restart of the server."""
    if isinstance(error, StaleConnection):
        return True
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(original, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return original.sqlstate is None or original.sqlstate in _ENDED


def known_failure(error: BaseException) -> WarRoomError:
    """Translate a driver's error from before COMMIT: nothing was changed."""
    if isinstance(error, WarRoomError):
        return error
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    if state == "25006":
        return DatabaseReadOnly("The database is a standby and takes no writes; nothing changed.")
    if state == "55P03":
        return LockNotAvailable("Somebody else is changing the same rows; nothing was changed.")
    if state == "53100":
        return DatabaseUnavailable(
            "The database's disk is full; nothing was changed.",
            remedy="Make room on it; war room goes on by itself.",
        )
    if state == "57014":
        return DatabaseUnavailable("The database took too long; nothing was changed.")
    if isinstance(original, psycopg.DataError):
        return InvalidInput("A value cannot be stored as it is; nothing was changed.")
    if isinstance(error, PoolTimeout):
        return DatabaseUnavailable("All database connections are in use; nothing was changed.")
    if isinstance(original, psycopg.OperationalError | psycopg.InterfaceError | OSError):
        return DatabaseUnavailable("The database is not answering; nothing was changed.")
    raise error


def retryable(error: BaseException) -> bool:
    """Say whether the database asks for the whole transaction again (40001, 40P01)."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "sqlstate", None) in ("40001", "40P01")


def connection_survives(error: BaseException) -> bool:
    """Say whether the connection may be used again: only after an error that the server told."""
    if isinstance(error, DeadlineExceeded | OutcomeUnknown | DatabaseReadOnly | StaleConnection):
        return False
    if isinstance(error, WarRoomError):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return state is not None and state not in ("25006", *_ENDED)
    return isinstance(error, Exception) and not isinstance(error, OSError | SQLAlchemyError)
