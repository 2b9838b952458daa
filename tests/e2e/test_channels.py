"""Webhooks as an administrator makes them: over HTTP and typed, sent by a real engine."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from tests.api.conftest import Api, api, api18
from tests.api.lossy_http import LossyHttp
from tests.api.test_commands import login
from tests.e2e.test_engine import Receiver, an_engine, receiver, run
from tests.pgfixtures import TestDatabase
from tests.typist import warroom
from warroom.engine.runner import Engine
from warroom.errors import AlreadyExists, Forbidden, InvalidInput, NotFound, Refused

__all__ = ["api", "api18", "receiver"]  # fixtures


@pytest_asyncio.fixture
async def engine(api: Api) -> AsyncIterator[Engine]:
    """An engine on the API's database, whose cycles the test runs itself."""
    made = an_engine(api.pg)
    yield made
    await made._db.close()


@pytest_asyncio.fixture
async def sending(api18: Api) -> AsyncIterator[None]:
    """An engine that sends by itself until the test ends."""
    made = an_engine(api18.pg)

    async def work() -> None:
        while True:
            await run(made, "outbox")
            await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await made._db.close()


def rows(pg: TestDatabase, query: str) -> list[tuple[Any, ...]]:
    with pg.connect() as conn:
        return conn.execute(query).fetchall()


async def test_a_channel_gets_signed_messages_of_a_secret_told_once(
    api: Api, engine: Engine, receiver: Receiver
) -> None:
    admin = api.client()
    body = {"key": "hook", "url": receiver.url}
    made = await admin.add("channels", body, key="k1")
    assert made["secret"].startswith("whsec_")
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    again = await admin.add("channels", body, key="k1")
    assert again == made | {"secret": None}
    queued = await admin.command_channel("hook", "test")
    assert (await admin.channel_message("hook", queued["message"]))["state"] == "queued"
    assert await run(engine, "outbox") == "sent 1"
    found = await admin.channel_message("hook", queued["message"])
    assert (found["state"], found["attempts"], found["last_error"]) == ("sent", 1, None)
    headers, sent = receiver.got[0]
    Webhook(made["secret"]).verify(sent, headers)
    document = json.loads(sent)
    assert (document["type"], document["channel"]) == ("channel.test", "hook")
    assert "by ana" in document["text"]
    # The secret stands where it signs from, and nowhere else.
    said = json.dumps((await admin.list_of("channels"))["items"])
    for query in ("select payload from warroom.audit", "select content::text from warroom.history",
                  "select answer::text from warroom.idempotency"):  # fmt: skip
        said += str(rows(api.pg, query))
    assert made["secret"] not in said
    assert (await admin.verify_audit())["verified"] is True
    commands = {r[0] for r in rows(api.pg, "select command from warroom.audit")}
    assert {"channel.add", "channel.test"} <= commands


async def test_another_secret_signs_from_then_on(
    api: Api, engine: Engine, receiver: Receiver
) -> None:
    admin = api.client()
    first = await admin.add("channels", {"key": "hook", "url": receiver.url})
    second = await admin.command_channel("hook", "secret")
    assert second["secret"].startswith("whsec_")
    assert second["secret"] != first["secret"]
    await admin.command_channel("hook", "test")
    await run(engine, "outbox")
    headers, sent = receiver.got[0]
    Webhook(second["secret"]).verify(sent, headers)
    with pytest.raises(Refused, match="no webhook"):
        await admin.command_channel("log", "secret")


async def test_a_paused_channel_gets_nothing_and_loses_nothing_that_waits(
    api: Api, engine: Engine, receiver: Receiver
) -> None:
    admin = api.client()
    await admin.add("channels", {"key": "hook", "url": receiver.url})
    await admin.command_channel("hook", "test")
    # More than one claim takes, all before what others wait for.
    with api.pg.connect() as conn:
        conn.execute(
            "insert into warroom.outbox (channel, dedup_key, payload, unit, visibility,"
            " next_attempt_at) select c, c || n, '{}', 'main', 'normal', now() - interval '1 hour'"
            " from (values ('hook', 3), ('gone', 60)) v(c, many), generate_series(1, many) n"
        )
    paused = await admin.command_channel("hook", "pause")
    assert (paused["paused_at"] is not None, paused["waiting"]) == (True, 4)
    with pytest.raises(Refused, match="paused already"):
        await admin.command_channel("hook", "pause")
    with pytest.raises(Refused, match="is paused"):
        await admin.command_channel("hook", "test")
    await admin.command_channel("log", "test")
    assert await run(engine, "outbox") == "sent 1"
    assert await run(engine, "outbox") == "nothing is waiting to be sent"
    assert receiver.got == []
    # What happens meanwhile is not queued for it.
    await admin.declare("burning", 1)
    assert rows(api.pg, "select count(*) from warroom.outbox where channel = 'hook'") == [(4,)]
    listed = {c["key"]: c for c in (await admin.list_of("channels"))["items"]}
    assert listed["hook"]["paused_at"] is not None
    assert listed["log"]["paused_at"] is None
    resumed = await admin.command_channel("hook", "resume")
    assert (resumed["paused_at"], resumed["waiting"]) == (None, 4)
    with pytest.raises(Refused, match="in use already"):
        await admin.command_channel("hook", "resume")
    while await run(engine, "outbox") != "nothing is waiting to be sent":
        pass
    assert len(receiver.got) == 4


