"""Freezes begin and end with incidents, answer CI, and let emergency changes through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.room import texts, verified
from tests.api.test_doors import alert, source, webhook
from warroom.errors import Forbidden, InvalidInput, NotFound, Refused

Json = dict[str, Any]


async def estate(api: Api) -> None:
    """Shop depends hard on pg; both of team db but shop's, each in a region of its own."""
    client = api.client()
    await client.add("teams", {"key": "db", "name": "Databases"})
    await client.add("teams", {"key": "other", "name": "Others"})
    await client.add("services", {"key": "pg", "team": "db", "region": "eu"})
    await client.add("services", {"key": "shop", "region": "us"})
    await client.add("services", {"key": "blog", "region": "us"})
    await client.add("dependencies", {"service": "shop", "depends_on": "pg"})


async def frozen(api: Api) -> dict[str, bool]:
    client = api.client()
    return {key: (await client.freeze(key))["frozen"] for key in ("pg", "shop", "blog", "odd")}


@pytest.mark.parametrize(
    ("scope", "values", "wanted"),
    [
        ("all", [], {"pg", "shop", "blog", "odd"}),
        ("incident", [], {"pg"}),
        ("impact", [], {"pg", "shop"}),
        ("team", ["db"], {"pg"}),
        ("services", ["pg", "blog"], {"pg", "blog"}),
        ("region", ["eu"], {"pg"}),
        ("team", ["other"], set()),
        ("services", ["blog"], set()),
        ("region", ["us"], set()),
    ],
)
async def test_each_scope_freezes_what_it_says(
    api18: Api, scope: str, values: list[str], wanted: set[str]
) -> None:
    await estate(api18)
    client = api18.client()
    await client.add_freeze_policy("p", 2, scope, values)
    assert set((await frozen(api18)).values()) == {False}
    one = await client.declare("pg is down", 2, services=["pg"])
    found = await frozen(api18)
    assert {key for key, so in found.items() if so} == wanted
    assert [f["policy"] for f in one["freezes"]] == (["p"] if wanted else [])
    done = await client.resolve(one["ref"], one["version"])
    assert done["freezes"] == []
    assert set((await frozen(api18)).values()) == {False}


async def test_a_freeze_begins_rises_and_ends_with_its_incident(api: Api) -> None:
    await estate(api)
    client = api.client()
    await client.add_freeze_policy("worst", 1, "incident")
    one = await client.declare("pg is slow", 3, services=["pg"])
    assert (await client.freeze("pg"))["reason"] == "Nothing freezes pg."
    one = await client.set_severity(one["ref"], one["version"], 1)
    said = await client.freeze("pg")
    assert (said["frozen"], said["incident"], said["severity"], said["policy"]) == (
        True, "INC-1", 1, "worst",
    )  # fmt: skip
    assert said["reason"].startswith("INC-1 (SEV1) freezes changes of pg since ")
    # It follows the services that it is on.
    one = await client.set_service(one["ref"], one["version"], "blog", "down")
    assert (await client.freeze("blog"))["frozen"] is True
    one = await client.set_service(one["ref"], one["version"], "blog", "recovered")
    assert (await client.freeze("blog"))["frozen"] is False
    one = await client.set_severity(one["ref"], one["version"], 2)
    assert (await client.freeze("pg"))["frozen"] is False
    one = await client.undo(one["ref"], one["version"])
    assert (await client.freeze("pg"))["frozen"] is True
    one = await client.set_drill(one["ref"], one["version"], drill=True)
    assert (await client.freeze("pg"))["frozen"] is False
    one = await client.set_drill(one["ref"], one["version"], drill=False)
    one = await client.resolve(one["ref"], one["version"])
    assert (await client.freeze("pg"))["frozen"] is False
    one = await client.undo(one["ref"], one["version"])
    assert (await client.freeze("pg"))["frozen"] is True
    told = [t for t in await texts(api, "INC-1") if "freeze" in t or "frozen" in t]
    assert told[::-1][:4] == [
        "changes are frozen: the incident's services (policy worst)",
        "the freeze of the incident's services ends: the incident is SEV2 now (policy worst)",
        "changes are frozen: the incident's services (policy worst)",
        "the freeze of the incident's services ends: the incident is a drill (policy worst)",
    ]
    assert api.count("outbox", "payload->>'type' = 'freeze.began'") == 4
    await verified(api)


