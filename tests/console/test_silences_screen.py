"""The screen of the silences: what it shows, what it asks, what it sends, on a real room too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from textual.pilot import Pilot

from screens.messages import PaneArrived, PaneTrouble
from screens.silences import SilencesScreen
from tests.console.live import LiveRoom
from tests.console.pilot import running, shown, still_app
from tests.console.samples import NOW
from tests.console.test_impact_keys import filled, noting
from tests.console.test_live_commands import flat, question, said, typed
from tests.console.test_screens import SIZES, fill
from tests.helpers import wait_until
from warroom.domain.panes import Pane, PaneWatch
from warroom.domain.safe_text import safe_text
from warroom.domain.silence import Matcher
from warroom.domain.silence_picture import HeldAlert, SilenceRow, SilencesPicture

HOSTILE = "\x1b]0;gone\x07[red]\u202edrab\u200b[/red]"


def silence(n: int, minutes: int, comment: str = "new switches", **more: Any) -> SilenceRow:
    matchers = (Matcher("service", "pay.*", regex=True), Matcher("env", "prod"))
    return SilenceRow(
        UUID(int=n), more.pop("matchers", matchers), comment, "ana", NOW - timedelta(minutes=5),
        NOW + timedelta(minutes=minutes), **more,
    )  # fmt: skip


def picture() -> SilencesPicture:
    rows = (
        silence(1, 3),
        replace(silence(2, 90, "the region moves"), starts_at=NOW + timedelta(minutes=30)),
        silence(3, 600, HOSTILE, matchers=(Matcher("a", HOSTILE),)),
        silence(4, 60, expired_at=NOW - timedelta(minutes=1), ended_by="luc"),
    )
    held = tuple(
        HeldAlert(UUID(int=n), f"Down{n}", f"{n} is down {HOSTILE}", n, f"pay-{n}",
                  NOW - timedelta(minutes=n), "silenced by ana until 11:40 UTC: new switches")
        for n in (1, 3)
    )  # fmt: skip
    return SilencesPicture(rows, held, 1402, NOW)


async def show(pilot: Pilot[Any], *keys: str) -> None:
    """Open the screen, filled."""
    await fill(pilot)
    await pilot.press("S")
    await pilot.pause()
    watch = PaneWatch(frozenset({Pane.SILENCES}))
    pilot.app.post_message(PaneArrived(Pane.SILENCES, picture(), watch, 999.8))
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", [SIZES[0], (160, 45)], ids=str)
def test_the_silences(snap_compare: Any, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await show(pilot, "down", "up")

    assert snap_compare(still_app(), terminal_size=size, run_before=run)


async def test_they_are_read_only_while_they_are_shown() -> None:
    app = noting()
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot)
        before = app.watches[-1]
        await pilot.press("S")
        await pilot.pause()
        assert app.watches[-1].panes == {Pane.SILENCES}
        assert "Reading the silences" in shown(pilot)
        app.post_message(PaneTrouble(Pane.SILENCES, safe_text("the database does not answer")))
        await pilot.pause()
        assert "does not answer" in shown(pilot)
        app.post_message(PaneArrived(Pane.SILENCES, picture(), app.watches[-1], 999.9))
        await pilot.pause()
        screen = shown(pilot)
        for words in (
            'service=~"pay.*", env="prod"', "03:00 left", "in 30:00", "by luc",
            "1,402 alerts fire and open nothing; the worst 2", "silenced by ana",
        ):  # fmt: skip
            assert words in screen, words
        one = replace(picture(), held=picture().held[:1], held_count=1)
        app.post_message(PaneArrived(Pane.SILENCES, one, app.watches[-1], 999.9))
        await pilot.pause()
        assert "held back: 1 alert fires and opens nothing" in shown(pilot)
        assert "· 1 alert held back" in shown(pilot)
        assert "\x1b" not in screen
        assert "\u202e" not in screen
        assert "[red]" in screen, "markup is shown, never obeyed"
        await pilot.press("escape")
        await pilot.pause()
        assert app.watches[-1].panes == before.panes


async def test_one_that_is_over_is_not_ended_again() -> None:
    app = noting()
    async with app.run_test(size=(120, 40)) as pilot:
        await filled(pilot, "S")
        app.post_message(PaneArrived(Pane.SILENCES, picture(), app.watches[-1], 999.9))
        await pilot.pause()
        await pilot.press("end", "x")
        await pilot.pause()
        assert isinstance(app.screen, SilencesScreen), "nothing was asked"


async def test_a_silence_is_made_seen_in_the_room_and_ended(live: LiveRoom) -> None:
    token = str(live.call("POST", "/v1/sources", {"key": "am"})["token"])
    down = [{"labels": {"alertname": "Down", "service": "pay", "severity": "critical"}}]
    async with running(live.door, (160, 45)) as pilot:
        await typed(pilot, "S")
        await wait_until(lambda: "No silence is in force" in shown(pilot), what="the empty list")
        await typed(pilot, "n")
        await question(pilot, "Silence alerts")
        await typed(pilot, "service=pay", "enter", "ctrl+s")
        await question(pilot, "A reason is needed. Nothing has been sent.")
        await typed(pilot, "new switches", "ctrl+s")
        await said(pilot, "service=pay is silenced for 2h")
        await wait_until(lambda: "new switches" in shown(pilot), what="the silence")
        live.call("POST", "/api/v2/alerts", down, token=token)
        await wait_until(lambda: "1 alert fires and opens" in flat(pilot), what="the held alert")
        assert "silenced by ana until" in flat(pilot)
        await typed(pilot, "escape")
        await wait_until(lambda: "1 silence in force" in flat(pilot), what="the sign in the room")
        await typed(pilot, "S")
        await wait_until(lambda: "new switches" in shown(pilot), what="the silence")
        await typed(pilot, "x")
        await question(pilot, "End this silence now?")
        await typed(pilot, "enter")
        await wait_until(lambda: "by ana · new switches" in flat(pilot), what="the end")
        live.call("POST", "/api/v2/alerts", down, token=token)
        await typed(pilot, "escape")
        await wait_until(lambda: "INC-1" in shown(pilot), what="the incident")
    assert live.call("GET", "/v1/audit/verify")["verified"]


async def test_a_refusal_is_said_and_changes_nothing(live: LiveRoom) -> None:
    async with running(live.door, (160, 45)) as pilot:
        await typed(pilot, "S")
        await wait_until(lambda: "No silence is in force" in shown(pilot), what="the empty list")
        await typed(pilot, "n")
        await question(pilot, "Silence alerts")
        await typed(pilot, "service=~.*", "enter", "ctrl+s")
        await question(pilot, "A reason is needed")
        await typed(pilot, "noise", "ctrl+s")
        await wait_until(
            lambda: "must not match the empty string" in flat(pilot), what="the refusal"
        )
    assert live.fetch("select count(*) from warroom.silence") == [(0,)]
