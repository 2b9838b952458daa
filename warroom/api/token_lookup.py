"""Whose a token is, asked of the database for all who wait at once.

Every request needs the answer before anything else.  What comes while a question is on its way
waits for the next one, so a storm of requests costs a few questions instead of one each.  A token
that is revoked is refused with the next request: an answer is kept only for those who ask again
in the very transaction that stores what the token brought (``warroom.services.token_proof``).
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from warroom.api.said import Said
from warroom.db.deadline import DeadlineExceeded
from warroom.db.uow import Work, read
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext, Principal, PrincipalKind
from warroom.services import token_proof

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from warroom.db.engine import Database

AT_ONCE = 2
"""Questions under way at the same time: one slow answer does not hold up everybody."""
MANY = 1000
"""Tokens of one question at the most."""
NOBODY = Principal(INGEST_PRINCIPAL, "nobody", PrincipalKind.AUTOMATION)
"""In whose name somebody is looked up who is not known yet."""
RECENT_S = 10.0
"""How long an answer is good enough to take in what is proven again when it is stored."""
KNOWN = 10_000


class TokenLookup:
    """The way from the digest of a token to its principal.

    Args:
        db: connected as ``warroom_api``.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: dict[bytes, list[asyncio.Future[Said | None]]] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._recent: dict[bytes, Said] = {}

    def recent(self, digest: bytes) -> Said | None:
        """Return what was said of a token a moment ago; never the last word on it."""
        said = self._recent.get(digest)
        return said if said is not None and monotonic() - said.heard_at < RECENT_S else None

    def forget(self, digest: bytes) -> None:
        """Forget what was said of a token."""
        self._recent.pop(digest, None)

    async def find(self, digest: bytes) -> Said | None:
        """Return what is said of a token's principal and source, None for one that is no good.

        Raises:
            DatabaseUnavailable: nobody can say whose it is.
        """
        future: asyncio.Future[Said | None] = asyncio.get_running_loop().create_future()
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

    async def _ask(self, asked: dict[bytes, list[asyncio.Future[Said | None]]]) -> None:
        async def handler(work: Work) -> list[RowMapping]:
            return await work.rows(*token_proof.whose(asked))

        try:
            rows = await read(self._db, CommandContext(NOBODY, "tokens", "api"), handler)
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
        heard_at = monotonic()
        found = {bytes(row["hash"]): Said(heard_at, row) for row in rows}
        if len(self._recent) + len(found) > KNOWN:
            self._recent.clear()
        for digest, futures in asked.items():
            self._recent.pop(digest, None)
            if digest in found:
                self._recent[digest] = found[digest]
            for future in futures:
                if not future.done():
                    future.set_result(found.get(digest))
