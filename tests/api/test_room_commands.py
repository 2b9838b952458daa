"""Every command of the room over HTTP: what it does, what it refuses, and what it leaves behind."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.api.room import opened, texts, verified
from warroom.client import new_key
from warroom.errors import InvalidInput, NotFound, Refused, VersionConflict


async def test_severity_owner_drill_and_their_record(api: Api) -> None:
    client = api.client()
    made = await opened(api)
    ref = made["ref"]
    worse = await client.set_severity(ref, 1, 1, reason="all users")
    assert (worse["severity"], worse["version"]) == (1, 2)
    mine = await client.assign(ref, 2, "ANA")
    assert mine["owner"]["name"] == "ana"
    nobody = await client.assign(ref, 3, None)
    assert nobody["owner"] is None
    drill = await client.set_drill(ref, 4, drill=True)
    assert drill["drill"] is True
    said = await texts(api, ref)
    assert said[:4] == [
        "marked as a drill by ana", "owner ana → nobody by ana", "owner nobody → ana by ana",
        "SEV2 → SEV1 by ana: all users",
    ]  # fmt: skip
    for command in ("severity", "assign", "drill"):
        assert api.count("audit", f"command = 'incident.{command}' and table_name = 'incident'")
    assert api.count("history", "table_name = 'incident'") == 4
    await verified(api)


@pytest.mark.parametrize("verb", ["severity", "assign", "drill"])
async def test_what_is_so_already_is_refused(api: Api, verb: str) -> None:
    client = api.client()
    ref = (await opened(api))["ref"]
    calls = {
        "severity": lambda: client.set_severity(ref, 1, 2),
        "assign": lambda: client.assign(ref, 1, None),
        "drill": lambda: client.set_drill(ref, 1, drill=False),
    }
    with pytest.raises(Refused) as caught:
        await calls[verb]()
    assert caught.value.rule.endswith("differs")
    assert (caught.value.current or {})["version"] == 1


async def test_the_whole_state_machine_and_back(api: Api) -> None:
    client = api.client()
    ref = (await opened(api))["ref"]
    version = 1
    for status in ("investigating", "mitigating", "monitoring", "mitigating", "resolved", "closed"):
        found = await client.set_status(ref, version, status)
        assert found["status"] == status
        version = found["version"]
    with pytest.raises(Refused, match="from there it can become investigating, not mitigating"):
        await client.set_status(ref, version, "mitigating")
    again = await client.set_status(ref, version, "investigating", note="it burns again")
    assert (again["status"], again["resolved_at"]) == ("investigating", None)
    assert api.count("incident", "ended_at is not null") == 0
    assert "it burns again" in await texts(api, ref)
    # The first move had taken note of it, so nothing escalates any more.
    assert again["escalation"]["state"] == "none"
    await verified(api)


async def test_a_false_alarm_is_resolved_as_such(api: Api) -> None:
    ref = (await opened(api))["ref"]
    done = await api.client().false_alarm(ref, 1, note="the prober's own network")
    assert (done["status"], done["resolution"]) == ("resolved", "false-alarm")


async def test_roles_are_taken_offered_with_a_brief_and_accepted(api: Api) -> None:
    ana, luc = api.client(), api.client(api.token("luc", "read", "respond"))
    ref = (await opened(api))["ref"]
    held = await ana.take_role(ref, 1, "commander")
    assert held["commander"]["name"] == "ana"
    with pytest.raises(Refused, match="ana is commander of INC-1"):
        await luc.take_role(ref, 2, "commander")
    with pytest.raises(Refused, match="only what you hold"):
        await luc.offer_role(ref, 2, "commander", "ana", "x")
    asked = await ana.offer_role(ref, 2, "commander", "luc", "Pool at 120 of 500; watch it.")
    assert [(h["role"], h["to"], h["brief"]) for h in asked["handovers"]] == [
        ("commander", "luc", "Pool at 120 of 500; watch it.")
    ]
    assert asked["commander"]["name"] == "ana", "she stays it until he accepts"
    with pytest.raises(Refused, match="You were not asked"):
        await ana.answer_role(ref, 3, "commander", accept=True)
    taken = await luc.answer_role(ref, 3, "commander", accept=True)
    assert taken["commander"]["name"] == "luc"
    assert taken["handovers"] == []
    assert api.count("role_held", "released_at is null") == 1
    assert api.count("role_held", "brief like 'Pool at 120%'") == 1
    gone = await ana.release_role(ref, taken["version"], "commander")
    assert gone["commander"] is None
    assert (await texts(api, ref))[0] == "luc is commander no more: released by ana"
    await verified(api)


async def test_a_restricted_incident_is_there_only_for_the_named(api: Api) -> None:
    ana, luc = api.client(), api.client(api.token("luc", "read", "respond"))
    mira = api.client(api.token("mira", "read", "respond"))
    ref = (await opened(api, "pg-main"))["ref"]
    hidden = await ana.restrict(ref, 1, "restricted", ["luc"])
    assert hidden["visibility"] == "restricted"
    assert (await luc.incident(ref))["ref"] == ref
    with pytest.raises(NotFound):
        await mira.incident(ref)
    assert [i["ref"] for i in (await mira.incidents())["items"]] == []
    for table in ("timeline", "incident_service", "timer", "audit", "history"):
        where = f"incident_id = '{hidden['id']}' and visibility <> 'restricted'"
        assert api.count(table, where) == 0, table
    shown = await luc.restrict(ref, 2, "normal")
    assert (await mira.incident(ref))["version"] == shown["version"]
    await verified(api)


async def test_services_have_a_state_of_their_own_and_recover_one_by_one(api: Api) -> None:
    client = api.client()
    ref = (await opened(api, "pg-main"))["ref"]
    await client.add("services", {"key": "orders"})
    down = await client.set_service(ref, 1, "pg-main", "down")
    both = await client.set_service(ref, down["version"], "orders", "degraded")
    assert {s["key"]: s["state"] for s in both["services"]} == {
        "pg-main": "down", "orders": "degraded",
    }  # fmt: skip
    part = await client.set_service(ref, both["version"], "orders", "recovered")
    assert "1 of 2 services recovered" in (await texts(api, ref))[0]
    with pytest.raises(InvalidInput, match="There is no service 'nonsense'"):
        await client.set_service(ref, part["version"], "nonsense", "down")
    one = await client.detach_service(ref, part["version"], "orders")
    assert [s["key"] for s in one["services"]] == ["pg-main"]
    with pytest.raises(Refused, match="orders is not attached"):
        await client.detach_service(ref, one["version"], "orders")
    assert api.count("incident_impact") == 1
    await verified(api)


async def test_merge_moves_everything_and_says_so_on_both(api: Api) -> None:
    client = api.client()
    one = await opened(api, "pg-main")
    two = await opened(api, "orders")
    done = await client.merge(two["ref"], 1, one["ref"])
    assert (done["status"], done["resolution"], done["merged_into"]) == (
        "resolved", "merged", one["ref"],
    )  # fmt: skip
    target = await client.incident(one["ref"])
    assert {s["key"] for s in target["services"]} == {"pg-main", "orders"}
    assert "merged into this by ana: 1 service, 0 alerts" in (await texts(api, one["ref"]))[0]
    assert "merged into INC-1" in (await texts(api, two["ref"]))[0]
    with pytest.raises(Refused, match="cannot be merged into itself"):
        await client.merge(one["ref"], target["version"], one["ref"])
    drill = await client.declare("exercise", 3, drill=True)
    with pytest.raises(Refused, match="never disappears into an"):
        await client.merge(one["ref"], target["version"], drill["ref"])
    await verified(api)


async def test_split_makes_a_new_incident_of_a_part(api: Api) -> None:
    client = api.client()
    one = await opened(api, "pg-main", "orders")
    new = await client.split(one["ref"], 1, "Orders on its own", services=["orders"])
    assert (new["title"], new["split_from"], new["status"]) == (
        "Orders on its own", one["ref"], "triggered",
    )  # fmt: skip
    assert [s["key"] for s in new["services"]] == ["orders"]
    assert new["escalation"]["state"] == "armed"
    rest = await client.incident(one["ref"])
    assert [s["key"] for s in rest["services"]] == ["pg-main"]
    with pytest.raises(InvalidInput, match="Nothing was chosen"):
        await client.split(one["ref"], rest["version"], "x")
    with pytest.raises(Refused, match="not attached"):
        await client.split(one["ref"], rest["version"], "x", services=["orders"])
    assert api.count("incident") == 2, "a refused split leaves nothing behind"
    await verified(api)


UNDONE = {
    "acknowledge": lambda c, r: c.acknowledge(r, 1),
    "resolve": lambda c, r: c.resolve(r, 1),
    "severity": lambda c, r: c.set_severity(r, 1, 1),
    "status": lambda c, r: c.set_status(r, 1, "mitigating"),
    "assign": lambda c, r: c.assign(r, 1, "ana"),
    "drill": lambda c, r: c.set_drill(r, 1, drill=True),
    "false-alarm": lambda c, r: c.false_alarm(r, 1),
    "role.take": lambda c, r: c.take_role(r, 1, "scribe"),
    "service": lambda c, r: c.set_service(r, 1, "pg-main", "down"),
    "service.detach": lambda c, r: c.detach_service(r, 1, "pg-main"),
    "update-due": lambda c, r: c.set_update_due(r, 1, 60),
    "snooze": lambda c, r: c.snooze(r, 1, 60, "why"),
}
CAME_BACK = {
    "severity": "severity: SEV2 again",
    "assign": "assign: owner nobody again",
    "drill": "drill: real again",
    "service": "service: pg-main suspected again",
    "service.detach": "service.detach: pg-main suspected again",
}
CHANGING = {"version", "updated_at", "next_timer", "escalation"}


@pytest.mark.parametrize("name", UNDONE)
async def test_undo_puts_back_what_the_last_command_changed(api: Api, name: str) -> None:
    client = api.client()
    before = await opened(api, "pg-main")
    await UNDONE[name](client, before["ref"])
    undone = await client.undo(before["ref"], 2)
    for key in before.keys() - CHANGING:
        if key == "services":
            assert [(s["key"], s["state"]) for s in undone[key]] == [
                (s["key"], s["state"]) for s in before[key]
            ]
        else:
            assert undone[key] == before[key], key
    assert undone["escalation"]["state"] == "armed"
    assert undone["version"] == 3
    text = (await texts(api, before["ref"]))[0]
    assert f"took back their {name}" in text
    assert text.endswith(CAME_BACK.get(name, "")), "what came back"
    with pytest.raises(Refused, match="was undo: it was an undo"):
        await client.undo(before["ref"], 3)
    await verified(api)


async def test_undo_is_refused_with_a_reason(api: Api) -> None:
    ana, luc = api.client(), api.client(api.token("luc", "read", "respond"))
    ref = (await opened(api))["ref"]
    await ana.set_severity(ref, 1, 1)
    with pytest.raises(Refused, match="somebody else's"):
        await luc.undo(ref, 2)
    await ana.log_entry(ref, "fact", "x")
    await ana.add_link(ref, "ticket", "https://t.example/1", "T")
    with pytest.raises(Refused, match="remove the link instead"):
        await ana.undo(ref, 2)
    with pytest.raises(VersionConflict):
        await ana.undo(ref, 1)


async def test_a_repeated_key_is_one_effect(api: Api) -> None:
    client = api.client()
    ref = (await opened(api))["ref"]
    key = new_key()
    first = await client.set_severity(ref, 1, 1, key=key)
    assert await client.set_severity(ref, 1, 1, key=key) == first
    assert api.count("audit", "command = 'incident.severity' and table_name = 'incident'") == 1
    with pytest.raises(VersionConflict) as caught:
        await client.set_severity(ref, 1, 3)
    assert (caught.value.current or {})["version"] == 2
