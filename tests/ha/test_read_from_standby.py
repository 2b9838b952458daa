"""A console's feed on a standby: how old its picture is, its own writes, and when it leaves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from textual.message import Message

from screens.messages import BoardArrived, FeedTrouble
from tests.ha.test_standby_health import Pair, pair
from tests.helpers import wait_until
from warroom.console.api_door import Login
from warroom.console.feed import Feed
from warroom.console.options import FeedOptions
from warroom.domain.picture import BoardPicture, SourceKind

__all__ = ["pair"]


class Screen:
    """Keeps what the feed posts."""

    def __init__(self) -> None:
        self.boards: list[BoardPicture] = []
        self.trouble: list[str] = []

    def post(self, message: Message) -> None:
        if isinstance(message, BoardArrived):
            self.boards.append(message.board)
        elif isinstance(message, FeedTrouble) and message.reason is not None:
            self.trouble.append(str(message.reason))

    def titles(self) -> list[str]:
        return [row.title for row in self.boards[-1].rows] if self.boards else []


@asynccontextmanager
async def reading(pair: Pair, wish: str = "standby") -> AsyncIterator[tuple[Feed, Screen]]:
    """Run a feed as the superuser: this is about servers, not about rights."""

    async def login() -> Login:
        return Login(pair.server.conninfo(dbname=pair.name), "", "")

    screen = Screen()
    standby = pair.standby.cluster.conninfo(dbname=pair.name)
    feed = Feed(login, screen.post, FeedOptions(poll_s=0.2, read_from=wish), standby)
    task = asyncio.create_task(feed.run())
    try:
        await wait_until(lambda: screen.boards, what="the first picture")
        yield feed, screen
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def declare(pair: Pair, title: str) -> str:
    """Write on the primary and return where that ended."""
    pair.on_primary(
        "insert into warroom.incident (id, title, severity, opened_by) values"
        f" ('{uuid4()}', '{title}', 1, '00000000-0000-7000-8000-000000000001')"
    )
    return str(pair.on_primary("select pg_current_wal_insert_lsn()::text")[0][0])


async def test_it_polls_the_standby_and_says_how_old_the_picture_is(pair: Pair) -> None:
    async with reading(pair) as (_, screen):
        assert screen.boards[-1].source is SourceKind.STANDBY
        declare(pair, "one")
        await wait_until(lambda: screen.titles() == ["one"], what="it without LISTEN")
        pair.on_standby("select pg_wal_replay_pause()")
        declare(pair, "two")
        await wait_until(
            lambda: (screen.boards[-1].replay_lag_s or 0) > 2.0, what="an age that grows"
        )
        assert screen.boards[-1].source is SourceKind.STANDBY
        assert screen.titles() == ["one"]  # old, and said to be
        pair.on_standby("select pg_wal_replay_resume()")
        await wait_until(lambda: len(screen.titles()) == 2, what="both")


async def test_own_command_is_waited_for_or_read_from_the_primary(pair: Pair) -> None:
    async with reading(pair) as (feed, screen):
        feed.read_from.wrote(declare(pair, "replayed"))
        feed.hint()
        await wait_until(lambda: screen.titles() == ["replayed"], what="it")
        pair.on_standby("select pg_wal_replay_pause()")
        position = declare(pair, "mine")
        count = len(screen.boards)
        feed.read_from.wrote(position)
        feed.hint()
        await wait_until(lambda: "mine" in screen.titles(), what="the own command")
        assert screen.boards[-1].source is SourceKind.PRIMARY
        assert "your last command" in screen.boards[-1].note
        assert screen.boards[-1].away == "standby behind"
        # At the most the read that was under way has come from before.
        old = [b for b in screen.boards[count + 1 :] if "mine" not in [r.title for r in b.rows]]
        assert old == []
        pair.on_standby("select pg_wal_replay_resume()")


async def test_a_frozen_standby_is_left_for_the_primary_which_is_said(pair: Pair) -> None:
    async with reading(pair) as (_, screen):
        pair.signal(signal.SIGSTOP)
        await wait_until(lambda: screen.boards[-1].source is SourceKind.PRIMARY, what="the primary")
        assert screen.boards[-1].note == "the standby does not answer: reading the primary"
        assert screen.boards[-1].away == "standby silent"
        assert not [t for t in screen.trouble if "database" in t]  # which is healthy
        declare(pair, "fresh")
        await wait_until(lambda: screen.titles() == ["fresh"], what="a fresh picture")
        pair.signal(signal.SIGCONT)
        await wait_until(
            lambda: screen.boards[-1].source is SourceKind.STANDBY, timeout_s=40,
            what="the standby again",
        )  # fmt: skip
        assert (screen.boards[-1].note, screen.boards[-1].away) == ("", "")


async def test_a_stopped_standby_is_left_at_once(pair: Pair) -> None:
    async with reading(pair, "auto") as (_, screen):
        await asyncio.to_thread(pair.standby.cluster.stop, "immediate")
        await wait_until(lambda: screen.boards[-1].source is SourceKind.PRIMARY, what="the primary")
        assert screen.boards[-1].note == "the standby is gone: reading the primary"
        assert screen.boards[-1].away == "standby gone"


async def test_a_promoted_standby_is_found_out_and_the_old_primary_not_believed(
    pair: Pair,
) -> None:
    async with reading(pair) as (_, screen):
        pair.on_standby("select pg_promote(true, 60)")
        await wait_until(
            lambda: "promoted (timeline 2)" in screen.boards[-1].note, what="the discovery"
        )
        assert screen.boards[-1].source is SourceKind.PRIMARY
        assert screen.boards[-1].away == "standby promoted"
        await asyncio.to_thread(pair.standby.cluster.stop, "immediate")
        await wait_until(
            lambda: any("left behind by a promotion" in t for t in screen.trouble),
            what="the refusal of the old primary",
        )
        shown = len(screen.boards)
        declare(pair, "on the old primary")
        refused = len(screen.trouble)
        await wait_until(lambda: len(screen.trouble) > refused, what="another refusal")
        assert len(screen.boards) == shown
