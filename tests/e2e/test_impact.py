"""Impact from the door to the screen's picture: declared, alerted, recovered, re-catalogued."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import psycopg
import pytest_asyncio

from tests.api.conftest import Api, serving
from tests.e2e.test_engine import an_engine, run
from tests.pgfixtures import TestDatabase
from warroom.db.reads import read_impact
from warroom.engine.runner import Engine


@pytest_asyncio.fixture
async def api(pg: TestDatabase) -> AsyncIterator[Api]:
    """The API on each version, with checkout hard on orders hard on pg-main."""
    async with serving(pg) as running:
        client = running.client()
        for key, tier in (("pg-main", 0), ("orders", 1), ("checkout", 1)):
            await client.add("services", {"key": key, "name": key.title(), "tier": tier})
        for key, needs in (("orders", "pg-main"), ("checkout", "orders")):
            await client.add(
                "dependencies", {"service": key, "depends_on": needs, "hardness": "hard"}
            )
        yield running


@pytest_asyncio.fixture
async def engine(pg: TestDatabase) -> AsyncIterator[Engine]:
    """An engine whose cycles the test runs itself."""
    made = an_engine(pg)
    yield made
    await made._db.close()


def sql(api: Api, query: str) -> Any:
    with api.pg.connect() as conn:
        cursor = conn.execute(query)
        return cursor.fetchone() if cursor.description else None


async def tree(api: Api, number: int, as_of: datetime | None = None) -> list[str]:
    incident = sql(api, f"select id from warroom.incident where number = {number}")[0]
    async with await psycopg.AsyncConnection.connect(api.pg.conninfo(), autocommit=True) as conn:
        picture = await read_impact(conn, incident, as_of=as_of)
    assert picture is not None
    return [f"{n.key} {n.state}" for n in picture.nodes]


async def test_declare_then_recover_and_the_past_still_shows_it(api: Api, engine: Engine) -> None:
    await api.client().declare("Pool is full", 1, services=["pg-main"])
    hit = ["pg-main suspected", "orders expected-degraded", "checkout expected-degraded"]
    assert await tree(api, 1) == hit
    # The impact stands in the record as a consequence of the command that caused it.
    assert api.count(
        "audit", "table_name = 'incident_impact' and command = 'incident.declare'"
    ) == 1  # fmt: skip
    then = sql(api, "select clock_timestamp()")[0]
    sql(api, "update warroom.incident_service set state = 'recovered', version = version + 1")
    assert await run(engine, "impact") == "after the start: reasoned again about 1 open incident"
    assert await tree(api, 1) == ["pg-main recovered"]
    assert await tree(api, 1, then) == hit


async def test_an_alert_opens_with_its_impact_and_its_repeats_write_none(api: Api) -> None:
    client = api.client()
    source = await client.add("sources", {"key": "prom"})
    alert = {"labels": {"alertname": "Slow", "service": "orders", "severity": "critical"}}
    async with httpx.AsyncClient(base_url=api.url) as http:
        for _ in range(3):
            answer = await http.post(
                "/api/v2/alerts",
                json=[alert],
                headers={"Authorization": f"Bearer {source['token']}"},
            )
            assert answer.status_code < 300, answer.text
    assert await tree(api, 1) == ["orders suspected", "checkout expected-degraded"]
    assert api.count("audit", "table_name = 'incident_impact'") == 1


async def test_a_new_dependency_reaches_open_incidents_and_only_those_it_touches(
    api: Api, engine: Engine
) -> None:
    client = api.client()
    await client.declare("Pool is full", 1, services=["pg-main"])
    await client.declare("Checkout fails", 2, services=["checkout"])
    await run(engine, "impact")
    assert await run(engine, "impact") == "the catalogue has not changed"
    await client.add("services", {"key": "reports", "name": "Reports", "tier": 3})
    await run(engine, "impact")
    await client.add(
        "dependencies", {"service": "reports", "depends_on": "orders", "hardness": "hard"}
    )
    said = await run(engine, "impact")
    assert said == "the catalogue changed: reasoned again about 1 open incident"
    assert (await tree(api, 1))[-1] == "reports expected-degraded"
    assert await tree(api, 2) == ["checkout suspected"]
    sql(api, "update warroom.service set tier = 0 where key = 'checkout'")
    said = await run(engine, "impact")
    assert said == "the catalogue changed: reasoned again about 2 open incidents"
    sql(api, "delete from warroom.dependency where hardness = 'hard'")
    said = await run(engine, "impact")
    assert said == "the catalogue shrank: reasoned again about 2 open incidents"
    assert await tree(api, 1) == ["pg-main suspected"]


async def test_ended_incidents_keep_what_was_reasoned_when_they_ended(
    api: Api, engine: Engine
) -> None:
    client = api.client()
    made = await client.declare("Pool is full", 1, services=["pg-main"])
    await client.resolve("INC-1", made["version"])
    before = await tree(api, 1)
    sql(api, "delete from warroom.dependency")
    assert await run(engine, "impact") == "after the start: no open incident is touched"
    assert await tree(api, 1) == before


async def test_an_alert_on_what_it_needs_makes_that_the_first_suspect_within_a_cycle(
    api: Api, engine: Engine
) -> None:
    source = await api.client().add("sources", {"key": "prom"})

    async def fire(service: str) -> None:
        alert = {"labels": {"alertname": "Slow", "service": service, "severity": "critical"}}
        async with httpx.AsyncClient(base_url=api.url) as http:
            answer = await http.post(
                "/api/v2/alerts",
                json=[alert],
                headers={"Authorization": f"Bearer {source['token']}"},
            )
        assert answer.status_code < 300, answer.text

    await run(engine, "impact")
    await fire("checkout")
    await run(engine, "impact")
    assert await suspects(api, 1) == ["checkout", "orders", "pg-main"]
    await fire("pg-main")
    said = await run(engine, "impact")
    assert said.endswith("alerts or changes near them: reasoned again about 2 open incidents")
    assert (await suspects(api, 1))[0] == "pg-main"
    assert await run(engine, "impact") == "the catalogue has not changed"


async def suspects(api: Api, number: int) -> list[str]:
    rows = sql(
        api,
        "select array(select s ->> 'key' from warroom.incident_impact m,"
        " jsonb_array_elements(m.suspects) with ordinality x(s, n) where m.incident_id = i.id"
        f" order by n) from warroom.incident i where number = {number}",
    )
    found: list[str] = rows[0]
    return found
