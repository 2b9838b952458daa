"""The one exception tree.

Every error that a person or a program may meet has a class here.  A class carries a stable
``code`` (the last part of the RFC 9457 problem type) and an HTTP ``status``; an instance carries
the sentence, and where it helps the ``field`` at fault and the ``remedy``.
``warroom.api.problems`` maps the tree to HTTP once, ``warroom.client`` maps HTTP back to it once,
and the console and the CLI show ``str(error)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class WarRoomError(Exception):
    """Something that war room can say in one sentence.

    Args:
        message: one sentence that says what failed and what was not changed.
        field: the name of the input at fault, if one is.
        remedy: what to type or press next.
        current: the present state that the caller did not know (JSON object), on conflicts.
        retry_after_s: when it may be tried again, where that is not the class's own.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retry_after_s: int | None = None

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        remedy: str | None = None,
        current: Mapping[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s
        self.message = message
        self.field = field
        self.remedy = remedy
        self.current = current

    def __str__(self) -> str:
        """Return the sentence, and the remedy behind it."""
        return f"{self.message} {self.remedy}" if self.remedy else self.message


class InvalidInput(WarRoomError):
    """A field of the request cannot be used as it is."""

    code = "invalid-input"
    status = 400
    title = "Invalid input"


class Unauthenticated(WarRoomError):
    """No token, or one that is unknown, expired or revoked."""

    code = "unauthenticated"
    status = 401
    title = "Not authenticated"


class Forbidden(WarRoomError):
    """The principal is known but may not do this."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class NotFound(WarRoomError):
    """The thing does not exist, or the principal may not know that it does."""

    code = "not-found"
    status = 404
    title = "Not found"


class Refused(WarRoomError):
    """A named rule of the domain refuses the command; ``message`` says why."""

    code = "refused"
    status = 409
    title = "Refused by a rule"

    def __init__(
        self, message: str, *, rule: str = "", current: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, current=current)
        self.rule = rule


class VersionConflict(WarRoomError):
    """Somebody changed the row since the caller read it; ``current`` is what it is now."""

    code = "version-conflict"
    status = 409
    title = "Changed meanwhile"


class AlreadyExists(WarRoomError):
    """A unique name is taken."""

    code = "already-exists"
    status = 409
    title = "Already exists"


class IdempotencyMismatch(WarRoomError):
    """The idempotency key was used before with another body."""

    code = "idempotency-mismatch"
    status = 422
    title = "Idempotency key reused"


class CatalogueRefused(WarRoomError):
    """Catalogue files have errors; nothing was changed, ``current`` is the whole report."""

    code = "catalogue-refused"
    status = 422
    title = "The catalogue has errors"


class PayloadTooLarge(WarRoomError):
    """The body is over the limit, as sent or after decompression."""

    code = "payload-too-large"
    status = 413
    title = "Payload too large"


class SourcePaused(WarRoomError):
    """Somebody has paused the source; nothing is taken from it until it goes on."""

    code = "source-paused"
    status = 403
    title = "Source paused"


class Throttled(WarRoomError):
    """A sender is too fast, or a bounded queue is full; nothing was stored."""

    code = "throttled"
    status = 429
    title = "Too many requests"
    retry_after_s = 2


class Overloaded(WarRoomError):
    """A bounded queue is full; nothing was stored."""

    code = "overloaded"
    status = 503
    title = "Overloaded"
    retry_after_s = 2


class DatabaseUnavailable(WarRoomError):
    """The database did not answer in time, and it is certain that nothing was changed."""

    code = "database-unavailable"
    status = 503
    title = "Database not available"
    retry_after_s = 2


class DatabaseReadOnly(DatabaseUnavailable):
    """The server is a standby (SQLSTATE 25006); the primary must be found again."""

    code = "database-read-only"


class LockNotAvailable(DatabaseUnavailable):
    """A row was locked for longer than lock_timeout (SQLSTATE 55P03)."""

    code = "lock-not-available"


class OutcomeUnknown(WarRoomError):
    """The commit may or may not have happened: ask again with the same idempotency key."""

    code = "outcome-unknown"
    status = 504
    title = "Outcome unknown"


class ApiUnreachable(WarRoomError):
    """The HTTP API did not answer; used by the client only."""

    code = "api-unreachable"
    status = 503
    title = "API not reachable"


class ConfigurationError(WarRoomError):
    """A setting is missing or wrong; ``field`` names it."""

    code = "configuration"
    title = "Configuration error"


class UnsafeRole(ConfigurationError):
    """The connected database role has rights that the program must not have."""

    code = "unsafe-role"


class SchemaOutOfDate(ConfigurationError):
    """The database's schema is older or newer than this program."""

    code = "schema-out-of-date"


class ClusterError(WarRoomError):
    """The embedded PostgreSQL cannot be made, started or used."""

    code = "cluster"
    title = "Embedded PostgreSQL"


class WrongMajorVersion(ClusterError):
    """The data directory belongs to another major version of PostgreSQL."""

    code = "wrong-major-version"


class AlreadyRunning(ClusterError):
    """An instance already runs on this data directory."""

    code = "already-running"