async def test_alerts_open_and_raise_and_a_policy_takes_hold_at_once(api: Api) -> None:
    client = api.client()
    monitoring = api.client(await source(api))
    await client.add_freeze_policy("worst", 1, "all")
    await monitoring.post_alerts(webhook(alert("Slow", "web", severity="warning")))
    assert (await client.freeze("web"))["frozen"] is False
    await monitoring.post_alerts(webhook(alert("Down", "web", severity="critical")))
    assert (await client.freeze("web"))["frozen"] is True
    await monitoring.post_alerts(webhook(alert("Down", "api", severity="critical")))
    assert [f["incident"] for f in (await client.freezes())["items"]] == ["INC-2", "INC-1"]
    off = await client.switch_freeze_policy("worst", enabled=False)
    assert (off["enabled"], (await client.freezes())["items"]) == (False, [])
    assert len((await client.freezes(every=True))["items"]) == 2
    await client.switch_freeze_policy("worst", enabled=True)
    assert len((await client.freezes())["items"]) == 2
    await client.add_freeze_policy("second", 5, "impact")
    assert len((await client.freezes())["items"]) == 4
    await verified(api)


async def test_merge_split_and_ends_carry_freezes_along(api18: Api) -> None:
    await estate(api18)
    client = api18.client()
    await client.add_freeze_policy("db", 2, "team", ["db"])
    one = await client.declare("one", 2, services=["shop"])
    other = await client.declare("other", 2, services=["pg"])
    assert (await client.freeze("pg"))["incident"] == "INC-2"
    await client.merge(other["ref"], other["version"], one["ref"])
    assert (await client.freeze("pg"))["incident"] == "INC-1"
    one = await client.incident(one["ref"])
    new = await client.split(one["ref"], one["version"], "apart", services=["pg"])
    assert (await client.freeze("pg"))["incident"] == new["ref"] == "INC-3"
    await client.false_alarm(new["ref"], new["version"])
    assert (await client.freeze("pg"))["frozen"] is False


async def test_a_restricted_incident_freezes_and_tells_strangers_nothing_of_itself(
    api: Api,
) -> None:
    await estate(api)
    client = api.client()
    await client.add_freeze_policy("worst", 2, "all")
    one = await client.declare("Theft of card data", 1, services=["pg"])
    await client.restrict(one["ref"], one["version"], "restricted")
    stranger = api.client(api.token("luc", "read", "respond"))
    said = await stranger.freeze("pg")
    assert (said["frozen"], said["incident"], said["severity"]) == (True, None, None)
    assert said["reason"].startswith("A restricted incident freezes changes of pg")
    assert "card" not in str(said)
    assert (await stranger.freezes())["items"] == []
    assert (await client.freeze("pg"))["incident"] == "INC-1"
    # An exception asked by somebody who does not see it is still told to those who do.
    asked = await stranger.ask_exception("pg", "patch", "ana")
    assert "card" not in str(asked)
    assert any(t.startswith("luc asks ana to let") for t in await texts(api, "INC-1"))
    with pytest.raises(NotFound):
        await stranger.incident("INC-1")
    assert await api.client().incident("INC-1")
    await verified(api)