async def test_who_may_not_and_what_is_not_there(api18: Api) -> None:
    admin, url = api18.client(), "https://hooks.example.org/"
    for scope in ("read", "respond"):
        client = api18.client(api18.token(scope, scope))
        with pytest.raises(Forbidden):
            await client.add("channels", {"key": "hook", "url": url})
        with pytest.raises(Forbidden):  # an address may carry a secret of the receiver's
            await client.list_of("channels")
        for verb in ("test", "pause", "resume", "secret"):
            with pytest.raises(Forbidden):
                await client.command_channel("log", verb)
    for verb in ("test", "pause", "resume", "secret"):
        with pytest.raises(NotFound):
            await admin.command_channel("nobody", verb)
    await admin.add("channels", {"key": "hook", "url": url})
    with pytest.raises(AlreadyExists):
        await admin.add("channels", {"key": "hook", "url": url})
    for wrong, field in (
        ({"url": "ftp://x/"}, "url"), ({"url": "https://a:b@x/"}, "url"), ({"key": "A b"}, "key"),
        ({"kind": "log"}, "kind"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            await admin.add("channels", {"key": "other", "url": url} | wrong)
        assert caught.value.field == field
    queued = await admin.command_channel("log", "test")
    with pytest.raises(NotFound):
        await admin.channel_message("hook", queued["message"])


async def test_the_command_line_from_add_to_resume(
    api18: Api, sending: None, receiver: Receiver
) -> None:
    env = login(api18)
    code, out, _ = await warroom("channel", "add", "hook", receiver.url, **env)
    assert code == 0
    assert out.endswith("The secret is shown this once.\n")
    secret = next(line for line in out.splitlines() if line.startswith("secret: "))[8:]
    code, out, _ = await warroom("channel", "test", "hook", **env)
    assert (code, out) == (0, "hook: sent, and taken by the receiver.\n")
    Webhook(secret).verify(receiver.got[0][1], receiver.got[0][0])
    receiver.failures = 99
    code, out, _ = await warroom("channel", "test", "hook", **env)
    assert code == 1
    assert "the receiver answered 500" in out
    assert (await warroom("channel", "pause", "hook", **env))[0] == 0
    code, _, err = await warroom("channel", "test", "hook", **env)
    assert (code, "is paused" in err) == (1, True)
    text = (await warroom("channel", "list", **env))[1]
    assert receiver.url in text
    assert "whsec_" not in text
    assert (await warroom("channel", "resume", "hook", "--json", **env))[0] == 0


async def test_a_test_without_an_engine_says_so(api18: Api) -> None:
    code, out, _ = await warroom("channel", "test", "log", "--wait", "0", **login(api18))
    assert code == 1
    assert "still queued" in out
    assert "warroom engine" in out


async def test_a_lost_answer_queues_one_test_and_makes_one_channel(
    api18: Api, sending: None, receiver: Receiver
) -> None:
    async with LossyHttp(api18.url).open() as door:
        env = login(api18) | {"WARROOM_API_URL": door.url}
        door.lose = 1
        code, _, err = await warroom("channel", "add", "hook", receiver.url, **env)
        assert code == 0
        assert "its secret was lost" in err
        assert "warroom channel secret KEY" in err
        door.lose = 1
        code, _, _ = await warroom("channel", "test", "hook", **env)
        assert (code, door.lost) == (0, 2)
    assert len(receiver.got) == 1


async def test_a_reader_at_the_database_never_sees_a_channel(api18: Api) -> None:
    await api18.client().add("channels", {"key": "hook", "url": "https://hooks.example.org/"})
    with api18.pg.connect() as conn:
        conn.execute("set role warroom_reader")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select url from warroom.channel")
