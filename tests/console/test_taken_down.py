"""A screen that is not whole is left alone: clocks and pictures come at any moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from screens.estate import EstateScreen
from screens.incident_detail import IncidentScreen
from screens.live_screen import LiveScreen
from screens.messages import BoardArrived, DetailArrived, FeedTrouble, PaneTrouble
from screens.restart import RestartScreen
from screens.silences import SilencesScreen
from screens.triage import TriageScreen
from tests.console.pilot import still_app
from tests.console.samples import board, room
from warroom.console.app import WarRoomApp
from warroom.domain.panes import Pane
from warroom.domain.safe_text import safe_text
from widgets.header import Header, HeaderFacts

SCREENS: dict[str, Callable[[], LiveScreen]] = {
    "incident": lambda: IncidentScreen(1, HeaderFacts(board()), room()[0]),
    "estate": lambda: EstateScreen(board()),
    "restart": lambda: RestartScreen(room()[0], board(), None),
    "silences": lambda: SilencesScreen(board()),
    "triage": lambda: TriageScreen(board()),
}


def everything_comes(app: WarRoomApp) -> None:
    """Let the clock move on, and pictures arrive on every screen."""
    app._tick()
    for screen in app.screen_stack:
        screen.post_message(BoardArrived(board(), 0.0))
        screen.post_message(DetailArrived(1, None))
        screen.post_message(FeedTrouble(safe_text("the API does not answer")))
        for pane in Pane:
            screen.post_message(PaneTrouble(pane, safe_text("the database is away")))


def when_a_header_goes(app: WarRoomApp, monkeypatch: pytest.MonkeyPatch) -> list[Header]:
    """Let everything come at the moment at which a screen has lost its header; return these."""
    gone: list[Header] = []

    def on_unmount(self: Header) -> None:
        gone.append(self)
        everything_comes(app)

    # No mock: the toolkit calls it in the middle of taking a screen down, and nothing else does.
    monkeypatch.setattr(Header, "on_unmount", on_unmount, raising=False)
    return gone


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_that_is_not_composed_yet_is_left_alone(name: str) -> None:
    app = still_app()
    async with app.run_test(size=(120, 40)) as pilot:
        shown = app.push_screen(SCREENS[name]())
        everything_comes(app)
        await shown
        await pilot.pause()
        everything_comes(app)
        await pilot.pause()


@pytest.mark.parametrize("name", SCREENS)
async def test_a_console_that_ends_is_left_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = still_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.push_screen(SCREENS[name]())
        await pilot.pause()
        gone = when_a_header_goes(app, monkeypatch)
    assert len(gone) == 2


async def test_a_screen_that_is_left_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    app = still_app()
    async with app.run_test(size=(120, 40)) as pilot:
        for make in SCREENS.values():
            await app.push_screen(make())
        await pilot.pause()
        gone = when_a_header_goes(app, monkeypatch)
        seen: list[Any] = list(app.screen_stack[1:])
        while len(app.screen_stack) > 1:
            app.pop_screen()
            await pilot.pause()
        monkeypatch.undo()
        assert len(gone) == len(seen)
        everything_comes(app)
        await pilot.pause()
