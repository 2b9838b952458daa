"""The five panes by keys: focus, zoom, jump, older pages, filters, ages, odd sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from textual.pilot import Pilot

from screens.messages import OlderArrived, PaneArrived, PaneTrouble
from screens.room_layout import ORDER
from tests.console.hostile import hostile_rows
from tests.console.pane_samples import about, entry, health, hostile_panes, impact, log, timers
from tests.console.pilot import FixedClock, live_list, shown, still_app, war_room
from tests.console.test_screens import fill
from warroom.console.app import WarRoomApp
from warroom.domain.panes import Pane, PaneWatch, Picture
from warroom.domain.safe_text import safe_text
from widgets.impact_tree import ImpactTree
from widgets.timeline_list import TimelineList
from widgets.timers_list import TimersList


class Asking(WarRoomApp):
    """Remembers what the room asks the background for."""

    watches: list[PaneWatch]
    olders: list[UUID]

    def watch_panes(self, watch: PaneWatch) -> None:
        """Note."""
        self.watches.append(watch)

    def read_older(self, watch: PaneWatch, before: UUID) -> None:  # the desk's shape
        """Note."""
        self.olders.append(before)


def asking(clock: FixedClock | None = None) -> Asking:
    plain = still_app(clock)
    app = Asking(plain._options, monotonic_clock=clock or FixedClock())
    app.watches, app.olders = [], []
    return app


def visible(pilot: Pilot[Any]) -> set[Pane]:
    return {pane for pane in ORDER if war_room(pilot).pane(pane).display}


async def test_keys_move_the_focus_and_the_panes() -> None:
    app = asking()
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot)
        assert visible(pilot) == {Pane.BOARD}
        assert app.watches[-1].panes == frozenset(), "what is not visible is not read"
        for key, pane in zip("2345", ORDER[1:], strict=True):
            await pilot.press(key)
            assert visible(pilot) == {pane}
            assert app.watches[-1].panes == {pane}
            assert app.focused is war_room(pilot).pane(pane)
        await pilot.press("tab")
        assert visible(pilot) == {Pane.BOARD}
        await pilot.press("shift+tab")
        assert visible(pilot) == {Pane.HEALTH}
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert visible(pilot) == {Pane.BOARD, Pane.HEALTH, Pane.TIMELINE}
        await pilot.press("2")
        assert visible(pilot) == {Pane.BOARD, Pane.IMPACT, Pane.TIMELINE}
        await pilot.resize_terminal(160, 45)
        await pilot.pause()
        assert visible(pilot) == set(ORDER)
        await pilot.press("z")
        assert visible(pilot) == {Pane.IMPACT}
        await pilot.press("z")
        assert visible(pilot) == set(ORDER)


async def test_the_chosen_incident_drives_impact_and_timeline() -> None:
    app = asking()
    async with app.run_test(size=(160, 45)) as pilot:
        await fill(pilot)
        assert "pg-main  " in shown(pilot)
        old = war_room(pilot)._watch_now
        await pilot.press("down")
        await pilot.pause()
        chosen = live_list(pilot).selected
        assert chosen is not None
        assert app.watches[-1].incident == chosen.id
        assert "Reading INC-2044" in shown(pilot), "never the other incident's impact"
        app.post_message(PaneArrived(Pane.IMPACT, impact(), old, 999.9))
        await pilot.pause()
        assert "Reading INC-2044" in shown(pilot), "an answer to an older question is dropped"


async def test_jump_goes_to_panes_and_incidents() -> None:
    app = asking()
    async with app.run_test(size=(160, 45)) as pilot:
        await fill(pilot)
        await pilot.press("apostrophe")
        await pilot.pause()
        assert "[d] 3 Timers" in shown(pilot)
        await pilot.press("d")
        await pilot.pause()
        assert war_room(pilot).focused_pane is Pane.TIMERS
        assert "[d]" not in shown(pilot)
        await pilot.press("apostrophe", "j")
        await pilot.pause()
        assert live_list(pilot).selected == live_list(pilot)._rows[1]
        await pilot.press("apostrophe", "escape")
        await pilot.pause()
        assert "[d]" not in shown(pilot)


async def test_older_pages_come_as_one_scrolls_without_a_limit() -> None:
    app = asking()
    async with app.run_test(size=(160, 45)) as pilot:
        await fill(pilot)
        room = war_room(pilot)
        watch, incident = room._watch_now, room._watch_now.incident
        assert incident is not None
        page = [entry(n, "fact", f"entry {n}", 1000 - n) for n in range(1000, 900, -1)]
        first = replace(log(), incident_id=incident, rows=tuple(page), older=page[-1].id, pins=())
        app.post_message(PaneArrived(Pane.TIMELINE, first, watch, 999.9))
        await pilot.press("4")
        await pilot.pause()
        assert app.olders == [], "not before the end comes near"
        for number in range(3):
            await pilot.press("end")
            await pilot.pause()
            assert len(app.olders) == number + 1, "asked once a page"
            start = 900 - number * 100
            rows = [entry(n, "fact", f"entry {n}", 1000 - n) for n in range(start, start - 100, -1)]
            last = None if number == 2 else rows[-1].id
            older = replace(first, rows=tuple(rows), older=last)
            app.post_message(OlderArrived(older, watch))
            await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert room.timeline.entry_count == 400
        assert "entry 601" in shown(pilot)
        newer = entry(1001, "decision", "tail goes on", 0)
        tail = replace(first, rows=(newer, *page[:-1]))
        app.post_message(PaneArrived(Pane.TIMELINE, tail, watch, 999.9))
        await pilot.press("home")
        await pilot.pause()
        assert room.timeline.entry_count == 401
        assert "tail goes on" in shown(pilot)
        chosen = room.timeline.chosen_entry
        assert chosen is not None
        assert chosen.text == "tail goes on"


async def test_the_timeline_filters_by_kind() -> None:
    app = asking()
    async with app.run_test(size=(160, 45)) as pilot:
        await fill(pilot)
        await pilot.press("4", "i")
        await pilot.pause()
        assert app.watches[-1].kinds == ("decision",)
        assert "only decisions" in shown(pilot)
        seen = []
        for _ in range(6):
            await pilot.press("i")
            await pilot.pause()
            seen.append(app.watches[-1].kinds)
        assert seen[-3:] == [("status",), ("automation",), ()], "each alone, then all again"


async def test_one_dead_pane_says_so_and_the_others_live() -> None:
    clock = FixedClock()
    app = asking(clock)
    async with app.run_test(size=(160, 45)) as pilot:
        await fill(pilot)
        app.post_message(PaneTrouble(Pane.IMPACT, safe_text("the database does not answer")))
        await pilot.pause()
        clock.seconds += 12
        for pane, picture in ((Pane.TIMERS, timers()), (Pane.HEALTH, health())):
            watch = war_room(pilot)._watch_now
            app.post_message(PaneArrived(pane, picture, watch, clock.seconds))
        await pilot.pause()
        war_room(pilot).tick()
        await pilot.pause()
        text = shown(pilot)
        assert "stale 12 s: the database does not answer" in text
        assert "pg-main  " in text, "the old picture stays, marked as old"
        health_border = next(line for line in text.split("\n")[::-1] if "╰" in line)
        assert "live 0.0 s" in health_border


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (12, 3), (400, 120)], ids=str)
async def test_odd_sizes_do_not_crash(size: tuple[int, int]) -> None:
    app = asking()
    async with app.run_test(size=(160, 45)) as pilot:
        await fill(pilot)
        await pilot.resize_terminal(*size)
        for key in ("2", "3", "4", "5", "tab", "z", "apostrophe", "escape", "1"):
            await pilot.press(key)
        await fill(pilot)
        await pilot.resize_terminal(160, 45)
        await pilot.pause()
        assert "Checkout failing" in shown(pilot)


async def test_hostile_text_in_every_field_of_every_pane() -> None:
    app = asking()
    async with app.run_test(size=(250, 70)) as pilot:
        from screens.messages import BoardArrived
        from tests.console.samples import board

        app.post_message(BoardArrived(board(hostile_rows()), 999.8))
        await pilot.pause()
        watch = war_room(pilot)._watch_now
        pictures: list[Picture] = [*hostile_panes()]
        for pane, picture in zip(ORDER[1:], pictures, strict=True):
            shown_one = about(picture, watch.incident)
            app.post_message(PaneArrived(pane, shown_one, watch, 999.9))
        await pilot.pause()
        for number in "2345":
            await pilot.press(number, "end", "z", "home", "pagedown", "z")
        text = shown(pilot)
        assert "␛]52;c;ZXZpbA==␇" in text
        bad = [c for c in text if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0)]
        assert bad == []
        assert app.is_running


async def test_saved_views_and_their_key() -> None:
    app = asking()
    async with app.run_test(size=(120, 40)) as pilot:
        await fill(pilot)
        await pilot.press("b")
        await pilot.pause()
        assert "view “mine” · 1 of 6" in shown(pilot)
        assert "Card payments slow" not in shown(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert "INC-2044" in shown(pilot)


async def test_help_begins_with_the_focused_pane() -> None:
    app = asking()
    async with app.run_test(size=(120, 40)) as pilot:
        await fill(pilot)
        await pilot.press("4", "question_mark")
        await pilot.pause()
        text = shown(pilot)
        assert text.index("In the timeline") < text.index("To the chosen incident")


async def test_what_is_chosen_in_a_pane() -> None:
    app = asking()
    async with app.run_test(size=(160, 45)) as pilot:
        await fill(pilot)
        room = war_room(pilot)
        await pilot.press("2", "down", "down")
        assert room.query_one(ImpactTree).chosen_service == "orders"
        await pilot.press("4", "down")
        entry_ = room.query_one(TimelineList).chosen_entry
        assert entry_ is not None
        assert entry_.text.startswith("Status page")
        await pilot.press("3", "down")
        timer = room.query_one(TimersList).chosen_timer
        assert timer is not None
        assert timer.number == 2039
        await pilot.pause()
        chosen = room.chosen()
        assert chosen is not None
        assert chosen.number == 2039, "commands are about the incident whose clock is chosen"
