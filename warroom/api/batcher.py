"""Micro-batches: what has queued while the last transaction ran goes into the next one.

The queue is bounded by alerts and by bytes; when it is full the sender is told to come back
(503, which Alertmanager retries).  A sender gets its 2xx only after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import Overloaded, WarRoomError
from warroom.services import alerts
from warroom.services.alerts import Delivery, DeliveryResult

Waiting = tuple[Delivery, "asyncio.Future[DeliveryResult]"]


class Batcher:
    """One worker over a bounded queue.

    Args:
        db: the database.
        ctx: the batcher's own context.
        queue_max: alerts that may wait.
        batch_max: alerts of one transaction (one delivery may have more).
        bytes_max: bytes of bodies that may wait.
        window: grouping's window.
    """

    def __init__(
        self,
        db: Database,
        ctx: CommandContext,
        *,
        queue_max: int,
        batch_max: int,
        bytes_max: int,
        window: timedelta,
    ) -> None:
        self._db = db
        self._ctx = ctx
        self._queue_max = queue_max
        self._batch_max = batch_max
        self._bytes_max = bytes_max
        self._window = window
        self._queue: deque[Waiting] = deque()
        self._alerts = 0
        self._bytes = 0
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """Return how many alerts wait."""
        return self._alerts

    def start(self) -> None:
        """Start the worker."""
        self._worker = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Take no more, finish what has queued, end the worker."""
        self._closing = True
        self._wake.set()
        if self._worker is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker

    async def put(self, delivery: Delivery) -> DeliveryResult:
        """Queue a delivery and wait until it is committed.

        Raises:
            Overloaded: the queue is full; nothing was stored.
            WarRoomError: why the transaction of its batch failed.
        """
        count = max(len(delivery.alerts), 1)
        full = (self._alerts and self._alerts + count > self._queue_max) or self._bytes + len(
            delivery.body
        ) > self._bytes_max
        if self._closing or full:
            raise Overloaded(
                f"{self._alerts} alerts wait already; nothing of this body was stored.",
                remedy="Send it again in a moment.",
            )
        future: asyncio.Future[DeliveryResult] = asyncio.get_running_loop().create_future()
        self._queue.append((delivery, future))
        self._alerts += count
        self._bytes += len(delivery.body)
        self._wake.set()
        return await future

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._next()
            await self._store(batch)

    def _next(self) -> list[Waiting]:
        batch: list[Waiting] = []
        size = 0
        while self._queue:
            count = max(len(self._queue[0][0].alerts), 1)
            if batch and size + count > self._batch_max:
                break
            batch.append(self._queue.popleft())
            size += count
        return batch

    async def _store(self, batch: Sequence[Waiting]) -> None:
        try:
            results = await alerts.take_batch(
                self._db, self._ctx, [d for d, _ in batch], window=self._window
            )
        except WarRoomError as error:
            # A refusal is one body's fault: told to its neighbours, it would lose their alerts,
            # because Alertmanager never repeats what was answered with 4xx.
            if error.status < 500 and len(batch) > 1:
                await self._one_by_one(batch)
                return
            self._fail(batch, error)
        except Exception:  # noqa: BLE001 - whatever it is, senders must be answered
            if len(batch) > 1:
                await self._one_by_one(batch)
                return
            self._fail(batch, WarRoomError("This body could not be stored; the log says why."))
            from warroom.logs import log

            log.exception("a batch failed", deliveries=len(batch))
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
        for delivery, _ in batch:
            self._alerts -= max(len(delivery.alerts), 1)
            self._bytes -= len(delivery.body)

    async def _one_by_one(self, batch: Sequence[Waiting]) -> None:
        """Store each in a transaction of its own: a poisonous body takes no neighbour along."""
        for one in batch:
            await self._store([one])

    @staticmethod
    def _fail(batch: Sequence[Waiting], error: WarRoomError) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
