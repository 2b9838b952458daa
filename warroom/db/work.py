"""One transaction at work: its statements under one deadline, and who acts in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from warroom.db.deadline import within
from warroom.domain.principal import CommandContext


class Work:
    """One open transaction; every statement runs under what is left of the deadline."""

    def __init__(
        self, conn: AsyncConnection, ctx: CommandContext, ends_at: float, fd: int | None
    ) -> None:
        self.ctx = ctx
        self.rehearsal = False
        """Whether it will be rolled back whatever happens: nothing may be used up in it."""
        self._conn = conn
        self._ends_at = ends_at
        self._fd = fd

    @property
    def pool(self) -> Engine:
        """Which connections these are: what a process keeps of a database it keeps by this."""
        return self._conn.engine.sync_engine

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._ends_at - time.monotonic()

    async def _run(self, stmt: Executable | str, params: Mapping[str, Any] | None) -> Any:
        clause: Executable = text(stmt) if isinstance(stmt, str) else stmt
        return await within(
            self._conn.execute(clause, dict(params or {})),
            self.left(),
            lambda: self._fd,
            self.ctx.request_id,
        )

    async def rows(
        self, stmt: Executable | str, params: Mapping[str, Any] | None = None
    ) -> list[RowMapping]:
        """Return all rows."""
        result = await self._run(stmt, params)
        return list(result.mappings().all())

    async def row(
        self, stmt: Executable | str, params: Mapping[str, Any] | None = None
    ) -> RowMapping | None:
        """Return the first row, None when there is none."""
        found = await self.rows(stmt, params)
        return found[0] if found else None

    async def scalar(self, stmt: Executable | str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row, None when there is none."""
        result = await self._run(stmt, params)
        return result.scalar()

    async def execute(self, stmt: Executable | str, params: Mapping[str, Any] | None = None) -> int:
        """Run a statement and return how many rows it touched."""
        result = await self._run(stmt, params)
        return int(result.rowcount)


_CONTEXT: TextClause = text(
    "select set_config('warroom.person', :person, true),"
    " set_config('warroom.actor', :actor, true),"
    " set_config('warroom.actor_kind', :actor_kind, true),"
    " set_config('warroom.on_behalf_of', :on_behalf_of, true),"
    " set_config('warroom.command', :command, true),"
    " set_config('warroom.request_id', :request_id, true),"
    " set_config('warroom.origin', :origin, true)"
)


async def settle(work: Work, command: str, eyes: UUID | None) -> None:
    """Tell policies and triggers who acts, in which command, and whose eyes it has."""
    ctx = work.ctx
    await work.rows(
        _CONTEXT,
        {
            "person": str(eyes or ctx.principal.id),
            "actor": str(ctx.principal.id),
            "actor_kind": ctx.principal.kind.value,
            "on_behalf_of": str(ctx.on_behalf_of) if ctx.on_behalf_of else "",
            "command": command,
            "request_id": ctx.request_id[:200],
            "origin": ctx.origin[:200],
        },
    )
