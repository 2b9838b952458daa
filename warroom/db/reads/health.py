"""The replication health pane: the engine's last sample, with its sentences.

Nothing here asks the servers: what is shown is what was sampled, at any moment of the past too.
A sample that is too old is said to be old, and its verdicts are not repeated as if they held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from warroom.domain.health import (
    STALE_AFTER,
    Standing,
    node_sentence,
    span,
)
from warroom.domain.health_readings import readings as readings_of
from warroom.domain.panes import HealthPicture, Node, Reading, Verdict

Connection = psycopg.AsyncConnection[Any]
Row = dict[str, Any]
CHART = 60
_NAMED = 5  # sources that the sentence names
"""Points of the chart of WAL."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LAST: LiteralString = """
select sampled_at, clock_timestamp() as read_at from read_v1.replication_sample
where (%(below)s::uuid is null or id < %(below)s::uuid)
  and (%(as_of)s::timestamptz is null or sampled_at <= %(as_of)s)
order by id desc limit 1
"""
_ROWS: LiteralString = """
select * from read_v1.replication_sample
where sampled_at = %(at)s and id >= %(from)s::uuid and id < %(to)s::uuid order by id
"""
# Only those that somebody asked to be told of; the past has no such table.
_SOURCES: LiteralString = """
select key, quiet_since, last_seen_at, lane from read_v1.source
where quiet_after_s is not null and paused_at is null order by quiet_since nulls last, key limit 200
"""
_RATE: LiteralString = """
select (detail ->> 'wal_rate')::float8 as rate from read_v1.replication_sample
where role = 'primary' and id >= %(from)s::uuid and id < %(to)s::uuid order by id desc limit %(n)s
"""


def id_floor(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment (with the slack of a second below it)."""
    milliseconds = int((moment - timedelta(seconds=1) - _EPOCH).total_seconds() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)


async def read_health(conn: Connection, *, as_of: datetime | None = None) -> HealthPicture:
    """Read the last sample before a moment.

    Args:
        conn: an autocommit connection of a reader.
        as_of: None for now, or the moment to show.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    below = id_floor(as_of + timedelta(seconds=3)) if as_of is not None else None
    last = await _fetch(conn, _LAST, {"as_of": as_of, "below": below})
    if not last:
        now = (await _fetch(conn, "select clock_timestamp() as now", {}))[0]["now"]
        return HealthPicture((), (), now, as_of=as_of)
    at, read_at = last[0]["sampled_at"], last[0]["read_at"]
    bounds = {"from": id_floor(at), "to": id_floor(at + timedelta(seconds=12))}
    rows = await _fetch(conn, _ROWS, {"at": at, **bounds})
    since = id_floor(at - timedelta(seconds=3 * CHART))
    rate = await _fetch(conn, _RATE, {**bounds, "from": since, "n": CHART})
    picture = picture_of(rows, read_at, at, as_of)
    sources = await _fetch(conn, _SOURCES, {}) if as_of is None else []
    readings = (*picture.readings, *source_readings(sources, read_at))
    return replace(
        picture,
        readings=readings,
        wal_rate=tuple(r["rate"] for r in reversed(rate) if r["rate"] is not None),
    )


def picture_of(
    rows: list[Row], read_at: datetime, at: datetime, as_of: datetime | None
) -> HealthPicture:
    """Return the picture of one sample's rows."""
    nodes = tuple(_node(r) for r in rows)
    primary = next((r for r in rows if r["role"] == "primary"), None)
    readings = readings_of(primary["detail"]) if primary is not None else ()
    age = (as_of or read_at) - at
    if age > STALE_AFTER:
        why = (
            f"the last sample is {span(age.total_seconds())} old: nothing newer is known; "
            "is an engine running? (`warroom status`)"
        )
        nodes = tuple(replace(n, verdict=Verdict.UNKNOWN, sentence=f"{n.name}: {why}")
                      for n in nodes)  # fmt: skip
        readings = tuple(replace(r, verdict=Verdict.UNKNOWN, sentence=why) for r in readings)
    return HealthPicture(
        nodes, readings, read_at, sampled_at=at, as_of=as_of,
        standby_configured=any(n.role != "primary" for n in nodes),
    )  # fmt: skip


def source_readings(sources: Sequence[Row], now: datetime) -> tuple[Reading, ...]:
    """Return how the alert sources stand that are waited for; nothing where nobody is."""
    if not sources:
        return ()
    quiet = [s for s in sources if s["quiet_since"] is not None]
    if not quiet:
        return (Reading("alert sources", f"{len(sources)} speak", Verdict.OK, "", len(sources)),)
    # The longest first, as they were read.
    told = [f"{s['key']} {span((now - s['quiet_since']).total_seconds())}"
            for s in quiet[:_NAMED]]  # fmt: skip
    if len(quiet) > _NAMED:
        told.append(f"{len(quiet) - _NAMED} more")
    since = min(s["quiet_since"] for s in quiet)
    # Amber: nobody is known to be hurt by it; what it watches may be down unseen.
    return (
        Reading(
            "alert sources", f"{len(quiet)} of {len(sources)} quiet", Verdict.WARN,
            f"quiet: {', '.join(told)}; what they watch may be down unseen",
            float(len(quiet)), "sources", since,
        ),
    )  # fmt: skip


def _node(r: Row) -> Node:
    detail = r["detail"]
    standings = detail.get("standing", {})
    if r["role"] == "primary":
        standing = Standing(Verdict.OK)
    else:
        standing = Standing.from_json(standings.get("gone" if r["role"] == "gone" else "lag"))
    state = r["state"] or ""
    if r["role"] == "standby" and detail.get("stuck"):
        state = "not replaying"
    return Node(
        name=r["node"],
        role=r["role"],
        state=state,
        verdict=standing.verdict,
        sentence=node_sentence(r["node"], r["role"], state, r["lag_s"], standing, detail),
        sync=r["sync_state"] or "",
        lag_bytes=r["lag_bytes"],
        lag_s=r["lag_s"],
        slot=r["slot"],
        retained_wal_bytes=r["retained_wal_bytes"],
        timeline=r["timeline_id"],
        since=standing.since,
    )


async def _fetch(conn: Connection, query: LiteralString, args: Row) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, args)
        return await cursor.fetchall()
