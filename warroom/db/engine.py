"""The SQLAlchemy engine of the API and of the clockwork: bounded pool, short server timeouts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from warroom.db.conninfo import normal_conninfo
from warroom.db.notify_hint import HintSender
from warroom.errors import DatabaseUnavailable, UnsafeRole

Role = Literal["api", "engine", "admin"]


class Database:
    """One process's way to PostgreSQL."""

    def __init__(self, engine: AsyncEngine, role: Role, connect_deadline_s: float) -> None:
        self.engine = engine
        self.role = role
        self.connect_deadline_s = connect_deadline_s
        self.command_deadline_s = 5.0
        self.age = 0  # how often the connections were forgotten
        self.hints = HintSender(self)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        role: Role,
        pool_size: int = 10,
        statement_timeout_ms: int = 5000,
        lock_timeout_ms: int = 1000,
        idle_in_transaction_timeout_ms: int = 10000,
        connect_deadline_s: float = 2.0,
        command_deadline_s: float = 5.0,
    ) -> Self:
        """Make the engine; nothing is connected yet.

        Args:
            url: ``postgresql://`` URL or libpq connection string (Unix sockets too).
            role: names the connections (``application_name``).
            pool_size: connections at the most.
            statement_timeout_ms: ``statement_timeout`` of each connection.
            lock_timeout_ms: ``lock_timeout`` of each connection.
            idle_in_transaction_timeout_ms: frees the rows of a stopped process.
            connect_deadline_s: how long waiting for a connection may take.
            command_deadline_s: how long a whole command or read may take, unless it says so.
        """
        parts: dict[str, Any] = {
            k: v for k, v in conninfo_to_dict(normal_conninfo(url)).items() if v
        }
        if "," in str(parts.get("host") or parts.get("hostaddr") or ""):
            # Several servers: only the one that takes writes is of use to us.
            parts.setdefault("target_session_attrs", "read-write")
        parts |= {
            "application_name": f"warroom-{role}",
            "options": f"{parts.get('options', '')} -c statement_timeout={statement_timeout_ms}"
            f" -c lock_timeout={lock_timeout_ms}"
            f" -c idle_in_transaction_session_timeout={idle_in_transaction_timeout_ms}"
            " -c timezone=UTC",
            "connect_timeout": "5",
        }
        target = make_conninfo(**parts)

        async def connect() -> psycopg.AsyncConnection[Any]:
            return await psycopg.AsyncConnection.connect(target)

        creator: Callable[[], Awaitable[psycopg.AsyncConnection[Any]]] = connect
        engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=creator,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=connect_deadline_s,
            pool_recycle=1800,
            pool_use_lifo=True,  # few warm connections, with their statements prepared
            hide_parameters=True,  # errors are logged, and parameters may be secrets
        )
        opened = cls(engine, role, connect_deadline_s)
        opened.command_deadline_s = command_deadline_s
        return opened

    async def check_role(self) -> str:
        """Return the connected role's name if it is as little as it should be.

        Raises:
            UnsafeRole: it is superuser, bypasses row-level security, or is the owner.
        """
        async with self.engine.connect() as conn:
            row: Row[Any] = (
                await conn.exec_driver_sql(
                    "select session_user::text, rolsuper, rolbypassrls,"
                    " exists (select from pg_roles o where o.rolname = 'warroom_owner'"
                    "         and pg_has_role(session_user, o.oid, 'member'))"
                    " from pg_roles where rolname = session_user"
                )
            ).one()
        name, superuser, bypass, owner = tuple(row)
        if superuser or bypass or owner:
            why = "a superuser" if superuser else "BYPASSRLS" if bypass else "the schema's owner"
            raise UnsafeRole(
                f"The database role {name} is {why}; the {self.role} must not be.",
                field="database.url",
                remedy=f"Connect as warroom_{self.role}; nothing was started.",
            )
        return str(name)

    def pool_use(self) -> dict[str, int] | None:
        """Return how many connections are lent now, ``used``, of how many at the most, ``size``."""
        pool = self.engine.pool
        if not isinstance(pool, QueuePool):
            return None
        return {"used": pool.checkedout(), "size": pool.size()}

    async def forget_connections(self) -> None:
        """Throw all connections away: they lead to a server that is no primary any more."""
        self.age += 1
        await self.engine.dispose()

    async def close(self) -> None:
        """Send what is still to be hinted, and close the pool."""
        await self.hints.close()
        await self.engine.dispose()


def driver_of(conn: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    """Return the driver's connection behind a started one.

    Raises:
        DatabaseUnavailable: it was lost.
    """
    under = conn.sync_connection
    driver = None if under is None or under.invalidated else under.connection.driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise DatabaseUnavailable("The connection was lost; nothing was changed.")
    return driver


def driver_fd(conn: AsyncConnection) -> int | None:
    """Return the file descriptor of a live connection."""
    driver = driver_of(conn)
    return None if driver.closed else int(driver.fileno())
