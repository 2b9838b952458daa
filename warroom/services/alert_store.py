"""The statements behind :mod:`warroom.services.alerts`: set-based, sorted, one round trip each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.uow import Asked, Work
from warroom.domain.alert import AlertState, IncomingAlert, StoredAlert
from warroom.domain.alert_rule import RuleBook
from warroom.domain.priority import Impact
from warroom.services import intake, rule_book, token_proof
from warroom.services.alert_roots import NEWEST
from warroom.services.alert_rows import (
    AlertTarget,
    KnownAlert,
    ServiceRow,
    SourceRow,
    Standing,
)
from warroom.services.delivery import Delivery

Key = tuple[UUID, str]
"""Source and fingerprint: what an alert is recognised by."""


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


_DELIVERIES = (
    "insert into warroom.delivery (id, source_id, dialect, content_type, body, state, request_id,"
    " received_at, unit, visibility)"
    " select g.id, s.id, g.dialect, g.content_type, g.body, 'accepted', g.request_id,"
    " coalesce(g.received, clock_timestamp()), s.unit, g.seen"
    " from unnest(cast(:ids as uuid[]), cast(:sources as uuid[]), cast(:dialects as text[]),"
    " cast(:types as text[]), cast(:bodies as bytea[]), cast(:requests as text[]),"
    " cast(:seen as text[]), cast(:received as timestamptz[])) with ordinality"
    " as g(id, source_id, dialect, content_type, body, request_id, seen, received, n)"
    " join warroom.source s on s.id = g.source_id order by g.n"
)


def deliveries_asked(
    deliveries: Sequence[Delivery],
    look: Look,
    seen: Sequence[str],
    request_id: str,
) -> Asked:
    """Return what keeps the bodies of a batch as they came.

    ``seen`` is the visibility of each: its alerts', which may be narrower than its source's.
    """
    return _DELIVERIES, {
        "ids": look.delivery_ids,
        "sources": [d.source_id for d in deliveries],
        "dialects": [d.dialect for d in deliveries],
        "types": [d.content_type[:200] for d in deliveries],
        "bodies": [d.body for d in deliveries],
        "requests": [d.request_id or request_id for d in deliveries],
        "seen": list(seen),
        "received": look.received,
    }


_SOURCES = (
    "select now() as now, id, key, principal_id, visibility, environment, last_seen_at is null"
    " or last_seen_at < now() - interval '60 seconds' as quiet"
    " from warroom.source where id = any(:ids)"
)


async def sources(
    work: Work, ids: Collection[UUID], *, spoke: bool = True
) -> tuple[datetime, dict[UUID, SourceRow]]:
    """Return the transaction's time and the sources of a batch, and note that they spoke."""
    found = await work.rows(_SOURCES, {"ids": list(ids)})
    return await _heard(work, found, spoke=spoke)


async def _heard(
    work: Work, found: Sequence[RowMapping], *, spoke: bool = True
) -> tuple[datetime, dict[UUID, SourceRow]]:
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


@dataclass(frozen=True, slots=True)
class Look:
    """What a batch is held against, read without any lock in one round trip.

    ``now`` is the transaction's time, ``newest`` when the catalogue was written last, ``received``
    when each body came, where that was before this transaction.
    """

    now: datetime
    sources: dict[UUID, SourceRow]
    delivery_ids: list[UUID]
    services: dict[str, ServiceRow]
    known: dict[Key, KnownAlert]
    book: RuleBook
    newest: datetime | None
    received: list[datetime | None]


# Few rows of tables that grow: a plan that was made when they were empty reads them whole, and a
# connection keeps its plans until somebody has analysed the tables.  Where there is no index the
# price makes PostgreSQL think that compiling pays, which takes seconds.
_BY_INDEX: Asked = (
    "select set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)",
    {},
)


async def look(
    work: Work, deliveries: Sequence[Delivery], keys: Sequence[Key], services: Collection[str]
) -> Look:
    """Read what a batch is held against, and ids for its bodies.

    Args:
        work: the transaction.
        deliveries: the bodies.
        keys: the alerts, sorted.
        services: their services' keys.

    Raises:
        Unproven: some were brought by a token that is not what it was.
        Gone: some wait in the intake no longer.
    """
    work.begin_with(_BY_INDEX)
    kept = {d.kept: n for n, d in enumerate(deliveries) if d.kept is not None}
    proofs = {n: d.proof for n, d in enumerate(deliveries) if d.proof is not None}
    heard, ids, served, stored, rules, newest, *more = await work.together(
        (_SOURCES, {"ids": list({d.source_id for d in deliveries})}),
        new_ids(len(deliveries)),
        (_SERVICES, {"keys": sorted(services)}),
        alerts_asked(keys, lock=False),
        rule_book.RULES,
        NEWEST,
        *([token_proof.whose({p.token for p in proofs.values()})] if proofs else []),
        *([intake.claimed(kept)] if kept else []),
    )
    if proofs:
        token_proof.check(proofs, more[0].rows)
    taken = {r["id"]: r["received_at"] for r in more[-1].rows} if kept else {}
    if len(taken) < len(kept):
        raise intake.Gone(frozenset(n for id_, n in kept.items() if id_ not in taken))
    now, sources_ = await _heard(work, heard.rows)
    return Look(
        now, sources_, [d.kept or r["id"] for d, r in zip(deliveries, ids.rows, strict=True)],
        await _all_services(work, services, served.rows), known_of(stored.rows),
        rule_book.book_of(work, rules.rows), newest.rows[0]["newest"],
        [None if d.kept is None else taken[d.kept] for d in deliveries],
    )  # fmt: skip


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
    return await _all_services(work, keys, await work.rows(_SERVICES, {"keys": sorted(keys)}))


