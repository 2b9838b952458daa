"""Which server a connection has reached, and whether it may be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from warroom.db.deadline import within
from warroom.domain.picture import SourceKind
from warroom.errors import DatabaseUnavailable


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself.

    ``timeline`` grows with every promotion; ``name`` is its ``cluster_name``.
    """

    kind: SourceKind
    timeline: int
    version: int
    name: str = ""


async def look(conn: psycopg.AsyncConnection[Any]) -> Server:
    """Ask the server what it is.

    Raises:
        psycopg.Error: it did not answer.
    """
    cursor = await conn.execute(
        # The control file learns of a promotion at its next checkpoint only; WAL at once.
        "select pg_is_in_recovery(), case when pg_is_in_recovery()"
        " then (select timeline_id from pg_control_checkpoint())"
        " else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,"
        " current_setting('cluster_name')"
    )
    row = await cursor.fetchone()
    if row is None:
        raise DatabaseUnavailable("The server does not say what it is.")
    kind = SourceKind.STANDBY if row[0] else SourceKind.PRIMARY
    return Server(kind, int(row[1]), conn.info.server_version, str(row[2]))


async def ask_once(conninfo: str, seconds: float) -> Server:
    """Connect, ask the server what it is, and leave again.

    Args:
        conninfo: a libpq connection string.
        seconds: the deadline of each of the two steps.

    Raises:
        psycopg.Error, DatabaseUnavailable: it did not answer.
    """
    connecting = psycopg.AsyncConnection.connect(
        conninfo, autocommit=True, connect_timeout=max(int(seconds), 1)
    )
    conn = await within(connecting, seconds, lambda: None, "connecting")
    try:
        return await within(look(conn), seconds, lambda: conn.pgconn.socket, "asking what it is")
    finally:
        await conn.close()


class Fence:
    """Remembers the highest timeline seen: a connection string with many hosts is no fencing."""

    def __init__(self) -> None:
        self.highest = 0

    def pass_through(self, server: Server) -> Server:
        """Return the server if it is not of an older timeline than one seen before.

        Raises:
            DatabaseUnavailable: it is a primary that was left behind by a promotion.
        """
        if server.timeline < self.highest:
            raise DatabaseUnavailable(
                f"This server is on timeline {server.timeline}, and {self.highest} has been seen:"
                " it was left behind by a promotion and is not believed."
            )
        self.highest = server.timeline
        return server
