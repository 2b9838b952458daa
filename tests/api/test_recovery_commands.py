"""Ticking the restart's steps, and calling one service's owner, on both databases."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.api.conftest import Api
from tests.api.room import Json, texts, verified
from tests.api.test_commands import login
from tests.typist import warroom
from warroom.errors import Forbidden, InvalidInput, Refused


async def burning(api: Api) -> Json:
    """Checkout hard on orders hard on pg-main, which is down; databases own pg-main."""
    client = api.client()
    await client.add("teams", {"key": "databases", "name": "Databases"})
    await client.add("services", {"key": "pg-main", "team": "databases", "tier": 0})
    for key, needs in (("orders", "pg-main"), ("checkout", "orders")):
        await client.add("services", {"key": key, "tier": 1})
        await client.add("dependencies", {"service": key, "depends_on": needs})
    made = await client.declare("Pool is full", 1, services=["pg-main"])
    return await client.set_service(made["ref"], made["version"], "pg-main", "down")


async def test_the_steps_of_a_restart_are_ticked_by_many_and_once_each(api: Api) -> None:
    ref = (await burning(api))["ref"]
    await api.client().add("services", {"key": "apart"})
    luc = api.token("luc", "read", "respond")
    before = (await api.client().incident(ref))["version"]
    both = await asyncio.gather(
        api.client().tick_restart(ref, "pg-main", True),
        api.client(luc).tick_restart(ref, "pg-main", True),
        return_exceptions=True,
    )
    assert sorted(type(b).__name__ for b in both) in (
        ["Refused", "dict"],
        ["VersionConflict", "dict"],
    )
    await api.client(luc).tick_restart(ref, "orders", True)
    with pytest.raises(Refused, match="ticked already, by"):
        await api.client().tick_restart(ref, "orders", True)
    with pytest.raises(Refused, match="in no wave"):
        await api.client().tick_restart(ref, "apart", True)
    await api.client().tick_restart(ref, "orders", False)
    said = [t for t in await texts(api, ref) if t.startswith("restart")]
    assert said[0] == "restart, wave 2: orders is not back after all, says ana (1 of 3 done)"
    assert said[1] == "restart, wave 2: orders is back, says luc (2 of 3 done)"
    assert (await api.client().incident(ref))["version"] == before
    assert api.count("restart_tick") == 1
    with pytest.raises(Refused, match="take the tick away instead"):
        await api.client().undo(ref, before)
    await verified(api)


async def test_a_key_repeats_a_tick_without_doing_it_twice(api: Api) -> None:
    ref = (await burning(api))["ref"]
    first = await api.client().tick_restart(ref, "pg-main", True, key="k1")
    assert await api.client().tick_restart(ref, "pg-main", True, key="k1") == first
    assert len([t for t in await texts(api, ref) if t.startswith("restart")]) == 1


async def test_the_owner_of_one_service_is_called(api: Api) -> None:
    client = api.client()
    ref = (await burning(api))["ref"]
    for key in ("ops", "dba"):
        await client.add("channels", {"key": key, "url": f"https://hooks.example/{key}"})
    await client.page_owner(ref, "pg-main", note="Pool is full [bold]")
    assert (await texts(api, ref))[0] == (
        "ana pages Databases (team databases) for pg-main: Pool is full [bold]"
    )
    where = "payload ->> 'type' = 'incident.page' and payload ->> 'target' = 'team databases'"
    assert api.count("outbox", where) == 3, "the log and both"
    with pytest.raises(Refused, match="orders has no owner"):
        await client.page_owner(ref, "orders")
    with pytest.raises(InvalidInput, match="no service 'nothing'"):
        await client.page_owner(ref, "nothing")
    step = {"delay_s": 0, "target_kind": "channel", "target": "dba"}
    await client.add(
        "policies",
        {
            "key": "dba",
            "name": "DBA",
            "steps": [step],
        },
    )
    await client.add("services", {"key": "pg-b", "team": "databases", "policy": "dba"})
    await client.page_owner(ref, "pg-b")
    assert api.count("outbox", "payload ->> 'service' = 'pg-b'") == 1
    assert api.count("outbox", "payload ->> 'service' = 'pg-b' and channel = 'dba'") == 1
    await verified(api)


async def test_the_impact_and_the_weak_points_are_told_over_http_and_on_the_command_line(
    api18: Api,
) -> None:
    ref = (await burning(api18))["ref"]
    await api18.client().tick_restart(ref, "pg-main", True)
    found = await api18.client().impact(ref)
    assert [node["key"] for node in found["nodes"]] == ["pg-main", "orders", "checkout"]
    assert found["suspects"][0]["key"] == "pg-main"
    assert found["waves"][0]["steps"][0]["done"]["by"] == "ana"
    assert found["waves"][1]["steps"][0]["done"] is None
    (unit,) = (await api18.client().weak_points())["units"]
    worst = unit["services"][0]
    assert (worst["key"], worst["single"], worst["takes_down"]) == (
        "pg-main", True, ["checkout", "orders"],
    )  # fmt: skip
    code, out, _ = await warroom("impact", "show", ref, **login(api18))
    assert code == 0
    assert "suspect 1: pg-main (service)" in out
    assert "[x] pg-main" in out
    code, out, _ = await warroom("impact", "weak-points", **login(api18))
    assert code == 0
    assert "pg-main" in out


async def test_the_totals_of_one_incident_and_of_all_open_ones_are_told(api18: Api) -> None:
    client, env = api18.client(), login(api18)
    assert (await client.impact_totals())["line"] == ""
    code, out, _ = await warroom("impact", "totals", **env)
    assert (code, out) == (0, "0 open incidents: nothing is hit\n")
    await client.add(
        "services",
        {"key": "web", "tier": 1, "user_share": 62, "customers": 1200, "region": "eu"},
    )
    await burning(api18)
    await client.add("dependencies", {"service": "web", "depends_on": "checkout"})
    await client.add("services", {"key": "acme", "kind": "third_party", "region": "us"})
    other = await client.declare("Acme is slow", 2, services=["acme", "orders"])
    drill = await client.declare("An exercise", 2, services=["web"])
    await client.set_drill(drill["ref"], drill["version"], drill=True)
    found = await client.impact_totals()
    line = found.pop("line")
    assert found.pop("headline") in line
    # Orders is hit by both and counts once; the drill's service is hit by the first as well.
    assert found == {
        "open_incidents": 2, "services": 5, "tier_one": 4, "user_share": 62.0, "customers": 1200,
        "regions": ["eu", "us"], "third_parties": 1,
    }  # fmt: skip
    assert line.endswith(": 4 tier 0–1 services, ~62 % of users, 2 regions")
    code, out, _ = await warroom("impact", "totals", **env)
    counts = "5 services hit, 4 tier 0–1, ~62 % of users, ~1200 customers, 2 regions (eu, us)"
    assert (code, f"{counts}, 1 third party" in out) == (0, True)
    assert json.loads((await warroom("impact", "totals", "--json", **env))[1])["line"] == line
    code, out, _ = await warroom("impact", "show", other["ref"], **env)
    assert "4 services hit, 3 tier 0–1, ~62 % of users, ~1200 customers, 2 regions (eu, us)" in out
    assert "web  expected-degraded  tier 1  unassigned  ~62 % of users  1200 customers" in out
    await client.resolve(other["ref"], (await client.incident(other["ref"]))["version"])
    assert (await client.impact_totals())["third_parties"] == 0
    with pytest.raises(Forbidden):
        await api18.client(api18.token("bot", "ingest")).impact_totals()
