"""Commands on what hangs on an incident: log, clocks, links, fields, on both databases."""

from __future__ import annotations

import re

import pytest

from tests.api.conftest import Api
from tests.api.room import entry_id, opened, texts, verified
from warroom.errors import InvalidInput, NotFound, Refused


async def test_a_hypothesis_its_evidence_its_fate_and_its_correction(api: Api) -> None:
    client = api.client()
    ref = (await opened(api))["ref"]
    await client.log_entry(ref, "hypothesis", "Pool leak", confidence=0.5)
    guess = await entry_id(api, ref, "Pool leak")
    await client.log_entry(ref, "evidence", "500 of 500 used", about=guess, stance="for")
    await client.log_entry(ref, "evidence", "ran all week", about=guess, stance="against")
    with pytest.raises(InvalidInput, match="Only evidence"):
        await client.log_entry(ref, "fact", "x", about=guess, stance="for")
    with pytest.raises(InvalidInput, match="belong together"):
        await client.log_entry(ref, "evidence", "x", about=guess)
    await client.correct(ref, guess, "Pool leak in orders 4.18")
    newer = await entry_id(api, ref, "Pool leak in orders 4.18")
    with pytest.raises(Refused, match="corrected already"):
        await client.correct(ref, guess, "again")
    await client.judge(ref, newer, "confirmed", reason="4.19 mends it")
    with pytest.raises(Refused, match="confirmed already"):
        await client.judge(ref, newer, "confirmed")
    with pytest.raises(Refused, match="was confirmed; open it again"):
        await client.log_entry(ref, "evidence", "late", about=newer, stance="for")
    assert api.count("timeline", "body = 'Pool leak'") == 1, "the original stays"
    assert api.count("evidence", f"hypothesis_entry_id = '{newer}'") == 2, "evidence follows"
    assert api.count("hypothesis") == 1
    await verified(api)


async def test_pins_move_with_corrections_and_our_own_entries_stay(api: Api) -> None:
    client = api.client()
    ref = (await opened(api))["ref"]
    await client.log_entry(ref, "decision", "Fail over")
    old = await entry_id(api, ref, "Fail over")
    await client.pin(ref, old)
    with pytest.raises(Refused, match="pinned already"):
        await client.pin(ref, old)
    await client.correct(ref, old, "Fail over to pg-b")
    new = await entry_id(api, ref, "Fail over to pg-b")
    await client.unpin(ref, new)
    with pytest.raises(Refused, match="is not pinned"):
        await client.unpin(ref, new)
    status = next(e for e in (await client.timeline(ref))["items"] if e["kind"] == "status")
    with pytest.raises(Refused, match="war room's own record"):
        await client.correct(ref, status["id"], "something else")
    with pytest.raises(NotFound, match="no such entry"):
        await client.pin(ref, made_up_id())
    await verified(api)


def made_up_id() -> str:
    return "01890000-0000-7000-8000-000000000000"


async def test_the_clocks_that_people_set(api: Api) -> None:
    client = api.client()
    await client.add("services", {"key": "pg-main"})
    ref = (await client.declare("x", 2, services=["pg-main"]))["ref"]
    due = await client.set_update_due(ref, 1, 1800)
    assert due["update_due_at"]
    again = await client.set_update_due(ref, 2, 600)
    assert again["update_due_at"] < due["update_due_at"]
    assert api.count("timer", "kind = 'update-due'") == 1
    none = await client.set_update_due(ref, 3, None)
    assert none["update_due_at"] is None
    asleep = await client.snooze(ref, 4, 600, "after lunch")
    assert asleep["snoozed_until"]
    said = (await texts(api, ref))[0]
    assert re.fullmatch(r"snoozed until ([-0-9]+ at )?\d\d:\d\d UTC by ana: after lunch", said)
    assert asleep["escalation"]["state"] == "paused"
    with pytest.raises(InvalidInput, match="reason"):
        await client.snooze(ref, 5, 600, "")
    worse = await client.set_severity(ref, 5, 1)
    assert worse["snoozed_until"] is None, "what gets worse wakes"
    assert worse["escalation"]["state"] == "armed"
    await verified(api)


async def test_escalation_pauses_resumes_skips_and_goes_now(api: Api) -> None:
    client = api.client()
    ref = (await opened(api))["ref"]
    paused = await client.escalation(ref, 1, "pause")
    assert paused["escalation"]["state"] == "paused"
    with pytest.raises(Refused, match="is not armed"):
        await client.escalation(ref, 2, "pause")
    resumed = await client.escalation(ref, 2, "resume")
    assert resumed["escalation"]["state"] == "armed"
    skipped = await client.escalation(ref, 3, "skip", step=2)
    assert skipped["escalation"]["step"] == 2
    with pytest.raises(InvalidInput, match="no such step"):
        await client.escalation(ref, 4, "skip", step=40)
    soon = await client.escalation(ref, 4, "now")
    assert soon["escalation"]["state"] == "armed"
    acked = await client.acknowledge(ref, 5)
    with pytest.raises(Refused, match="nothing escalates"):
        await client.escalation(ref, acked["version"], "pause")
    await client.escalation(ref, acked["version"], "now")
    assert api.count("outbox", "payload ->> 'type' = 'incident.escalated'") == 1
    await verified(api)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://", "not a link", "https://x\x1b[31m.example", "file:///etc"],
)
async def test_links_are_addresses_that_can_be_opened(api18: Api, url: str) -> None:
    client = api18.client()
    ref = (await opened(api18))["ref"]
    with pytest.raises(InvalidInput) as caught:
        await client.add_link(ref, "dashboard", url, "x")
    assert caught.value.field == "url"


async def test_links_come_and_go(api: Api) -> None:
    client = api.client()
    ref = (await opened(api))["ref"]
    with_link = await client.add_link(ref, "bridge", "https://meet.example/1", "Bridge [bold]")
    assert with_link["links"] == [
        {"kind": "bridge", "url": "https://meet.example/1", "label": "Bridge [bold]"}
    ]
    gone = await client.remove_link(ref, "https://meet.example/1")
    assert gone["links"] == []
    with pytest.raises(NotFound):
        await client.remove_link(ref, "https://meet.example/1")
    await verified(api)


async def test_custom_fields_are_those_of_the_registry(api: Api) -> None:
    client = api.client()
    ref = (await opened(api))["ref"]
    with api.pg.connect() as conn:
        conn.execute(
            "insert into warroom.field_definition (noun, key, label, type, choices) values"
            " ('incident', 'brand', 'Brand', 'choice', '[\"north\", \"south\"]')"
        )
    found = await client.set_field(ref, 1, "brand", "north")
    assert found["custom"] == {"brand": "north"}
    with pytest.raises(InvalidInput, match="one of north, south"):
        await client.set_field(ref, 2, "brand", "east")
    with pytest.raises(InvalidInput, match="no custom field 'nonsense'"):
        await client.set_field(ref, 2, "nonsense", 1)
    assert (await client.set_field(ref, 2, "brand", None))["custom"] == {}
    await verified(api)
