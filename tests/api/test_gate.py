"""Who has no usable token is answered before a body is read, and costs no memory."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import tracemalloc
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_doors import alert, source, webhook
from warroom.api import unread
from warroom.api.app import create_app
from warroom.api.auth import OPEN
from warroom.db.engine import Database
from warroom.settings import Settings

HUGE = 100 << 20
PATHS = ("/v1/incidents", "/v1/ingest/alertmanager", "/api/v2/alerts", "/v1/teams", "/nowhere")
UNUSABLE = (
    "",
    "Authorization: \r\n",
    "Authorization: Bearer\r\n",
    "Authorization: Basic YTpi\r\n",
    "Authorization: Bearer a b\r\n",
    "Authorization: Bearer t\xe9\r\n",
    f"Authorization: Bearer {'x' * 501}\r\n",
    "Authorization: Bearer wr_a_nobody\r\n",
)


class Wire:
    """A connection on which a test writes what no client would."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, text: str | bytes) -> None:
        """Write bytes."""
        self.writer.write(text.encode("latin-1") if isinstance(text, str) else text)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        """Return status and headers of the next answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), {k.lower(): v for k, v in pairs}

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and document of the next answer."""
        status, headers = await self.head()
        body = await self.reader.readexactly(int(headers["content-length"]))
        return status, headers, json.loads(body)

    async def ended(self) -> bool:
        """Wait until the other side has ended it."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read() == b""
        return True


@contextlib.asynccontextmanager
async def wire(api: Api) -> AsyncIterator[Wire]:
    port = int(api.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def request(path: str, auth: str = "", *, length: int | None = HUGE, more: str = "") -> str:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{auth}{more}{framing}\r\n\r\n"


async def test_401_comes_although_the_body_was_never_sent(api18: Api) -> None:
    # Whoever waited for the body would answer nothing for a minute, and then 408.
    for path, auth in itertools.product(PATHS, UNUSABLE):
        async with wire(api18) as line:
            await line.send(request(path, auth))
            status, headers, problem = await line.answer()
            assert (status, headers["connection"]) == (401, "close"), (path, auth)
            assert headers["www-authenticate"].startswith("Bearer")
            if path.startswith("/api/v2/"):  # clients of Alertmanager read one string
                assert isinstance(problem, str)
            else:
                assert problem["type"] == "urn:warroom:problem:unauthenticated"
                assert problem["request_id"] == headers["x-request-id"]
            line.writer.write_eof()
            assert await line.ended()
    assert api18.count("delivery") == 0


async def test_no_100_continue_for_strangers_and_one_for_friends(api18: Api) -> None:
    expects = "Expect: 100-continue\r\n"
    async with wire(api18) as line:
        await line.send(request("/v1/ingest/alertmanager", more=expects))
        assert (await line.answer())[0] == 401
    body = json.dumps(webhook(alert("A", "shop")))
    auth = f"Authorization: bearer  {await source(api18)}\r\n"
    async with wire(api18) as line:
        for _ in range(2):  # and the connection serves on
            await line.send(
                request("/v1/ingest/alertmanager", auth, length=len(body), more=expects)
            )
            assert (await line.head())[0] == 100
            await line.send(body)
            assert (await line.answer())[0] == 200


async def test_a_slow_body_of_100_mb_is_thrown_away(
    api18: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes first; what follows is read for a while, kept nowhere, then cut off."""
    monkeypatch.setattr(unread, "LINGER_BYTES", 32 << 20)
    chunk = b" " * (1 << 16)
    sent = 0
    tracemalloc.start()
    try:
        async with wire(api18) as line:
            await line.send(request("/api/v2/alerts"))
            assert (await line.answer())[0] == 401
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            with contextlib.suppress(ConnectionError):
                while sent < HUGE:
                    await line.send(chunk)
                    sent += len(chunk)
            grown = tracemalloc.get_traced_memory()[1] - before
            assert await line.ended()
    finally:
        tracemalloc.stop()
    assert sent >= 32 << 20  # it had time to read the answer
    assert sent < HUGE
    assert grown < 8 << 20


