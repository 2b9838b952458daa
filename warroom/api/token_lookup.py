"""Whose a token is, asked of the database for all who wait at once.

Every request needs the answer before anything else, and it is never kept: a token that is revoked
is refused with the next request.  What comes while a question is on its way waits for the next
one, so a storm of requests costs a few questions instead of one each.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import RowMapping, text

from warroom.api.buckets import COLUMNS
from warroom.db.deadline import DeadlineExceeded
from warroom.db.uow import Work, read
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext, Principal, PrincipalKind

if TYPE_CHECKING:
    from warroom.db.engine import Database

AT_ONCE = 2
"""Questions under way at the same time: one slow answer does not hold up everybody."""
MANY = 1000
"""Tokens of one question at the most."""
NOBODY = Principal(INGEST_PRINCIPAL, "nobody", PrincipalKind.AUTOMATION)
"""In whose name somebody is looked up who is not known yet."""
_ASK = text(
    "select h.hash, a.principal_id, a.name, a.kind, a.scopes, a.source_id, s.service_label,"
    " s.severity_map, cast(s.mapping as text) as mapping, {pace}"
    " from unnest(cast(:hashes as bytea[])) as h(hash)"
    " cross join lateral warroom.authenticate(h.hash) a"
    " left join warroom.source s on s.id = a.source_id".replace("{pace}", COLUMNS)
)


class TokenLookup:
    """The way from the digest of a token to its principal.

    Args:
        db: connected as ``warroom_api``.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: dict[bytes, list[asyncio.Future[RowMapping | None]]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def find(self, digest: bytes) -> RowMapping | None:
        """Return the row of a token's principal and source, None for a token that is no good.

        Raises:
            DatabaseUnavailable: nobody can say whose it is.
        """
        future: asyncio.Future[RowMapping | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(digest, []).append(future)
        if len(self._asking) < AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._run())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return await future

    async def _run(self) -> None:
        while self._waiting:
            asked = {digest: self._waiting.pop(digest) for digest in list(self._waiting)[:MANY]}
            await self._ask(asked)

    async def _ask(self, asked: dict[bytes, list[asyncio.Future[RowMapping | None]]]) -> None:
        async def handler(work: Work) -> dict[bytes, RowMapping]:
            rows = await work.rows(_ASK, {"hashes": list(asked)})
            return {bytes(row["hash"]): row for row in rows}

        try:
            found = await read(self._db, CommandContext(NOBODY, "tokens", "api"), handler)
        except BaseException as error:
            if isinstance(error, DeadlineExceeded):
                # Whoever came meanwhile has waited, too, and would now wait as long again.
                asked = {d: asked.get(d, []) + self._waiting.get(d, [])
                         for d in {**asked, **self._waiting}}  # fmt: skip
                self._waiting.clear()
            for future in (f for each in asked.values() for f in each if not f.done()):
                if isinstance(error, asyncio.CancelledError):
                    future.cancel()
                else:
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for digest, futures in asked.items():
            for future in futures:
                if not future.done():
                    future.set_result(found.get(digest))
