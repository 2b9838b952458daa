"""A deadline for what usually is there already."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what some work comes to; the deadline is set up when it has to wait for something.

    Most bodies are here whole when they are asked for, and a deadline costs more than to read them.

    Raises:
        TimeoutError: it waited for longer.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    async with asyncio.timeout(seconds):
        return await _rest(work, waits_for)


@types.coroutine
def _rest(work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Go on with work that was begun: what ``await`` does, but for its first step."""
    try:
        while True:
            try:
                heard = yield waits_for
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - the work is told, whatever it is
                waits_for = work.throw(error)
            else:
                waits_for = work.send(heard)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
