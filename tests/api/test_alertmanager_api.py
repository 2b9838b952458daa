"""Alertmanager's API v2 and webhook as its clients use them: what is read, taken and refused."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import httpx

from tests.api.conftest import Api
from tests.api.test_doors import alert, payload, source, webhook
from tests.api.test_silences import HOSTILE, as_client, one, silence


async def test_silences_as_alertmanagers_clients_read_them(api18: Api) -> None:
    async with as_client(api18, api18.token("luc", "read", "respond")) as http:
        made = (await http.post("/api/v2/silences", json=silence(comment=HOSTILE))).json()
        (found,) = (await http.get("/api/v2/silences")).json()
        assert found["id"] == made["silenceID"]
        assert found["comment"] == HOSTILE.strip()
        assert (found["createdBy"], found["annotations"]) == ("luc", {"author": "root"})
        assert found["status"] == {"state": "active"}
        assert found["matchers"] == silence()["matchers"]
        assert found == (await http.get(f"/api/v2/silence/{found['id']}")).json()
        for query, hits in (
            (["service=pay"], 1), (["service=~p.*"], 1), (["service=shop"], 0),
            (["service!=pay"], 0), (["env=x"], 0), (["env!=x"], 1), (["service=pay", "a="], 1),
        ):  # fmt: skip
            answer = await http.get("/api/v2/silences", params={"filter": query})
            assert len(answer.json()) == hits, query
        wrong = await http.get("/api/v2/silences", params={"filter": "nonsense"})
        assert wrong.status_code == 400
        assert wrong.json().startswith("bad matcher format: nonsense")
        nothing = await http.get(f"/api/v2/silence/{'0' * 8}-0000-7000-8000-{'0' * 12}")
        assert nothing.status_code == 404
        assert isinstance(nothing.json(), str)
        status = (await http.get("/api/v2/status")).json()
        assert "receiver: warroom" in status["config"]["original"]
        assert status["cluster"] == {"status": "disabled", "peers": []}
        assert (await http.get("/api/v2/receivers")).json() == [{"name": "warroom"}]


async def test_alerts_as_alertmanagers_clients_read_them(api18: Api) -> None:
    monitoring = api18.client(await source(api18))
    other = api18.client(await source(api18, "second"))
    await monitoring.post_alerts(webhook(alert("Down", "pay", env="a,b"), alert("Slow", "shop")))
    await monitoring.post_alerts(webhook(alert("Over", "shop"), alert("Over", "shop", "resolved")))
    await other.post_alerts(webhook(alert("Else", "blog")))
    reader = api18.token("luc", "read", "respond")
    await api18.client(reader).add_silence(["alertname=Slow"], "known", for_s=600)
    async with as_client(api18, reader) as http:

        async def names(*filters: str, **flags: Any) -> list[str]:
            answer = await http.get("/api/v2/alerts", params={"filter": list(filters), **flags})
            return sorted(a["labels"]["alertname"] for a in answer.json())

        assert await names() == ["Down", "Else", "Slow"]
        assert await names("service=~pay|shop") == ["Down", "Slow"]
        assert await names('env="a,b"', "severity=critical") == ["Down"]
        assert await names("env=") == ["Else", "Slow"]
        assert await names("severity!~crit.*") == []
        assert await names(active="false") == ["Slow"]
        assert await names(silenced="false", inhibited="false", unprocessed="false") == [
            "Down",
            "Else",
        ]
        assert await names(receiver="war.*") == ["Down", "Else", "Slow"]
        assert await names(receiver="war") == []
        assert (await http.get("/api/v2/alerts", params={"active": "perhaps"})).status_code == 400
        found = {a["labels"]["alertname"]: a for a in (await http.get("/api/v2/alerts")).json()}
        assert found["Down"]["status"] == {
            "state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": [],
        }  # fmt: skip
        assert found["Slow"]["status"]["state"] == "suppressed"
        (by,) = found["Slow"]["status"]["silencedBy"]
        assert by == (await http.get("/api/v2/silences")).json()[0]["id"]
        for field in ("startsAt", "endsAt", "updatedAt"):
            assert datetime.fromisoformat(found["Down"][field]).year >= 2026
        groups = (await http.get("/api/v2/alerts/groups")).json()
        assert [g["labels"]["incident"] for g in groups] == ["INC-1", "INC-2", "INC-3"]
        assert {g["labels"]["service"] for g in groups} == {"pay", "shop", "blog"}
        assert groups[0]["receiver"] == {"name": "warroom"}
    # A source sees its own and no more.
    async with as_client(api18, await token_of(api18, "second")) as http:
        assert [a["labels"]["service"] for a in (await http.get("/api/v2/alerts")).json()] == [
            "blog"
        ]
        assert (await http.get("/api/v2/status")).status_code == 200
        assert (await http.get("/api/v2/receivers")).status_code == 200


async def token_of(api: Api, key: str) -> str:
    answer = await api.client().add(f"sources/{key}/tokens", {"expires_in_s": None})
    return str(answer["token"])


async def test_which_token_may_do_what(api18: Api) -> None:
    ingest = await source(api18)
    reads, answers = api18.token("ro", "read"), api18.token("luc", "respond")
    some = "00000000-0000-7000-8000-000000000009"
    wanted = {
        ("GET", "/api/v2/alerts"): (200, 200, 200),
        ("GET", "/api/v2/silences"): (403, 200, 200),
        ("GET", f"/api/v2/silence/{some}"): (403, 404, 404),
        ("POST", "/api/v2/silences"): (403, 403, 200),
        ("DELETE", f"/api/v2/silence/{some}"): (403, 403, 404),
        ("POST", "/api/v2/alerts"): (200, 403, 403),
    }
    for (method, path), statuses in wanted.items():
        body: object = [] if path.endswith("alerts") else silence()
        for token, status in zip((ingest, reads, answers), statuses, strict=True):
            async with as_client(api18, token) as http:
                content = json.dumps(body) if method == "POST" else None
                answer = await http.request(method, path, content=content)
                assert answer.status_code == status, (method, path, answer.text)
                if status >= 400:
                    assert isinstance(answer.json(), str), "amtool reads one JSON string"
    assert api18.count("silence") == 1


async def test_a_group_of_14000_alerts_is_taken_whole(api18: Api) -> None:
    """One grouped post, as Alertmanager sends it when a region is down."""
    monitoring = api18.client(await source(api18))
    monitoring._http.timeout = httpx.Timeout(120)
    many = [
        alert(f"Down{n % 40}", f"svc-{n % 50}", instance=f"host-{n:05}.eu-west-1.example.org",
              cluster="prod-eu", namespace=f"team-{n % 20}", pod=f"pod-{n:08}")
        for n in range(14_000)
    ]  # fmt: skip
    body = webhook(*many)
    assert 4 << 20 < len(json.dumps(body)) < 8 << 20
    taken = await monitoring.post_alerts(body)
    assert (taken["alerts"], taken["new"]) == (14_000, 14_000)
    assert api18.count("alert", "state = 'firing'") == 14_000
    assert api18.count("alert_event") == 14_000
    assert api18.count("incident") == len(taken["incidents"]) == 50
    assert one(api18, "select sum(alert_count) from warroom.incident") == (14_000,)


async def test_grafanas_webhook_brings_its_own_fields(api18: Api) -> None:
    monitoring = api18.client(await source(api18))
    taken = await monitoring.post_alerts(payload("grafana_webhook.json"))
    assert (taken["new"], len(taken["incidents"])) == (2, 2)
    (kept,) = one(api18, "select annotations from warroom.alert where name = 'High memory usage'")
    assert kept["dashboardURL"] == "https://play.grafana.org/d/000000012?orgId=1"
    assert kept["imageURL"] == "https://mine.example/kept.png", "the rule's author wins"


async def test_an_end_without_a_beginning_ends_what_fires(api18: Api) -> None:
    """As Alertmanager does; with a beginning of its own it is an older episode's."""
    labels = {"alertname": "Endtest", "service": "endsvc"}
    async with as_client(api18, await source(api18)) as http:

        async def told(**times: str) -> None:
            answer = await http.post("/api/v2/alerts", json=[{"labels": labels} | times])
            assert answer.status_code == 200

        await told()
        await told(startsAt="2026-01-02T10:00:00Z", endsAt="2026-01-02T11:00:00Z")
        assert len((await http.get("/api/v2/alerts")).json()) == 1
        await told(endsAt="2026-01-02T11:00:00Z")
        assert (await http.get("/api/v2/alerts")).json() == []
        row = one(
            api18, "select state, ends_at >= starts_at from warroom.alert where name = 'Endtest'"
        )
        assert row == ("resolved", True)
        # It fires again, and is over by the year-1 beginning that Go's clients send for none.
        await told()
        assert len((await http.get("/api/v2/alerts")).json()) == 1
        await told(startsAt="0001-01-01T00:00:00Z", endsAt="2026-01-02T11:00:00Z")
        assert (await http.get("/api/v2/alerts")).json() == []
