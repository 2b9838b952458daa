"""The map of the estate: every hit service at every size, what is well is quiet, keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.console.estate_samples import estate, service
from tests.console.hostile import TEXTS
from tests.console.samples import NOW
from warroom.console.themes import THEMES
from warroom.domain.reasoned import EstatePicture, EstateService
from widgets.cells import Line, Role
from widgets.estate_layout import Cells, Count, Density, Heading, Layout, is_hit, lay_out
from widgets.estate_map import EstateMap

STATES = ("well", "well", "well", "down", "degraded", "expected-down", "suspected", "recovered")
ESTATES = st.lists(
    st.builds(
        service,
        st.integers(0, 10_000).map(lambda n: f"s{n}"),
        st.sampled_from(STATES),
        st.integers(0, 5),
        kind=st.sampled_from(("service", "datastore", "third_party", "region")),
        region=st.sampled_from((None, "eu", "us")),
    ),
    max_size=60,
    unique_by=lambda s: s.key,
)


def shown(found: Layout) -> list[EstateService]:
    lines = [line for line in found.lines if isinstance(line, Cells) and line.part == 0]
    return [spot for line in lines for spot in line.spots if isinstance(spot, EstateService)]


def counted(found: Layout) -> int:
    lines = [line for line in found.lines if isinstance(line, Cells)]
    return sum(spot.number for line in lines for spot in line.spots if isinstance(spot, Count))


@given(services=ESTATES, width=st.integers(1, 260), height=st.integers(1, 80))
def test_every_hit_service_stands_there_once(
    services: Sequence[EstateService], width: int, height: int
) -> None:
    found = lay_out(services, width, height)
    there = shown(found)
    assert len(there) == len(set(there))
    assert {s for s in services if is_hit(s)} <= set(there)
    headings = [line for line in found.lines if isinstance(line, Heading)]
    assert sum(line.services for line in headings) == len(services)
    assert sum(line.hit for line in headings) == sum(map(is_hit, services))
    if found.density is Density.DENSE:
        assert len(there) + counted(found) <= len(services)
    else:
        assert set(there) == set(services)
        assert len(found.lines) <= height


@given(services=ESTATES)
def test_the_worst_of_a_tier_stands_first(services: Sequence[EstateService]) -> None:
    found = lay_out(services, 120, 400)
    worst: dict[str, list[str]] = {}
    name = ""
    for line in found.lines:
        if isinstance(line, Heading):
            name = line.name
            worst[name] = [line.worst]
        elif isinstance(line, Cells) and line.part == 0:
            worst[name] += [s.state for s in line.spots if isinstance(s, EstateService)]
    assert all(states[0] == states[1] for states in worst.values())


def test_third_parties_and_places_stand_apart() -> None:
    services = (
        service("shop", "well", 1), service("pay", "down", 0, kind="third_party"),
        service("eu", "well", 0, kind="region"),
    )  # fmt: skip
    names = [line.name for line in lay_out(services, 80, 40).lines if isinstance(line, Heading)]
    assert names == ["tier 1", "third parties", "regions and zones"]


def test_a_quiet_estate_is_quiet() -> None:
    quiet = tuple(replace(s, state="well", incidents=(), severity=None) for s in estate().services)
    assert lay_out(quiet, 120, 60).density is Density.ROOMY
    dense = lay_out(quiet, 80, 5)
    assert all(isinstance(line, Heading) for line in dense.lines), "the headings say it all"


class MapApp(App[None]):
    """Only the map."""

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "dark"

    def compose(self) -> ComposeResult:
        """The map over the whole screen."""
        yield Counting(title="Map")

    @property
    def map(self) -> Counting:
        """The map."""
        return self.query_one(Counting)


class Counting(EstateMap):
    """Counts the lines that are made."""

    made = 0

    def content_line(self, index: int, width: int) -> Line:
        """Count, then make."""
        self.made += 1
        return super().content_line(index, width)


def roles(view: EstateMap) -> set[Role]:
    return {cell.role for line in view._drawn.values() for cell in line.cells if cell.shown.strip()}


async def test_nothing_is_coloured_when_all_is_well() -> None:
    app = MapApp()
    async with app.run_test(size=(200, 60)) as pilot:
        quiet = tuple(replace(s, state="well", incidents=()) for s in estate().services)
        app.map.show_estate(EstatePicture(quiet, "", NOW))
        await pilot.pause()
        assert roles(app.map) <= {Role.QUIET, Role.FRAME, Role.TITLE, Role.PLAIN, Role.CHOSEN}
        app.map.show_estate(estate())
        await pilot.pause()
        assert {Role.NOW_LOUD, Role.NOW, Role.SOON} <= roles(app.map)


async def test_ten_thousand_services_cost_only_the_lines_in_sight() -> None:
    app = MapApp()
    many = tuple(
        service(f"s{n:05}", "down" if n % 7 == 0 else "well", n % 6) for n in range(10_000)
    )
    async with app.run_test(size=(120, 40)) as pilot:
        app.map.show_estate(EstatePicture(many, "all down", NOW))
        await pilot.pause()
        assert app.map.density is Density.DENSE
        app.map.made = 0
        app.map.show_estate(EstatePicture((*many,), "all down", NOW))
        await pilot.pause()
        assert app.map.made <= 2 * 40
        await pilot.press("end")
        await pilot.pause()
        chosen = app.map.chosen
        assert chosen is not None
        assert chosen.key == max(s.key for s in many if s.state == "down" and s.tier == 5)


async def test_the_chosen_service_stays_chosen_and_the_keys_reach_every_one() -> None:
    app = MapApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.map.focus()
        app.map.show_estate(estate())
        await pilot.pause()
        plan = app.map._plan
        assert plan is not None
        wanted = {s.key for s in shown(plan)}
        reached = set()
        for _ in wanted:
            await pilot.press("right")
            assert app.map.chosen is not None
            reached.add(app.map.chosen.key)
        assert reached == wanted
        await pilot.press("home")
        first = app.map.chosen
        await pilot.press("down", "down")
        below = app.map.chosen
        assert first is not None
        assert below is not None
        assert below != first
        await pilot.press("up", "up")
        assert app.map.chosen == first
        worse = tuple(
            replace(s, state="down") if s.key == below.key else s for s in estate().services
        )
        await pilot.press("down", "down")
        app.map.show_estate(EstatePicture(worse, "x", NOW))
        await pilot.pause()
        assert app.map.chosen is not None
        assert app.map.chosen.key == below.key


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (250, 70), (20, 5), (1, 1)], ids=str)
async def test_hostile_names_fit_and_steer_nothing(size: tuple[int, int]) -> None:
    app = MapApp()
    services = tuple(
        EstateService(t, t, t, n % 6, t, t, t, STATES[n % 8], (n,), 1) for n, t in enumerate(TEXTS)
    )
    async with app.run_test(size=size) as pilot:
        app.map.show_estate(EstatePicture(services, TEXTS[0], NOW, truncated=True))
        app.map.focus()
        await pilot.press("right", "end", "pagedown", "home")
        await pilot.pause()
        for line in app.map._drawn.values():
            words = "".join(cell.shown for cell in line.cells)
            assert all(ord(char) >= 32 and not 0x7F <= ord(char) < 0xA0 for char in words)
            if size[0] >= 20:
                assert cell_len(words) == size[0]


async def test_an_empty_estate_says_so() -> None:
    app = MapApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.map.show_estate(EstatePicture((), "", NOW))
        await pilot.press("right", "down", "enter")
        await pilot.pause()
        words = "".join(c.shown for line in app.map._drawn.values() for c in line.cells)
        assert "No service is known." in words
