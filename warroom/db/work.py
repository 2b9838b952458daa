"""One transaction at work: its statements under one deadline, and who acts in it.

Statements written as text go straight to the driver: what SQLAlchemy adds to each of them (a
greenlet, a compiled form, a result of its own) costs several times what the driver does, and a
batch of alerts or a command is some twenty of them.  Rows and errors are SQLAlchemy's all the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Engine, RowMapping
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from warroom.db.deadline import within
from warroom.db.engine import driver_of
from warroom.domain.principal import CommandContext

Asked = tuple[str, Mapping[str, Any]]
"""A statement with its parameters, which it names ``:so``."""
# As SQLAlchemy's text() reads them: neither a cast (::) nor an hour (10:30) is a parameter.
_NAMED = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")


@lru_cache(maxsize=4096)
def _for_driver(stmt: str) -> str:
    return _NAMED.sub(r"%(\1)s", stmt.replace("%", "%%"))


@lru_cache(maxsize=4096)
def _keys(names: tuple[str, ...]) -> SimpleResultMetaData:
    return SimpleResultMetaData(names)


@dataclass(frozen=True, slots=True)
class Found:
    """What a statement came to: its rows, and how many rows it touched."""

    rows: list[RowMapping]
    count: int


class Work:
    """One open transaction; every statement runs under what is left of the deadline."""

    def __init__(
        self,
        conn: AsyncConnection,
        ctx: CommandContext,
        ends_at: float,
        to_cut: Callable[[], int | None],
    ) -> None:
        self.ctx = ctx
        self.rehearsal = False
        """Whether it will be rolled back whatever happens: nothing may be used up in it."""
        self.answered = False
        """Whether the database has answered anything in it."""
        self._conn = conn
        self._ends_at = ends_at
        self._to_cut = to_cut
        self._first: list[Asked] = []

    @property
    def pool(self) -> Engine:
        """Which connections these are: what a process keeps of a database it keeps by this."""
        return self._conn.engine.sync_engine

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._ends_at - time.monotonic()

    def begin_with(self, *asked: Asked) -> None:
        """Have these sent in front of the first statement, in the same round trip."""
        self._first += asked

    async def _send(self, asked: Sequence[Asked]) -> list[psycopg.AsyncCursor[Any]]:
        """Send statements in one round trip; return their cursors."""
        first, self._first = self._first, []
        return await within(
            self._pipeline([*first, *asked]), self.left(), self._to_cut, self.ctx.request_id
        )

    async def _pipeline(self, asked: Sequence[Asked]) -> list[psycopg.AsyncCursor[Any]]:
        driver = driver_of(self._conn)
        cursors = [driver.cursor() for _ in asked]
        try:
            if len(asked) == 1:  # a pipeline costs something of its own
                await cursors[0].execute(_for_driver(asked[0][0]), asked[0][1])
            else:
                async with driver.pipeline():
                    for cursor, (stmt, params) in zip(cursors, asked, strict=True):
                        await cursor.execute(_for_driver(stmt), params)
        except psycopg.Error as error:
            # The first without an answer is at fault.  Parameters may be secrets, and are not told.
            at = next((n for n, cursor in enumerate(cursors) if cursor.pgresult is None), 0)
            raise DBAPIError.instance(
                asked[at][0], None, error, psycopg.Error, hide_parameters=True
            ) from error
        self.answered = True
        return cursors

    async def _run(self, stmt: str, params: Mapping[str, Any] | None) -> psycopg.AsyncCursor[Any]:
        return (await self._send([(stmt, params or {})]))[-1]

    async def _run_core(self, stmt: Executable, params: Mapping[str, Any] | None) -> Any:
        await self.flush()
        found = await within(
            self._conn.execute(stmt, dict(params or {})),
            self.left(),
            self._to_cut,
            self.ctx.request_id,
        )
        self.answered = True
        return found

    async def together(self, *asked: Asked) -> list[Found]:
        """Run statements in one round trip, in this order; return what each came to."""
        sent = await self._send(asked)
        return [Found(await _rows(c), c.rowcount) for c in sent[len(sent) - len(asked) :]]

    async def flush(self) -> None:
        """Send what was left for the next statement, if anything was."""
        if self._first:
            await self._send([])

    async def rows(
        self, stmt: Executable | str, params: Mapping[str, Any] | None = None
    ) -> list[RowMapping]:
        """Return all rows."""
        if isinstance(stmt, str):
            return await _rows(await self._run(stmt, params))
        return list((await self._run_core(stmt, params)).mappings().all())

    async def row(
        self, stmt: Executable | str, params: Mapping[str, Any] | None = None
    ) -> RowMapping | None:
        """Return the first row, None when there is none."""
        found = await self.rows(stmt, params)
        return found[0] if found else None

    async def scalar(self, stmt: Executable | str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row, None when there is none."""
        if isinstance(stmt, str):
            found = await (await self._run(stmt, params)).fetchone()
            return None if found is None else found[0]
        return (await self._run_core(stmt, params)).scalar()

    async def execute(self, stmt: Executable | str, params: Mapping[str, Any] | None = None) -> int:
        """Run a statement and return how many rows it touched."""
        if isinstance(stmt, str):
            return (await self._run(stmt, params)).rowcount
        return int((await self._run_core(stmt, params)).rowcount)


async def _rows(cursor: psycopg.AsyncCursor[Any]) -> list[RowMapping]:
    if cursor.description is None:
        return []
    names = tuple(column.name for column in cursor.description)
    found = await cursor.fetchall()
    return list(IteratorResult(_keys(names), iter(found)).mappings().all()) if found else []


_CONTEXT = (
    "select set_config('warroom.person', :person, true),"
    " set_config('warroom.actor', :actor, true),"
    " set_config('warroom.actor_kind', :actor_kind, true),"
    " set_config('warroom.on_behalf_of', :on_behalf_of, true),"
    " set_config('warroom.command', :command, true),"
    " set_config('warroom.request_id', :request_id, true),"
    " set_config('warroom.origin', :origin, true)"
)


def settle(work: Work, command: str, eyes: UUID | None) -> None:
    """Tell policies and triggers, with the first statement, who acts in which command.

    ``eyes``: whose row-level security applies, the principal's own by default.
    """
    ctx = work.ctx
    told = {
        "person": str(eyes or ctx.principal.id),
        "actor": str(ctx.principal.id),
        "actor_kind": ctx.principal.kind.value,
        "on_behalf_of": str(ctx.on_behalf_of) if ctx.on_behalf_of else "",
        "command": command,
        "request_id": ctx.request_id[:200],
        "origin": ctx.origin[:200],
    }
    work.begin_with((_CONTEXT, told))
