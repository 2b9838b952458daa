"""Every alert has a service and a name to be silenced and found by, whatever its dialect says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.room import verified
from tests.api.test_dialects import OG, enqueue, genie, trigger
from tests.api.test_doors import alert, source, webhook
from tests.api.test_silences import as_client, decision


async def tell_all(api: Api) -> None:
    """Send one alert about ``pay`` by each of three dialects."""
    token = await source(api)
    said = trigger("a", summary="disk full", source="pay", custom_details={})
    answer = await enqueue(api, token, said)
    assert answer.status_code == 202, answer.text
    made = await genie(api, token, OG, {"message": "queue stuck", "entity": "pay"})
    assert made.status_code == 202, made.text
    await api.client(token).post_alerts(webhook(alert("Down", "pay"), alert("Other", "shop")))


@pytest.mark.parametrize("matchers", [["service=pay"], ["service=~p.y", "alertname!=Other"]])
async def test_a_service_is_silenced_whatever_the_dialect(api18: Api, matchers: list[str]) -> None:
    luc = api18.client(api18.token("luc", "read", "respond"))
    await luc.add_silence(matchers, "planned", for_s=600)
    await tell_all(api18)
    assert api18.count("alert", "disposition = 'suppressed'") == 3
    assert api18.count("incident") == 1
    # What is made now says how much it holds back, by the same labels.
    for wanted, hits in (
        (["service=pay"], 3), (["alertname=disk full"], 1), (["service=shop"], 1),
        (["alertname=Down", "service=pay"], 1),
    ):  # fmt: skip
        made = await luc.add_silence(wanted, f"how many {wanted}", for_s=60)
        assert made["matching"] == hits, wanted
    await verified(api18)


async def test_an_alerts_name_silences_it(api18: Api) -> None:
    luc = api18.client(api18.token("luc", "read", "respond"))
    await luc.add_silence(['alertname="queue stuck"'], "planned", for_s=600)
    await tell_all(api18)
    assert decision(api18, "queue stuck")[2] is False
    assert decision(api18, "disk full")[2] is True


async def test_alertmanagers_clients_find_and_name_every_alert(api18: Api) -> None:
    await tell_all(api18)
    luc = api18.token("luc", "read", "respond")
    await api18.client(luc).add_silence(["service=pay"], "planned", for_s=600)
    async with as_client(api18, luc) as http:

        async def asked(*filters: str) -> dict[str, Any]:
            answer = await http.get("/api/v2/alerts", params={"filter": list(filters)})
            return {a["labels"]["alertname"]: a for a in answer.json()}

        found = await asked()
        assert set(found) == {"disk full", "queue stuck", "Down", "Other"}
        assert {a["labels"]["service"] for a in found.values()} == {"pay", "shop"}
        assert all(a["annotations"]["summary"] for a in found.values())
        assert {n: len(a["status"]["silencedBy"]) for n, a in found.items()} == {
            "disk full": 1, "queue stuck": 1, "Down": 1, "Other": 0,
        }  # fmt: skip
        assert set(await asked("service=pay")) == {"disk full", "queue stuck", "Down"}
        assert set(await asked("service=~p.*", "alertname=disk full")) == {"disk full"}
        assert set(await asked("alertname!=Down", "service=pay")) == {"disk full", "queue stuck"}
        groups = (await http.get("/api/v2/alerts/groups", params={"filter": "service=pay"})).json()
        assert {a["labels"]["service"] for g in groups for a in g["alerts"]} == {"pay"}
