"""Two people cannot mitigate one service without seeing each other; changes are judged."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.conftest import Api
from tests.api.room import opened, texts, verified
from warroom.client import Client
from warroom.errors import InvalidInput, LockNotAvailable, NotFound, Refused, VersionConflict


def luc(api: Api) -> Client:
    return api.client(api.token("luc", "read", "respond"))


async def test_a_held_service_is_refused_with_its_holder_and_joined_by_saying_so(api: Api) -> None:
    client, other = api.client(), luc(api)
    await opened(api, "pg")
    await client.declare("Reports are late", 3)
    one = await client.mitigate("INC-1", "pg", "failover")
    assert [(m["who"], m["what"], m["joined"]) for m in one["mitigations"]] == [
        ("ana", "failover", False)
    ]  # fmt: skip
    with pytest.raises(Refused) as refused:
        await other.mitigate("INC-2", "pg", "restart")
    assert refused.value.rule == "mitigation-free"
    assert refused.value.message.startswith("ana is at pg on INC-1 (failover, since ")
    with pytest.raises(Refused) as own:
        await client.mitigate("INC-2", "pg", "restart", join=True)
    assert own.value.rule == "mitigation-own"
    two = await other.mitigate("INC-2", "pg", "restart", join=True)
    assert [(m["who"], m["joined"]) for m in two["mitigations"]] == [("luc", True)]
    assert any("beside ana: restart" in t for t in await texts(api, "INC-2"))
    assert "luc joined ana at pg: restart" in await texts(api, "INC-1")
    assert api.count("outbox", "payload->>'type' = 'mitigation.joined'") == 1
    # Whoever joined holds it when the first is done.
    await client.mitigated("INC-1", "pg")
    assert [m["joined"] for m in (await client.incident("INC-2"))["mitigations"]] == [False]
    with pytest.raises(Refused) as third:
        await client.mitigate("INC-1", "pg", "scale")
    assert third.value.message.startswith("luc is at pg on INC-2")
    with pytest.raises(Refused) as gone:
        await client.mitigated("INC-1", "pg")
    assert gone.value.rule == "mitigation-held"
    await verified(api)


async def test_of_many_at_once_one_takes_it(api: Api) -> None:
    await opened(api, "pg")
    people = [api.client(api.token(f"p{n}", "read", "respond")) for n in range(6)]

    async def take(client: Client) -> str:
        while True:
            try:
                await client.mitigate("INC-1", "pg", "restart")
            except Refused as error:
                return error.rule
            except LockNotAvailable:
                continue  # on a busy machine they wait too long for each other, and ask again
            return "taken"

    found = await asyncio.gather(*(take(p) for p in people))
    assert sorted(found) == ["mitigation-free"] * 5 + ["taken"]
    assert api.count("mitigation_lock", "released_at is null and not joined") == 1
    joined = await asyncio.gather(
        *(p.mitigate("INC-1", "pg", "scale", join=True)
          for p, f in zip(people, found, strict=True) if f != "taken")
    )  # fmt: skip
    assert len(joined) == 5
    assert api.count("mitigation_lock", "released_at is null and not joined") == 1
    assert api.count("mitigation_lock", "released_at is null") == 6


async def test_it_ends_by_itself_with_time_and_with_the_incident(api18: Api) -> None:
    client, other = api18.client(), luc(api18)
    await opened(api18, "pg")
    await client.declare("Another", 3)
    await client.mitigate("INC-1", "pg", "failover", for_s=60)
    with api18.pg.connect() as conn:
        conn.execute(
            "update warroom.mitigation_lock set since = now() - interval '2 hours',"
            " expires_at = now() - interval '1 hour'"
        )
    assert (await client.incident("INC-1"))["mitigations"] == []
    await other.mitigate("INC-2", "pg", "restart")
    two = await other.incident("INC-2")
    await other.resolve("INC-2", two["version"])
    await client.mitigate("INC-1", "pg", "failover")
    for wrong in (0, 59, 86_401):
        with pytest.raises(InvalidInput):
            await client.mitigate("INC-1", "pg", "failover", for_s=wrong)
    with pytest.raises(InvalidInput):
        await client.mitigate("INC-1", "nothing", "failover")
    with pytest.raises(Refused):
        await client.mitigate("INC-2", "pg", "failover", join=True)
    await verified(api18)


async def test_a_holder_on_a_hidden_incident_is_named_and_the_incident_is_not(api: Api) -> None:
    client, other = api.client(), luc(api)
    hidden = await opened(api, "pg")
    await client.declare("Open to all", 3)
    await client.restrict("INC-1", hidden["version"], "restricted")
    await client.mitigate("INC-1", "pg", "failover")
    with pytest.raises(Refused) as refused:
        await other.mitigate("INC-2", "pg", "restart")
    assert refused.value.message.startswith("ana is at pg (failover")
    assert "INC-1" not in str(refused.value.__dict__)
    answer = await other.mitigate("INC-2", "pg", "restart", join=True)
    assert "INC-1" not in str(answer)
    assert "luc joined ana at pg: restart" in await texts(api, "INC-1")
    assert not [t for t in await texts(api, "INC-2") if "INC-1" in t]
    with pytest.raises(NotFound):
        await other.incident("INC-1")
    await verified(api)


async def test_a_change_is_suspected_the_cause_and_cleared_on_the_record(api: Api) -> None:
    client = api.client()
    one = await opened(api, "pg")
    made = await client.add_change(
        {"title": "Raise pool to 500", "services": ["pg"], "id": "c1", "kind": "config"}, key="k"
    )  # fmt: skip
    again = await client.add_change(
        {"title": "Raise pool to 500", "services": ["pg"], "id": "c1", "kind": "config"}, key="k"
    )  # fmt: skip
    assert (made, made["new"]) == (again, True)
    one = await client.link_change(one["ref"], one["version"], made["id"], "suspected", key="l")
    assert one == await client.link_change(one["ref"], 1, made["id"], "suspected", key="l")
    assert [(c["title"], c["verdict"]) for c in one["changes"]] == [
        ("Raise pool to 500", "suspected")
    ]  # fmt: skip
    with pytest.raises(VersionConflict):
        await client.link_change(one["ref"], 1, made["id"], "cause")
    with pytest.raises(Refused) as same:
        await client.link_change(one["ref"], one["version"], made["id"], "suspected")
    assert same.value.rule == "verdict-differs"
    one = await client.link_change(one["ref"], one["version"], made["id"], "cause")
    with pytest.raises(Refused) as undone:
        await client.undo(one["ref"], one["version"])
    assert undone.value.rule == "undo-kind"
    with pytest.raises(NotFound):
        await client.link_change(one["ref"], one["version"], one["id"], "cause")
    one = await client.resolve(one["ref"], one["version"])
    await client.link_change(one["ref"], one["version"], made["id"], "cleared")
    said = [t for t in await texts(api, one["ref"]) if "Raise pool" in t]
    assert said[::-1] == [
        "config of pg “Raise pool to 500” is suspected, says ana",
        "config of pg “Raise pool to 500” is the cause, says ana (was suspected)",
        "config of pg “Raise pool to 500” is cleared, says ana (was cause)",
    ]
    assert api.count("incident_change") == 1
    assert api.count("history", "table_name = 'incident_change'") == 2
    assert api.count("audit", "command = 'incident.change' and table_name = 'incident_change'") == 3
    await verified(api)


async def test_a_change_that_one_may_not_see_cannot_be_linked(api18: Api) -> None:
    client = api18.client()
    one = await opened(api18, "pg")
    made = await client.add_change({"title": "x", "services": ["pg"]})
    with api18.pg.connect() as conn:
        conn.execute("update warroom.change_event set unit = 'other'")
    with pytest.raises(NotFound):
        await client.link_change(one["ref"], one["version"], made["id"], "cause")
    assert (await client.changes())["items"] == []
