"""Real PostgreSQL for tests: one server a version and test worker, fresh databases from a template.

The clusters are made by war room's own embedded code, with fsync off, in a short temporary
folder, and stopped when the session ends.  A missing PostgreSQL is a failure, never a skip.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

from tests.helpers import require_program
from warroom.db import migrate
from warroom.embedded.binaries import Binaries, find_binaries, reachable_binaries
from warroom.embedded.cluster import Cluster
from warroom.embedded.identity import find_identity

VERSIONS: Final = (15, 18)
DEBIAN_15: Final = "/usr/lib/postgresql/15/bin"
TEMPLATE: Final = "warroom_template"
TEST_SETTINGS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "80",
}
MEMORY_BYTES: Final = 8 << 30
_numbers = itertools.count(1)


def pg_binaries(version: int) -> Binaries:
    """Return the programs of a version: 18 is the wheel's, 15 is Debian's."""
    if version == 18:
        return find_binaries()
    require_program(f"{DEBIAN_15}/postgres")
    return find_binaries(DEBIAN_15)


class TestServer:
    """A running server with a migrated template database."""

    __test__ = False

    def __init__(self, version: int, folder: Path, settings: dict[str, str] | None = None) -> None:
        identity = find_identity()
        binaries = reachable_binaries(pg_binaries(version), identity)
        sockets = folder / "s"
        sockets.mkdir(mode=0o700)
        identity.own(sockets)
        self.version = version
        self.cluster = Cluster(folder / "d", sockets, binaries, identity, settings or TEST_SETTINGS)
        self.cluster.init()
        self.cluster.start()
        self._template_made = False

    def conninfo(self, role: str = "warroom_super", dbname: str = "postgres") -> str:
        """Return a libpq connection string; peer for our three roles, SCRAM for all others."""
        return self.cluster.conninfo(role, dbname)

    def execute(self, statement: sql.SQL | sql.Composed, dbname: str = "postgres") -> None:
        """Run one statement as the superuser, outside a transaction."""
        with psycopg.connect(self.conninfo(dbname=dbname), autocommit=True) as conn:
            conn.execute(statement)

    def empty_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"t{os.getpid()}_{next(_numbers)}"
        self.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return name

    def fresh_database(self) -> str:
        """Make a database at the newest schema and return its name."""
        if not self._template_made:
            self.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
            migrate.upgrade(self.conninfo(dbname=TEMPLATE))
            self._template_made = True
        name = f"t{os.getpid()}_{next(_numbers)}"
        self.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
        # Rights on a database do not come with its template.
        migrate.prepare(self.conninfo(dbname=name))
        return name

    def drop(self, name: str) -> None:
        """Drop a database, ending whoever is still connected."""
        self.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )

    def stop(self) -> None:
        """Stop the server at once; its data are thrown away."""
        self.cluster.stop("immediate")


def _memory() -> str | None:
    """Return a folder in memory with room for all servers, None where there is none.

    A database for each test is hundreds of small files; on a disk that is half of the time.
    """
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK) or shutil.disk_usage(shared).free < MEMORY_BYTES:
        return None
    return str(shared)


def _server(version: int) -> Iterator[TestServer]:
    folder = Path(tempfile.mkdtemp(prefix=f"wr{version}-", dir=_memory()))
    folder.chmod(0o755)
    server: TestServer | None = None
    try:
        server = TestServer(version, folder)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server15() -> Iterator[TestServer]:
    """PostgreSQL 15 of Debian."""
    yield from _server(15)


@pytest.fixture(scope="session")
def server18() -> Iterator[TestServer]:
    """PostgreSQL 18 of the wheel."""
    yield from _server(18)


class TestDatabase:
    """A fresh database at the newest schema."""

    __test__ = False

    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.name = server.fresh_database()

    @property
    def version(self) -> int:
        """The server's major version."""
        return self.server.version

    def conninfo(self, role: str = "warroom_super") -> str:
        """Return a libpq connection string for a role."""
        return self.server.conninfo(role, self.name)

    def connect(
        self, role: str = "warroom_super", *, autocommit: bool = True
    ) -> psycopg.Connection:
        """Connect as a role."""
        return psycopg.connect(self.conninfo(role), autocommit=autocommit)


def _database(server: TestServer) -> Iterator[TestDatabase]:
    database = TestDatabase(server)
    yield database
    server.drop(database.name)


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def server(request: pytest.FixtureRequest) -> TestServer:
    """Each version's server in turn."""
    found: TestServer = request.getfixturevalue(f"server{request.param}")
    return found


@pytest.fixture
def pg(server: TestServer) -> Iterator[TestDatabase]:
    """A fresh database on each version in turn."""
    yield from _database(server)


@pytest.fixture
def pg18(server18: TestServer) -> Iterator[TestDatabase]:
    """A fresh database on PostgreSQL 18."""
    yield from _database(server18)
