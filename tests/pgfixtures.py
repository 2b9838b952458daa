"""Real PostgreSQL servers for the tests: one per version and test process, one database a test.

``conftest.py`` imports the fixtures from here.  ``pg`` runs a test on PostgreSQL 15 and 18,
``pg18`` on 18 only; both are a fresh copy of a database that the migrations made.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from warroom.embedded.binaries import Binaries, find_binaries, reachable_binaries
from warroom.embedded.cluster import Cluster
from warroom.embedded.identity import find_identity
from warroom.embedded.paths import private_socket_dir
from warroom.embedded.pgconfig import SUPERUSER, UNSAFE_FAST

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
VERSIONS = (15, 18)
_TEMPLATE = "warroom_template"


def pg_binaries(version: int) -> Binaries:
    """Return the programs of one major version; missing ones are a failure, never a skip."""
    if version == 18:
        found = find_binaries(_wheel_only())
    elif (DEBIAN_15 / "postgres").exists():
        found = find_binaries(DEBIAN_15)
    else:
        pytest.fail("PostgreSQL 15 is missing; type: apt-get install postgresql-15", pytrace=False)
    assert found.major == version
    return reachable_binaries(found, find_identity())


def _wheel_only() -> Path:
    from warroom.embedded import binaries

    return binaries._wheel_folder()


@dataclass(frozen=True)
class PgDatabase:
    """One database of a test. ``conninfo`` is for psycopg, ``url`` for settings."""

    cluster: Cluster
    name: str

    @property
    def version(self) -> int:
        """The server's major version."""
        return self.cluster.binaries.major

    def conninfo(self, role: str = SUPERUSER) -> str:
        """Return a libpq string; without password for warroom_super, _api and _engine only."""
        return self.cluster.conninfo(role, self.name)

    def url(self, role: str = SUPERUSER) -> str:
        """Return a ``postgresql://`` URL for the same roles."""
        return self.cluster.url(role, self.name)

    def login(self, role: str) -> str:
        """Give any role a fresh password and LOGIN; return a conninfo with it."""
        password = secrets.token_hex(16)
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
        return f"{self.conninfo(role)} password={password}"


@dataclass
class PgServer:
    """A running server of one version, which hands out databases."""

    cluster: Cluster
    root: Path
    _count: int = 0
    _made: set[str] = field(default_factory=set)

    def _superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.cluster.conninfo(dbname="postgres"), autocommit=True)

    def template(self) -> str:
        """Return the name of the migrated template database; made at the first call."""
        if _TEMPLATE not in self._made:
            from warroom.db.migrate import upgrade

            with self._superuser() as connection:
                connection.execute(f"CREATE DATABASE {_TEMPLATE}")
            upgrade(self.cluster.conninfo(dbname=_TEMPLATE))
            self._made.add(_TEMPLATE)
        return _TEMPLATE

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[PgDatabase]:
        """Make a database, from the migrated template or empty, and drop it afterwards."""
        source = self.template() if migrated else "template1"
        self._count += 1
        name = f"test_{self._count}"
        with self._superuser() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        try:
            yield PgDatabase(self.cluster, name)
        finally:
            if self.cluster.is_running():
                with self._superuser() as connection:
                    connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def running_server(version: int) -> Iterator[PgServer]:
    """Start a throw-away server; stopped and removed at the end, also when tests fail."""
    identity = find_identity()
    # A short path that the server's user can enter; pytest's own folders are closed to it.
    root = Path(tempfile.mkdtemp(prefix=f"wr{version}-", dir="/tmp"))
    root.chmod(0o711)
    cluster = Cluster(
        root / "postgres",
        private_socket_dir(root, identity),
        pg_binaries(version),
        identity,
        UNSAFE_FAST,
        log_file=root / "postgres.log",
    )
    try:
        cluster.init()
        cluster.start()
        yield PgServer(cluster, root)
    finally:
        cluster.stop("immediate")
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(cluster.socket_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def pg_servers() -> Iterator[dict[int, PgServer]]:
    """Hold the servers of this test process; each is started when it is first asked for."""
    with ExitStack() as stack:

        class _Lazy(dict[int, PgServer]):
            def __missing__(self, version: int) -> PgServer:
                self[version] = stack.enter_context(running_server(version))
                return self[version]

        yield _Lazy()


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def pg(request: pytest.FixtureRequest, pg_servers: dict[int, PgServer]) -> Iterator[PgDatabase]:
    """A fresh migrated database, on each supported version in turn."""
    with pg_servers[request.param].database() as database:
        yield database


@pytest.fixture
def pg18(pg_servers: dict[int, PgServer]) -> Iterator[PgDatabase]:
    """A fresh migrated database on the PostgreSQL that comes along."""
    with pg_servers[18].database() as database:
        yield database


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def empty_pg(
    request: pytest.FixtureRequest, pg_servers: dict[int, PgServer]
) -> Iterator[PgDatabase]:
    """A database without our schema, for the tests of the migrations themselves."""
    with pg_servers[request.param].database(migrated=False) as database:
        yield database
