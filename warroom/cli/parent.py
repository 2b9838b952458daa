"""Going with the process that started us, if it asked for that."""

from __future__ import annotations

import asyncio

from warroom.embedded.processes import goes_with_parent


async def parent_gone() -> None:
    """Return when the process that started us has gone; never, if it did not ask for that."""
    while not goes_with_parent():  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.5)
