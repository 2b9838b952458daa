"""Plays the day: alerts through the public door, and people who act as people would.

Nothing here touches the database; what a demo reports is counted there afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from warroom.client import Client, retry_until_known
from warroom.embedded.demo import build
from warroom.embedded.demo.acts import (
    NothingToDo,
    NotYours,
    SomebodyIsAtIt,
    Stage,
    close_the_day,
    do,
)
from warroom.embedded.demo.data import Act, Alerts, Change, Day, Estate, load_day, load_estate
from warroom.embedded.demo.monitoring import STILL_FIRING, deliver, send
from warroom.embedded.demo.plan import Event, plan
from warroom.errors import (
    ApiUnreachable,
    DatabaseUnavailable,
    Forbidden,
    NotFound,
    Overloaded,
    Refused,
    VersionConflict,
    WarRoomError,
)

FIRST_S = 8.0
"""Services that these seconds need are made before the day begins, all others while it goes on."""
TURN_MIN = 0.3
"""How many minutes of the day lie between two acts on one incident at the least."""
_KEPT = 200
_TRIES = 4
_PAUSE_S = 0.2
_AWAY_TRIES = 20
_AWAY_PAUSE_S = 0.5


class Player:
    """One run of the demo's days.

    Args:
        api_url: where the API is.
        admin_token: of whoever started it.
        seed: shifts every event a little, the same way each time.
        speed: seconds of the day in one real second.
        say: is told each error as it happens.
        estate: another one than the demo's.
        day: another script than the demo's.
        first_s: the services of so many first seconds are made before the day begins.
    """

    def __init__(
        self,
        api_url: str,
        admin_token: str,
        *,
        seed: int,
        speed: float,
        say: Callable[[str], None] | None = None,
        estate: Estate | None = None,
        day: Day | None = None,
        first_s: float = FIRST_S,
    ) -> None:
        self._api_url = api_url
        self._admin_token = admin_token
        self._seed = seed
        self._speed = speed
        self._say = say
        self._estate = estate or load_estate()
        self._day = day or load_day(self._estate)
        self._first_s = first_s
        self._first: frozenset[str] = frozenset()
        self._built = asyncio.Event()
        self._run = secrets.token_hex(6)
        self.errors: deque[str] = deque(maxlen=_KEPT)
        self.skipped: deque[str] = deque(maxlen=_KEPT)

    async def run(self, seconds: float | None = None) -> None:
        """Build the estate, then play day after day; ends after ``seconds`` or when cancelled."""
        estate, day = self._estate, self._day
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), contextlib.AsyncExitStack() as stack:
                admin = await stack.enter_async_context(Client(self._api_url, self._admin_token))
                tokens = await build.build_people(admin, estate, self._speed)
                # Who was there already is at the keyboard, under a name of the script.
                clients = {
                    name: await stack.enter_async_context(Client(self._api_url, token))
                    for name, token in tokens.items()
                    if token
                }
                first, rest = build.split_services(estate, day, self._first_s * self._speed / 60.0)
                await build.build_services(admin, first)
                self._first = frozenset(str(service["key"]) for service in first)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._build_on(admin, estate, rest))
                    group.create_task(self._days(day, clients))

    async def _build_on(self, admin: Client, estate: Estate, rest: build.Services) -> None:
        """Make what the day does not need at once."""
        with self._noted("making the estate"):
            await build.build_services(admin, rest)
            self._built.set()
            await build.build_dependencies(admin, estate.dependencies)
        self._built.set()

    async def _days(self, day: Day, clients: dict[str, Client]) -> None:
        number = 0
        while True:
            await self._play(day, clients, number)
            number += 1

    async def _play(self, day: Day, clients: dict[str, Client], number: int) -> None:
        """Play one day to its end, and leave nothing open that nobody else has."""
        cast = frozenset(clients) - build.MACHINES
        one = _OneDay(number, asyncio.get_running_loop().time(), Stage(self._speed, cast), clients)
        async with asyncio.TaskGroup() as group:
            for event in plan(day, seed=self._seed, number=number):
                await self._until(one.begun, event.at)
                if isinstance(event.what, Alerts):
                    group.create_task(self._alerts(one, event, event.what))
                elif isinstance(event.what, Change):
                    group.create_task(self._change(one, event.what))
                elif event.what.who in clients:
                    group.create_task(self._act(one, event.index, event.what))
        await self._until(one.begun, day.length)
        with self._noted("closing the day"):
            key = f"demo-{self._run}-{number}-close"
            await close_the_day(clients[min(cast)], one.stage, key)

    async def _until(self, begun: float, minute: float) -> None:
        """Sleep until a minute of the day."""
        due = begun + minute * 60.0 / self._speed
        await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0.0))

    async def _alerts(self, one: _OneDay, event: Event, burst: Alerts) -> None:
        """Send the beginning or the end of a burst; the one never overtakes the other.

        A service that war room has not been told of would become a provisional one.
        """
        if burst.service not in self._first:
            await self._built.wait()
        lasts = timedelta(minutes=(burst.over - burst.at) / self._speed) + STILL_FIRING
        async with one.turns[f"alerts {event.index}"]:
            if not event.over:
                one.started[event.index] = datetime.now(UTC)
            started = one.started[event.index]
            with self._noted(f"{'the end' if event.over else 'alerts'} of {burst.service}"):
                post = partial(
                    send, one.clients["monitoring"], burst, started, over=event.over,
                    lasts=lasts, day=one.number + 1,
                )  # fmt: skip
                await self._patiently(partial(retry_until_known, post))

    async def _change(self, one: _OneDay, change: Change) -> None:
        """Tell of a change; what acts say of it needs its id."""
        with self._noted(f"the change of {change.service}"):
            name = f"demo-{self._run}-{one.number}-{change.name}"
            tell = partial(deliver, one.clients["delivery"], change, name)

            async def post() -> None:
                one.stage.entries[change.name] = await retry_until_known(tell)

            await self._patiently(post)

    async def _act(self, one: _OneDay, index: int, act: Act) -> None:
        """Do it when it is its turn on the incident.

        When somebody changed the incident in between, it looks again and repeats; while somebody
        at a keyboard is at it, it waits.
        """
        what = f"{act.who} {act.do} {act.on}".strip()
        key = f"demo-{self._run}-{one.number}-{index}"
        async with one.turns[act.on]:
            with self._noted(what):
                for attempt in range(_TRIES):
                    call = partial(do, one.clients[act.who], act, one.stage, f"{key}-{attempt}")
                    try:
                        await self._patiently(call)
                        break
                    except NotYours as error:
                        self.skipped.append(f"{what}: {error}")
                        break
                    except SomebodyIsAtIt as error:
                        last = str(error)
                        await asyncio.sleep(error.wait_s)
                    except (VersionConflict, NothingToDo) as error:
                        last = str(error)
                        await asyncio.sleep(_PAUSE_S)
                else:
                    self.skipped.append(f"{what}: {last}")
            await asyncio.sleep(TURN_MIN * 60.0 / self._speed)

    @staticmethod
    async def _patiently(call: Callable[[], Awaitable[object]]) -> None:
        """Ask again for a while when nobody is there: what is restarted comes back."""
        for _ in range(_AWAY_TRIES):
            try:
                await call()
            except (ApiUnreachable, DatabaseUnavailable, Overloaded):
                await asyncio.sleep(_AWAY_PAUSE_S)
            else:
                return
        await call()

    @contextlib.contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        """Note an error and go on; that a person was faster, or hid an incident, is none."""
        try:
            yield
        except (Refused, NotFound, Forbidden) as error:
            self.skipped.append(f"{what}: {error}")
        except WarRoomError as error:
            self.errors.append(f"{what}: {error}")
            if self._say is not None:
                self._say(self.errors[-1])


class _OneDay:
    """What the events of one day share; it goes with the day."""

    def __init__(self, number: int, begun: float, stage: Stage, clients: dict[str, Client]) -> None:
        self.number = number
        self.begun = begun
        self.stage = stage
        self.clients = clients
        self.started: dict[int, datetime] = {}
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
