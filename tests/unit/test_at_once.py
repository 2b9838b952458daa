"""The deadline that is only set up where there is something to wait for."""

from __future__ import annotations

import asyncio

import pytest

from warroom.api.at_once import within


class Waits:
    """Work that waits for an event, and remembers how that ended."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.ended: type[BaseException] | None = None

    async def go(self) -> str:
        """Wait twice, once for nothing."""
        try:
            await asyncio.sleep(0)
            await self.event.wait()
        except BaseException as error:
            self.ended = type(error)
            raise
        return "came"


async def now() -> str:
    return "here"


async def wrong() -> str:
    raise ValueError("wrong")


async def test_what_is_there_is_had_without_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncio, "timeout")
    assert await within(60, now()) == "here"
    with pytest.raises(ValueError, match="wrong"):
        await within(60, wrong())


async def test_what_comes_later_is_waited_for() -> None:
    work = Waits()
    task = asyncio.ensure_future(within(60, work.go()))
    asyncio.get_running_loop().call_soon(work.event.set)
    assert await task == "came"
    assert work.ended is None


async def test_what_does_not_come_is_given_up() -> None:
    work = Waits()
    with pytest.raises(TimeoutError):
        await within(0, work.go())
    assert work.ended is asyncio.CancelledError


async def test_who_is_cancelled_while_it_waits_is_cancelled() -> None:
    work = Waits()
    task = asyncio.ensure_future(within(60, work.go()))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.ended is asyncio.CancelledError


async def test_what_failed_is_told_to_the_work_which_may_go_on() -> None:
    failing: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def makes_do() -> str:
        try:
            return await failing
        except ValueError:
            await asyncio.sleep(0)
            return "made do"

    task = asyncio.ensure_future(within(60, makes_do()))
    await asyncio.sleep(0)
    failing.set_exception(ValueError())
    assert await task == "made do"


async def test_work_that_nobody_waits_for_any_more_is_closed() -> None:
    work = Waits()
    left = within(60, work.go())
    left.send(None)
    left.close()
    assert work.ended is GeneratorExit
