"""The keys of the impact pane, the restart screen and the map: what they ask, send and read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from textual.pilot import Pilot

from screens.commands import Command, CommandState, Fate, Kind
from screens.estate import EstateScreen
from screens.incident_detail import IncidentScreen
from screens.messages import CommandChanged, PaneArrived, PaneTrouble
from screens.restart import RestartScreen
from tests.console.estate_samples import estate
from tests.console.pane_samples import impact, waves
from tests.console.pilot import FixedClock, shown, still_app, war_room
from tests.console.samples import NOW
from tests.console.test_screens import fill
from warroom.console.app import WarRoomApp
from warroom.domain.change import ChangeRow, ChangesPicture
from warroom.domain.panes import ImpactPicture, Pane, PaneWatch
from warroom.domain.safe_text import safe_text
from widgets.estate_map import EstateMap
from widgets.restart_waves import RestartWaves


class Noting(WarRoomApp):
    """Remembers what is sent and what is wanted to be read; nothing leaves it."""

    sent: list[Command]
    watches: list[PaneWatch]

    def submit(self, command: Command) -> None:
        """Note, and mark as pending."""
        self.sent.append(command)
        self._forward(CommandChanged(CommandState(command, Fate.PENDING, safe_text("…"))))

    def watch_panes(self, watch: PaneWatch) -> None:
        """Note."""
        self.watches.append(watch)


def noting() -> Noting:
    app = Noting(still_app()._options, monotonic_clock=FixedClock())
    app.sent, app.watches = [], []
    return app


async def filled(pilot: Pilot[Any], *keys: str) -> None:
    """Fill the room, its impact about the chosen incident, and press some keys."""
    await fill(pilot)
    watch = war_room(pilot)._watch_now
    if watch.incident is not None:
        picture = replace(impact(), incident_id=watch.incident)
        pilot.app.post_message(PaneArrived(Pane.IMPACT, picture, watch, 999.9))
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await pilot.pause()


async def answer(pilot: Pilot[Any], command: Command, fate: Fate, sentence: str = "x") -> None:
    pilot.app.post_message(CommandChanged(CommandState(command, fate, safe_text(sentence))))
    await pilot.pause()
    await pilot.pause()


async def picture_with(pilot: Pilot[Any], picture: ImpactPicture, incident: UUID) -> None:
    watch = PaneWatch(frozenset({Pane.IMPACT}), incident)
    mine = replace(picture, incident_id=incident)
    pilot.app.post_message(PaneArrived(Pane.IMPACT, mine, watch, 999.9))
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=str)
async def test_o_pages_the_owner_of_the_chosen_service(size: tuple[int, int]) -> None:
    app = noting()
    async with app.run_test(size=size) as pilot:
        await filled(pilot, "2", "down", "down", "o")
        assert "Page the owner of orders · INC-2041" in shown(pilot)
        assert "orders: down, tier 1, team commerce" in shown(pilot)
        await pilot.press(*"look", "enter")
        await pilot.pause()
        assert [c.kind for c in app.sent] == [Kind.PAGE]
        assert app.sent[0].wish.args == {"service": "orders", "note": "look"}


async def test_o_pages_the_owner_of_a_suspect_without_a_note() -> None:
    app = noting()
    async with app.run_test(size=(160, 45)) as pilot:
        await filled(pilot, "2")
        tree = war_room(pilot).impact
        while tree.chosen_suspect is None or tree.chosen_suspect.key != "acmepay":
            await pilot.press("down")
        await pilot.press("o", "enter")
        await pilot.pause()
        assert app.sent[0].wish.args == {"service": "acmepay", "note": None}


async def test_with_no_service_chosen_it_is_asked_for() -> None:
    app = noting()
    async with app.run_test(size=(160, 45)) as pilot:
        await filled(pilot, "2", "o")
        assert "The owner of which service?" in shown(pilot)
        await pilot.press(*"catal", "enter")
        await pilot.pause()
        assert "Page the owner of catalogue" in shown(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert app.sent == []


async def test_the_keys_of_the_pane_win_only_while_it_has_the_focus() -> None:
    app = noting()
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot, "o")
        assert "Owner of INC-2041" in shown(pilot)
        await pilot.press("escape", "w")
        await pilot.pause()
        assert "Snooze INC-2041" in shown(pilot)
        await pilot.press("escape", "space")
        await pilot.pause()
        assert len(war_room(pilot).marked()) == 1
        bar = shown(pilot).split("\n")[-1]
        assert "fold" not in bar
        assert "page owner" not in bar
        await pilot.press("escape", "2")
        await pilot.pause()
        bar = shown(pilot).split("\n")[-1]
        assert bar.split("  ")[0].strip() == "a ack", "acknowledge is always visible"
        assert "Space fold" in bar
        assert "o page owner" in bar
        assert "o owner" not in bar
        await pilot.press("question_mark")
        await pilot.pause()
        text = shown(pilot)
        assert text.index("In the impact") < text.index("To the chosen incident")


@pytest.mark.parametrize(
    ("key", "verdict", "said"),
    [("s", "suspected", "suspected"), ("c", "cause", "the cause"), ("x", "cleared", "cleared")],
)
async def test_l_judges_the_chosen_change(key: str, verdict: str, said: str) -> None:
    app = noting()
    async with app.run_test(size=(160, 45)) as pilot:
        await filled(pilot, "2")
        tree = war_room(pilot).impact
        while tree.chosen_suspect is None or tree.chosen_suspect.change is None:
            await pilot.press("down")
        await pilot.press("l")
        await pilot.pause()
        assert "deploy orders 4.18 · INC-2041" in shown(pilot)
        assert "deployed 4 min before the first alert" in shown(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert app.sent[0].kind is Kind.CHANGE
        assert app.sent[0].wish.args == {"change": str(UUID(int=418)), "verdict": verdict}
        assert app.sent[0].wish.done == f"deploy orders 4.18 is {said}"
        assert app.sent[0].version == 1, "it changes the incident as it was seen"


async def test_with_no_change_chosen_it_is_asked_for() -> None:
    app = noting()
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(pilot, "2", "l")
        assert "Which change?" in shown(pilot)
        assert app.watches[-1].panes == war_room(pilot)._watch_now.panes | {Pane.CHANGES}
        assert "deploy orders 4.18" in shown(pilot)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert app.sent == []
        assert app.watches[-1].panes == war_room(pilot)._watch_now.panes, "read while it is asked"


async def test_l_offers_what_is_near_and_the_last_changes_by_words_or_by_id() -> None:
    app = noting()
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(pilot, "2")
        watch = war_room(pilot)._watch_now
        assert watch.incident is not None
        none = replace(impact(), suspects=(), incident_id=watch.incident)
        app.post_message(PaneArrived(Pane.IMPACT, none, watch, 999.9))
        await pilot.pause()
        await pilot.press("l")
        await pilot.pause()
        assert "Reading the changes …" in shown(pilot)
        near = ChangeRow(UUID(int=1), NOW, "config", "artists-db", "pool [red]50\x1b[0m", by="sara",
                         verdict="suspected", minutes_before=4)  # fmt: skip
        far = ChangeRow(UUID(int=2), NOW, "flag", "basket", "new basket", "4.18", minutes_before=-7)
        picture = ChangesPicture(watch.incident, (near,), (far,))
        app.post_message(PaneArrived(Pane.CHANGES, picture, app.watches[-1], 999.9))
        await pilot.pause()
        assert "config artists-db pool [red]50␛[0m" in shown(pilot)
        assert "4m before · sara · suspected" in shown(pilot)
        assert "7m after · 4.18" in shown(pilot)
        await pilot.press(*"new basket", "enter")
        await pilot.pause()
        assert "flag new basket · INC-2041" in shown(pilot)
        await pilot.press("c")
        await pilot.pause()
        assert app.sent[0].wish.args == {"change": str(UUID(int=2)), "verdict": "cause"}
        await pilot.press("l")
        await pilot.pause()
        await pilot.press(*"nothing", "enter")
        await pilot.pause()
        assert "No change is like that." in shown(pilot)
        for _ in "nothing":
            await pilot.press("backspace")
        await pilot.press(*str(UUID(int=3)), "enter")
        await pilot.pause()
        await pilot.press("s")
        await pilot.pause()
        assert app.sent[1].wish.args == {"change": str(UUID(int=3)), "verdict": "suspected"}


async def test_w_shows_the_waves_of_the_chosen_incident_and_reads_only_them() -> None:
    app = noting()
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(pilot, "2")
        room_watch = app.watches[-1]
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(app.screen, RestartScreen)
        assert app.watches[-1] == PaneWatch(frozenset({Pane.IMPACT}), room_watch.incident)
        assert "wave 2 · now · 2 side by side" in shown(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen_stack == [war_room(pilot)]
        assert app.watches[-1] == room_watch


async def test_a_tick_is_pending_until_the_picture_has_it() -> None:
    app = noting()
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(pilot, "2", "w")
        incident = war_room(pilot)._watch_now.incident
        assert incident is not None
        await pilot.press("space")
        await pilot.pause()
        assert app.sent[0].kind is Kind.RESTART
        assert app.sent[0].wish.args == {"service": "orders", "done": True}
        assert "[…] ✖ orders" in shown(pilot)
        await pilot.press("space")
        assert len(app.sent) == 1, "not twice while one is under way"
        await answer(pilot, app.sent[0], Fate.UNKNOWN)
        assert "[?] ✖ orders" in shown(pilot)
        await answer(pilot, app.sent[0], Fate.DONE)
        assert "[…] ✖ orders" in shown(pilot), "the picture does not have it yet"
        steps = tuple(replace(s, done_by="ana", done_at=NOW) for s in waves()[1].steps[:1])
        after = (waves()[0], replace(waves()[1], steps=(*steps, *waves()[1].steps[1:])), waves()[2])
        await picture_with(pilot, replace(impact(), waves=after), incident)
        assert "[✓] ✓ orders" in shown(pilot)
        assert "back 10:47:12 ana" in shown(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent[1].wish.args == {"service": "orders", "done": False}, "taken away again"


async def test_several_services_are_ticked_side_by_side() -> None:
    app = noting()
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(pilot, "2", "w", "space", "down", "space")
        assert [c.wish.args["service"] for c in app.sent] == ["orders", "catalogue"]


async def test_a_refused_tick_leaves_the_box_as_it_was() -> None:
    app = noting()
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot, "2", "w", "space")
        await answer(pilot, app.sent[0], Fate.REFUSED, "orders was ticked already, by luc")
        assert "[ ] ✖ orders" in shown(pilot)
        assert "ticked already" in shown(pilot)


async def test_a_service_of_a_later_wave_is_asked_about() -> None:
    app = noting()
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(pilot, "2", "w", "down", "down", "space")
        assert "checkout is back already?" in shown(pilot)
        assert "Not back yet: orders, catalogue" in shown(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert app.sent == []
        await pilot.press("space")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent[0].wish.args == {"service": "checkout", "done": True}


async def test_another_incidents_waves_are_never_shown() -> None:
    app = noting()
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot, "2", "w")
        await picture_with(pilot, replace(impact(), waves=()), UUID(int=999))
        assert "wave 2 · now" in shown(pilot)


async def test_the_map_is_read_only_while_it_is_shown() -> None:
    app = noting()
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        assert all(Pane.ESTATE not in watch.panes for watch in app.watches)
        before = app.watches[-1]
        await pilot.press("m")
        await pilot.pause()
        assert app.watches[-1].panes == {Pane.ESTATE}
        assert "Reading the estate" in shown(pilot)
        app.post_message(PaneTrouble(Pane.ESTATE, safe_text("the database does not answer")))
        await pilot.pause()
        assert "does not answer" in shown(pilot)
        app.post_message(PaneArrived(Pane.ESTATE, estate(), app.watches[-1], 999.9))
        await pilot.pause()
        assert "checkout down, payments degraded" in shown(pilot)
        # Boards go on coming; the room beneath must not take the reads back.
        await fill(pilot)
        assert app.watches[-1].panes == {Pane.ESTATE}
        await pilot.press("escape")
        await pilot.pause()
        assert app.watches[-1].panes == before.panes


async def test_enter_opens_the_worst_incident_of_a_service() -> None:
    app = noting()
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot, "m")
        app.post_message(PaneArrived(Pane.ESTATE, estate(), app.watches[-1], 999.9))
        await pilot.pause()
        view = app.screen.query_one(EstateMap)
        while view.chosen is None or view.chosen.key != "payments":
            await pilot.press("right")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, IncidentScreen)
        assert app.screen.ref == "INC-2044"
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, EstateScreen)


async def test_the_palette_has_the_pane_and_the_map() -> None:
    app = noting()
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        names = {command.title for command in app.get_system_commands(app.screen)}
        assert "Show in which order to bring it back, and tick it off" in names
        assert "Map of the whole estate, by tier and health" in names
        command = next(c for c in app.get_system_commands(app.screen) if "which order" in c.title)
        command.callback()
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, RestartScreen)
        assert app.screen.query_one(RestartWaves).has_focus
