"""One bounded queue of deliveries; the batcher has one for each lane."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Sequence
from uuid import UUID

from warroom.errors import Overloaded
from warroom.services.delivery import Delivery, DeliveryResult

Waiting = tuple[Delivery, "asyncio.Future[DeliveryResult]"]
AGAIN = "Send it again in a moment."
LONG_S = 1.0
LEAST = 50
REMEMBERED_S = 5.0
"""How long a source that was refused keeps its part: it comes again within 1 to 2 s."""
CROWD = 8
CROWD_ALERTS = 100
"""How many posts, or alerts, make a crowd: from there on senders need not wait for their turn."""
ALONGSIDE = 8
"""The fewest alerts that are worth a batch while another one is being stored."""


def count(delivery: Delivery) -> int:
    """Return how many alerts a delivery counts for; an empty one is a row, too."""
    return max(len(delivery.alerts), 1)


class BatchSize:
    """How many alerts go into one transaction: as many as it can store in about a second.

    A transaction holds the locks on its services to its end, and has one deadline: on a slow
    database a batch of full size would keep others out, and then fail whole, again and again.

    Args:
        most: alerts.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._least = min(LEAST, most)
        self.now = most

    def took(self, seconds: float, alerts: int) -> None:
        """Learn from a transaction of so many alerts that took so long."""
        if seconds > LONG_S:
            self.now = max(min(self.now, alerts) // 2, self._least)
        elif seconds < LONG_S / 2 and alerts * 2 > self.now:
            self.now = min(self.now * 2, self._most)

    def failed(self) -> None:
        """Learn from a transaction that failed: smaller ones tell whose fault it was."""
        self.now = max(self.now // 4, 1)


class LaneQueue:
    """What waits in one lane, with its own share of alerts and bytes.

    Sources share it: one alone may fill it; where several want room, each has its part, so that
    whoever repeats without a pause does not keep out those who wait when they are told to.

    There are those whose senders wait for their alerts to be stored, and those whose bodies are
    kept already (``warroom.services.intake``): nobody waits for these, so the others go first, with
    at most half of each batch while both wait.

    Args:
        queue_max: alerts that may wait; a single larger delivery may, when nothing else does.
        bytes_max: bytes of bodies that may wait.
    """

    def __init__(self, queue_max: int, bytes_max: int) -> None:
        self._queue_max = queue_max
        self._bytes_max = bytes_max
        self._queue: deque[Waiting] = deque()
        self._kept: deque[Waiting] = deque()
        self._coming = 0
        self._passed_over = False
        self._posts = 0
        self.alerts = 0
        """Alerts that wait or are being stored."""
        self._in_hand = 0
        self.bytes = 0
        """Bytes of their bodies."""
        self._of: Counter[UUID] = Counter()
        self._refused: dict[UUID, float] = {}
        self.wake = asyncio.Event()
        self.idle = asyncio.Event()
        """Set while nothing waits for its turn and nothing is being stored."""
        self.idle.set()
        self._passed = asyncio.Event()
        self._shut: set[UUID] = set()

    def __bool__(self) -> bool:
        """Say whether anything waits that nobody has taken yet."""
        return bool(self._queue or self._kept)

    @property
    def enough(self) -> bool:
        """Say whether a batch is worth while: beside none any, beside another one as large.

        Two under way are better than one, while they are not made of crumbs: each has a price.
        """
        if not self._in_hand:
            return bool(self)
        return self.alerts - self._coming - self._in_hand >= max(self._in_hand, ALONGSIDE)

    def lets_wait(self, delivery: Delivery) -> bool:
        """Say whether its sender need not wait: a crowd is there, and not too many wait so far.

        Behind a few a sender's own turn comes soon, and what it is told is on the board.  Half of
        the room is for those that need not wait, a source's part of that for each.  Beyond it
        senders wait until they are stored, which holds them back before anybody has to be refused:
        Prometheus repeats nothing at once that was refused.
        """
        many, half = count(delivery), self._queue_max // 2
        source = delivery.source_id
        return (
            (self._posts >= CROWD or self.alerts >= CROWD_ALERTS)
            and self.alerts + many <= half
            and self._of[source] + many <= half // self._wanting(source)
        )

    def put(self, one: Waiting) -> None:
        """Let one wait.

        Raises:
            Overloaded: there is no room; nothing was stored.
        """
        self._admit(one[0])
        self._count(one[0])
        self._queue.append(one)
        self.wake.set()

    def expect(self, delivery: Delivery) -> None:
        """Make room for one whose body is about to be kept; ``came`` or ``missed`` follows.

        Raises:
            Overloaded: there is no room; nothing was stored.
        """
        self._admit(delivery)
        self.hold(delivery)

    def hold(self, delivery: Delivery) -> None:
        """Do the same for one that is kept already, whether there is room or not."""
        self._coming += count(delivery)
        self._count(delivery)

    def came(self, one: Waiting) -> None:
        """Let one wait for its turn whose body is kept."""
        self._coming -= count(one[0])
        self._kept.append(one)
        self.idle.clear()
        self.wake.set()

    def missed(self, delivery: Delivery) -> None:
        """It will not wait here: its body could not be kept, or is seen to by others."""
        self._coming -= count(delivery)
        self.count_off([(delivery, None)])
        self.wake.set()

    @property
    def coming(self) -> bool:
        """Say whether any is about to be kept, or waits to be tried again."""
        return self._coming > 0

    def _admit(self, delivery: Delivery) -> None:
        many, size = count(delivery), len(delivery.body)
        source = delivery.source_id
        full = self.alerts and self.alerts + many > self._queue_max
        own = self._of[source]
        if full or self.bytes + size > self._bytes_max or (
            # While half of the room is free nobody needs to be held to a part of it.
            own and self.alerts + many > self._queue_max // 2
            and own + many > self._queue_max // self._wanting(source)
        ):  # fmt: skip
            self._refused[source] = time.monotonic()
            self._shut.add(source)
            raise self._full(source)
        self._refused.pop(source, None)

    def _count(self, delivery: Delivery) -> None:
        many = count(delivery)
        self._of[delivery.source_id] += many
        self.alerts += many
        self._posts += 1
        self.bytes += len(delivery.body)
        self._look_idle()

    def _look_idle(self) -> None:
        if self.alerts > self._coming:
            self.idle.clear()
        else:
            self.idle.set()

    def _wanting(self, source: UUID) -> int:
        """Return how many sources want room: they wait here, or were refused a moment ago."""
        long_ago = time.monotonic() - REMEMBERED_S
        self._refused = {s: at for s, at in self._refused.items() if at > long_ago}
        return len({source, *self._of, *self._refused})

    def check(self, source: UUID) -> None:
        """Refuse before a body is read, from when one was refused until something is stored.

        Reading and parsing what is refused afterwards would take the time of what is not.

        Raises:
            Overloaded: there is no room; nothing was stored.
        """
        if source in self._shut:
            raise self._full(source)

    def _full(self, source: UUID) -> Overloaded:
        own = f", {self._of[source]} of this source" if source in self._of else ""
        return Overloaded(
            f"{self.alerts} alerts wait already{own}; nothing of this body was stored.",
            remedy=AGAIN,
        )

    def take(self, batch_max: int) -> list[Waiting]:
        """Take out what goes into one transaction; it counts until it is ``done``."""
        batch: list[Waiting] = []
        size = 0
        half = max(batch_max // 2, 1) if self._kept else batch_max
        # A large one that waits does not fit behind others: now and then it comes first.
        first, then = self._queue, self._kept
        if self._passed_over and self._kept:
            first, then = then, first
        waited = len(self._kept)
        for queue, most in ((first, half), (then, batch_max), (first, batch_max)):
            while queue and (not batch or size + count(queue[0][0]) <= most):
                batch.append(queue.popleft())
                size += count(batch[-1][0])
        self._passed_over = 0 < waited == len(self._kept)
        self._in_hand += size
        return batch

    def done(self, batch: Sequence[Waiting]) -> None:
        """These were taken out, and are answered."""
        self._in_hand -= sum(count(delivery) for delivery, _ in batch)
        self.count_off(batch)
        self.wake.set()

    async def one_passes(self, wait_s: float) -> None:
        """Wait until one batch has been stored, where anything waits or is being stored."""
        self._passed.clear()
        if self.alerts:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._passed.wait()

    def drop(self, one: Waiting) -> bool:
        """Take out one that nobody has taken yet; False when somebody has."""
        for waiting in self._queue:
            if waiting[1] is one[1]:
                self._queue.remove(waiting)
                self.count_off([one])
                return True
        return False

    def empty(self) -> list[Waiting]:
        """Take out all that nobody has taken yet, counted off."""
        left = [*self._queue, *self._kept]
        self._queue.clear()
        self._kept.clear()
        self.count_off(left)
        return left

    def count_off(self, batch: Sequence[tuple[Delivery, object]]) -> None:
        """These wait no longer."""
        self._shut.clear()
        self._passed.set()
        for delivery, _ in batch:
            self.alerts -= count(delivery)
            self._posts -= 1
            self._of[delivery.source_id] -= count(delivery)
            if not self._of[delivery.source_id]:
                del self._of[delivery.source_id]
            self.bytes -= len(delivery.body)
        self._look_idle()