@pytest.mark.parametrize("auth", ["", "Authorization: Bearer wr_a_nobody\r\n"])
async def test_many_bodies_of_strangers_take_no_memory(api18: Api, auth: str) -> None:
    """Each of sixteen sends as much as is ever allowed: together they would be 128 MB."""
    limit = Settings().body_limit_bytes
    chunk = b" " * (1 << 16)
    tracemalloc.start()
    try:
        async with contextlib.AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(wire(api18)) for _ in range(16)]
            before = tracemalloc.get_traced_memory()[0]

            async def send_all_but_the_end(line: Wire) -> int:
                await line.send(request("/v1/ingest/alertmanager", auth, length=limit))
                for _ in range(limit // len(chunk) - 1):
                    await line.send(chunk)
                return (await line.answer())[0]

            answers = await asyncio.gather(*(send_all_but_the_end(line) for line in lines))
            grown = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # On a machine that is busy enough nobody may be able to say in time whose token it is.
    assert set(answers) <= ({401, 503} if auth else {401})
    assert grown < 32 << 20


async def test_keep_alive_holds_where_nothing_was_left_unread(api18: Api) -> None:
    async with wire(api18) as line:
        for _ in range(2):
            await line.send("GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n")
            status, headers, _ = await line.answer()
            assert (status, headers.get("connection")) == (401, None)
            await line.send(request("/v1/teams", length=0))
            status, headers, _ = await line.answer()
            assert (status, headers.get("connection")) == (401, None)
        auth = f"Authorization: Bearer {api18.admin_token}\r\n"
        await line.send(f"GET /v1/me HTTP/1.1\r\nHost: x\r\n{auth}\r\n")
        assert (await line.answer())[0] == 200
        # A body that was read whole leaves the connection as it was, even when it is refused.
        bad = "Content-Encoding: gzip\r\n"
        await line.send(request("/v1/teams", auth, length=3, more=bad) + "abc")
        status, headers, _ = await line.answer()
        assert (status, headers.get("connection")) == (400, None)
        await line.send(request("/v1/teams", auth, length=None) + "2\r\n{}\r\n0\r\n\r\n")
        assert (await line.answer())[0] == 400  # no key
        await line.send(request("/v1/teams", auth))  # too large by its own word
        status, headers, _ = await line.answer()
        assert (status, headers["connection"]) == (413, "close")


async def test_what_follows_an_unread_body_is_never_taken_for_a_request(api18: Api) -> None:
    """The body looks like a request of its own; it must stay a body."""
    auth = f"Authorization: Bearer {api18.admin_token}\r\n"
    inside = f"GET /v1/me HTTP/1.1\r\nHost: x\r\n{auth}\r\n"
    async with wire(api18) as line:
        await line.send(request("/v1/teams", length=len(inside)) + inside + inside)
        assert (await line.answer())[0] == 401
        line.writer.write_eof()
        assert await line.ended()  # nothing more came


async def test_the_open_addresses_read_no_body_either(api18: Api) -> None:
    for path in OPEN:
        async with wire(api18) as line:
            await line.send(
                f"GET {path} HTTP/1.1\r\nHost: x\r\n"
                f"Content-Encoding: br\r\nContent-Length: {HUGE}\r\n\r\n"
            )
            status, headers = await line.head()
            assert (status, headers["connection"]) == (200, "close")
        async with httpx.AsyncClient(base_url=api18.url) as http:
            assert (await http.post(path, content=b" " * 100_000)).status_code == 405


async def test_refusals_are_counted_with_the_others(api18: Api) -> None:
    auth = {"Authorization": f"Bearer {api18.admin_token}"}
    async with httpx.AsyncClient(base_url=api18.url) as http:
        assert (await http.post("/v1/teams", content=b"{}")).status_code == 401
        huge = b" " * (9 << 20)
        assert (await http.post("/v1/teams", content=huge, headers=auth)).status_code == 413
        metrics = (await http.get("/metrics")).text
    for status in (401, 413):
        assert f'warroom_http_requests_total{{method="POST",status="{status}"}} 1.0' in metrics


def test_every_address_but_the_open_ones_describes_a_token() -> None:
    """The gate and the routes agree, whatever is added."""
    url = "postgresql://warroom_api@/none?host=/nowhere"
    app = create_app(Settings(database_url=url), Database.open(url, role="api"))
    described: dict[str, MutableMapping[str, Any]] = app.openapi()["paths"]
    free = {
        path for path, methods in described.items()
        for one in methods.values() if not one.get("security")
    }  # fmt: skip
    # The address of a heartbeat holds a key of its own.
    assert free == OPEN - {"/openapi.json"} | {"/heartbeat/{key}"}
