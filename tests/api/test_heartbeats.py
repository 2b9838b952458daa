"""Heartbeats: absence raises one alert with any number of engines, return resolves it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_commands import login
from tests.typist import warroom
from warroom.api.ops import shown
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from warroom.services import heartbeat_watch
from warroom.services.alerts import ENGINE


@asynccontextmanager
async def engines(api: Api, number: int) -> AsyncIterator[list[Database]]:
    """Connect as that many engines."""
    url = f"postgresql://warroom_engine@/{api.pg.name}?host={api.pg.server.cluster.socket_dir}"
    found = [Database.open(url, role="engine") for _ in range(number)]
    try:
        yield found
    finally:
        for db in found:
            await db.close()


async def watch(db: Database) -> str:
    return await heartbeat_watch.follow(db, CommandContext(ENGINE, "r", "test"))


async def add(api: Api, key: str = "backup", **more: Any) -> str:
    """Make a heartbeat and return its address."""
    made = await api.client().add("heartbeats", {"key": key, "service": "pg-main", **more})
    return f"{api.url}/heartbeat/{made['token']}"


async def beat(address: str, method: str = "POST") -> httpx.Response:
    async with httpx.AsyncClient() as http:
        return await http.request(method, address)


def age(api: Api, seconds: int) -> None:
    """Let the last beat be older, as it will be by the database's clock some day."""
    with api.pg.connect() as conn:
        conn.execute(
            "update warroom.heartbeat_state set last_beat_at = last_beat_at"
            " - make_interval(secs => %s)",
            (seconds,),
        )


def alerts(api: Api) -> list[tuple[Any, ...]]:
    with api.pg.connect() as conn:
        return conn.execute(
            "select a.state, a.count, a.severity, s.key, a.summary from warroom.alert a"
            " join warroom.service s on s.id = a.service_id where a.name = 'HeartbeatMissing'"
            " order by a.fingerprint"
        ).fetchall()


async def state(api: Api) -> str:
    (one,) = (await api.client().list_of("heartbeats"))["items"]
    return str(one["state"])


async def test_absence_is_one_alert_and_return_ends_it(api: Api) -> None:
    address = await add(api, severity=3, window_s=60, grace_s=30)
    async with engines(api, 2) as (one, other):
        assert await state(api) == "new"
        told = await beat(address, "GET")
        assert told.json() == {
            "status": "ok", "heartbeat": "backup", "next_within_s": 60, "paused": False
        }  # fmt: skip
        age(api, 85)
        assert await watch(one) == "no heartbeat is overdue"  # within its grace
        age(api, 10)
        said = await asyncio.gather(*(watch(db) for db in (one, other) for _ in range(4)))
        assert min(said) == "backup missing"
        assert said.count("backup missing") == 1
        ((firing, count, severity, service, text),) = alerts(api)
        assert (firing, count, severity, service) == ("firing", 1, 3, "pg-main")
        assert re.fullmatch(
            r"No heartbeat of backup since (20\d\d-\d\d-\d\d at )?\d\d:\d\d UTC:"
            r" one is due every 60 s",
            text,
        )
        assert await state(api) == "missing"
        assert api.count("incident") == 1
        await beat(address)
        said = await asyncio.gather(*(watch(db) for db in (one, other) for _ in range(4)))
        assert said.count("backup back") == 1
        assert alerts(api)[0][:2] == ("resolved", 1)
        # Missing again at once it fires again; it is no straggler of the episode before.
        age(api, 1000)
        assert await watch(other) == "backup missing"
        assert alerts(api)[0][:2] == ("firing", 2)
    # A beat writes neither history nor audit; adding it wrote its entry.
    assert api.count("history", "table_name like 'heartbeat%'") == 0
    assert api.count("audit", "table_name like 'heartbeat%'") == 1
    assert (await api.client().verify_audit())["verified"] is True


async def test_one_that_never_beats_is_missed_from_when_it_was_made(api18: Api) -> None:
    """A job that is not set up right, or a wrong address in it, would never be noticed."""
    address = await add(api18, window_s=60, grace_s=30)
    async with engines(api18, 1) as (db,):
        age(api18, 85)
        assert await watch(db) == "no heartbeat is overdue"
        (one,) = (await api18.client().list_of("heartbeats"))["items"]
        assert (one["state"], one["last_beat_at"], one["beats"]) == ("new", None, 0)
        age(api18, 10)
        assert await watch(db) == "backup missing"
        assert await watch(db) == "no heartbeat is overdue"
        ((firing, count, _, service, text),) = alerts(api18)
        assert (firing, count, service) == ("firing", 1, "pg-main")
        assert text.startswith("No heartbeat of backup yet, waited for since ")
        (one,) = (await api18.client().list_of("heartbeats"))["items"]
        assert (one["state"], one["last_beat_at"]) == ("missing", None)
        await beat(address)
        assert await watch(db) == "backup back"
        (one,) = (await api18.client().list_of("heartbeats"))["items"]
        assert (one["state"], one["beats"], bool(one["last_beat_at"])) == ("beating", 1, True)
    assert (await api18.client().verify_audit())["verified"] is True


async def test_the_first_beat_counts_however_soon_it_comes(api18: Api) -> None:
    address = await add(api18)
    assert (await beat(address)).status_code == 200
    assert await state(api18) == "beating"