async def test_channels_are_not_told_which_restricted_incident_freezes(api: Api) -> None:
    """Whoever reads a channel may be anybody; its timeline says it to those who see it."""
    await estate(api)
    client = api.client()
    luc = api.client(api.token("luc", "read", "respond"))
    one = await client.declare("Theft of card data", 1, services=["pg"])
    one = await client.restrict(one["ref"], one["version"], "security")
    await client.add_freeze_policy("worst", 1, "incident")
    await luc.ask_exception("pg", "patch", "ana")
    await client.set_severity(one["ref"], one["version"], 2)
    with api.pg.connect() as conn:
        told = conn.execute(
            "select payload, dedup_key from warroom.outbox where payload->>'type' like 'freeze.%'"
            " order by created_at"
        ).fetchall()
    assert [(p["type"], p["incident"], p.get("severity")) for p, _ in told] == [
        ("freeze.began", None, None),
        ("freeze.exception.asked", None, None),
        ("freeze.ended", None, None),
    ]
    texts_told = [p["text"] for p, _ in told]
    assert texts_told[0] == (
        "a restricted incident: changes are frozen: the incident's services (policy worst)"
    )
    assert texts_told[1].startswith("a restricted incident: luc asks ana to let")
    assert texts_told[2] == (
        "a restricted incident: the freeze of the incident's services ends (policy worst)"
    )
    assert one["ref"] not in str(told)
    said = await texts(api, one["ref"])
    assert any("ends: the incident is SEV2 now" in text for text in said)
    await verified(api)


async def test_an_emergency_change_passes_by_somebody_elses_word(api: Api) -> None:
    await estate(api)
    client = api.client()
    luc = api.client(api.token("luc", "read", "respond"))
    mira = api.client(api.token("mira", "read", "respond"))
    await client.add_freeze_policy("worst", 2, "all")
    with pytest.raises(Refused) as caught:
        await luc.ask_exception("pg", "fix", "mira")
    assert caught.value.rule == "freeze-holds"
    await client.declare("pg is down", 1, services=["pg"])
    for approver, field in (("luc", "approver"), ("LUC", "approver"), ("ghost", "approver")):
        with pytest.raises(InvalidInput) as wrong:
            await luc.ask_exception("pg", "fix", approver)
        assert wrong.value.field == field
    with pytest.raises(InvalidInput):
        await luc.ask_exception("pg", "  ", "mira")
    asked = await luc.ask_exception("pg", "roll back 4.12", "mira", change="CHG-7")
    assert asked["state"] == "asked"
    waiting = await client.freeze("pg", change="CHG-7")
    assert (waiting["frozen"], waiting["exception"]["state"]) == (True, "asked")
    for other in (luc, client):
        with pytest.raises(Forbidden):
            await other.decide_exception(asked["id"], approve=True)
    done = await mira.decide_exception(asked["id"], approve=True)
    assert done["state"] == "approved"
    with pytest.raises(Refused):
        await mira.decide_exception(asked["id"], approve=False)
    free = await client.freeze("pg", change="CHG-7")
    assert free["frozen"] is False
    assert "mira lets an emergency change through" in free["reason"]
    # Only that change, only that service.
    assert (await client.freeze("pg", change="CHG-8"))["frozen"] is True
    assert (await client.freeze("pg"))["frozen"] is True
    assert (await client.freeze("shop", change="CHG-7"))["frozen"] is True
    with api.pg.connect() as conn:
        conn.execute("update warroom.freeze_exception set until = now() - interval '1 second'")
    assert (await client.freeze("pg", change="CHG-7"))["frozen"] is True
    late = await luc.ask_exception("shop", "fix", "mira")
    assert (await mira.decide_exception(late["id"], approve=False))["state"] == "declined"
    assert (await client.freeze("shop"))["frozen"] is True
    said = await texts(api, "INC-1")
    assert any(t.startswith("mira lets the emergency change of pg through") for t in said)
    assert api.count("outbox", "payload->>'type' like 'freeze.exception%'") == 4
    await verified(api)


