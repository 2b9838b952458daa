"""Triage at the keys: what waits is seen in the room, accepted, merged, dismissed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.live import LiveRoom
from tests.console.pilot import running, shown
from tests.helpers import wait_until

HOSTILE = "\x1b[31mred\x1b[0m\u202eflow"


@pytest.fixture
def waiting(live: LiveRoom) -> LiveRoom:
    """Three alerts that a rule asks about, and an open incident."""
    live.declare("The shop is slow", 2)
    rule = {"key": "ask", "kind": "declare", "spec": {"outcome": "triage"}}
    live.call("POST", "/v1/alert-rules", rule)
    live.call("POST", "/v1/services", {"key": "blog", "tier": 2})
    token = live.call("POST", "/v1/sources", {"key": "am"})["token"]
    alerts = [
        {"labels": {"alertname": f"A{n}", "service": "blog", "severity": "critical"},
         "annotations": {"summary": f"{HOSTILE} {n}" if n == 3 else f"Queue {n} grows"},
         "startsAt": "2026-01-01T10:00:00Z"}
        for n in (1, 2, 3)
    ]  # fmt: skip
    for alert in alerts:
        live.call("POST", "/api/v2/alerts", [alert], token=token)
    return live


def fates(live: LiveRoom) -> list[Any]:
    return live.fetch("select title, state, reason from warroom.triage_item order by id")


async def test_what_waits_is_decided_by_three_keys(waiting: LiveRoom) -> None:
    async with running(waiting.door) as pilot:
        await wait_until(lambda: "3 in triage" in shown(pilot), what="the sign in the room")
        await pilot.press("T")
        await wait_until(lambda: "Queue 1 grows" in shown(pilot), what="what waits")
        assert "rule ask asks" in shown(pilot)
        assert "\x1b[31m" not in shown(pilot)
        assert "\u202e" not in shown(pilot)
        await pilot.press("a")
        await wait_until(lambda: "Declare an incident" in shown(pilot), what="the question")
        await pilot.press("2")
        await wait_until(lambda: "INC-2 declared: Queue 1" in shown(pilot), what="the outcome")
        await wait_until(lambda: "2 wait" in shown(pilot), what="the list without it")
        await pilot.press("home", "m")
        await wait_until(lambda: "Part of which?" in shown(pilot), what="the question")
        await pilot.press(*"INC-1", "enter")
        await wait_until(lambda: "INC-1 took it in: Queue 2" in shown(pilot), what="the outcome")
        await wait_until(lambda: "1 wait" in shown(pilot), what="the list without it")
        await pilot.press("home", "d")
        await wait_until(lambda: "Why is it nothing?" in shown(pilot), what="the question")
        await pilot.press(*"test", "enter")
        await wait_until(lambda: "Nothing waits for a person" in shown(pilot), what="the end")
        await pilot.press("escape")
        await wait_until(lambda: "in triage" not in shown(pilot), what="the room without the sign")
    found = fates(waiting)
    assert [state for _, state, _ in found] == ["accepted", "merged", "dismissed"]
    assert found[2][2] == "test"


async def test_at_eighty_columns_every_key_and_every_line_is_there(waiting: LiveRoom) -> None:
    async with running(waiting.door, size=(80, 24)) as pilot:
        await wait_until(lambda: "3 triage" in shown(pilot), what="the sign in the room")
        await pilot.press("T")
        await wait_until(lambda: "Queue 2 grows" in shown(pilot), what="what waits")
        for word in ("accept", "merge", "dismiss", "back"):
            assert word in shown(pilot)
        await pilot.press("d")
        await wait_until(lambda: "Why is it nothing?" in shown(pilot), what="the question")
        await pilot.press("escape", "escape")
    assert {state for _, state, _ in fates(waiting)} == {"waiting"}
