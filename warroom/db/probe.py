"""Which server a connection has reached, and whether it may be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from warroom.domain.picture import SourceKind
from warroom.errors import DatabaseUnavailable


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself. ``timeline`` grows with every promotion."""

    kind: SourceKind
    timeline: int
    version: int


async def look(conn: psycopg.AsyncConnection[Any]) -> Server:
    """Ask the server what it is.

    Raises:
        psycopg.Error: it did not answer.
    """
    cursor = await conn.execute(
        # The control file learns of a promotion at its next checkpoint only; WAL at once.
        "select pg_is_in_recovery(), case when pg_is_in_recovery()"
        " then (select timeline_id from pg_control_checkpoint())"
        " else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end"
    )
    row = await cursor.fetchone()
    if row is None:
        raise DatabaseUnavailable("The server does not say what it is.")
    kind = SourceKind.STANDBY if row[0] else SourceKind.PRIMARY
    return Server(kind, int(row[1]), conn.info.server_version)


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
