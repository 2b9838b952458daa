"""Run a short command so that the first Ctrl-C ends it.

`asyncio.Runner` turns the first SIGINT into one cancellation of the main task.  A library that
cancels its own waits can take that one for its own (anyio does so in the moment in which a
connection is made), and the command goes on as if nobody had pressed anything.  Here the press is
remembered: the task is cancelled until it has ended, and the command ends with 130 whatever the
task made of it.  A second press ends at once.  `up`, `demo`, `serve`, `engine` and `console` answer
their signals themselves and do not come by.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Final, TypeVar

T = TypeVar("T")

# How long a cancelled task may take to tidy up before it is cancelled again.
_AGAIN_S: Final = 0.5


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return what it returns.

    Raises:
        KeyboardInterrupt: SIGINT came before it had ended; it was cancelled.
    """
    on_main = threading.current_thread() is threading.main_thread()
    if not on_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        # A script's `warroom … &` ignores SIGINT, and somebody else's handler is left alone.
        return asyncio.run(work)
    return asyncio.run(_until_pressed(work))


async def _until_pressed(work: Coroutine[Any, Any, T]) -> T:
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()
    presses = 0

    def press(_number: int, _frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses > 1:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(pressed.set)  # this also wakes a loop that waits for a socket

    runners = signal.signal(signal.SIGINT, press)
    try:
        task = loop.create_task(work)
        waiting = loop.create_task(pressed.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_AGAIN_S)
        waiting.cancel()
    finally:
        signal.signal(signal.SIGINT, runners)
    if presses:
        if not task.cancelled():
            task.exception()  # looked at, or asyncio would complain that nobody did
        raise KeyboardInterrupt
    return task.result()
