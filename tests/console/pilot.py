"""Pilot helpers: an app with a fixed clock for widgets, and a live one on a real room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from screens.war_room import WarRoom
from tests.console.samples import board
from tests.helpers import wait_until
from warroom.console.app import ConsoleOptions, WarRoomApp
from warroom.console.door import Door
from warroom.console.options import BackendOptions, FeedOptions
from warroom.domain.picture import BoardPicture, IncidentRow
from widgets.incident_lines import Mark
from widgets.live_list import LiveList


class FixedClock:
    """A monotonic clock that moves only when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def options(theme: str = "dark", *, colourless: bool = False) -> ConsoleOptions:
    return ConsoleOptions(
        BackendOptions(FeedOptions(poll_s=0.5)), theme=theme, colourless=colourless, bell=False
    )


def still_app(clock: FixedClock | None = None, theme: str = "dark") -> WarRoomApp:
    """Return an app without a background; pictures are posted by the test."""
    look = options(theme, colourless=theme == "none")
    return WarRoomApp(look, monotonic_clock=clock or FixedClock())


def picture_of(rows: tuple[IncidentRow, ...] | None = None) -> BoardPicture:
    return board(rows)


@asynccontextmanager
async def running(door: Door, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    """Run the console on a real room until the first picture is there."""
    app = WarRoomApp(options(), door=door)
    async with app.run_test(size=size, notifications=True) as pilot:
        try:
            await wait_until(lambda: app.database_now() is not None, what="the first picture")
        except BaseException:
            print(shown(pilot))
            raise
        await pilot.pause()
        yield pilot


def war_room(pilot: Pilot[int]) -> WarRoom:
    """Return the board, whatever is on top of it."""
    found = pilot.app.screen_stack[0]
    assert isinstance(found, WarRoom)
    return found


def live_list(pilot: Pilot[int]) -> LiveList:
    return war_room(pilot).query_one(LiveList)


def shown(pilot: Pilot[int]) -> str:
    """Return the screen as text."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def marks(pilot: Pilot[int]) -> set[Mark]:
    return set(live_list(pilot)._marks.values())
