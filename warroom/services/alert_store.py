"""The statements behind :mod:`warroom.services.alerts`: set-based, sorted, one round trip each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from warroom.db.uow import Work
from warroom.domain.alert import AlertState, IncomingAlert, StoredAlert
from warroom.domain.priority import Impact
from warroom.services.alert_rows import (
    AlertTarget,
    KnownAlert,
    ServiceRow,
    SourceRow,
    Standing,
)

if TYPE_CHECKING:
    from warroom.services.alerts import Delivery


async def insert_delivery(
    work: Work,
    delivery: Delivery,
    *,
    state: str,
    error: str | None = None,
    field: str | None = None,
) -> UUID:
    """Keep one body as it came; return the id of its row."""
    row = await work.row(
        "insert into warroom.delivery (source_id, dialect, content_type, body, state, error,"
        " field, request_id, unit, visibility)"
        " select s.id, :dialect, :content_type, :body, :state, :error, :field, :request_id,"
        " s.unit, s.visibility from warroom.source s where s.id = :source returning id",
        {
            "source": delivery.source_id,
            "dialect": delivery.dialect,
            "content_type": delivery.content_type[:200],
            "body": delivery.body,
            "state": state,
            "error": error[:2000] if error else None,
            "field": field[:500] if field else None,
            "request_id": delivery.request_id or work.ctx.request_id,
        },
    )
    if row is None:
        raise RuntimeError("the source of an authenticated delivery is gone")
    found: UUID = row["id"]
    return found


_DELIVERIES = """
with given as materialized (
  select warroom.uuid7() as id, g.* from unnest(cast(:sources as uuid[]), cast(:dialects as text[]),
    cast(:types as text[]), cast(:bodies as bytea[]), cast(:requests as text[]),
    cast(:seen as text[]))
    with ordinality as g(source_id, dialect, content_type, body, request_id, seen, n)),
kept as (
  insert into warroom.delivery (id, source_id, dialect, content_type, body, state, request_id,
    unit, visibility)
  select g.id, s.id, g.dialect, g.content_type, g.body, 'accepted', g.request_id, s.unit,
    g.seen
  from given g join warroom.source s on s.id = g.source_id order by g.n returning id)
select g.id from given g where exists (select from kept) order by g.n
"""


async def insert_deliveries(
    work: Work, deliveries: Sequence[Delivery], seen: Sequence[str]
) -> list[UUID]:
    """Keep the bodies of a batch as they came; return the ids of their rows, in this order.

    ``seen`` is the visibility of each: its alerts', which may be narrower than its source's.
    """
    found = await work.rows(
        _DELIVERIES,
        {
            "sources": [d.source_id for d in deliveries],
            "dialects": [d.dialect for d in deliveries],
            "types": [d.content_type[:200] for d in deliveries],
            "bodies": [d.body for d in deliveries],
            "requests": [d.request_id or work.ctx.request_id for d in deliveries],
            "seen": seen,
        },
    )
    if len(found) != len(deliveries):
        raise RuntimeError("the source of an authenticated delivery is gone")
    return [r["id"] for r in found]


async def sources(
    work: Work, ids: Collection[UUID], *, spoke: bool = True
) -> tuple[datetime, dict[UUID, SourceRow]]:
    """Return the transaction's time and the sources of a batch, and note that they spoke."""
    found = await work.rows(
        "select now() as now, id, key, principal_id, visibility, environment, last_seen_at is null"
        " or last_seen_at < now() - interval '60 seconds' as quiet"
        " from warroom.source where id = any(:ids)",
        {"ids": list(ids)},
    )
    if not found:
        raise RuntimeError("the source of an authenticated delivery is gone")
    # The record of a source is its history: a row a second of "seen" would drown it.
    quiet = [r["id"] for r in found if r["quiet"]]
    if quiet and spoke:
        await work.execute(
            "update warroom.source set last_seen_at = now() where id in (select id from"
            " warroom.source where id = any(:ids) order by id for no key update skip locked)",
            {"ids": quiet},
        )
    now: datetime = found[0]["now"]
    return now, {
        r["id"]: SourceRow(
            r["id"], r["key"], r["principal_id"], r["visibility"], r["environment"] or ""
        )
        for r in found
    }


_SERVICES = (
    "select s.id, s.key, s.name, s.unit, coalesce(s.policy_id, p.id) as policy_id, s.kind, s.tier,"
    " s.region, s.zone, s.host, s.provider, s.customers, cast(s.user_share as float8) as"
    " user_share, t.key as team from warroom.service s"
    " join warroom.team t on t.id = s.team_id, warroom.escalation_policy p"
    " where s.key = any(:keys) and p.key = 'default'"
)
_FACTS = ("kind", "tier", "region", "zone", "host", "provider", "team")


