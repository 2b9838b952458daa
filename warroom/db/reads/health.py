"""The replication health pane: the engine's last sample, with its sentences.

Nothing here asks the servers: what is shown is what was sampled, at any moment of the past too.
A sample that is too old is said to be old, and its verdicts are not repeated as if they held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    over_sentence,
    size,
    span,
)
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
    readings = tuple(_readings(primary["detail"])) if primary is not None else ()
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


def _readings(d: Mapping[str, Any]) -> list[Reading]:
    found = [_connections(d), _transaction(d), _wal(d), *_slots(d), _vacuum(d), _size(d)]
    return [*found, _slow(d), _statements(d)]


def _standing(d: Mapping[str, Any], name: str) -> Standing:
    return Standing.from_json(d.get("standing", {}).get(name))


def _connections(d: Mapping[str, Any]) -> Reading:
    standing = _standing(d, "connections")
    text = f"{d.get('used', 0)} of {d.get('max', 0)}"
    states = ", ".join(f"{n} {state}" for state, n in sorted((d.get("states") or {}).items()))
    what = f"{text} connections used" + (f" ({states})" if states else "")
    return Reading(
        "connections", text, standing.verdict,
        over_sentence(what, standing, f"{standing.target or 0:g} %"),
        float(d.get("used", 0)), "connections", standing.since,
    )  # fmt: skip


def _transaction(d: Mapping[str, Any]) -> Reading:
    standing = _standing(d, "transaction")
    longest = d.get("longest")
    if not longest:
        return Reading("longest transaction", "none", standing.verdict, "no transaction is open")
    seconds = float(longest["seconds"])
    who = longest.get("application") or longest.get("role") or "?"
    what = f"a transaction of {who} (process {longest['pid']}) is open for {span(seconds)}"
    return Reading(
        "longest transaction", span(seconds), standing.verdict,
        over_sentence(what, standing, f"{standing.target or 0:g} s"), seconds, "s", standing.since,
    )  # fmt: skip


def _wal(d: Mapping[str, Any]) -> Reading:
    rate = d.get("wal_rate")
    if rate is None:
        return Reading("WAL rate", "not yet", Verdict.UNKNOWN, "two samples are needed for a rate")
    return Reading("WAL rate", f"{size(rate)}/s", Verdict.OK, "", float(rate), "B/s")


def _slots(d: Mapping[str, Any]) -> list[Reading]:
    slots = d.get("slots") or []
    if not slots:
        return [Reading("slots", "none", Verdict.OK, "no replication slot keeps WAL")]
    standing = _standing(d, "retained")
    worst = max(slots, key=lambda s: float(s.get("retained_bytes") or 0))
    kept = float(worst.get("retained_bytes") or 0)
    lost = [s["slot"] for s in slots if s.get("wal_status") == "lost"]
    if lost:
        return [
            Reading("slots", "lost", Verdict.BAD,
                    f"slot {lost[0]} has lost its WAL: its standby must be made anew", kept, "B")
        ]  # fmt: skip
    what = f"slot {worst['slot']} keeps {size(kept)} of WAL ({worst.get('wal_status')})"
    if not worst.get("active"):
        what += ", nobody reads it"
    return [
        Reading("slots", size(kept), standing.verdict,
                over_sentence(what, standing, size(standing.target or 0)), kept, "B",
                standing.since)
    ]  # fmt: skip


def _vacuum(d: Mapping[str, Any]) -> Reading:
    tables = d.get("tables") or []
    if not tables:
        return Reading("dead rows", "0", Verdict.OK, "no table has dead rows")
    worst = tables[0]
    dead, live = int(worst["dead"]), int(worst["live"])
    age = worst.get("vacuum_age_s")
    when = f"last vacuumed {span(float(age))} ago" if age is not None else "never vacuumed"
    bad = dead > 10_000 and dead > live
    return Reading(
        "dead rows", f"{dead}", Verdict.WARN if bad else Verdict.OK,
        f"{worst['name']} has {dead} dead rows beside {live}, {when}", float(dead), "rows",
    )  # fmt: skip


def _size(d: Mapping[str, Any]) -> Reading:
    if d.get("size") is None:
        return Reading("database size", "not available", Verdict.UNKNOWN, "not sampled yet")
    growth = d.get("growth")
    more = f", {size(growth * 3600)} an hour" if growth is not None else ""
    text = f"{size(float(d['size']))}{more}"
    return Reading("database size", text, Verdict.OK, "", float(d["size"]), "B")


def _slow(d: Mapping[str, Any]) -> Reading:
    slow, limit = d.get("slow_now") or [], d.get("slow_ms", 500)
    if not slow:
        return Reading("slow now", "none", Verdict.OK, f"no statement runs longer than {limit} ms")
    worst = slow[0]
    return Reading(
        "slow now", f"{len(slow)}, {worst['ms']} ms", Verdict.WARN,
        f"{worst.get('application') or '?'} runs for {worst['ms']} ms: {worst['query']}",
        float(worst["ms"]), "ms",
    )  # fmt: skip


def _statements(d: Mapping[str, Any]) -> Reading:
    found = d.get("statements")
    if found is None:
        why = d.get("statements_why") or "not sampled yet"
        return Reading("slow statements", "not available", Verdict.UNKNOWN, str(why))
    if not found:
        limit = d.get("slow_ms", 500)
        return Reading("slow statements", "none", Verdict.OK, f"none takes over {limit} ms")
    worst = found[0]
    return Reading(
        "slow statements", f"{len(found)}, {float(worst['mean_ms']):.0f} ms", Verdict.WARN,
        f"{worst['calls']} calls of {float(worst['mean_ms']):.0f} ms each: {worst['query']}",
        float(worst["mean_ms"]), "ms",
    )  # fmt: skip


async def _fetch(conn: Connection, query: LiteralString, args: Row) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, args)
        return await cursor.fetchall()
