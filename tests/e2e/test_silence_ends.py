"""What a silence held back is heard when it ends, though its tool does not say it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from tests.api.conftest import Api, serving
from tests.api.room import verified
from tests.api.test_doors import source
from tests.api.test_silences import as_client, decision, silence
from tests.e2e.test_alert_fates import engine, fates, sql
from tests.e2e.test_engine import run
from tests.pgfixtures import TestDatabase
from warroom.client import Client
from warroom.engine.runner import Engine

__all__ = ["engine"]  # a fixture

NOTHING = "nothing waits for a decision that is due"


@pytest_asyncio.fixture
async def api(pg18: TestDatabase) -> AsyncIterator[Api]:
    """The API on PostgreSQL 18."""
    async with serving(pg18) as running:
        yield running


@pytest.fixture
def luc(api: Api) -> Client:
    """A person who may make silences."""
    return api.client(api.token("luc", "read", "respond"))


async def trigger(api: Api, token: str, what: str) -> None:
    """Say once that something is down, as PagerDuty's clients do."""
    async with httpx.AsyncClient(base_url=api.url) as http:
        answer = await http.post("/v2/enqueue", json={
            "routing_key": token, "event_action": "trigger", "dedup_key": what,
            "payload": {"summary": f"{what} is down", "source": what, "severity": "critical"},
        })  # fmt: skip
    assert answer.status_code == 202


async def test_when_its_time_runs_out_what_fires_opens_its_incident(
    api: Api, engine: Engine, luc: Client
) -> None:
    await luc.add_silence(['source="db-1"'], "switch", for_s=3600)
    await trigger(api, await source(api), "db-1")
    assert decision(api, "db-1 is down")[1].startswith("silenced by luc")
    assert await run(engine, "deferred") == NOTHING
    # Time passes, for the silence and for what waits for its end.
    sql(api, "update warroom.silence set starts_at = now() - interval '2 h', ends_at = now()")
    sql(api, "update warroom.alert set decide_at = decide_at - interval '1 h'")
    assert await run(engine, "deferred") == "1 alerts decided, 1 incidents opened"
    assert decision(api, "db-1 is down")[2] is True
    assert await run(engine, "deferred") == NOTHING
    await verified(api)


async def test_what_is_over_by_then_opens_nothing(api: Api, engine: Engine, luc: Client) -> None:
    made = await luc.add_silence(['source="db-1"'], "switch", for_s=3600)
    token = await source(api)
    await trigger(api, token, "db-1")
    async with httpx.AsyncClient(base_url=api.url) as http:
        done = {"routing_key": token, "event_action": "resolve", "dedup_key": "db-1"}
        assert (await http.post("/v2/enqueue", json=done)).status_code == 202
    await luc.expire_silence(made["id"])
    assert await run(engine, "deferred") == NOTHING
    assert api.count("incident") == 0


async def test_when_it_is_ended_what_another_holds_waits_on(
    api: Api, engine: Engine, luc: Client
) -> None:
    both = await luc.add_silence(["source=~db-.*"], "switch", for_s=7200)
    await luc.add_silence(["source=db-2"], "disk", for_s=3600)
    token = await source(api)
    for what in ("db-1", "db-2"):
        await trigger(api, token, what)
    await luc.expire_silence(both["id"])
    assert await run(engine, "deferred") == "2 alerts decided, 1 incidents opened"
    found = fates(api)
    assert (found["db-1 is down"]["on"], found["db-2 is down"]["on"]) == (1, None)
    assert found["db-2 is down"]["why"].endswith(": disk")
    assert found["db-2 is down"]["waits"] is True
    assert await run(engine, "deferred") == NOTHING
    await verified(api)


async def test_shortened_or_narrowed_it_is_asked_again(
    api: Api, engine: Engine, luc: Client
) -> None:
    del luc
    token = await source(api)
    async with as_client(api, api.token("mira", "read", "respond")) as http:
        wide = [{"name": "source", "value": "db-.*", "isRegex": True}]
        made = (await http.post("/api/v2/silences", json=silence(matchers=wide))).json()
        (found,) = (await http.get("/api/v2/silences")).json()
        for what in ("db-1", "db-2"):
            await trigger(api, token, what)
        soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        shorter = silence(id=made["silenceID"], matchers=wide, startsAt=found["startsAt"],
                          endsAt=soon)  # fmt: skip
        assert (await http.post("/api/v2/silences", json=shorter)).status_code == 200
        assert await run(engine, "deferred") == "2 alerts decided, 0 incidents opened"
        with api.pg.connect() as conn:
            row = conn.execute(
                "select count(*) from warroom.alert where decide_at < now() + interval '6 min'"
            ).fetchone()
        assert row == (2,)
        narrow = [{"name": "source", "value": "db-2"}]
        other = silence(id=made["silenceID"], matchers=narrow)
        assert (await http.post("/api/v2/silences", json=other)).status_code == 200
    assert await run(engine, "deferred") == "2 alerts decided, 1 incidents opened"
    assert fates(api)["db-2 is down"]["on"] is None


async def test_whoever_ends_it_need_not_see_what_it_held(
    api: Api, engine: Engine, luc: Client
) -> None:
    made = await luc.add_silence(["source=db-1"], "switch", for_s=3600)
    await trigger(api, await source(api), "db-1")
    sql(api, "update warroom.alert set unit = 'other'")
    await luc.expire_silence(made["id"])
    assert await run(engine, "deferred") == "1 alerts decided, 1 incidents opened"


async def test_the_end_of_a_silence_is_no_moment_of_a_rule(
    api: Api, engine: Engine, luc: Client
) -> None:
    """What must hold for a while begins to wait when the silence is over."""
    await api.client().add_rule("slow", "declare", matches={"name": ["db-1*"]},
                                spec={"for_s": 300})  # fmt: skip
    made = await luc.add_silence(["source=db-1"], "switch", for_s=3600)
    await trigger(api, await source(api), "db-1")
    await luc.expire_silence(made["id"])
    assert await run(engine, "deferred") == "1 alerts decided, 0 incidents opened"
    assert fates(api)["db-1 is down"]["fate"] == "waiting"
    assert fates(api)["db-1 is down"]["why"].startswith("waits 5 min more")
