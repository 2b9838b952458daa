"""What becomes of bodies that are kept: each is followed until its alerts are stored.

Its sender has its 2xx and repeats nothing.  So a body that the database could not take is tried
again, after longer and longer pauses; one that is refused, or that fails again and again where
the database does not, goes into quarantine.  What a stopped process has not finished stays where it
is kept, for whoever looks for what was left behind.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

from warroom.api.keeper import Keeper
from warroom.api.lanes import LaneQueue
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import WarRoomError
from warroom.logs import log
from warroom.services import intake
from warroom.services.delivery import Delivery, DeliveryResult
from warroom.services.intake import Gone

AGAIN_S: Final = 1.0
LONGEST_S: Final = 60.0
"""How long until a body is tried again: at first, and at most."""
TRIES: Final = 5
"""How often one is tried whose own fault it seems to be that it cannot be stored."""


@dataclass(slots=True, eq=False)
class _Body:
    kept: UUID
    lane: LaneQueue
    delivery: Delivery
    settled: asyncio.Future[bool]
    tries: int = 0
    pause: asyncio.TimerHandle | None = None


class KeptBodies:
    """The kept bodies that one process works out.

    One counts in its lane from before it is kept until it is settled, pauses included.

    Args:
        db: the database of the API.
        ctx: the batcher's own context.
    """

    def __init__(self, db: Database, ctx: CommandContext) -> None:
        self._db = db
        self._ctx = ctx
        self._keeper = Keeper(db, ctx)
        self._bodies: dict[UUID, _Body] = {}
        self._refusing: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def ids(self) -> Collection[UUID]:
        """Return those that wait or are being worked out."""
        return self._bodies.keys()

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
        self._follow(kept, lane, replace(delivery, proof=None, kept=kept))
        return DeliveryResult(kept, len(delivery.alerts), None, ())

    def adopt(self, lane: LaneQueue, delivery: Delivery) -> asyncio.Future[bool]:
        """Work out one that was left behind; done when it is settled, one way or another."""
        assert delivery.kept is not None
        lane.hold(delivery)
        return self._follow(delivery.kept, lane, delivery)

    def stop(self) -> None:
        """Try nothing again from now on: what waits for that stays where it is kept."""
        self._closing = True
        for body in [b for b in self._bodies.values() if b.pause is not None]:
            self._let_be(body)

    def cancel(self) -> None:
        """End in the middle."""
        self.stop()
        self._keeper.cancel()

    async def ended(self) -> None:
        """Wait for what is under way."""
        await self._keeper.ended()
        if self._refusing:
            await asyncio.wait(self._refusing)

    def _follow(self, kept: UUID, lane: LaneQueue, delivery: Delivery) -> asyncio.Future[bool]:
        body = _Body(kept, lane, delivery, asyncio.get_running_loop().create_future())
        self._bodies[kept] = body
        self._try(body)
        return body.settled

    def _try(self, body: _Body) -> None:
        """Let one wait for its turn; it is held in its lane."""
        body.pause = None
        future: asyncio.Future[DeliveryResult] = asyncio.get_running_loop().create_future()
        future.add_done_callback(partial(self._tried, body))
        body.lane.came((body.delivery, future))

    def _tried(self, body: _Body, done: asyncio.Future[DeliveryResult]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is None or isinstance(error, Gone) or self._closing:
            self._settle(body, here=error is None and not done.cancelled())
            return
        body.lane.hold(body.delivery)
        wrong = error if isinstance(error, WarRoomError) else WarRoomError(str(error))
        body.tries += 1
        if wrong.status < 500 or (wrong.status == 500 and body.tries >= TRIES):
            task = done.get_loop().create_task(self._refuse(body, wrong))
            self._refusing.add(task)
            task.add_done_callback(self._refusing.discard)
        else:  # the database's fault, or perhaps
            self._rest(body)

    def _rest(self, body: _Body) -> None:
        if self._closing:
            self._let_be(body)
            return
        # Not all that failed together come again together: one of them may be at fault.
        pause = min(AGAIN_S * 2 ** min(body.tries - 1, 10), LONGEST_S) * random.uniform(0.7, 1.3)
        body.pause = asyncio.get_running_loop().call_later(pause, self._try, body)

    async def _refuse(self, body: _Body, error: WarRoomError) -> None:
        try:
            await intake.refuse(self._db, self._ctx, body.kept, error)
        except Exception as failure:  # noqa: BLE001 - it is tried again, whatever it is
            log.warning("a body could not be put into quarantine", reason=str(failure)[:200])
            self._rest(body)
        else:
            body.lane.missed(body.delivery)
            self._settle(body, here=True)

    def _let_be(self, body: _Body) -> None:
        """Leave one that is held in its lane to others."""
        if body.pause is not None:
            body.pause.cancel()
        body.pause = None
        body.lane.missed(body.delivery)
        self._settle(body, here=False)

    def _settle(self, body: _Body, *, here: bool) -> None:
        self._bodies.pop(body.kept, None)
        if not body.settled.done():
            body.settled.set_result(here)
