"""What a person decides of alerts that wait in the triage queue."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.api.room import verified
from tests.api.test_doors import alert, webhook
from tests.e2e.test_alert_fates import Json, api, door, fates
from warroom.client import Client
from warroom.errors import InvalidInput, NotFound, Refused, VersionConflict

__all__ = ["api", "door"]  # fixtures


async def asked(api: Api, door: Client, *names: str) -> list[Json]:
    await api.client().add_rule("ask", "declare", matches={"service": ["blog"]},
                                spec={"outcome": "triage"})  # fmt: skip
    await door.post_alerts(webhook(*(alert(n, "blog") for n in names)))
    await door.post_alerts(webhook(*(alert(n, "blog") for n in names)))
    items: list[Json] = (await api.client().triage())["items"]
    return items


async def test_a_person_accepts_merges_or_dismisses_what_waits(api: Api, door: Client) -> None:
    items = await asked(api, door, "A", "B", "C")
    items.sort(key=lambda i: str(i["title"]))
    assert [i["title"] for i in items] == ["A is wrong", "B is wrong", "C is wrong"]
    assert (items[0]["why"], api.count("incident")) == (
        "waits for a person in triage: rule ask asks", 0,
    )  # fmt: skip
    client = api.client()
    one, two, three = (i["id"] for i in items)
    done = await client.accept_triage(one, 1, severity=2, key="k1")
    assert (done["state"], done["incident"], done["decided_by"]) == ("accepted", "INC-1", "ana")
    assert await client.accept_triage(one, 1, severity=2, key="k1") == done
    incident = await client.incident("INC-1")
    assert (incident["severity"], incident["alert_count"], incident["firing_count"]) == (2, 1, 1)
    assert (await client.merge_triage(two, 1, "INC-1"))["incident"] == "INC-1"
    assert (await client.incident("INC-1"))["alert_count"] == 2
    assert (await client.dismiss_triage(three, 1, "a test"))["reason"] == "a test"
    found = fates(api)
    assert found["A"]["why"] == "declared INC-1 by ana from triage"
    assert found["B"]["why"] == "joined INC-1 by ana from triage"
    assert (found["C"]["why"], found["C"]["fate"]) == ("dismissed by ana: a test", "dismissed")
    with pytest.raises(Refused) as caught:
        await client.dismiss_triage(one, 2, "late")
    assert caught.value.rule == "triage-waiting"
    assert (await client.triage())["items"] == []
    assert len((await client.triage(every=True))["items"]) == 3
    # What was dismissed stays so while it is repeated, and asks again when it begins anew.
    await door.post_alerts(webhook(alert("C", "blog")))
    assert (await client.triage())["items"] == []
    await door.post_alerts(webhook(alert("C", "blog", "resolved")))
    await door.post_alerts(webhook(alert("C", "blog") | {"startsAt": "2026-01-02T10:00:00Z"}))
    assert [i["alert"] for i in (await client.triage())["items"]] == ["C"]
    assert api.count("audit", "table_name = 'triage_item' and command like 'triage.%'") == 3
    await verified(api)


async def test_triage_refuses_what_does_not_fit(api: Api, door: Client) -> None:
    (item,) = await asked(api, door, "A")
    client = api.client()
    with pytest.raises(VersionConflict):
        await client.accept_triage(item["id"], 7)
    with pytest.raises(NotFound):
        await client.dismiss_triage("00000000-0000-7000-8000-00000000dead", 1, "x")
    drill = await client.declare("exercise", 3, drill=True)
    with pytest.raises(Refused):
        await client.merge_triage(item["id"], 1, drill["ref"])
    with pytest.raises(InvalidInput):
        await client.dismiss_triage(item["id"], 1, " ")
    assert [i["version"] for i in (await client.triage())["items"]] == [1]
