"""Bodies that are committed before their alerts are worked out, many in one transaction.

What comes while one transaction is under way goes into the next.  It costs a statement and a COMMIT
for all of them together, so that a sender's 2xx does not wait for the batches of a storm.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final
from uuid import UUID

from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import OutcomeUnknown, Overloaded, WarRoomError
from warroom.logs import log
from warroom.services import intake
from warroom.services.delivery import Delivery
from warroom.services.token_proof import Unproven

MANY: Final = 500
LARGE: Final = 8_000_000
"""Bodies, and bytes of them, of one transaction; one alone may be larger."""
ENDED: Final = "The API is being stopped; nothing of this body was stored."
Coming = tuple[Delivery, "asyncio.Future[UUID]"]


class Keeper:
    """Keeps bodies; one transaction at a time.

    Args:
        db: the database of the API.
        ctx: the batcher's own context.
    """

    def __init__(self, db: Database, ctx: CommandContext) -> None:
        self._db = db
        self._ctx = ctx
        self._coming: deque[Coming] = deque()
        self._task: asyncio.Task[None] | None = None

    async def keep(self, delivery: Delivery) -> UUID:
        """Commit one body; return the id under which it waits.

        Raises:
            Unproven: its token is not what it was; nothing was kept.
            WarRoomError: why the transaction failed.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[UUID] = loop.create_future()
        self._coming.append((delivery, future))
        if self._task is None:
            self._task = loop.create_task(self._run())
        return await future

    async def ended(self) -> None:
        """Wait for the transaction under way."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def cancel(self) -> None:
        """End in the middle."""
        left, self._coming = list(self._coming), deque()
        _fail(left, Overloaded(ENDED))
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._coming:
                await self._store(self._take())
        finally:
            self._task = None
            left, self._coming = list(self._coming), deque()
            _fail(left, Overloaded(ENDED))

    def _take(self) -> list[Coming]:
        batch: list[Coming] = []
        size = 0
        while self._coming and len(batch) < MANY:
            size += len(self._coming[0][0].body)
            if batch and size > LARGE:
                break
            batch.append(self._coming.popleft())
        return batch

    async def _store(self, batch: list[Coming]) -> None:
        try:
            kept = await intake.keep(self._db, self._ctx, [d for d, _ in batch])
        except Unproven as error:
            _fail([batch[place] for place in error.places], error)
            if left := [one for place, one in enumerate(batch) if place not in error.places]:
                await self._store(left)
        except WarRoomError as error:
            if error.status < 500 and len(batch) > 1:  # one body's fault, told to nobody else
                middle = len(batch) // 2
                await self._store(batch[:middle])
                await self._store(batch[middle:])
                return
            _fail(batch, error)
        except Exception:  # noqa: BLE001 - whatever it is, senders must be answered
            log.exception("bodies could not be kept", deliveries=len(batch))
            _fail(batch, WarRoomError("This body could not be stored; the log says why."))
        except BaseException:
            _fail(batch, cut_off())
            raise
        else:
            for (_, future), one in zip(batch, kept, strict=True):
                if not future.done():
                    future.set_result(one)


def cut_off() -> OutcomeUnknown:
    """Return what a sender is told whose transaction was cut off anywhere, perhaps in COMMIT."""
    return OutcomeUnknown(
        "The API was stopped while it stored this body: it may or may not be stored.",
        remedy="Send it again.",
    )


def _fail(batch: list[Coming], error: WarRoomError | Unproven) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
