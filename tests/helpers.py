"""What tests of every kind need: waiting on conditions, and programs that must be there."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

# Debian's package of each program that tests start, for the sentence that says what to type.
PACKAGES: Final[dict[str, str]] = {
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "icinga2": "icinga2-bin",
    "curl": "curl",
    "openssl": "openssl",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "tmux": "tmux",
    "git": "git",
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
    "/usr/lib/postgresql/15/bin/initdb": "postgresql-15",
}


def require_program(name: str) -> str:
    """Return the path of a program; a missing one fails the test, it never skips it."""
    path = shutil.which(name)
    if path is None:
        package = PACKAGES.get(name, name)
        pytest.fail(f"{name} is not installed; type: apt-get install -y {package}", pytrace=False)
    return path


async def wait_until(
    condition: Callable[[], T | Awaitable[T]],
    *,
    timeout_s: float = 60.0,
    every_s: float = 0.02,
    what: str = "the condition",
) -> T:
    """Ask until the answer is true and return it; fail the test when the time is over.

    Args:
        condition: a function or coroutine function; exceptions are not swallowed.
        timeout_s: generous, because machines of tests are slow; it is no assertion on speed.
        every_s: the pause between two questions.
        what: ends the sentence "waited 60 s in vain for …".
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        value = await answer if isinstance(answer, Awaitable) else answer
        if value:
            return value
        if time.monotonic() >= deadline:
            pytest.fail(f"waited {timeout_s:g} s in vain for {what}; last answer: {value!r}")
        await asyncio.sleep(every_s)


def wait_until_sync(
    condition: Callable[[], T],
    *,
    timeout_s: float = 60.0,
    every_s: float = 0.02,
    what: str = "the condition",
) -> T:
    """Do as ``wait_until`` where there is no event loop."""

    async def ask() -> T:
        return await wait_until(condition, timeout_s=timeout_s, every_s=every_s, what=what)

    return asyncio.run(ask())
