"""Application deadlines: whatever the call does, the caller goes on, and the socket is shut."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from warroom.db.deadline import DeadlineExceeded, cut, within


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


async def test_an_answer_in_time_is_returned(pair: tuple[socket.socket, socket.socket]) -> None:
    async def call() -> int:
        return 7

    assert await within(call(), 5, pair[0].fileno, "asking") == 7
    pair[0].send(b"still open")


async def test_the_calls_own_error_is_raised(pair: tuple[socket.socket, socket.socket]) -> None:
    async def call() -> int:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await within(call(), 5, pair[0].fileno, "asking")


async def test_a_silent_peer_costs_the_deadline_and_the_socket(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    loop = asyncio.get_running_loop()

    async def call() -> bytes:
        if not (found := await loop.sock_recv(ours, 1)):
            raise ConnectionResetError
        return found

    with pytest.raises(DeadlineExceeded, match="asking"):
        await within(call(), 0.01, ours.fileno, "asking")
    assert theirs.recv(1) == b"", "the peer sees the end"
    assert ours.fileno() >= 0, "the descriptor is its owner's to close"


async def test_a_call_that_ignores_its_socket_is_let_go(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    stopped = asyncio.Event()

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    with pytest.raises(DeadlineExceeded):
        await within(call(), 0.01, pair[0].fileno, "asking")
    assert stopped.is_set()


async def test_an_answer_in_the_moment_of_the_cut_is_an_answer(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, _ = pair
    loop = asyncio.get_running_loop()

    async def call() -> str:
        return "answered" if await loop.sock_recv(ours, 1) == b"" else "data"

    assert await within(call(), 0.01, ours.fileno, "asking") == "answered"


async def test_cancelling_the_caller_shuts_the_socket(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    loop = asyncio.get_running_loop()
    asking = asyncio.create_task(within(loop.sock_recv(ours, 1), 60, ours.fileno, "asking"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert theirs.recv(1) == b""


@pytest.mark.parametrize("fd", [None, -1, 10**6])
def test_cutting_what_is_not_there_is_nothing(fd: int | None) -> None:
    cut(fd)
