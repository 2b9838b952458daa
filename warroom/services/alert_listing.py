"""What fires, as Alertmanager's API lists it: labels, lifetime, and what silences it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.ids import format_ref
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext, Scope
from warroom.domain.silence import ALERT_NAME, SERVICE, Matcher, completed
from warroom.errors import Refused
from warroom.services import suppression
from warroom.services.access import require
from warroom.services.matching import equal_pairs, stored_pairs, test_of

MOST: Final = 20_000
"""Alerts that one answer may hold."""
BELIEVED: Final = timedelta(minutes=5)
_LIST: Final = """
select a.fingerprint, a.name, a.summary, a.labels, a.annotations,
  coalesce(a.generator_url, '') as generator_url, a.starts_at,
  coalesce(a.expires_at, now() + cast(:believed as interval)) as ends_at,
  a.last_seen_at, a.unit, a.visibility, i.number, s.key as service, now() as now
from warroom.alert a join warroom.service s on s.id = a.service_id
left join warroom.incident i on i.id = a.incident_id
where a.state = 'firing' and a.labels @> cast(:pairs as jsonb)
  and (cast(:named as text) is null
    or coalesce(nullif(a.labels ->> 'alertname', ''), a.name) = :named)
  and (cast(:served as text) is null
    or coalesce(nullif(a.labels ->> 'service', ''), s.key) = :served)
  and (a.expires_at is null or a.expires_at > now())
  and (cast(:source as uuid) is null or a.source_id = :source)
order by a.fingerprint, a.source_id limit :limit
"""


@dataclass(frozen=True, slots=True)
class FiringAlert:
    """An alert that fires; ``incident`` is its reference, empty when it is on none.

    ``labels`` have ``alertname`` and ``service``, ``annotations`` a ``summary``, whatever its
    dialect: clients show these, and match them.
    ``silenced_by`` are the ids of the silences that match it now.
    """

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    generator_url: str
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    service: str
    incident: str
    silenced_by: tuple[str, ...]


async def firing(
    db: Database,
    ctx: CommandContext,
    filters: Sequence[Matcher],
    *,
    active: bool = True,
    silenced: bool = True,
) -> list[FiringAlert]:
    """Return the firing alerts that fulfil all filters, by fingerprint.

    A source's token sees its source's own alerts; any other, also a person's that brings alerts,
    needs the scope ``read`` and sees what its owner may see.

    Args:
        db: the database of the API.
        ctx: who asks.
        filters: all must hold.
        active: also those that nothing silences.
        silenced: also those that a silence matches.

    Raises:
        Refused: more than 20,000 fulfil them (rule ``too-many-alerts``).
    """
    own = ctx.principal.source_id if ctx.principal.scopes == {Scope.INGEST} else None
    if own is None:
        require(ctx, Scope.READ)
    test = test_of(filters)
    pairs = equal_pairs(filters)

    async def handler(work: Work) -> list[FiringAlert]:
        rows = await work.rows(
            _LIST,
            {"pairs": json.dumps(stored_pairs(filters)), "named": pairs.get(ALERT_NAME),
             "served": pairs.get(SERVICE), "source": own, "limit": MOST + 1,
             "believed": f"{BELIEVED.total_seconds():.0f} seconds"},
        )  # fmt: skip
        if len(rows) > MOST:
            raise Refused(
                f"More than {MOST:,} alerts fire; name a filter that fewer fulfil.",
                rule="too-many-alerts",
            )
        now: datetime = await work.scalar("select now()")
        silences = await suppression.load(work, now)
        found = []
        for r in rows:
            labels = completed(r["labels"], r["name"], r["service"])
            if not test(labels):
                continue
            by = silences.of(labels, unit=r["unit"], visibility=r["visibility"])
            if (by and not silenced) or (not by and not active):
                continue
            found.append(
                FiringAlert(
                    r["fingerprint"], labels, _annotations(r), r["generator_url"],
                    r["starts_at"], r["ends_at"], r["last_seen_at"], r["service"],
                    format_ref(r["number"]) if r["number"] else "", tuple(str(s.id) for s in by),
                )
            )  # fmt: skip
        return found

    return await read(db, ctx, handler, eyes=INGEST_PRINCIPAL if own is not None else None)


def _annotations(row: RowMapping) -> Mapping[str, str]:
    found: dict[str, str] = row["annotations"]
    if found.get("summary") or not row["summary"]:
        return found
    return {**found, "summary": row["summary"]}
