"""How the screens look: snapshots at three sizes, from fixed pictures and a fixed clock."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from screens.messages import (
    BoardArrived,
    DetailArrived,
    FeedTrouble,
    IdentityKnown,
    NamesArrived,
    PaneArrived,
)
from tests.console.pane_samples import health, impact, log, timers
from tests.console.pilot import FixedClock, still_app, war_room
from tests.console.samples import NOW, ago, board, detail
from warroom.console.app import WarRoomApp
from warroom.domain.panes import Pane
from warroom.domain.picture import BoardPicture, Names, SourceKind
from warroom.domain.safe_text import safe_text

SIZES = [(80, 24), (120, 40), (250, 70)]
ALL_SIZES = [*SIZES, (160, 45)]


async def fill(pilot: Pilot[Any], picture: BoardPicture | None = None) -> None:
    app = pilot.app
    assert isinstance(app, WarRoomApp)
    app.post_message(IdentityKnown(safe_text("ana")))
    app.post_message(BoardArrived(picture or board(), 999.8))
    await pilot.pause()
    watch = war_room(pilot)._watch_now
    for pane, shown in (
        (Pane.IMPACT, impact()),
        (Pane.TIMERS, timers()),
        (Pane.TIMELINE, log()),
        (Pane.HEALTH, health()),
    ):
        if watch.incident is not None or pane in {Pane.TIMERS, Pane.HEALTH}:
            app.post_message(PaneArrived(pane, shown, watch, 999.8))
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", ALL_SIZES, ids=str)
@pytest.mark.parametrize("theme", ["dark", "none"])
def test_the_board(snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(still_app(theme=theme), terminal_size=size, run_before=fill)


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_an_incident(snap_compare: Any, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await fill(pilot)
        await pilot.press("enter")
        await pilot.pause()
        pilot.app.post_message(DetailArrived(2041, detail()))
        await pilot.pause()

    assert snap_compare(still_app(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_quiet_room(snap_compare: Any, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await fill(pilot, board((), last_closed=(2038, ago(minutes=95))))

    assert snap_compare(still_app(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("keys", ["n", "r", "e", "question_mark"])
def test_the_modals_fit_80_columns(snap_compare: Any, keys: str) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await fill(pilot)
        await pilot.press(keys)
        for field in pilot.app.screen.query("SafeInput"):
            field.cursor_blink = False  # type: ignore[attr-defined] # an Input's attribute
        await pilot.pause()

    assert snap_compare(still_app(), terminal_size=SIZES[0], run_before=run)


@pytest.mark.parametrize("age", [4.0, 14.0])
def test_a_stale_picture(snap_compare: Any, age: float) -> None:
    clock = FixedClock()

    async def run(pilot: Pilot[Any]) -> None:
        await fill(pilot)
        clock.seconds += age
        pilot.app.post_message(FeedTrouble(safe_text("the database does not answer")))
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(still_app(clock), terminal_size=SIZES[0], run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_quiet_sources_are_said_calmly(snap_compare: Any, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await fill(pilot, board(quiet_sources=2))

    assert snap_compare(still_app(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_a_board_that_is_behind_is_not_called_live(
    snap_compare: Any, size: tuple[int, int]
) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await fill(pilot, board(behind_s=34.2))

    assert snap_compare(still_app(), terminal_size=size, run_before=run)


def test_a_standby(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        lagging = board(source=SourceKind.STANDBY, replay_lag_s=0.4, read_at=NOW)
        await fill(pilot, lagging)

    assert snap_compare(still_app(), terminal_size=SIZES[1], run_before=run)


@pytest.mark.parametrize("key", ["2", "3", "4", "5"])
def test_each_pane_alone_on_80_columns(snap_compare: Any, key: str) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await fill(pilot)
        await pilot.press(key)
        await pilot.pause()

    assert snap_compare(still_app(), terminal_size=SIZES[0], run_before=run)


async def open_with(pilot: Pilot[Any], *keys: str) -> None:
    """Open a question over the filled board; the cursor does not blink in a picture."""
    await fill(pilot)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    pilot.app.post_message(NamesArrived(NAMES))
    pilot.app.post_message(DetailArrived(2041, detail()))
    await pilot.pause()
    for field in pilot.app.screen.query("SafeInput"):
        field.cursor_blink = False  # type: ignore[attr-defined] # an Input's attribute
    await pilot.pause()
    await pilot.pause()


NAMES = Names(
    ("ana", "Jürgen", "luc", "Mira", "noc", "Zoë", "漢字かな"),
    (("catalogue", "Catalogue"), ("orders", "Orders"), ("pg-main", "Main database")),
)
# Each kind of question: choice, pick, form, confirm with Enter, confirm with a typed number.
QUESTIONS = {
    "choice": ("t",),
    "roles": ("c",),
    "pick": ("o",),
    "form": ("X",),
    "confirm": ("D",),
    "confirm-number": ("asterisk", "D"),
}


@pytest.mark.parametrize("keys", QUESTIONS.values(), ids=QUESTIONS)
def test_each_kind_of_question(snap_compare: Any, keys: tuple[str, ...]) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await open_with(pilot, *keys)

    assert snap_compare(still_app(), terminal_size=SIZES[0], run_before=run)


def test_a_question_on_a_wide_screen(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await open_with(pilot, "v")

    assert snap_compare(still_app(), terminal_size=SIZES[2], run_before=run)


def test_a_question_without_colour(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await open_with(pilot, "asterisk", "D")

    assert snap_compare(still_app(theme="none"), terminal_size=SIZES[0], run_before=run)


@pytest.mark.parametrize("theme", ["dark", "none"])
def test_marked_incidents(snap_compare: Any, theme: str) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await fill(pilot)
        await pilot.press("space", "down", "space")
        await pilot.pause()

    assert snap_compare(still_app(theme=theme), terminal_size=SIZES[0], run_before=run)