async def _all_services(
    work: Work, keys: Collection[str], found: Sequence[RowMapping]
) -> dict[str, ServiceRow]:
    missing = sorted(set(keys) - {r["key"] for r in found})
    if missing:
        await work.execute(
            "insert into warroom.service (key, name, team_id, policy_id, provisional)"
            " select k, k, t.id, p.id, true from unnest(cast(:keys as text[])) k,"
            " warroom.team t, warroom.escalation_policy p"
            " where t.key = 'unassigned' and p.key = 'default' order by k"
            " on conflict (key) do nothing",
            {"keys": missing},
        )
        found = await work.rows(_SERVICES, {"keys": sorted(keys)})
    return {r["key"]: _service(r) for r in found}


def _service(r: Any) -> ServiceRow:
    facts = {name: str(r[name]) for name in _FACTS if r[name] is not None}
    weight = Impact(r["tier"], r["customers"], r["user_share"])
    return ServiceRow(r["id"], r["key"], r["name"], r["unit"], r["policy_id"], weight, facts)


def services_locked(ids: Collection[UUID]) -> Asked:
    """Return what serialises the beginning of episodes of these services."""
    return (
        "select id from warroom.service where id = any(:ids) order by id for no key update",
        {"ids": list(ids)},
    )


async def lock_services(work: Work, ids: Collection[UUID]) -> None:
    """Serialise the beginning of episodes of these services."""
    await work.rows(*services_locked(ids))


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


def _array(texts: Iterable[str]) -> str:
    """Return texts as PostgreSQL writes an array; the driver takes them one by one, slowly."""
    return "{" + ",".join(_element(text) for text in texts) + "}"


def _element(text: str) -> str:
    if text.isalnum() and text.isascii() and text.lower() != "null":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def alerts_asked(keys: Sequence[Key], *, lock: bool) -> Asked:
    """Ask for the stored alerts of (source, fingerprint); locked in the order of the key."""
    return (
        f"{_KNOWN} join unnest(cast(:sources as uuid[]), cast(:prints as text[])) as k(s, f)"
        " on a.source_id = k.s and a.fingerprint = k.f"
        + (" order by a.source_id, a.fingerprint for update of a" if lock else ""),
        {"sources": _array(str(k[0]) for k in keys), "prints": _array(k[1] for k in keys)},
    )


def known_of(rows: Sequence[RowMapping]) -> dict[Key, KnownAlert]:
    """Return the alerts that ``alerts_asked`` found."""
    return {(r["source_id"], r["fingerprint"]): _known(r) for r in rows}


async def alerts(work: Work, keys: Sequence[Key], *, lock: bool) -> dict[Key, KnownAlert]:
    """Return the stored alerts of (source, fingerprint); locked in the order of the key."""
    return known_of(await work.rows(*alerts_asked(keys, lock=lock)))


async def due_alerts(work: Work, now: datetime, limit: int) -> list[KnownAlert]:
    """Return firing alerts past their expiry that no other engine is at."""
    rows = await work.rows(
        f"{_KNOWN} where a.state = 'firing' and a.expires_at <= :now"
        " order by a.source_id, a.fingerprint limit :limit for update skip locked",
        {"now": now, "limit": limit},
    )
    return [_known(r) for r in rows]


def target(
    key: Key,
    incoming: IncomingAlert,
    service: ServiceRow,
    source: SourceRow,
    before: KnownAlert | None,
    visibility: str,
    spare: dict[Key, UUID],
) -> AlertTarget:
    """Return the row that a message is written to; a new one gets the id that is kept for it."""
    return AlertTarget(
        id=before.id if before else spare[key],
        source_id=key[0],
        source_key=source.key,
        fingerprint=key[1],
        service_id=service.id,
        unit=service.unit,
        visibility=visibility,
        incoming=incoming,
        fresh=before is None or before.fresh,
        version=before.version if before else 0,
        own_unit=before.unit if before else service.unit,
    )


def new_ids(count: int) -> Asked:
    """Ask for the ids of what is about to be stored."""
    return "select warroom.uuid7() as id from generate_series(1, :count)", {"count": count}
