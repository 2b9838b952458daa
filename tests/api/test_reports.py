"""Users' reports by API and form, who answers for alert types, and how much noise they make."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.api.conftest import Api, serving
from tests.api.room import verified
from tests.api.test_commands import login
from tests.api.test_doors import alert, source, webhook
from tests.pgfixtures import TestDatabase
from tests.typist import warroom
from warroom.domain.alert_noise import TypeCounts, fix_first
from warroom.errors import Forbidden, InvalidInput, NotFound
from warroom.settings import Settings

Json = dict[str, Any]


@pytest_asyncio.fixture
async def open_form(pg18: TestDatabase) -> AsyncIterator[Api]:
    """An API with the form switched on."""
    url = f"postgresql://warroom_api@/{pg18.name}?host={pg18.server.cluster.socket_dir}"
    async with serving(pg18, Settings(database_url=url, report_form=True)) as running:
        yield running


async def test_a_report_by_api_waits_and_is_accepted(api18: Api) -> None:
    client = api18.client(api18.token("luc", "read"))
    await api18.client().add("services", {"key": "shop", "tier": 1})
    with pytest.raises(NotFound):
        await client.report("x", service="nowhere")
    made = await client.report("Cart is empty\n after login", service="shop", key="one")
    assert await client.report("Cart is empty\n after login", service="shop", key="one") == made
    (item,) = (await api18.client().triage())["items"]
    assert (item["kind"], item["title"], item["reported_by"], item["why"], item["priority"]) == (
        "report", "Cart is empty after login", "luc", "reported by luc", 2,
    )  # fmt: skip
    done = await api18.client().accept_triage(item["id"], 1)
    one = await api18.client().incident(done["incident"])
    assert ([s["key"] for s in one["services"]], one["severity"], one["alert_count"]) == (
        ["shop"], 4, 0,
    )  # fmt: skip
    with pytest.raises(Forbidden):
        await client.dismiss_triage(item["id"], 2, "no")
    await verified(api18)


async def test_the_form_is_off_unless_it_is_switched_on(api18: Api) -> None:
    async with httpx.AsyncClient() as http:
        for answer in (
            await http.get(f"{api18.url}/report"),
            await http.post(f"{api18.url}/report", data={"title": "x"}),
            await http.get(
                f"{api18.url}/report", headers={"Authorization": f"Bearer {api18.admin_token}"}
            ),
        ):
            assert answer.status_code == 404
            assert answer.headers["content-type"].startswith("text/html")
            assert "ingest.report_form" in answer.text
            assert "<form" not in answer.text
        # Only this address: what stands elsewhere still asks who it is.
        assert (await http.get(f"{api18.url}/report/x")).status_code == 401
        assert (await http.post(f"{api18.url}/report", content=b"a" * 30_000)).status_code == 413
    assert (await api18.client().triage())["items"] == []


async def test_the_form_takes_reports_escapes_and_limits(open_form: Api) -> None:
    url = f"{open_form.url}/report"
    hostile = '"><script>alert(1)</script>'
    async with httpx.AsyncClient() as http:
        page = await http.get(url)
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        again = await http.post(url, data={"title": " ", "body": hostile, "key": "k1"})
        assert again.status_code == 400
        assert "<script>" not in again.text
        assert "&quot;&gt;&lt;script&gt;" in again.text
        form = {"title": hostile, "body": "since ten", "service": "nowhere", "key": "k2",
                "reported_by": "mia"}  # fmt: skip
        # Pressed twice, it is one report.
        assert [(await http.post(url, data=form)).status_code for _ in range(2)] == [201, 201]
        for bad in (b"\xff\xfe", b"title=%00x", b"a" * 19_000, b"{}"):
            assert (await http.post(url, content=bad)).status_code in (400, 429)
        assert (await http.post(url, content=b"title=" + b"a" * 30_000)).status_code == 413
        answers = await asyncio.gather(
            *(http.post(url, data={"title": f"t{n}", "key": f"x{n}"}) for n in range(8))
        )
    told = [a.status_code for a in answers]
    assert 429 in told
    assert set(told) <= {201, 429}
    limited = next(a for a in answers if a.status_code == 429)
    assert limited.headers["retry-after"] == "600"
    items = (await open_form.client().triage())["items"]
    assert len(items) <= 5
    assert (items[0]["title"], items[0]["service"], items[0]["reported_by"], items[0]["why"]) == (
        hostile, None, "mia", "reported by form",
    )  # fmt: skip
    await verified(open_form)


async def test_the_noise_of_alert_types_and_who_answers_for_them(api18: Api) -> None:
    client = api18.client()
    door = api18.client(await source(api18))
    await client.add("teams", {"key": "web", "name": "Web"})
    await client.add("services", {"key": "shop", "team": "web"})
    body = [alert("Noisy", "shop", instance=str(n)) for n in range(3)]
    await door.post_alerts(webhook(*body))
    await door.post_alerts(webhook(*body))
    one = (await client.incidents())["items"][0]
    await client.false_alarm(one["ref"], one["version"])
    await door.post_alerts(webhook(alert("Good", "pg")))
    two = (await client.incidents())["items"][0]
    await client.acknowledge(two["ref"], two["version"])
    noisy, good = (await client.noise())["items"]
    assert (noisy["name"], noisy["alerts"], noisy["episodes"], noisy["messages"]) == (
        "Noisy", 3, 3, 6,
    )  # fmt: skip
    assert (noisy["acted"], noisy["ignored"], noisy["owner"]) == (0, 3, "web")
    assert noisy["fix"] == (
        "nobody acts on it: record it only, or take it away; name its runbook, response"
    )
    assert (good["acted"], good["ignored"], good["owner"]) == (1, 0, None)
    assert good["lacks"] == ["owner", "runbook", "response"]
    with pytest.raises(NotFound):
        await client.set_alert_type("nowhere", "Good")
    made = await client.set_alert_type(
        "am", "Good", team="web", runbook="https://x.example/r", response="fail over"
    )
    again = await client.set_alert_type(
        "am", "Good", team="web", runbook="https://x.example/r", response="fail over now"
    )
    assert (made["version"], again["version"], made["id"]) == (1, 2, again["id"])
    good = (await client.noise())["items"][1]
    assert (good["lacks"], good["fix"], good["score"]) == ([], "", 0)
    await verified(api18)


async def test_what_is_not_said_of_an_alert_type_stays(api18: Api) -> None:
    client = api18.client()
    await source(api18)
    await client.add("teams", {"key": "db", "name": "DB"})
    env = login(api18)
    full = ("--team", "db", "--runbook", "https://x.example/y", "--response", "look")
    assert (await warroom("report", "type", "am", "Bulk", *full, **env))[0] == 0
    code, _, err = await warroom(
        "report", "type", "am", "Bulk", "--runbook", "javascript:alert(1)", **env
    )
    assert (code, "https://" in err) == (2, True), err
    code, out, _ = await warroom("report", "type", "am", "Bulk", "--response", "wait", **env)
    assert out == ("am Bulk: db answers for it; runbook: https://x.example/y; response: wait\n")
    with pytest.raises(InvalidInput):
        await client.set_alert_type("am", "Bulk", runbook="file:///etc/passwd")
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {api18.admin_token}"}) as http:
        said = await http.post(
            f"{api18.url}/v1/alert-types",
            json={"source": "am", "name": "Bulk", "team": None, "runbook": "https://x.example/z"},
            headers={"Idempotency-Key": "k"},
        )
    found = said.json()
    assert (found["team"], found["runbook"], found["response"], found["version"]) == (
        "db", "https://x.example/z", "wait", 3,
    )  # fmt: skip
    found = await client.set_alert_type("am", "Bulk", team="", runbook="", response="")
    assert (found["team"], found["runbook"], found["response"]) == (None, "", "")
    await verified(api18)


async def test_a_runbook_that_no_browser_should_open_is_none(api18: Api) -> None:
    door = api18.client(await source(api18))
    bad = alert("Odd", "shop")
    bad["annotations"] = bad.get("annotations", {}) | {"runbook_url": "javascript:alert(1)"}
    await door.post_alerts(webhook(bad))
    (odd,) = (await api18.client().noise())["items"]
    assert (odd["runbook"], "runbook" in odd["lacks"]) == ("", True)


@pytest.mark.parametrize(
    ("counts", "lacks", "score", "sentence"),
    [
        (TypeCounts(4, 8, 80, 4, 0, 0), (), 0, ""),
        (TypeCounts(4, 8, 80, 1, 0, 3), (), 6,
         "most of it is ignored: ask in triage, or raise its threshold"),
        (TypeCounts(1, 9, 9, 1, 1, 0), ("runbook",), 7,
         "it flaps: let it hold for a while, or widen its threshold; name its runbook"),
    ],
)  # fmt: skip
def test_what_to_fix_first(
    counts: TypeCounts, lacks: tuple[str, ...], score: int, sentence: str
) -> None:
    found = fix_first(counts, lacks)
    assert (found.score, found.sentence) == (score, sentence)
