"""Hostile and broken senders: whatever they do, nothing is lost, stored by halves or held up."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_doors import alert, source, webhook
from warroom.api.batcher import Batcher
from warroom.api.limits import Door
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import InvalidInput, Overloaded
from warroom.ingest import alertmanager_webhook
from warroom.ingest.common import IngestOptions
from warroom.services.alerts import INGEST
from warroom.services.delivery import Delivery, DeliveryResult

JSON = "application/json"


@pytest.mark.parametrize("path", ["/v1/ingest/alertmanager", "/api/v2/alerts"])
@pytest.mark.parametrize("body", [b"{", b"", b"[" * 5000, b'{"version": NaN}'])
async def test_malformed_json_is_kept_also_when_it_is_called_json(
    api18: Api, path: str, body: bytes
) -> None:
    """As Alertmanager sends it: the framework must not refuse it before we have seen it."""
    token = await source(api18)
    async with httpx.AsyncClient(base_url=api18.url) as http:
        answer = await http.post(
            path, content=body, headers={"Authorization": f"Bearer {token}", "Content-Type": JSON}
        )
    problem = answer.json()
    assert answer.status_code == 400
    if path.startswith("/api/v2/"):  # clients of Alertmanager read one string
        assert "kept as" in problem
    else:
        assert problem["field"] == "body"
        assert "kept as" in problem["remedy"]
    assert api18.count("delivery", "state = 'quarantined'") == 1


async def test_the_own_label_of_a_source_names_the_service(api18: Api) -> None:
    made = await api18.client().add("sources", {"key": "own", "service_label": "component"})
    client = api18.client(made["token"])
    await client.post_alerts(webhook(alert("A", None, component="ledger")))
    assert api18.count("service", "key = 'ledger'") == 1


async def test_nothing_is_stored_by_halves(api18: Api) -> None:
    """A second gzip member, or anything behind the first, is refused rather than dropped."""
    token = await source(api18)
    body = json.dumps(webhook(alert("A", "s"))).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Encoding": "gzip"}
    async with httpx.AsyncClient(base_url=api18.url, headers=headers) as http:
        for sent in (
            gzip.compress(body) + gzip.compress(b" "),
            gzip.compress(body) + b"more",
            gzip.compress(body)[:-4],
        ):
            answer = await http.post("/v1/ingest/alertmanager", content=sent)
            assert answer.status_code == 400
            assert answer.json()["field"] == "body"
        unknown = await http.post(
            "/v1/ingest/alertmanager", content=body, headers={"Content-Encoding": "br"}
        )
        assert unknown.status_code == 400
    assert (api18.count("delivery"), api18.count("alert")) == (0, 0)


async def test_a_body_without_a_length_is_limited_too(api18: Api) -> None:
    token = await source(api18)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(9 << 4):
            yield b" " * (1 << 16)

    async with httpx.AsyncClient(base_url=api18.url, timeout=30) as http:
        answer = await http.post(
            "/v1/ingest/alertmanager", content=pieces(),
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
    assert answer.status_code == 413


async def test_a_body_that_never_ends_is_given_up() -> None:
    """The layer itself, at the protocol that servers speak to it."""
    answers: list[MutableMapping[str, Any]] = []
    asked = 0

    async def never(*_: Any) -> None:
        raise AssertionError("the application was reached")

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        if asked > 1:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"{", "more_body": True}

    async def send(message: MutableMapping[str, Any]) -> None:
        answers.append(message)

    door = Door(never, 1000, body_seconds=0.05)
    await door({"type": "http", "headers": []}, receive, send)
    assert answers[0]["status"] == 408
    assert json.loads(answers[1]["body"])["type"] == "urn:warroom:problem:request-timeout"


def delivery(origin: tuple[UUID, UUID], name: str, summary: str | None = None) -> Delivery:
    """Return one alert's delivery, read as the door reads it."""
    body = json.dumps(webhook(alert(name, name.lower()))).encode()
    found = alertmanager_webhook.parse(body, IngestOptions(), datetime.now(UTC))
    if summary is not None:
        found = (replace(found[0], summary=summary),)
    return Delivery(origin[0], origin[1], "alertmanager", JSON, body, found)


async def batcher_of(api: Api, **limits: int) -> tuple[Batcher, Database, tuple[UUID, UUID]]:
    await source(api)
    with api.pg.connect() as conn:
        row = conn.execute("select id, principal_id from warroom.source").fetchone()
    assert row is not None
    url = f"postgresql://warroom_api@/{api.pg.name}?host={api.pg.server.cluster.socket_dir}"
    database = Database.open(url, role="api")
    chosen: dict[str, Any] = {"queue_max": 100, "batch_max": 100, "bytes_max": 1 << 20} | limits
    made = Batcher(
        database, CommandContext(INGEST, "test", "test"), window=timedelta(minutes=10), **chosen
    )
    return made, database, (row[0], row[1])


async def test_one_poisonous_body_takes_no_neighbour_along(api18: Api) -> None:
    batcher, database, origin = await batcher_of(api18)
    waiting = [
        asyncio.ensure_future(batcher.put(one))
        for one in (
            delivery(origin, "Good"),
            delivery(origin, "Bad", summary="a\x00b"),  # no parser lets it through; one day...
            delivery(origin, "Fine"),
        )
    ]
    await asyncio.sleep(0)  # all three queue before the worker takes its first batch
    batcher.start()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    await batcher.close()
    await database.close()
    assert isinstance(answers[0], DeliveryResult)
    assert isinstance(answers[1], InvalidInput)
    assert isinstance(answers[2], DeliveryResult)
    assert api18.count("alert") == 2
    assert batcher.waiting == 0


async def test_a_full_queue_says_so_and_stores_nothing(api18: Api) -> None:
    batcher, database, origin = await batcher_of(api18, queue_max=2)
    first = [asyncio.ensure_future(batcher.put(delivery(origin, n))) for n in ("A", "B")]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await batcher.put(delivery(origin, "C"))
    batcher.start()
    await asyncio.gather(*first)
    await batcher.close()
    with pytest.raises(Overloaded):  # closing: finish what has queued, take no more
        await batcher.put(delivery(origin, "D"))
    await database.close()
    assert api18.count("alert") == 2


async def test_every_answer_has_a_request_id(api18: Api) -> None:
    async with httpx.AsyncClient(base_url=api18.url) as http:
        for given, kept in (("abc-1.2:3_", True), ("a b", False), ("x" * 101, False)):
            answer = await http.get("/v1/me", headers={"X-Request-Id": given})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            told = answer.headers["x-request-id"]
            assert (told == given) is kept
            assert answer.json()["request_id"] == told


async def test_problems_have_one_shape(api18: Api) -> None:
    headers = {
        "Authorization": f"Bearer {api18.admin_token}",
        "Content-Type": JSON,
        "Idempotency-Key": "k",
    }
    async with httpx.AsyncClient(base_url=api18.url, headers=headers) as http:
        asked = [
            (404, None, await http.get("/nowhere")),
            (405, None, await http.put("/v1/incidents")),
            (400, "limit", await http.get("/v1/incidents?limit=0")),
            (400, "body", await http.post("/v1/incidents", content=b"{")),
            (400, "body", await http.post("/v1/incidents", content=b'{"\\ud800": 1}')),
            (400, "hours", await http.post("/v1/logins", json={"verifier": "x", "hours": 13})),
        ]
    for status, field, answer in asked:
        problem = answer.json()
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["type"].startswith("urn:warroom:problem:")
        assert problem["status"] == status
        assert problem["detail"]
        assert problem["remedy"]
        assert problem.get("field") == field