async def services(work: Work, keys: Collection[str]) -> dict[str, ServiceRow]:
    """Return the services by key; an unknown one becomes provisional, with the default policy."""
    wanted = sorted(keys)
    found = await work.rows(_SERVICES, {"keys": wanted})
    missing = sorted(set(wanted) - {r["key"] for r in found})
    if missing:
        await work.execute(
            "insert into warroom.service (key, name, team_id, policy_id, provisional)"
            " select k, k, t.id, p.id, true from unnest(cast(:keys as text[])) k,"
            " warroom.team t, warroom.escalation_policy p"
            " where t.key = 'unassigned' and p.key = 'default' order by k"
            " on conflict (key) do nothing",
            {"keys": missing},
        )
        found = await work.rows(_SERVICES, {"keys": wanted})
    return {r["key"]: _service(r) for r in found}


def _service(r: Any) -> ServiceRow:
    facts = {name: str(r[name]) for name in _FACTS if r[name] is not None}
    weight = Impact(r["tier"], r["customers"], r["user_share"])
    return ServiceRow(r["id"], r["key"], r["name"], r["unit"], r["policy_id"], weight, facts)


async def lock_services(work: Work, ids: Collection[UUID]) -> None:
    """Serialise the beginning of episodes of these services."""
    await work.rows(
        "select id from warroom.service where id = any(:ids) order by id for no key update",
        {"ids": list(ids)},
    )


_KNOWN = (
    "select a.id, a.source_id, a.fingerprint, a.name, a.service_id, a.incident_id, a.unit,"
    " a.visibility, a.state, a.starts_at, a.ends_at, a.expires_at, a.severity, a.count,"
    " a.changed_at, a.last_seen_at, a.version, a.priority, a.priority_reason, a.flapping, a.flips,"
    " a.disposition, a.decide_at from warroom.alert a"
)


def _known(r: Any) -> KnownAlert:
    return KnownAlert(
        id=r["id"],
        source_id=r["source_id"],
        fingerprint=r["fingerprint"],
        name=r["name"],
        service_id=r["service_id"],
        incident_id=r["incident_id"],
        unit=r["unit"],
        visibility=r["visibility"],
        version=r["version"],
        stored=StoredAlert(
            state=AlertState(r["state"]),
            starts_at=r["starts_at"],
            ends_at=r["ends_at"],
            expires_at=r["expires_at"],
            severity=r["severity"],
            count=r["count"],
            changed_at=r["changed_at"],
            last_seen_at=r["last_seen_at"],
        ),
        standing=Standing(
            r["priority"], r["priority_reason"], bool(r["flapping"]), tuple(r["flips"] or ()),
            r["disposition"], r["decide_at"],
        ),
    )  # fmt: skip


async def alerts(
    work: Work, keys: Sequence[tuple[UUID, str]], *, lock: bool
) -> dict[tuple[UUID, str], KnownAlert]:
    """Return the stored alerts of (source, fingerprint); locked in the order of the key."""
    rows = await work.rows(
        f"{_KNOWN} join unnest(cast(:sources as uuid[]), cast(:prints as text[])) as k(s, f)"
        " on a.source_id = k.s and a.fingerprint = k.f"
        f" order by a.source_id, a.fingerprint {'for update of a' if lock else ''}",
        {"sources": [k[0] for k in keys], "prints": [k[1] for k in keys]},
    )
    return {(r["source_id"], r["fingerprint"]): _known(r) for r in rows}


async def due_alerts(work: Work, now: datetime, limit: int) -> list[KnownAlert]:
    """Return firing alerts past their expiry that no other engine is at."""
    rows = await work.rows(
        f"{_KNOWN} where a.state = 'firing' and a.expires_at <= :now"
        " order by a.source_id, a.fingerprint limit :limit for update skip locked",
        {"now": now, "limit": limit},
    )
    return [_known(r) for r in rows]


def target(
    key: tuple[UUID, str],
    incoming: IncomingAlert,
    service: ServiceRow,
    source: SourceRow,
    before: KnownAlert | None,
    visibility: str,
) -> AlertTarget:
    """Return the row that a message is written to."""
    return AlertTarget(
        id=before.id if before else None,
        source_id=key[0],
        source_key=source.key,
        fingerprint=key[1],
        service_id=service.id,
        unit=service.unit,
        visibility=visibility,
        incoming=incoming,
        fresh=before is None or before.fresh,
        version=before.version if before else 0,
    )
