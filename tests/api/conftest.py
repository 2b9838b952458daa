"""A real API over HTTP on a real database, and clients of several kinds."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest_asyncio
import uvicorn

from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.api.app import create_app
from warroom.client import Client
from warroom.db import migrate
from warroom.db.engine import Database
from warroom.settings import Settings


@dataclass
class Api:
    """A running API."""

    url: str
    pg: TestDatabase
    admin_token: str
    clients: list[Client] = field(default_factory=list)

    def client(self, token: str | None = None) -> Client:
        """Return a client, the administrator's by default."""
        made = Client(self.url, self.admin_token if token is None else token)
        self.clients.append(made)
        return made

    def token(self, name: str, *scopes: str) -> str:
        """Make a token for a new person by SQL, with just these scopes."""
        token = secrets.token_urlsafe(16)
        with self.pg.connect() as conn:
            conn.execute(
                "with p as (insert into warroom.principal (name, kind) values (%s, 'person')"
                " returning id) insert into warroom.api_token (principal_id, name, token_hash,"
                " scopes) select id, 't', %s, %s from p",
                (name, hashlib.sha256(token.encode()).digest(), list(scopes)),
            )
        return token

    def count(self, table: str, where: str = "true") -> int:
        """Count rows as the superuser."""
        with self.pg.connect() as conn:
            row = conn.execute(f"select count(*) from warroom.{table} where {where}").fetchone()
        assert row is not None
        return int(row[0])


@contextlib.asynccontextmanager
async def serving(pg: TestDatabase, settings: Settings | None = None) -> AsyncIterator[Api]:
    """Serve the API on a free port until the block ends."""
    token = migrate.bootstrap_admin(pg.conninfo(), "ana")
    url = f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}"
    chosen = settings or Settings(database_url=url)
    database = Database.open(url, role="api", pool_size=20)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    config = uvicorn.Config(create_app(chosen, database), log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await wait_until(lambda: server.started, what="the API to start")
    api = Api(f"http://127.0.0.1:{listener.getsockname()[1]}", pg, token)
    try:
        yield api
    finally:
        for client in api.clients:
            await client.close()
        server.should_exit = True
        await task


@pytest_asyncio.fixture
async def api(pg: TestDatabase) -> AsyncIterator[Api]:
    """The API on each version of PostgreSQL in turn."""
    async with serving(pg) as running:
        yield running


@pytest_asyncio.fixture
async def api18(pg18: TestDatabase) -> AsyncIterator[Api]:
    """The API on PostgreSQL 18."""
    async with serving(pg18) as running:
        yield running
