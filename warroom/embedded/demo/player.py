"""Plays the day: alerts through the public door, and people who act as people would.

Nothing here touches the database; what a demo reports is counted there afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from warroom.client import Client, retry_until_known
from warroom.embedded.demo.acts import NothingToDo, Stage, do
from warroom.embedded.demo.build import build
from warroom.embedded.demo.data import Act, Alerts, Day, load_day, load_estate
from warroom.embedded.demo.monitoring import send
from warroom.errors import Refused, VersionConflict, WarRoomError

SHIFT_MIN = 0.6
"""By how many minutes of the day the seed shifts an event at the most."""
_TRIES = 4


class Player:
    """One run of the demo's day.

    Args:
        api_url: where the API is.
        admin_token: of whoever started it.
        seed: shifts every event a little, the same way each time.
        speed: seconds of the day in one real second.
    """

    def __init__(
        self, api_url: str, admin_token: str, *, seed: int = 1, speed: float = 60.0
    ) -> None:
        self._api_url = api_url
        self._admin_token = admin_token
        self._random = random.Random(seed)
        self._speed = speed
        self._run = secrets.token_hex(6)
        self.errors: list[str] = []
        self.skipped: list[str] = []

    async def run(self, seconds: float | None = None) -> None:
        """Build the estate, then play day after day; ends after ``seconds`` or when cancelled."""
        estate = load_estate()
        day = load_day(estate)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), contextlib.AsyncExitStack() as stack:
                admin = await stack.enter_async_context(Client(self._api_url, self._admin_token))
                tokens = await build(admin, estate, self._speed)
                clients = {
                    name: await stack.enter_async_context(Client(self._api_url, token))
                    for name, token in tokens.items()
                }
                number = 0
                while True:
                    await self._play(day, clients, number)
                    number += 1

    async def _play(self, day: Day, clients: dict[str, Client], number: int) -> None:
        """Play one day to its end."""
        stage = Stage(self._speed)
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for burst in day.alerts:
                shift = self._random.random() * SHIFT_MIN
                group.create_task(self._alerts(clients["monitoring"], burst, begun, shift))
            for index, act in enumerate(day.acts):
                shift = self._random.random() * SHIFT_MIN
                key = f"demo-{self._run}-{number}-{index}"
                group.create_task(self._act(clients[act.who], act, stage, key, begun, shift))
            group.create_task(self._until(begun, day.length))

    async def _until(self, begun: float, minute: float) -> None:
        """Sleep until a minute of the day."""
        due = begun + minute * 60.0 / self._speed
        await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0.0))

    async def _alerts(self, monitoring: Client, burst: Alerts, begun: float, shift: float) -> None:
        for again in range(burst.flaps):
            offset = shift + again * burst.every
            await self._until(begun, burst.at + offset)
            started = datetime.now(UTC)
            with self._noted(f"alerts of {burst.service}"):
                await retry_until_known(partial(send, monitoring, burst, started, over=False))
            await self._until(begun, burst.over + offset)
            with self._noted(f"the end of {burst.service}"):
                await retry_until_known(partial(send, monitoring, burst, started, over=True))

    async def _act(
        self, person: Client, act: Act, stage: Stage, key: str, begun: float, shift: float
    ) -> None:
        """Do it; when somebody changed the incident in between, look again and repeat."""
        await self._until(begun, act.at + shift)
        what = f"{act.who} {act.do} {act.on}".strip()
        with self._noted(what):
            for attempt in range(_TRIES):
                try:
                    await do(person, act, stage, f"{key}-{attempt}")
                except (VersionConflict, NothingToDo) as error:
                    if attempt == _TRIES - 1:
                        self.skipped.append(f"{what}: {error}")
                    await asyncio.sleep(0.2)
                else:
                    return

    @contextlib.contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        """Note an error and go on; that a person was faster is none."""
        try:
            yield
        except Refused as error:
            self.skipped.append(f"{what}: {error}")
        except WarRoomError as error:
            self.errors.append(f"{what}: {error}")
