"""The restart waves: what is next, what waits, marks, and that a step stays chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.console.pane_samples import hostile_panes, impact, waves
from tests.console.samples import NOW
from warroom.console.themes import THEMES
from warroom.domain.reasoned import RestartWave
from widgets.impact_tree import back_words
from widgets.incident_lines import Mark
from widgets.restart_waves import RestartWaves


class WavesApp(App[None]):
    """Only the waves."""

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "dark"

    def compose(self) -> ComposeResult:
        """The waves over the whole screen."""
        yield RestartWaves(title="Restart")

    @property
    def waves(self) -> RestartWaves:
        """The waves."""
        return self.query_one(RestartWaves)

    def shown(self) -> str:
        """Return the screen as text."""
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(s.text for s in strip) for strip in strips)


def ticked(key: str, *, back: bool = True) -> tuple[RestartWave, ...]:
    """Return the waves with one service back, or not back any more."""
    return tuple(
        replace(
            wave,
            steps=tuple(
                replace(s, done_at=NOW if back else None, done_by="luc") if s.key == key else s
                for s in wave.steps
            ),
        )
        for wave in waves()
    )


def test_how_far_it_is_in_words() -> None:
    assert back_words(()) == ""
    assert back_words(waves()) == "restart 1 of 6 in 3 waves"
    assert back_words(waves()[1:]) == "restart in 2 waves"
    assert back_words(waves()[:1]) == "restart 1 of 1 in 1 wave"


def chosen(app: WavesApp) -> object:
    return app.waves.chosen_key


async def test_the_first_that_is_not_back_is_chosen_and_stays_chosen() -> None:
    app = WavesApp()
    async with app.run_test(size=(80, 40)) as pilot:
        app.waves.focus()
        app.waves.show_waves(impact(), NOW)
        await pilot.pause()
        assert chosen(app) == "orders"
        await pilot.press("down")
        assert chosen(app) == "catalogue"
        app.waves.show_waves(replace(impact(), waves=ticked("orders")), NOW)
        await pilot.pause()
        assert chosen(app) == "catalogue"
        found = app.waves.chosen_step
        assert found is not None
        assert (found[0].number, found[1].key) == (2, "catalogue")


async def test_a_wave_says_whether_it_may_begin() -> None:
    app = WavesApp()
    async with app.run_test(size=(80, 40)) as pilot:
        app.waves.show_waves(impact(), NOW)
        await pilot.pause()
        text = app.shown()
        assert "wave 1 · well · 1 of 1 back" in text
        assert "wave 2 · now · 2 side by side · 0 of 2 back" in text
        assert "wave 3 · when wave 2 is well · 3 side by side" in text
        assert "back 10:45:12 mira" in text
        assert "verify: Connections below 300 of 500" in text
        assert "cycle broken: basket needs orders" in text
        app.waves.show_waves(replace(impact(), waves=ticked("pg-main", back=False)), NOW)
        await pilot.pause()
        text = app.shown()
        assert "wave 1 · now · 0 of 1 back" in text
        assert "wave 2 · when wave 1 is well" in text
        assert [s.key for s in app.waves.missing_before(3)] == ["pg-main", "orders", "catalogue"]


async def test_marks_of_ticks_under_way() -> None:
    app = WavesApp()
    async with app.run_test(size=(80, 40)) as pilot:
        app.waves.show_waves(impact(), NOW)
        app.waves.show_marks({"orders": Mark.PENDING, "catalogue": Mark.UNKNOWN})
        await pilot.pause()
        assert "[…] ✖ orders" in app.shown()
        assert "[?] ▼ catalogue" in app.shown()
        app.waves.show_marks({})
        await pilot.pause()
        assert "[ ] ✖ orders" in app.shown()


async def test_no_waves_is_a_statement() -> None:
    app = WavesApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.waves.show_waves(replace(impact(), waves=()), NOW)
        await pilot.pause()
        assert "No restart order for INC-2041" in app.shown()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (250, 70), (20, 5), (1, 1)], ids=str)
async def test_hostile_text_fits_and_steers_nothing(size: tuple[int, int]) -> None:
    app = WavesApp()
    async with app.run_test(size=size) as pilot:
        app.waves.focus()
        app.waves.show_waves(hostile_panes()[0], NOW)
        await pilot.press("end", "pageup", "home", "down")
        await pilot.pause()
        for line in app.waves._drawn.values():
            words = "".join(cell.shown for cell in line.cells)
            assert all(ord(char) >= 32 and not 0x7F <= ord(char) < 0xA0 for char in words)
            if size[0] >= 20:
                assert cell_len(words) == size[0]
