"""The live list: selection by identity, whole incidents, only changed columns, large lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from textual.app import App, ComposeResult
from textual.geometry import Region

from tests.console.samples import NOW, ahead, incident, many, room
from warroom.console.themes import THEMES
from warroom.domain.picture import NextTimer
from widgets.incident_lines import Mark
from widgets.live_list import LiveList


class Watched(LiveList):
    """Remembers which regions were refreshed; ``None`` stands for everything."""

    refreshed: ClassVar[list[Region | None]] = []

    def refresh(self, *regions: Region, **options: Any) -> Any:
        """Note, then do."""
        if options.get("repaint", True):
            self.refreshed.extend(regions or [None])
        return super().refresh(*regions, **options)


class ListApp(App[None]):
    """Only the list."""

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "dark"

    def compose(self) -> ComposeResult:
        """One list over the whole screen."""
        yield Watched(title="Incidents")

    @property
    def list(self) -> Watched:
        """The list."""
        return self.query_one(Watched)


def lines(app: ListApp) -> list[str]:
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def columns_of(regions: Iterable[Region | None]) -> int:
    return sum(10_000 if r is None else r.area for r in regions)


async def test_the_selection_stays_on_its_incident() -> None:
    app = ListApp()
    async with app.run_test(size=(100, 20)) as pilot:
        rows = room()
        app.list.show_rows(rows, NOW)
        app.list.focus()
        await pilot.press("down", "down")
        chosen = app.list.selected
        assert chosen == rows[2]
        app.list.show_rows(tuple(reversed(rows)), NOW)
        assert app.list.selected == chosen
        app.list.show_rows(tuple(r for r in rows if r != chosen), NOW)
        assert app.list.selected == rows[4], "its neighbour, when it has gone"
        app.list.show_rows((), NOW)
        await pilot.press("down", "pageup", "end")
        assert app.list.selected is None


async def test_keys_and_mouse() -> None:
    app = ListApp()
    async with app.run_test(size=(100, 13)) as pilot:
        rows = many(50)
        app.list.show_rows(rows, NOW)
        app.list.focus()
        place = rows.index
        for keys, wanted in (
            (("end",), 49), (("up",), 48), (("home",), 0), (("pagedown",), 4), (("k",), 3),
            (("G",), 49), (("g", "j"), 1), (("pageup",), 0), (("up",), 0),
        ):  # fmt: skip
            await pilot.press(*keys)
            assert app.list.selected is not None
            assert place(app.list.selected) == wanted
        await pilot.click(Watched, offset=(10, 5))
        assert app.list.selected == rows[2]


async def test_only_whole_incidents_are_shown() -> None:
    app = ListApp()
    async with app.run_test(size=(100, 12)) as pilot:
        app.list.show_rows(many(50), NOW)
        app.list.focus()
        for _ in range(30):
            await pilot.press("down")
        await pilot.pause()
        assert "INC-" in lines(app)[1]
        await pilot.press("end")
        await pilot.pause()
        assert any("INC-50" in line for line in lines(app)[-4:])


async def test_a_change_refreshes_only_its_columns() -> None:
    app = ListApp()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = room()
        app.list.show_rows(rows, NOW)
        await pilot.pause()
        Watched.refreshed.clear()
        app.list.show_rows(rows, NOW)
        await pilot.pause()
        assert columns_of(Watched.refreshed) == 0, "the same picture costs nothing"
        changed = replace(rows[1], owner="mira", version=2)
        app.list.show_rows((rows[0], changed, *rows[2:]), NOW)
        await pilot.pause()
        assert 0 < columns_of(Watched.refreshed) <= 12
        Watched.refreshed.clear()
        app.list.show_marks({rows[0].id: Mark.PENDING})
        await pilot.pause()
        assert columns_of(Watched.refreshed) == 1
        Watched.refreshed.clear()
        app.list.tick(ahead(seconds=1))
        await pilot.pause()
        assert 0 < columns_of(Watched.refreshed) <= 6 * 5, "a second moves four clocks and an age"


async def test_wide_and_long_text_keeps_the_frame() -> None:
    titles = ("漢字" * 200, "🔥" * 200, "x" * 10_000, "é" * 300, "a漢" * 100, "")
    rows = tuple(
        incident(n, t, owner=t, services=room()[0].services, next_timer=NextTimer(t, NOW, t))
        for n, t in enumerate(titles, start=1)
    )
    for width in (40, 57, 80, 81, 120, 251):
        app = ListApp()
        async with app.run_test(size=(width, 20)) as pilot:
            app.list.show_rows(rows, NOW)
            await pilot.pause()
            for strip in app.screen._compositor.render_strips():
                assert strip.cell_length == width
                text = "".join(segment.text for segment in strip)
                assert text[-1] in "│╮╯"


async def test_ten_thousand_rows() -> None:
    app = ListApp()
    async with app.run_test(size=(100, 30)) as pilot:
        rows = many(10_000)
        app.list.show_rows(rows, NOW)
        app.list.focus()
        await pilot.press("end")
        await pilot.pause()
        assert app.list.selected == rows[-1]
        assert "10000 of 10000" in lines(app)[-1]
        app.list.select(UUID(int=5000))
        await pilot.pause()
        assert any("INC-5000" in line for line in lines(app))


async def test_clocks() -> None:
    app = ListApp()
    async with app.run_test(size=(120, 30)) as pilot:
        app.list.show_rows(room(), NOW)
        await pilot.pause()
        text = "\n".join(lines(app))
        assert "escalates → Mira (db)" in text
        assert "01:42" in text
        assert "OVERDUE 00:31" in text
        app.list.tick(ahead(seconds=103))
        await pilot.pause()
        assert "OVERDUE 00:01" in "\n".join(lines(app))
