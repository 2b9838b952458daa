"""The unit of work: one command, one transaction, one answer, under one deadline.

The order inside is fixed: who acts (settings that triggers and policies read), the idempotency
record, the change with all that follows from it, the stored answer, COMMIT.  Up to COMMIT a
failure is known to have changed nothing; from COMMIT on it is unknown until somebody asks again
with the same key.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from warroom.db import position
from warroom.db.deadline import within
from warroom.db.engine import Database, driver_of
from warroom.db.failures import StaleConnection, connection_lost, known_failure, retryable
from warroom.db.lend import Socket, lend
from warroom.db.work import Asked, Found, Work, settle
from warroom.domain.principal import CommandContext
from warroom.errors import (
    DatabaseReadOnly,
    DatabaseUnavailable,
    IdempotencyMismatch,
    LockNotAvailable,
    OutcomeUnknown,
)

__all__ = ["Answer", "Asked", "Found", "Work", "body_hash", "read", "run_automation", "run_command"]

T = TypeVar("T")
ATTEMPTS = 3
AGAIN = "Ask again with the same idempotency key until the answer is known."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers: HTTP status and JSON body; stored under the idempotency key."""

    status: int
    body: dict[str, Any]


def body_hash(command: str, body: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of a command and its body in canonical JSON."""
    canonical = json.dumps([command, body], sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).digest()


async def run_command(
    db: Database,
    ctx: CommandContext,
    command: str,
    body: Mapping[str, Any],
    handler: Callable[[Work], Awaitable[Answer]],
    *,
    eyes: UUID | None = None,
    deadline_s: float | None = None,
) -> Answer:
    """Run one command in one transaction.

    Args:
        db: the process's database.
        ctx: who asks, from where, under which idempotency key.
        command: its name on the record, e.g. ``incident.acknowledge``.
        body: what was asked; a key used again must come with the same.
        handler: does the work; may run again when the database asks for a retry, and when the
            connection turns out to be dead.
        eyes: whose row-level security applies, the principal's own by default.
        deadline_s: for the whole; the database's own if not given.

    Raises:
        WarRoomError: the handler's refusal, or that the database is not available; nothing was
            changed and nothing is stored under the key.
        IdempotencyMismatch: the key was used with another body.
        OutcomeUnknown: it may or may not have happened.
    """
    ends_at = time.monotonic() + (deadline_s or db.command_deadline_s)
    for attempt in range(ATTEMPTS):
        try:
            answer = await _attempt(db, ctx, command, body, handler, eyes, ends_at)
        except StaleConnection:
            if attempt + 1 == ATTEMPTS:
                raise
            continue
        except (DBAPIError, PoolTimeout, psycopg.Error, OSError) as error:
            if retryable(error) and attempt + 1 < ATTEMPTS:
                continue
            if retryable(error):
                raise DatabaseUnavailable(
                    "Too many others are changing the same rows; nothing was changed."
                ) from error
            failure = known_failure(error)
            if isinstance(failure, DatabaseReadOnly):
                await db.forget_connections()
            raise failure from error
        db.hints.wanted()
        return answer
    raise AssertionError("unreachable")


async def run_automation(
    db: Database,
    ctx: CommandContext,
    command: str,
    handler: Callable[[Work], Awaitable[Answer]],
    *,
    deadline_s: float = 5.0,
) -> Answer:
    """Run a command of our own automation: exactly once comes from the state change itself."""
    return await run_command(db, ctx, command, {}, handler, deadline_s=deadline_s)


async def read(
    db: Database,
    ctx: CommandContext,
    handler: Callable[[Work], Awaitable[T]],
    *,
    eyes: UUID | None = None,
    deadline_s: float | None = None,
) -> T:
    """Read in one read-only transaction with the eyes of the principal.

    The handler may run again: a connection of the pool may turn out to be dead, as after a restart.

    Raises:
        DatabaseUnavailable: the database did not answer.
    """
    ends_at = time.monotonic() + (deadline_s or db.command_deadline_s)
    for attempt in range(ATTEMPTS):
        try:
            async with lend(db, ends_at) as (conn, socket):
                work = Work(conn, ctx, ends_at, socket.to_cut)
                work.begin_with(("set transaction read only", {}))
                settle(work, "read", eyes)
                with _told_if_stale(work):
                    result = await handler(work)
                await _end(conn, work, socket)
                return result
        except StaleConnection:
            if attempt + 1 == ATTEMPTS:
                raise
        except (DBAPIError, PoolTimeout, psycopg.Error, OSError) as error:
            raise known_failure(error) from error
    raise AssertionError("unreachable")


@contextlib.contextmanager
def _told_if_stale(work: Work) -> Iterator[None]:
    """Tell a connection that was dead when it was lent from one that was lost while it worked.

    Raises:
        StaleConnection: nothing was answered on it, so that nobody has acted on an answer.
    """
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        if connection_lost(error) and not work.answered:
            raise StaleConnection(known_failure(error).message) from error
        raise


async def _attempt(
    db: Database,
    ctx: CommandContext,
    command: str,
    body: Mapping[str, Any],
    handler: Callable[[Work], Awaitable[Answer]],
    eyes: UUID | None,
    ends_at: float,
) -> Answer:
    async with lend(db, ends_at) as (conn, socket):
        work = Work(conn, ctx, ends_at, socket.to_cut)
        settle(work, command, eyes)
        with _told_if_stale(work):
            if ctx.idempotency_key is not None:
                known = await _remember(work, command, body)
                if known is not None:
                    await _confirm(conn, work, socket)
                    return known
            answer = await handler(work)
        if ctx.idempotency_key is not None:
            await work.execute(
                "update warroom.idempotency set status = :status, answer = cast(:answer as jsonb)"
                " where principal_id = :principal and key = :key",
                {
                    "status": answer.status,
                    "answer": json.dumps(answer.body, default=str),
                    "principal": ctx.principal.id,
                    "key": ctx.idempotency_key,
                },
            )
        await work.flush()
        await _commit(conn, work, socket)
        await _tell_position(conn, work, socket)
        return answer


async def _end(conn: AsyncConnection, work: Work, socket: Socket) -> None:
    """End a transaction that has only read.

    With COMMIT: behind a ROLLBACK the driver forgets every statement that it has prepared.
    """
    await within(driver_of(conn).commit(), work.left(), socket.to_cut, "ending a read")


async def _tell_position(conn: AsyncConnection, work: Work, socket: Socket) -> None:
    """Tell where the commit ended, if anybody asked; it has happened, whatever goes wrong here."""
    tell = position.listener()
    if tell is None:
        return
    try:
        tell(str(await work.scalar(position.ASK)))
        await _end(conn, work, socket)
    except Exception:  # noqa: BLE001 - without it the reader asks the primary
        with contextlib.suppress(Exception):
            await conn.invalidate()


async def _remember(work: Work, command: str, body: Mapping[str, Any]) -> Answer | None:
    """Put down the idempotency record first; return the stored answer when it was there."""
    ctx = work.ctx
    digest = body_hash(command, body)
    mine = {"principal": ctx.principal.id, "key": ctx.idempotency_key}
    inserted = await work.row(
        "insert into warroom.idempotency (principal_id, key, command, body_hash)"
        " values (:principal, :key, :command, :hash) on conflict do nothing returning 1 as done",
        mine | {"command": command, "hash": digest},
    )
    if inserted is not None:
        return None
    stored = await work.row(
        "select body_hash, status, answer from warroom.idempotency"
        " where principal_id = :principal and key = :key",
        mine,
    )
    if stored is None or stored["status"] is None:
        raise LockNotAvailable("The same request is being worked on; ask again.")
    if bytes(stored["body_hash"]) != digest:
        raise IdempotencyMismatch(
            "This idempotency key was used before with another request; nothing was changed.",
            field="Idempotency-Key",
            remedy="Use a new key for a new request.",
        )
    return Answer(stored["status"], dict(stored["answer"]))


async def _confirm(conn: AsyncConnection, work: Work, socket: Socket) -> None:
    """End a transaction that found its stored answer.

    Where commits wait for a standby, the stored one may not have got there (its caller was told
    so, and asks again): a write behind it gets there only after it.
    """
    if not await work.scalar("select current_setting('synchronous_standby_names') <> ''"):
        await _end(conn, work, socket)
        return
    await work.execute(
        "update warroom.idempotency set created_at = created_at"
        " where principal_id = :principal and key = :key",
        {"principal": work.ctx.principal.id, "key": work.ctx.idempotency_key},
    )
    await _commit(conn, work, socket)


async def _commit(conn: AsyncConnection, work: Work, socket: Socket) -> None:
    """Commit; whatever goes wrong from here on leaves the outcome unknown.

    A cancelled caller is gone and has nobody to tell: its connection is cut, and whoever asks
    again with the same key learns what became of it.
    """
    warnings: list[str] = []
    raw = driver_of(conn)

    def noticed(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.sqlstate == "01000":
            warnings.append(diagnostic.message_primary or "warning")

    raw.add_notice_handler(noticed)
    try:
        await within(raw.commit(), work.left(), socket.to_cut, "committing")
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            raise
        raise OutcomeUnknown(
            "The database was lost while it was committing: it may or may not have happened.",
            remedy=AGAIN,
        ) from error
    finally:
        with contextlib.suppress(ValueError):
            raw.remove_notice_handler(noticed)
    if warnings:
        raise OutcomeUnknown(
            "The commit was not confirmed by the standby: it may be lost if the primary is.",
            remedy=AGAIN,
        )
