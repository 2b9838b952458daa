"""Any few commands, by two people, on the real API: versions, the record, and undo hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import Api, serving
from tests.api.room import opened
from tests.pgfixtures import TestDatabase, TestServer
from warroom.client import Client
from warroom.errors import InvalidInput, NotFound, Refused

Json = dict[str, Any]
# What an undo does not put back: what counts commands, and moments that have gone on since.
MOVING = {"version", "updated_at", "next_timer", "escalation"}
COMMANDS: dict[str, Callable[[Client, Json], Awaitable[Json]]] = {
    "acknowledge": lambda c, i: c.acknowledge(i["ref"], i["version"]),
    "resolve": lambda c, i: c.resolve(i["ref"], i["version"]),
    "reopen": lambda c, i: c.set_status(i["ref"], i["version"], "investigating"),
    "close": lambda c, i: c.set_status(i["ref"], i["version"], "closed"),
    "mitigate": lambda c, i: c.set_status(i["ref"], i["version"], "mitigating", note="x"),
    "worse": lambda c, i: c.set_severity(i["ref"], i["version"], 1),
    "milder": lambda c, i: c.set_severity(i["ref"], i["version"], 4),
    "to luc": lambda c, i: c.assign(i["ref"], i["version"], "luc"),
    "to nobody": lambda c, i: c.assign(i["ref"], i["version"], None),
    "drill": lambda c, i: c.set_drill(i["ref"], i["version"], drill=not i["drill"]),
    "nothing": lambda c, i: c.false_alarm(i["ref"], i["version"]),
    "take": lambda c, i: c.take_role(i["ref"], i["version"], "scribe"),
    "release": lambda c, i: c.release_role(i["ref"], i["version"], "scribe"),
    "down": lambda c, i: c.set_service(i["ref"], i["version"], "pg-main", "down"),
    "detach": lambda c, i: c.detach_service(i["ref"], i["version"], "pg-main"),
    "due": lambda c, i: c.set_update_due(i["ref"], i["version"], 600),
    "never due": lambda c, i: c.set_update_due(i["ref"], i["version"], None),
    "snooze": lambda c, i: c.snooze(i["ref"], i["version"], 600, "x"),
    "wake": lambda c, i: c.snooze(i["ref"], i["version"], 0),
    "field": lambda c, i: c.set_field(i["ref"], i["version"], "brand", "north"),
    "pause": lambda c, i: c.escalation(i["ref"], i["version"], "pause"),
    "skip": lambda c, i: c.escalation(i["ref"], i["version"], "skip", step=2),
    "undo": lambda c, i: c.undo(i["ref"], i["version"]),
}
STEPS = st.lists(
    st.tuples(st.sampled_from(["ana", "luc"]), st.sampled_from(sorted(COMMANDS))),
    min_size=2, max_size=8,
)  # fmt: skip


def kept(incident: Json) -> Json:
    """Return what an undo must put back."""
    services = [(s["key"], s["state"]) for s in incident["services"]]
    roles = [(r["role"], r["name"]) for r in incident["roles"]]
    # A clock that ran on meanwhile has the time left that it had, not the same deadline.
    clocks = {k: incident[k] is not None for k in ("update_due_at", "snoozed_until")}
    escalation = {k: incident["escalation"][k] for k in ("state", "step")}
    return {k: v for k, v in incident.items() if k not in MOVING} | {
        "services": services, "roles": roles, **clocks, "escalates": escalation,
    }  # fmt: skip


class Shared:
    """An API that lasts for all examples: each declares an incident of its own."""

    def __init__(self, server: TestServer) -> None:
        self.loop = asyncio.new_event_loop()
        self._stack = contextlib.AsyncExitStack()
        self._pg = TestDatabase(server)
        self.api = self.run(self._open())

    async def _open(self) -> Api:
        api = await self._stack.enter_async_context(serving(self._pg))
        self.people = {
            "ana": api.client(), "luc": api.client(api.token("luc", "read", "respond")),
        }  # fmt: skip
        await self.people["ana"].add("services", {"key": "pg-main"})
        with self._pg.connect() as conn:
            conn.execute(
                "insert into warroom.field_definition (noun, key, label, type)"
                " values ('incident', 'brand', 'Brand', 'text')"
            )
        return api

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self._stack.aclose())
        self.loop.close()
        self._pg.server.drop(self._pg.name)


@pytest.fixture
def shared(server: TestServer) -> Iterator[Shared]:
    made = Shared(server)
    yield made
    made.close()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_after_any_commands_versions_the_record_and_undo_hold(
    shared: Shared, steps: list[tuple[str, str]]
) -> None:
    shared.run(play(shared, steps))


async def ask(client: Client, name: str, now: Json) -> tuple[Json | None, Refused | None]:
    try:
        return await COMMANDS[name](client, now), None
    except Refused as refusal:
        return None, refusal


async def play(shared: Shared, steps: list[tuple[str, str]]) -> None:
    ana = shared.people["ana"]
    now = await ana.declare("x", 3, services=["pg-main"])
    before: Json | None = None  # as it was before the last command, while that can be undone
    for who, name in steps:
        client = shared.people[who]
        done, refused = await ask(client, name, now)
        if done is None:
            assert refused is not None
            assert refused.rule
            assert refused.current is not None
            assert await ana.incident(now["ref"]) == now, "what is refused changes nothing"
            continue
        assert done["version"] == now["version"] + 1
        assert done == await ana.incident(now["ref"])
        if name == "undo":
            assert before is not None, "an undo is not undone"
            assert kept(done) == kept(before)
            before = None
        else:
            before = now
        now = done
    verdict = await ana.verify_audit()
    assert verdict["verified"] is True, verdict["problems"]


async def test_a_split_takes_single_alerts_along(api: Api) -> None:
    client = api.client()
    await opened(api, "pg-main")
    source = await client.add("sources", {"key": "prom"})
    alerts = [{"labels": {"alertname": n, "service": "pg-main"}} for n in ("Slow", "Full")]
    async with httpx.AsyncClient(base_url=api.url) as http:
        for alert in alerts:
            answer = await http.post(
                "/api/v2/alerts", json=[alert],
                headers={"Authorization": f"Bearer {source['token']}"},
            )  # fmt: skip
            assert answer.status_code < 300, answer.text
    with api.pg.connect() as conn:
        row = conn.execute("select id from warroom.alert where name = 'Full'").fetchone()
    assert row is not None
    seen = await client.incident("INC-1")
    new = await client.split("INC-1", seen["version"], "The disk", alerts=[str(row[0])])
    assert (new["alert_count"], new["firing_count"], new["split_from"]) == (1, 1, "INC-1")
    assert (await client.incident("INC-1"))["alert_count"] == 1
    with pytest.raises(InvalidInput, match="alerts"):
        await client.split("INC-1", seen["version"] + 1, "x", alerts=["no id"])
    assert (await client.verify_audit())["verified"] is True


@pytest.mark.parametrize("visibility", ["restricted", "security"])
async def test_what_is_split_off_is_seen_by_the_same_people(api: Api, visibility: str) -> None:
    ana, luc = api.client(), api.client(api.token("luc", "read", "respond"))
    mira = api.client(api.token("mira", "read", "respond"))
    await opened(api, "pg-main", "orders")
    await ana.restrict("INC-1", 1, visibility, ["luc"])
    new = await luc.split("INC-1", 2, "Orders", services=["orders"])
    assert (new["ref"], new["visibility"], new["version"]) == ("INC-2", visibility, 1)
    assert (await ana.incident("INC-2"))["title"] == "Orders"
    with pytest.raises(NotFound):
        await mira.incident("INC-2")
    for table in ("timeline", "incident_service", "timer", "audit", "history"):
        where = f"incident_id = '{new['id']}' and visibility <> '{visibility}'"
        assert api.count(table, where) == 0, table
    assert (await ana.verify_audit())["verified"] is True
