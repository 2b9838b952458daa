"""The doors: alerts in, bodies that are too much, health, and a description that is true."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.helpers import wait_until
from warroom.client import Client
from warroom.console.scram import verifier  # the console's own, as it is used for real
from warroom.errors import DatabaseUnavailable, Forbidden, InvalidInput, Unauthenticated

DATA = Path(__file__).parent.parent / "data"


async def source(api: Api, key: str = "am") -> str:
    """Make an alert source and return its token."""
    made = await api.client().add("sources", {"key": key})
    return str(made["token"])


def payload(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def webhook(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "4", "groupKey": "g", "status": "firing", "receiver": "r",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
        "truncatedAlerts": 0, "alerts": list(alerts),
    }  # fmt: skip


def alert(name: str, service: str | None, status: str = "firing", **labels: str) -> dict[str, Any]:
    named = {"service": service} if service else {}
    return {
        "status": status,
        "labels": {"alertname": name, **named, "severity": "critical", **labels},
        "annotations": {"summary": f"{name} is wrong"},
        "startsAt": "2026-01-01T10:00:00Z",
        "endsAt": "2026-01-01T11:00:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


async def test_a_real_webhook_opens_incidents_and_a_repeat_does_not(api: Api) -> None:
    client = api.client(await source(api))
    body = payload("alertmanager_webhook_firing_group.json")
    first = await client.post_alerts(body)
    assert first["new"] == first["alerts"] == 2
    again = await client.post_alerts(body)
    assert again["new"] == 0
    assert again["incidents"] == first["incidents"]
    assert (api.count("alert"), api.count("incident"), api.count("alert_event")) == (2, 2, 4)
    assert api.count("delivery", "state = 'accepted'") == 2
    # Everything that fires is owned by somebody and has a clock.
    assert api.count("timer", "state = 'armed' and kind = 'escalate'") == 2
    assert api.count("service", "provisional") == 2


async def test_alerts_of_one_service_join_and_resolve(api: Api) -> None:
    client = api.client(await source(api))
    await client.post_alerts(webhook(alert("A", "shop"), alert("B", "shop")))
    admin = api.client()
    one = (await admin.incidents())["items"][0]
    assert (one["alert_count"], one["firing_count"], one["severity"]) == (2, 2, 1)
    over = [alert(name, "shop", "resolved") for name in ("A", "B")]
    await client.post_alerts(webhook(*over))
    after = await admin.incident(one["ref"])
    assert (after["alert_count"], after["firing_count"], after["status"]) == (2, 0, "triggered")
    texts = [e["text"] for e in (await admin.timeline(one["ref"]))["items"]]
    assert any("all 2 alerts ended" in text for text in texts)


async def test_prometheus_posts_to_api_v2(api: Api) -> None:
    client = api.client(await source(api))
    taken = await client.post_alerts(payload("prometheus_v2_firing.json"), dialect="v2")
    assert taken["alerts"] >= 1


async def test_sixteen_first_arrivals_at_once_are_one_alert(api: Api) -> None:
    token = await source(api)
    clients = [api.client(token) for _ in range(16)]
    answers = await asyncio.gather(
        *(client.post_alerts(webhook(alert("Same", "shop"))) for client in clients)
    )
    # Who comes while the first is being stored is told that its alerts wait.
    assert sum(a["new"] or 0 for a in answers) <= 1
    await wait_until(lambda: api.count("intake") == 0, what="the alerts that wait")
    assert (api.count("alert"), api.count("incident")) == (1, 1)
    assert api.count("alert", "count = 16") == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"version": "4", "alerts": [{"labels": {"a": 1}}]}', None),
        (b'{"version": "4", "alerts": NaN}', None),
        (b"[" * 5000, None),
        (b"\xff\xfe", None),
    ],
)
async def test_malformed_bodies_are_named_and_kept(
    api18: Api, body: bytes, field: str | None
) -> None:
    client = api18.client(await source(api18))
    with pytest.raises(InvalidInput) as caught:
        await client.request("POST", "/v1/ingest/alertmanager", content=body)
    assert caught.value.field
    assert "kept as" in (caught.value.remedy or "")
    with api18.pg.connect() as conn:
        row = conn.execute("select body, state, error from warroom.delivery").fetchone()
    assert row is not None
    assert (bytes(row[0]), row[1]) == (body, "quarantined")
    assert api18.count("alert") == 0


async def test_a_person_cannot_post_alerts_and_a_source_can_do_nothing_else(api18: Api) -> None:
    with pytest.raises(Forbidden) as person:
        await api18.client().post_alerts(webhook())
    assert "`warroom source token SOURCE`" in (person.value.remedy or "")
    client = api18.client(await source(api18))
    with pytest.raises(Forbidden) as tool:
        await client.incidents()
    assert "`warroom token add PERSON --scope read`" in (tool.value.remedy or "")
    with pytest.raises(Forbidden):
        await client.declare("x", 1)


async def test_whose_token_is_no_good_is_told_what_makes_another(api18: Api) -> None:
    admin, token = api18.client(), await source(api18)
    (mine,) = [t for t in (await admin.list_of("tokens"))["items"] if t["name"] == "ingest"]
    await admin.revoke_token(mine["id"])
    with pytest.raises(Unauthenticated, match="was revoked") as revoked:
        await api18.client(token).post_alerts(webhook())
    assert revoked.value.remedy == "`warroom source token am` makes a new one."
    with pytest.raises(Unauthenticated, match="unknown") as unknown:
        await api18.client("wr_s_nobody").post_alerts(webhook())
    assert "`warroom source token SOURCE`" in (unknown.value.remedy or "")


async def test_the_body_limit_holds_also_after_decompression(api18: Api) -> None:
    token = await source(api18)
    bomb = gzip.compress(b" " * (64 << 20))
    assert len(bomb) < 100_000
    async with httpx.AsyncClient(
        base_url=api18.url, headers={"Authorization": f"Bearer {token}"}
    ) as http:
        answer = await http.post(
            "/v1/ingest/alertmanager", content=bomb, headers={"Content-Encoding": "gzip"}
        )
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:warroom:problem:payload-too-large"
        plain = await http.post("/v1/ingest/alertmanager", content=b" " * (9 << 20))
        assert plain.status_code == 413
        broken = await http.post(
            "/v1/ingest/alertmanager", content=b"no gzip", headers={"Content-Encoding": "gzip"}
        )
        assert broken.status_code == 400
        good = await http.post(
            "/v1/ingest/alertmanager",
            content=gzip.compress(json.dumps(webhook(alert("A", "s"))).encode()),
            headers={"Content-Encoding": "gzip"},
        )
        assert good.status_code == 200


async def test_health_readiness_and_metrics(api18: Api) -> None:
    async with httpx.AsyncClient(base_url=api18.url) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).json()["database"]["version"].startswith("18")
        metrics = (await http.get("/metrics")).text
    assert "warroom_http_requests_total" in metrics


async def test_a_frozen_database_is_said_within_the_deadline_and_recovers(api18: Api) -> None:
    """SIGSTOP the server's backends: readiness answers 503 instead of hanging."""
    status = api18.pg.server.cluster.status()
    assert status.process is not None
    import psutil

    async with httpx.AsyncClient(base_url=api18.url, timeout=20) as http:
        assert (await http.get("/readyz")).status_code == 200
        family = [psutil.Process(status.process.pid)]
        family += family[0].children(recursive=True)
        for process in family:
            process.send_signal(signal.SIGSTOP)
        try:
            answer = await http.get("/readyz")
        finally:
            for process in family:
                process.send_signal(signal.SIGCONT)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:warroom:problem:database-unavailable"
        assert (await http.get("/healthz")).status_code == 200

        for _ in range(100):
            answer = await http.get("/readyz")
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.1)
        assert answer.status_code == 200


async def test_a_minted_login_reads_and_only_reads(api: Api) -> None:
    import psycopg

    made = await api.client().add("people", {"name": "luc"})
    client: Client = api.client(made["token"])
    await api.client().declare("seen", 1)
    login = await client.mint_login(verifier("secret"))
    assert login["role"] == made["db_role"]
    with psycopg.connect(
        api.pg.conninfo(login["role"]) + " password=secret", autocommit=True
    ) as conn:
        assert conn.execute("select title from read_v1.incident").fetchall() == [("seen",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select * from warroom.incident")
    with pytest.raises(InvalidInput):
        await client.mint_login("plain password")
    with pytest.raises((InvalidInput, DatabaseUnavailable)):
        await client.mint_login(verifier("secret"), hours=13)
