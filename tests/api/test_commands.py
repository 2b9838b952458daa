"""The command line against a live API and database, as people type it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from psycopg import sql

from tests.api.conftest import Api
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from tests.typist import warroom


def login(api: Api) -> dict[str, str]:
    return {"WARROOM_API_URL": api.url, "WARROOM_TOKEN": api.admin_token}


async def test_an_incident_from_declare_to_resolve(api18: Api) -> None:
    env = login(api18)
    hostile = "\x1b]0;owned\x07Disk\u202efull"
    code, out, _ = await warroom("incident", "declare", hostile, "--severity", "2", **env)
    assert (code, out) == (0, "INC-1 is triggered (version 1)\n")
    assert (await warroom("incident", "ack", "INC-1", **env))[:2] == (
        0, "INC-1 is acknowledged (version 2)\n",
    )  # fmt: skip
    assert (await warroom("incident", "log", "INC-1", "seen \x1b[2J", **env))[0] == 0
    shown = (await warroom("incident", "show", "INC-1", **env))[1]
    listed = (await warroom("incident", "list", **env))[1]
    for text in (shown, listed):
        assert "Disk" in text
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
    code, out, _ = await warroom("incident", "show", "INC-1", "--json", **env)
    assert json.loads(out)["title"] == hostile
    assert (await warroom("incident", "resolve", "1", "--note", "emptied", **env))[0] == 0
    code, _, err = await warroom("incident", "ack", "1", "--version", "1", **env)
    assert code == 1
    assert "Traceback" not in err
    assert err.startswith("warroom: ")


async def test_a_changed_row_is_found_and_named(api18: Api) -> None:
    env = login(api18)
    made = await api18.client().declare("x", 1)
    code, out, _ = await warroom("audit", "verify", **env)
    assert code == 0
    assert out.startswith("verified: ")
    with api18.pg.connect() as conn:
        conn.execute("alter table warroom.incident disable trigger user")
        conn.execute(
            sql.SQL("update warroom.incident set severity = 5 where id = {}").format(made["id"])
        )
        conn.commit()
    code, out, _ = await warroom("audit", "verify", **env)
    assert code == 1
    assert out.startswith("NOT VERIFIED")
    assert f"incident {made['id']}: row differs" in out


@contextlib.asynccontextmanager
async def serve(url: str, folder: Path, port: int) -> AsyncIterator[tuple[str, list[str]]]:
    """Run `warroom serve` until the block ends; yield its URL and what it said so far."""
    announced = folder / f"url-{os.urandom(4).hex()}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "warroom", "serve", "--port", str(port),
        "--announce", str(announced), stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"WARROOM_DATABASE_URL": url, "WARROOM_LOG_FORMAT": "json"},
    )  # fmt: skip
    said: list[str] = []

    async def listen() -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            said.append(line.decode())

    listening = asyncio.create_task(listen())
    try:
        await wait_until(announced.exists, what="the API to say where it is")
        yield announced.read_text("utf-8").strip(), said
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 30)
        await listening
    # The signal is handed on once everything is closed, as a parent expects.
    assert code == -signal.SIGTERM
    assert not any("Traceback" in line or "exception" in line for line in said)


async def test_serve_says_where_it_listens_and_never_a_token(
    pg18: TestDatabase, tmp_path: Path
) -> None:
    url = f"postgresql://warroom_api@/{pg18.name}?host={pg18.server.cluster.socket_dir}"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with serve(url, tmp_path, port) as (address, said):
            assert address != f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=address) as http:
                assert (await http.get("/readyz")).status_code == 200
                headers = {"Authorization": "Bearer wr_p_secret", "X-Request-Id": "seen-1"}
                assert (await http.post("/v1/teams", json={}, headers=headers)).status_code == 401
        assert any(f"port {port} is taken" in line for line in said)
        lines = [json.loads(line) for line in said if line.startswith("{")]
        logged = [line for line in lines if line["event"] == "request"]
        assert [(n["path"], n["status"], n["request_id"]) for n in logged] == [
            ("/v1/teams", 401, "seen-1")
        ]
        assert "wr_p_secret" not in "".join(said)


async def test_serve_says_in_one_sentence_that_the_database_is_not_there() -> None:
    url = "postgresql://warroom_api@127.0.0.1:1/warroom"
    code, _, err = await warroom("serve", "--port", "0", WARROOM_DATABASE_URL=url)
    assert code == 1
    assert "database cannot be used" in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


async def test_serve_refuses_a_role_that_may_too_much(pg18: TestDatabase) -> None:
    url = f"postgresql://warroom_super@/{pg18.name}?host={pg18.server.cluster.socket_dir}"
    code, _, err = await warroom("serve", "--port", "0", WARROOM_DATABASE_URL=url)
    assert code in (1, 2)
    assert "superuser" in err
