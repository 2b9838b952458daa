"""What becomes of bodies that are kept: each is followed until its alerts are stored.

Its sender has its 2xx and repeats nothing.  So a body that the database could not take is tried
again, and one that cannot be worked out goes into quarantine; what a stopped process has not
finished stays where it is kept, for whoever looks for what was left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from warroom.api.keeper import Keeper
from warroom.api.lanes import LaneQueue
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import WarRoomError
from warroom.services import intake
from warroom.services.delivery import Delivery, DeliveryResult
from warroom.services.intake import Gone

AGAIN_S: Final = 1.0
"""How long until a kept body is worked out again that could not be."""


class KeptBodies:
    """The kept bodies that one process works out.

    Args:
        db: the database of the API.
        ctx: the batcher's own context.
    """

    def __init__(self, db: Database, ctx: CommandContext) -> None:
        self._db = db
        self._ctx = ctx
        self._keeper = Keeper(db, ctx)
        self._settling: dict[UUID, asyncio.Future[None]] = {}
        self._refusing: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def ids(self) -> Collection[UUID]:
        """Return those that wait or are being worked out."""
        return self._settling.keys()

    async def keep(self, lane: LaneQueue, delivery: Delivery) -> DeliveryResult:
        """Commit a body, and let its alerts wait for their turn in a lane.

        Raises:
            Overloaded: the lane has no room; nothing was stored.
            Unproven: its token is not what it was; nothing was stored.
            WarRoomError: why its transaction failed.
        """
        lane.expect(delivery)
        try:
            kept = await self._keeper.keep(delivery)
        except BaseException:
            lane.missed(delivery)
            raise
        one = replace(delivery, proof=None, kept=kept.id)
        lane.came((one, self._follow(kept.id, lane, one)))
        return DeliveryResult(kept.id, len(one.alerts), None, ())

    def adopt(self, lane: LaneQueue, delivery: Delivery) -> asyncio.Future[None]:
        """Work out one that was left behind; done when it is settled, one way or another."""
        assert delivery.kept is not None
        lane.again((delivery, self._follow(delivery.kept, lane, delivery)))
        return self._settling[delivery.kept]

    async def close(self, seconds: float) -> None:
        """Wait for bodies that are being kept, but not for longer; try nothing again from now."""
        self._closing = True
        await self._keeper.close(seconds)

    def cancel(self) -> None:
        """End in the middle."""
        self._closing = True
        self._keeper.cancel()

    def _follow(
        self, kept: UUID, lane: LaneQueue, delivery: Delivery
    ) -> asyncio.Future[DeliveryResult]:
        loop = asyncio.get_running_loop()
        if kept not in self._settling:
            self._settling[kept] = loop.create_future()
        future: asyncio.Future[DeliveryResult] = loop.create_future()
        future.add_done_callback(partial(self._tried, kept, lane, delivery))
        return future

    def _tried(
        self, kept: UUID, lane: LaneQueue, delivery: Delivery,
        done: asyncio.Future[DeliveryResult],
    ) -> None:  # fmt: skip
        error = None if done.cancelled() else done.exception()
        if error is None or isinstance(error, Gone) or self._closing:
            self._settled(kept)
        elif isinstance(error, WarRoomError) and error.status > 500:  # the database, not the body
            self._once_more(kept, lane, delivery)
        else:
            wrong = error if isinstance(error, WarRoomError) else WarRoomError(str(error))
            task = done.get_loop().create_task(self._refuse(kept, lane, delivery, wrong))
            self._refusing.add(task)
            task.add_done_callback(self._refusing.discard)

    def _once_more(self, kept: UUID, lane: LaneQueue, delivery: Delivery) -> None:
        def again() -> None:
            if not self._closing:
                lane.again((delivery, self._follow(kept, lane, delivery)))

        asyncio.get_running_loop().call_later(AGAIN_S, again)

    async def _refuse(
        self, kept: UUID, lane: LaneQueue, delivery: Delivery, error: WarRoomError
    ) -> None:
        try:
            await intake.refuse(self._db, self._ctx, kept, error)
        except WarRoomError:
            self._once_more(kept, lane, delivery)
        else:
            self._settled(kept)

    def _settled(self, kept: UUID) -> None:
        future = self._settling.pop(kept, None)
        if future is not None and not future.done():
            future.set_result(None)
