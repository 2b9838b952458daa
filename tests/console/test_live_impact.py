"""The keys of the impact pane on a real API and database, and the map as it is read."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.console.live import LiveRoom
from tests.console.pilot import live_list, running, shown, war_room
from tests.helpers import wait_until
from widgets.estate_map import EstateMap

WAVES = [
    {"number": 1, "steps": [
        {"key": "pg", "name": "pg", "tier": 0, "team": "db", "state": "down", "verify": "lag"}]},
    {"number": 2, "steps": [
        {"key": "web", "name": "web", "tier": 1, "team": "shop", "state": "expected-down",
         "verify": "a page comes"}]},
]  # fmt: skip


@pytest.fixture
def outage(live: LiveRoom) -> LiveRoom:
    """``pg`` down and what depends on it, with an owner each and an order of restart."""
    for team in ("db", "shop"):
        live.call("POST", "/v1/teams", {"key": team, "name": team})
    live.call("POST", "/v1/services", {"key": "pg", "name": "pg", "team": "db", "tier": 0})
    live.call("POST", "/v1/services", {"key": "web", "name": "web", "team": "shop", "tier": 1})
    live.call("POST", "/v1/services", {"key": "wiki", "name": "wiki", "team": "shop", "tier": 4})
    live.call("POST", "/v1/dependencies", {"service": "web", "depends_on": "pg"})
    incident = live.declare("The shop is down", 1)
    body = {"version": incident["version"], "service": "pg", "state": "down"}
    live.call("POST", f"/v1/incidents/{incident['ref']}/services", body)
    live.fetch(
        "update warroom.incident_impact set waves = %s::jsonb, version = version + 1 returning 1",
        json.dumps(WAVES),
    )
    return live


def entries(live: LiveRoom) -> str:
    page: dict[str, Any] = live.call("GET", "/v1/incidents/INC-1/timeline")
    return "\n".join(entry["body"] if "body" in entry else entry["text"] for entry in page["items"])


async def impact_pane(pilot: Pilot[int]) -> None:
    """Choose the incident and give the keys to its impact, when it has been read."""
    await wait_until(lambda: live_list(pilot).rows, what="the incident")
    await pilot.press("2")
    await wait_until(lambda: war_room(pilot).impact.picture is not None, what="the impact")
    await pilot.press("down")


async def test_an_owner_is_paged_with_a_note(outage: LiveRoom) -> None:
    async with running(outage.door) as pilot:
        await impact_pane(pilot)
        await pilot.press("down")
        assert war_room(pilot).impact.chosen_service == "web"
        await pilot.press("o")
        await wait_until(lambda: "Page the owner of web" in shown(pilot), what="the question")
        await pilot.press(*"come", "enter")
        await wait_until(lambda: "owner of web paged" in shown(pilot), what="the outcome")
    assert "pages shop (team shop) for web: come" in entries(outage)


async def test_services_are_ticked_back_and_the_record_has_it(outage: LiveRoom) -> None:
    async with running(outage.door) as pilot:
        await impact_pane(pilot)
        await pilot.press("w")
        await wait_until(lambda: "wave 1 · now" in shown(pilot), what="the waves")
        await pilot.press("space")
        await wait_until(lambda: "wave 1 · well" in shown(pilot), what="the tick")
        assert "[✓] ✓ pg" in shown(pilot)
        assert "ana" in shown(pilot)
        assert "wave 2 · now" in shown(pilot)
        await pilot.press("enter")
        await wait_until(lambda: "wave 1 · now" in shown(pilot), what="the tick taken away")
    assert "pg is back, says ana (1 of 2 done)" in entries(outage)
    assert "pg is not back after all" in entries(outage)
    assert outage.call("GET", "/v1/audit/verify")["verified"]


async def test_a_tick_whose_fate_is_unknown_says_so_until_it_is_known(outage: LiveRoom) -> None:
    async with running(outage.door) as pilot:
        await impact_pane(pilot)
        await pilot.press("w")
        await wait_until(lambda: "wave 1 · now" in shown(pilot), what="the waves")
        assert outage.process is not None
        outage.process.send_signal(signal.SIGSTOP)
        try:
            await pilot.press("space")
            await wait_until(lambda: "[…]" in shown(pilot), what="the pending mark")
            await wait_until(lambda: "[?]" in shown(pilot), timeout_s=30, what="the unknown mark")
        finally:
            outage.process.send_signal(signal.SIGCONT)
        await wait_until(lambda: "[✓] ✓ pg" in shown(pilot), timeout_s=30, what="the tick")
    found = outage.fetch("select count(*) from warroom.restart_tick")
    assert found == [(1,)]


async def test_a_colleagues_tick_is_seen_and_a_second_one_refused(outage: LiveRoom) -> None:
    async with running(outage.door) as pilot:
        await impact_pane(pilot)
        await pilot.press("w")
        await wait_until(lambda: "wave 1 · now" in shown(pilot), what="the waves")
        body = {"service": "pg", "done": True}
        outage.call("POST", "/v1/incidents/INC-1/restart", body)
        await wait_until(lambda: "[✓] ✓ pg" in shown(pilot), what="the colleague's tick")


async def test_the_map_is_live(outage: LiveRoom) -> None:
    async with running(outage.door) as pilot:
        await pilot.press("m")
        await wait_until(lambda: "✖ pg" in shown(pilot), what="the map")
        text = shown(pilot)
        assert "◇ web" in text
        assert "· wiki" in text
        assert "tier 4 · 1 service · well" in text
        version = outage.call("GET", "/v1/incidents/INC-1")["version"]
        body = {"version": version, "service": "wiki", "state": "degraded"}
        outage.call("POST", "/v1/incidents/INC-1/services", body)
        await wait_until(lambda: "▼ wiki" in shown(pilot), what="the change on the map")
        assert pilot.app.screen.query_one(EstateMap).has_focus
        await pilot.press("escape")
        await wait_until(lambda: "The shop is down" in shown(pilot), what="the room again")