async def test_an_exception_ends_with_the_incident_that_it_was_given_for(api18: Api) -> None:
    await estate(api18)
    client = api18.client()
    luc = api18.client(api18.token("luc", "read", "respond"))
    mira = api18.client(api18.token("mira", "read", "respond"))
    await client.add_freeze_policy("worst", 1, "impact")
    one = await client.declare("pg is down", 1, services=["pg"])
    asked = await luc.ask_exception("pg", "roll back 4.19", "mira", change="CHG-7")
    await mira.decide_exception(asked["id"], approve=True)
    assert (await client.freeze("pg", change="CHG-7"))["frozen"] is False
    # While its incident runs, one that begins later is not passed: nobody was asked about it.
    other = await client.declare("shop is down", 1, services=["shop", "pg"])
    said = await client.freeze("pg", change="CHG-7")
    assert (said["frozen"], said["exception"]) == (True, None)
    await client.resolve(other["ref"], other["version"])
    assert (await client.freeze("pg", change="CHG-7"))["frozen"] is False
    one = await client.set_severity(one["ref"], one["version"], 2)
    assert (await client.freeze("pg", change="CHG-7"))["exception"] is None
    one = await client.set_severity(one["ref"], one["version"], 1)
    assert (await client.freeze("pg", change="CHG-7"))["frozen"] is False
    waiting = await luc.ask_exception("pg", "more memory", "mira")
    await client.resolve(one["ref"], one["version"])
    later = await client.declare("pg is down again", 1, services=["pg"])
    said = await client.freeze("pg", change="CHG-7")
    assert (said["frozen"], said["incident"], said["exception"]) == (True, later["ref"], None)
    with pytest.raises(Refused) as late:
        await mira.decide_exception(waiting["id"], approve=True)
    assert late.value.rule == "exception-open"
    assert (await mira.decide_exception(waiting["id"], approve=False))["state"] == "declined"
    assert not [t for t in await texts(api18, later["ref"]) if "lets the emergency" in t]
    await verified(api18)


async def test_who_may_ask_and_who_may_make_policies(api18: Api) -> None:
    await estate(api18)
    client = api18.client()
    pipeline = api18.client(await source(api18))
    assert (await pipeline.freeze("pg"))["frozen"] is False
    with pytest.raises(Forbidden):
        await pipeline.add_freeze_policy("p", 1, "all")
    with pytest.raises(Forbidden):
        await api18.client(api18.token("luc", "respond")).add_freeze_policy("p", 1, "all")
    for scope, values in (("team", []), ("all", ["x"]), ("odd", [])):
        with pytest.raises(InvalidInput):
            await client.add_freeze_policy("p", 1, scope, values)
    # What would never freeze anything is refused, with who is not there.
    for scope, values, unknown in (
        ("team", ["db", "nosuchteam"], "'nosuchteam'"),
        ("services", ["pgg", "pg", "shp"], "'pgg', 'shp'"),
        ("region", ["mars"], "'mars'"),
    ):
        with pytest.raises(InvalidInput, match=unknown) as lost:
            await client.add_freeze_policy("p", 1, scope, values)
        assert (lost.value.field, "list`" in str(lost.value.remedy)) == ("values", True)
    with pytest.raises(NotFound):
        await client.switch_freeze_policy("p", enabled=True)
    first = await client.add_freeze_policy("p", 1, "all", key="k")
    assert await client.add_freeze_policy("p", 1, "all", key="k") == first


async def test_another_units_incident_freezes_nothing_here(api18: Api) -> None:
    await estate(api18)
    client = api18.client()
    await client.add_freeze_policy("p", 2, "all")
    with api18.pg.connect() as conn:
        conn.execute("update warroom.principal set units = '{main,other}' where name = 'ana'")
        conn.execute("update warroom.service set unit = 'other' where key = 'blog'")
    await client.declare("blog is down", 1, services=["blog"])
    assert (await client.freeze("blog"))["frozen"] is True
    assert (await client.freeze("pg"))["frozen"] is False
    # To somebody of this unit alone the other's service is one that nobody knows.
    luc = api18.client(api18.token("luc", "read"))
    assert (await luc.freeze("blog"))["frozen"] is False
