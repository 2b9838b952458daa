"""Application deadlines: the socket is shut down from outside.

``asyncio.wait_for`` cancels, and a cancelled psycopg call first asks the server to cancel: on a
frozen server that takes many seconds.  Here the task is left alone and its socket is shut down on
a duplicate of the file descriptor, so that the call ends at once with the driver's own error.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from warroom.errors import DatabaseUnavailable

T = TypeVar("T")
GRACE_S = 0.5
"""How long a call may take to notice that its socket is gone."""
# Commands and requests are repeated by nobody; a console's live reads are, and it says so itself.
# Only COMMIT leaves a doubt: there it becomes OutcomeUnknown, which has words of its own.
AGAIN: Final = "Nothing was changed; repeat the command when the database answers."


class DeadlineExceeded(DatabaseUnavailable):
    """The database did not answer before the application's deadline; nothing was changed."""


def cut(fd: int | None) -> None:
    """Shut down the socket behind a file descriptor, without closing the descriptor itself."""
    if fd is None or fd < 0:
        return
    with contextlib.suppress(OSError):
        double = socket.socket(fileno=os.dup(fd))
        try:
            double.shutdown(socket.SHUT_RDWR)
        finally:
            double.close()


async def within(
    awaitable: Awaitable[T], seconds: float, fd: Callable[[], int | None], what: str
) -> T:
    """Await a database call, but no longer than ``seconds``.

    Args:
        awaitable: the call; it runs in a task of its own.
        seconds: the deadline.
        fd: returns the connection's file descriptor, asked when it is needed, None without one.
        what: names the call in the error, e.g. "reading the board".

    Raises:
        DeadlineExceeded: the time was over; the connection must not be used again.
    """
    task = asyncio.ensure_future(awaitable)
    try:
        done, _ = await asyncio.wait({task}, timeout=max(seconds, 0.0))
    except asyncio.CancelledError:
        await _end(task, fd)
        raise
    if done:
        return task.result()
    await _end(task, fd)
    if task.done() and not task.cancelled() and task.exception() is None:
        # It answered in the very moment of the cut; an answer is an answer.
        return task.result()
    raise DeadlineExceeded(
        f"The database did not answer within {seconds:.1f} s ({what}).",
        remedy=AGAIN,
    )


async def _end(task: asyncio.Future[T], fd: Callable[[], int | None]) -> None:
    with contextlib.suppress(Exception):
        cut(fd())
    await asyncio.wait({task}, timeout=GRACE_S)
    if not task.done():
        # Still connecting, or a driver that does not read: nothing is left but to let go.
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE_S)
    if task.done() and not task.cancelled():
        task.exception()  # seen, so that nobody complains about it later