async def test_resumed_one_that_was_never_waited_for_is(api18: Api) -> None:
    """Heartbeats without a working row, as they were once made."""
    await add(api18, window_s=60, grace_s=0)
    with api18.pg.connect() as conn:
        conn.execute("delete from warroom.heartbeat_state")
    await api18.client().switch_heartbeat("backup", "pause")
    await api18.client().switch_heartbeat("backup", "resume")
    with api18.pg.connect() as conn:
        conn.execute("update warroom.heartbeat set resumed_at = null")
    age(api18, 100)
    async with engines(api18, 1) as (db,):
        assert await watch(db) == "backup missing"


async def test_a_pause_and_a_removal_end_the_alert(api18: Api) -> None:
    admin = api18.client()
    address = await add(api18, window_s=60, grace_s=0)
    async with engines(api18, 1) as (db,):
        await beat(address)
        age(api18, 100)
        assert await watch(db) == "backup missing"
        await admin.switch_heartbeat("backup", "pause")
        assert await watch(db) == "backup back"
        assert alerts(api18)[0][0] == "resolved"
        assert await watch(db) == "no heartbeat is overdue"
        assert (await beat(address)).json()["paused"] is True  # it may go on speaking
        age(api18, 10_000)
        await admin.switch_heartbeat("backup", "resume")
        assert await watch(db) == "no heartbeat is overdue"  # a whole window from now on
        with api18.pg.connect() as conn:
            conn.execute(
                "update warroom.heartbeat set resumed_at = resumed_at - interval '100 seconds'"
            )
        assert await watch(db) == "backup missing"
        await admin.switch_heartbeat("backup", "remove")
        assert await watch(db) == "backup back"
        assert alerts(api18)[0][0] == "resolved"
    assert (await beat(address)).status_code == 404
    assert (await admin.list_of("heartbeats"))["items"] == []
    assert await add(api18) != address  # its name is free again
    assert (await admin.verify_audit())["verified"] is True


async def test_beats_of_one_second_are_one(api18: Api) -> None:
    address = await add(api18)
    answers = await asyncio.gather(*(beat(address) for _ in range(12)))
    assert {a.status_code for a in answers} == {200}
    with api18.pg.connect() as conn:
        row = conn.execute("select beats from warroom.heartbeat_state").fetchone()
    assert row is not None
    assert 1 <= row[0] < 12


async def test_the_key_is_a_secret(api18: Api) -> None:
    address = await add(api18)
    key = address.rsplit("/", 1)[1]
    again = await api18.client().add(
        "heartbeats", {"key": "other", "service": "x"}, key="the-same-key"
    )
    repeated = await api18.client().add(
        "heartbeats", {"key": "other", "service": "x"}, key="the-same-key"
    )
    assert (again["token"] is None, repeated["token"]) == (False, None)
    for wrong in (key[:-1], f"{key}x", "x", "%00", key.upper(), "a" * 300):
        answer = await beat(f"{api18.url}/heartbeat/{wrong}")
        assert answer.status_code in (400, 404), wrong
        assert key not in answer.text
    assert shown(f"/heartbeat/{key}") == "/heartbeat/…"
    assert shown("/v1/incidents") == "/v1/incidents"
    for table, column in (("audit", "payload"), ("history", "content::text")):
        assert api18.count(table, f"{column} like '%{key}%'") == 0
    # Whatever is sent along is not looked at, and no token is needed.
    async with httpx.AsyncClient() as http:
        answer = await http.post(address, content=b"\x00" * 100_000)
        assert answer.status_code == 200
        answer = await http.post(address, headers={"Authorization": "Bearer x"})
        assert answer.status_code == 200


async def test_what_cannot_be_is_refused(api18: Api) -> None:
    admin = api18.client()
    await add(api18)
    with pytest.raises(AlreadyExists):
        await add(api18)
    for wrong in (
        {"key": "A"}, {"severity": 6}, {"window_s": 9}, {"grace_s": -1}, {"service": ""}
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            await add(api18, **{"key": "x"} | wrong)
    for verb in ("pause", "resume", "remove"):
        with pytest.raises(NotFound):
            await admin.switch_heartbeat("nobody", verb)
        with pytest.raises(Forbidden):
            await api18.client(api18.token(verb, "respond")).switch_heartbeat("backup", verb)


async def test_the_command_line(api18: Api) -> None:
    env = login(api18)
    code, out, _ = await warroom(
        "heartbeat", "add", "nightly", "--service", "pg", "--window", "25h", "--grace", "0",
        "--json", **env,
    )  # fmt: skip
    made = json.loads(out)
    assert (code, made["window_s"], made["grace_s"]) == (0, 90_000, 0)
    assert made["address"] == f"{api18.url}/heartbeat/{made['token']}"
    assert (await beat(made["address"])).status_code == 200
    out = (await warroom("heartbeat", "add", "other", "--service", "pg", **env))[1]
    (told,) = re.findall(r"^address: (\S+)$", out, re.MULTILINE)
    assert (await beat(told)).json()["heartbeat"] == "other"
    # Its name, tried as the address, is answered as any other mistake is.
    answers = [(await beat(f"{api18.url}/heartbeat/{name}")).json() for name in ("other", "none")]
    assert {(a["status"], "not in the heartbeat's name" in a["remedy"]) for a in answers} == {
        (404, True)
    }
    assert answers[0]["remedy"] == answers[1]["remedy"]
    assert (await warroom("heartbeat", "pause", "nightly", **env))[0] == 0
    out = (await warroom("heartbeat", "list", **env))[1]
    assert "nightly" in out
    assert "paused" in out
    assert (await warroom("heartbeat", "remove", "nightly", **env))[0] == 0
