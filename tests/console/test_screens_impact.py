"""How impact, restart waves and the map of the estate look at each size."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from screens.messages import PaneArrived
from tests.console.estate_samples import estate
from tests.console.pilot import still_app
from tests.console.test_screens import SIZES, fill
from warroom.domain.panes import Pane, PaneWatch

LOOKS = {
    "tree": ("2", "down", "down"),
    "tiers": ("2", "i", "down", "down"),
    "folded": ("2", "down", "space", "end", "up", "up", "up", "space"),
    "suspect": ("2", "end", *["up"] * 6),
}
WIDE = (160, 45)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Fill the room and press some keys."""
    await fill(pilot)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    for field in pilot.app.screen.query("SafeInput"):
        field.cursor_blink = False  # type: ignore[attr-defined] # an Input's attribute
    await pilot.pause()


async def show_map(pilot: Pilot[Any], *keys: str) -> None:
    """Open the map, filled."""
    await press(pilot, "m")
    watch = PaneWatch(frozenset({Pane.ESTATE}))
    pilot.app.post_message(PaneArrived(Pane.ESTATE, estate(), watch, 999.8))
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("keys", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("size", [SIZES[0], WIDE], ids=str)
def test_the_impact(snap_compare: Any, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await press(pilot, *keys)

    assert snap_compare(still_app(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("keys", [LOOKS["tree"], LOOKS["suspect"]], ids=["tree", "suspect"])
@pytest.mark.parametrize("theme", ["dark", "none"])
def test_the_impact_as_one_of_three(snap_compare: Any, keys: tuple[str, ...], theme: str) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await press(pilot, *keys)

    assert snap_compare(still_app(theme=theme), terminal_size=SIZES[1], run_before=run)


def test_the_impact_on_the_wall(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await press(pilot, "2", "i", "z")

    assert snap_compare(still_app(), terminal_size=SIZES[2], run_before=run)


def test_paging_an_owner(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await press(pilot, "2", "down", "o")

    assert snap_compare(still_app(), terminal_size=SIZES[0], run_before=run)


@pytest.mark.parametrize("size", [*SIZES[:2], WIDE], ids=str)
def test_the_restart_waves(snap_compare: Any, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await press(pilot, "2", "w")

    assert snap_compare(still_app(), terminal_size=size, run_before=run)


def test_the_restart_waves_without_colour(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await press(pilot, "2", "w", "down")

    assert snap_compare(still_app(theme="none"), terminal_size=SIZES[0], run_before=run)


@pytest.mark.parametrize("size", [*SIZES, WIDE], ids=str)
def test_the_map(snap_compare: Any, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await show_map(pilot)

    assert snap_compare(still_app(), terminal_size=size, run_before=run)


def test_the_map_without_colour_and_with_a_chosen_service(snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await show_map(pilot, "right", "down")

    assert snap_compare(still_app(theme="none"), terminal_size=SIZES[0], run_before=run)
