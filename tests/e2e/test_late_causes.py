"""Causes that come late, while alerts come in and people are at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from tests.api.conftest import Api, serving
from tests.api.test_doors import alert, webhook
from tests.e2e.test_alert_fates import door, engine
from tests.e2e.test_engine import run
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.client import Client
from warroom.engine.runner import Engine

__all__ = ["door", "engine"]

MERGED = "1 incidents merged into that of their cause"
NEEDS = (("checkout", "pg-main"), ("blog", "cache"))


@pytest_asyncio.fixture
async def api(pg18: TestDatabase) -> AsyncIterator[Api]:
    """The API, with checkout hard on pg-main and blog hard on a cache."""
    async with serving(pg18) as running:
        client = running.client()
        for key in ("pg-main", "cache", "checkout", "blog"):
            await client.add("services", {"key": key, "tier": 1})
        for key, needed in NEEDS:
            await client.add("dependencies", {"service": key, "depends_on": needed})
        yield running


async def resolution(api: Api, ref: str) -> str | None:
    found: str | None = (await api.client().incident(ref))["resolution"]
    return found


async def test_a_service_that_somebody_rated_moves_with_its_incident(
    api: Api, door: Client, engine: Engine
) -> None:
    await door.post_alerts(webhook(alert("Errors", "checkout")))
    one = await api.client().incident("INC-1")
    await api.client().set_service("INC-1", one["version"], "checkout", "down")
    await door.post_alerts(webhook(alert("PgDown", "pg-main")))
    assert await run(engine, "late causes") == MERGED
    after = await api.client().incident("INC-2")
    assert {s["key"]: s["state"] for s in after["services"]} == {
        "pg-main": "suspected", "checkout": "down",
    }  # fmt: skip


async def test_alerts_join_the_cause_after_it_has_taken_their_incident_over(
    api: Api, door: Client, engine: Engine
) -> None:
    await door.post_alerts(webhook(alert("Errors", "checkout")))
    await door.post_alerts(webhook(alert("PgDown", "pg-main")))
    assert await run(engine, "late causes") == MERGED
    answer = await door.post_alerts(webhook(alert("More", "checkout"), alert("Errors", "checkout")))
    assert answer["incidents"] == ["INC-2"]
    assert (await api.client().incident("INC-2"))["alert_count"] == 3


async def test_an_incident_that_is_locked_holds_up_no_other_merge(
    api: Api, door: Client, engine: Engine
) -> None:
    await door.post_alerts(webhook(alert("Errors", "checkout")))
    await door.post_alerts(webhook(alert("Slow", "blog")))
    await door.post_alerts(webhook(alert("PgDown", "pg-main"), alert("Down", "cache")))
    with api.pg.connect(autocommit=False) as holder:
        # As a batch of alerts does, until it commits.
        holder.execute("select from warroom.incident where number = 1 for no key update")
        assert await run(engine, "late causes") == MERGED
        assert await resolution(api, "INC-2") == "merged"
    assert await run(engine, "late causes") == MERGED
    assert await resolution(api, "INC-1") == "merged"


async def test_a_merge_that_waits_for_alerts_holds_no_incident(
    api: Api, door: Client, engine: Engine
) -> None:
    await door.post_alerts(webhook(alert("Errors", "checkout")))
    await door.post_alerts(webhook(alert("PgDown", "pg-main")))
    with api.pg.connect(autocommit=False) as batch:
        # A batch locks its alerts, then their incidents: both would wait for each other.
        batch.execute("select from warroom.alert where name = 'Errors' for no key update")
        merging = asyncio.create_task(run(engine, "late causes"))
        waits = (
            "select from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database()"
        )
        with api.pg.connect() as looking:
            await wait_until(lambda: looking.execute(waits).rowcount > 0, what="the merge to wait")
        batch.execute("select from warroom.incident order by id for no key update nowait")
        batch.commit()
        assert await merging == MERGED
