"""A change among the suspects is judged by a key, on a real API and database."""

from __future__ import annotations

import json

from tests.console.live import LiveRoom
from tests.console.pilot import running, shown, war_room
from tests.console.test_live_impact import entries, impact_pane, outage
from tests.helpers import wait_until

__all__ = ["outage"]


async def test_a_suspected_change_is_called_the_cause(outage: LiveRoom) -> None:
    body = {"id": "web-4.18", "kind": "deploy", "title": "deploy web 4.18", "services": ["web"],
            "status": "succeeded"}  # fmt: skip
    change = outage.call("POST", "/v1/changes", body)["id"]
    suspect = {"kind": "change", "key": "web", "name": "deploy web 4.18", "score": 0.9,
               "reasons": ["4 min before the first alert"], "change": change}  # fmt: skip
    outage.fetch(
        "update warroom.incident_impact set suspects = %s::jsonb, version = version + 1"
        " returning 1",
        json.dumps([suspect]),
    )
    async with running(outage.door) as pilot:
        await impact_pane(pilot)
        tree = war_room(pilot).impact
        await wait_until(lambda: tree.pursued_suspect is not None, what="the suspect")
        await pilot.press("end")
        while tree.chosen_suspect is None:
            await pilot.press("up")
        await pilot.press("l")
        await wait_until(lambda: "deploy web 4.18 · INC-1" in shown(pilot), what="the question")
        await pilot.press("c")
        await wait_until(lambda: "deploy web 4.18 is the cause" in shown(pilot), what="the outcome")
    found = outage.fetch("select change_id::text, verdict from warroom.incident_change")
    assert found == [(change, "cause")]
    assert "is the cause" in entries(outage)
    assert outage.call("GET", "/v1/audit/verify")["verified"]


async def test_a_change_that_no_suspect_names_is_linked_by_its_words(outage: LiveRoom) -> None:
    body = {"id": "flag-1", "kind": "flag", "title": "new basket for all", "services": ["basket"],
            "status": "succeeded"}  # fmt: skip
    change = outage.call("POST", "/v1/changes", body)["id"]
    async with running(outage.door) as pilot:
        await impact_pane(pilot)
        await pilot.press("l")
        await wait_until(lambda: "new basket for all" in shown(pilot), what="the change")
        await pilot.press(*"new", "enter")
        await wait_until(lambda: "it had nothing to do with it" in shown(pilot), what="the verdict")
        await pilot.press("s")
        await wait_until(lambda: "is suspected" in shown(pilot), what="the outcome")
    found = outage.fetch("select change_id::text, verdict from warroom.incident_change")
    assert found == [(change, "suspected")]
