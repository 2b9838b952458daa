"""Alerts as people look them up: which there are, and the sentence that says what became of each.

Also of those that opened nothing (recorded, asked about, silenced, waiting), which no incident
shows.  Row-level security says who sees which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.ids import parse_ref
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.errors import NotFound
from warroom.services.access import require
from warroom.services.directory.common import Json

LAST: Final = UUID(int=(1 << 128) - 1)
DEADLINE_S: Final = 10.0
"""Most filters have no index of their own: among millions the page is looked for from the end."""
_COLUMNS = (
    "select a.id, a.state, a.name, a.summary, s.key as service, o.key as source, a.severity,"
    " a.priority, a.disposition, a.decision,"
    " case when i.number is null then null else 'INC-' || i.number end as incident,"
    " a.starts_at as since, case when a.state = 'resolved' then a.ends_at end as ended_at,"
    " a.last_seen_at, a.count, coalesce(a.flapping, false) as flapping"
)
_MORE = (
    ", a.description, a.severity_word, coalesce(a.priority_reason, '') as priority_reason,"
    " a.labels, a.annotations, a.generator_url as url, a.fingerprint, a.first_seen_at,"
    " a.expires_at, a.decide_at, a.visibility, a.drill"
)
_FROM = (
    " from warroom.alert a join warroom.service s on s.id = a.service_id"
    " join warroom.source o on o.id = a.source_id"
    " left join warroom.incident i on i.id = a.incident_id"
)
_FILTERS: Final = {
    "state": "a.state = :state",
    "disposition": "a.disposition = :disposition",
    "service": "a.service_id = (select id from warroom.service where key = :service)",
    "source": "a.source_id = (select id from warroom.source where key = :source)",
    "name": "a.name = :name",
    "number": "a.incident_id = (select id from warroom.incident where number = :number)",
    "incident": "a.incident_id = :incident",
    "ending": "right(a.id::text, length(:ending)) = :ending",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts; what is None is not asked for.

    Attributes:
        state: firing or resolved.
        disposition: what was decided of the episode (the words of ``alert.disposition``).
        service: a key.
        source: a key.
        name: all of it.
        incident: ``INC-12``, ``12`` or an id.
        ending: the last digits of the id.
    """

    state: str | None = None
    disposition: str | None = None
    service: str | None = None
    source: str | None = None
    name: str | None = None
    incident: str | None = None
    ending: str | None = None

    def asked(self) -> Json:
        """Return what is asked for, by the names of ``_FILTERS``.

        Raises:
            InvalidInput: one of them is nothing that can be looked for.
        """
        texts = {name: value for name in ("state", "disposition", "service", "source", "name")
                 if (value := getattr(self, name)) is not None}  # fmt: skip
        found: Json = {n: check_text(v, n, longest=500, shortest=1) for n, v in texts.items()}
        if self.incident is not None:
            ref = parse_ref(self.incident, "incident")
            found["number" if isinstance(ref, int) else "incident"] = ref
        if self.ending is not None:
            found["ending"] = self.ending.lower()
        return found


async def list_page(
    db: Database,
    ctx: CommandContext,
    wanted: Wanted,
    *,
    before: UUID | None = None,
    limit: int = 100,
) -> list[Json]:
    """Return the alerts that are asked for, those first heard of last first."""
    require(ctx, Scope.READ)
    asked = wanted.asked()
    where = " and ".join(["a.id < :before", *(_FILTERS[name] for name in asked)])

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(
            f"{_COLUMNS}{_FROM} where {where} order by a.id desc limit :limit",
            asked | {"before": before or LAST, "limit": limit},
        )
        return [dict(row) for row in rows]

    return await read(db, ctx, handler, deadline_s=DEADLINE_S)


async def show(db: Database, ctx: CommandContext, alert_id: UUID) -> Json:
    """Return one alert with all that is known of it.

    Raises:
        NotFound: there is none, or the caller may not see it.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        row = await work.row(f"{_COLUMNS}{_MORE}{_FROM} where a.id = :id", {"id": alert_id})
        if row is None:
            raise NotFound(f"There is no alert {alert_id}.", field="id")
        return dict(row)

    return await read(db, ctx, handler)
