"""The names that a person can choose from: who there is, and which services."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from warroom.domain.picture import Names

PEOPLE_MOST = 2000
SERVICES_MOST = 5000

_PEOPLE: LiteralString = """
select p.name from read_v1.person p
where p.kind = 'person' and p.disabled_at is null order by p.name limit %s
"""
_SERVICES: LiteralString = """
select s.key, s.name from read_v1.service s order by s.tier, s.key limit %s
"""


async def read_names(conn: psycopg.AsyncConnection[Any]) -> Names:
    """Read the people who can be chosen and the services that this reader may see.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    people = await (await conn.execute(_PEOPLE, (PEOPLE_MOST,))).fetchall()
    services = await (await conn.execute(_SERVICES, (SERVICES_MOST,))).fetchall()
    return Names(
        people=tuple(name for (name,) in people),
        services=tuple((key, name) for key, name in services),
    )
