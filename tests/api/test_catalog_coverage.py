"""What the catalogue lacks: the coverage report."""

from __future__ import annotations

import json

import httpx

from tests.api.conftest import Api
from tests.api.test_catalog_import import csv
from tests.api.test_commands import login
from tests.typist import warroom


async def test_coverage_names_what_each_service_lacks(api: Api) -> None:
    client = api.client()
    await client.add("teams", {"key": "data", "name": "Data"})
    await client.import_catalog(csv(
        s="key,tier,team,runbook_url,links\n"
        "whole,0,data,https://example.com/r,\n"
        'linked,1,data,,"[{""kind"": ""runbook"", ""url"": ""https://x.example""}]"\n'
        "bare,2,,,\n"
    ))  # fmt: skip
    source = await client.add("sources", {"key": "prom"})
    monitoring = api.client(source["token"])
    alerts = [{"labels": {"alertname": "Watchdog", "service": "whole"}},
              {"labels": {"alertname": "Slow", "service": "linked"}}]  # fmt: skip
    await monitoring.post_alerts(alerts, dialect="v2")
    found = await client.coverage()
    lacks = {i["key"]: i["missing"] for i in found["items"]}
    assert "whole" not in lacks
    assert lacks["linked"] == ["heartbeat"]
    assert lacks["bare"] == ["alerts", "owner", "runbook", "heartbeat"]
    assert found["services"] == found["covered"] + len(found["items"])
    assert [i["tier"] for i in found["items"]] == sorted(i["tier"] for i in found["items"])
    env = login(api)
    code, out, _ = await warroom("catalog", "coverage", **env)
    assert (code, "without runbook" in out) == (0, True)
    assert json.loads((await warroom("catalog", "coverage", "--json", **env))[1]) == found
    with api.pg.connect() as conn:
        conn.execute("update warroom.alert set last_seen_at = now() - interval '40 days'")
    lacks = {i["key"]: i["missing"] for i in (await client.coverage())["items"]}
    assert lacks["whole"] == ["alerts", "heartbeat"]
    assert "alerts" not in {
        i["key"]: i["missing"] for i in (await client.coverage(days=60))["items"]
    }.get("whole", [])


async def test_a_heartbeat_of_our_own_covers_its_service_until_it_is_paused(api18: Api) -> None:
    client = api18.client()
    await client.import_catalog(csv(s="key\nq\nother\n"))
    made = await client.add("heartbeats", {"key": "hb1", "service": "q", "window_s": 300})

    async def lacks() -> set[str]:
        items = (await client.coverage())["items"]
        return {"q", "other"} & {i["key"] for i in items if "heartbeat" in i["missing"]}

    assert await lacks() == {"other"}
    async with httpx.AsyncClient() as http:
        assert (await http.post(f"{api18.url}/heartbeat/{made['token']}")).status_code == 200
    assert await lacks() == {"other"}
    await client.switch_heartbeat("hb1", "pause")
    assert await lacks() == {"q", "other"}
    await client.switch_heartbeat("hb1", "resume")
    assert await lacks() == {"other"}
    await client.switch_heartbeat("hb1", "remove")
    assert await lacks() == {"q", "other"}


# Dependencies by hand -----------------------------------------------------------------------
