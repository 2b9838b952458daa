"""A drill goes the way of a real incident, and nobody can take it for one."""

from __future__ import annotations

import json

import psycopg

from tests.api.conftest import Api, api, api18
from tests.e2e.test_channels import engine
from tests.e2e.test_engine import Receiver, receiver, run
from warroom.db.reads import read_board
from warroom.engine.runner import Engine

__all__ = ["api", "api18", "engine", "receiver"]  # fixtures


async def sent(engine: Engine, receiver: Receiver) -> list[dict[str, object]]:
    """Send what waits; return the bodies that the receiver got of it."""
    receiver.got.clear()
    await run(engine, "outbox")
    return [json.loads(body) for _, body in receiver.got]


async def test_every_message_of_a_drill_says_so_and_a_real_one_does_not(
    api: Api, engine: Engine, receiver: Receiver
) -> None:
    client = api.client()
    await client.add("channels", {"key": "hook", "url": receiver.url})
    made = await client.declare("exercise", 1, drill=True)
    await client.escalation(made["ref"], made["version"], do="now")
    await run(engine, "timers")
    bodies = await sent(engine, receiver)
    assert {"incident.declare", "incident.escalated"} <= {b["type"] for b in bodies}
    for body in bodies:
        assert body["drill"] is True
        assert str(body["text"]).startswith("DRILL ")
    found = await client.incident(made["ref"])
    entries = [e["text"] for e in (await client.timeline(made["ref"]))["items"]]
    assert any(e.startswith("escalated to") and " as a drill (step" in e for e in entries), entries
    await client.set_drill(made["ref"], found["version"], drill=False)
    await client.escalation(made["ref"], found["version"] + 1, do="now")
    await run(engine, "timers")
    for body in await sent(engine, receiver):
        assert "drill" not in body
        assert not str(body["text"]).startswith("DRILL")


async def test_drills_come_last_and_are_counted_apart_now_and_then(api: Api) -> None:
    client = api.client()
    await client.declare("exercise", 1, drill=True)
    await client.declare("a detail", 5)
    await client.declare("all is down", 1)
    async with await psycopg.AsyncConnection.connect(api.pg.conninfo(), autocommit=True) as conn:
        now = await read_board(conn)
        then = await read_board(conn, as_of=now.read_at)
    for picture in (now, then):
        assert [r.title for r in picture.rows] == ["all is down", "a detail", "exercise"]
        assert (picture.open_count, picture.drill_count) == (3, 1)
