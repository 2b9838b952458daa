"""The panes' reader when what is visible changes in the middle of a round."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from uuid import uuid4

import psycopg
from textual.message import Message

from screens.messages import PaneArrived
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.console.options import FeedOptions
from warroom.console.pane_feed import PaneFeed
from warroom.domain.panes import Pane, PaneWatch


async def test_what_is_covered_in_the_middle_of_a_round_is_not_read(pg18: TestDatabase) -> None:
    seen: list[Pane] = []

    async def connect() -> tuple[Any, float]:
        conn = await psycopg.AsyncConnection.connect(pg18.conninfo(), autocommit=True)
        return conn, float("inf")

    def post(message: Message) -> None:
        assert isinstance(message, PaneArrived)
        seen.append(message.pane)
        # A screen that needs no incident covers the room while the round goes on.
        feed.watch(PaneWatch(frozenset({Pane.TRIAGE})))

    feed = PaneFeed(connect, post, FeedOptions())
    feed.watch(PaneWatch(frozenset({Pane.TIMERS, Pane.IMPACT, Pane.TIMELINE}), uuid4()))
    running = asyncio.create_task(feed.run())
    await wait_until(lambda: running.done() or Pane.TRIAGE in seen, what="triage")
    assert not running.done(), running.exception()
    assert seen[:2] == [Pane.TIMERS, Pane.TRIAGE]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
