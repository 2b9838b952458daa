"""One person with two consoles: each makes a login of its own, under the same name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

from tests.api.conftest import Api, api18
from tests.helpers import wait_until
from warroom.console.api_door import Login
from warroom.console.feed import Feed
from warroom.console.options import FeedOptions
from warroom.console.scram import new_password, verifier

__all__ = ["api18"]


@contextlib.asynccontextmanager
async def console(api: Api) -> AsyncIterator[Feed]:
    """Read the board until the block ends, as a console does."""

    async def login() -> Login:
        password = new_password()
        minted = await api.client().mint_login(verifier(password))
        until = datetime.fromisoformat(minted["valid_until"])
        return Login(minted["conninfo"], minted["role"], password, until)

    seen: list[object] = []
    feed = Feed(login, seen.append, FeedOptions())
    running = asyncio.create_task(feed.run())
    try:
        await wait_until(lambda: running.done() or feed._first.is_set(), what="the first board")
        assert not running.done(), running.exception()
        yield feed
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_the_second_console_does_not_take_the_first_ones_panes(api18: Api) -> None:
    async with console(api18) as first, console(api18) as second:
        for feed in (first, second, first):
            # Several panes at once, and each may find that the login is not good any more.
            for conn, _ in await asyncio.gather(*(feed.connect() for _ in range(3))):
                await conn.close()
