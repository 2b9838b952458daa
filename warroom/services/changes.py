"""Changes in: each message becomes, or moves, one change; however often and late it comes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.change import ChangeKind, ChangeStatus, IncomingChange, merge
from warroom.domain.principal import INGEST_PRINCIPAL, CommandContext, Scope
from warroom.errors import DatabaseUnavailable
from warroom.services import alert_store
from warroom.services.access import require
from warroom.services.alert_rows import as_json
from warroom.services.alerts import INGEST, RACES
from warroom.services.delivery import Delivery

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TakenChange:
    """What became of one change: its row, and whether the message made or moved it."""

    id: UUID
    status: str
    new: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class ChangesTaken:
    """What became of one delivery."""

    delivery_id: UUID
    changes: tuple[TakenChange, ...]


class _Raced(Exception):
    """Another process inserted the same change between our read and our insert."""


_STORED = """
select id, dedup_key, kind, status, title, environment, production, region, release, link, made_by,
  at, ended_at, status_at, approved_by, approval_ref, emergency, labels,
  (select array_agg(s.service order by s.id) from warroom.change_service s
    where s.change_id = c.id) as services
from warroom.change_event c
where c.source_id is not distinct from cast(:source as uuid) and c.dedup_key = any(:keys)
order by c.dedup_key for no key update
"""
_RECORDSET = (
    "jsonb_to_recordset(cast(:rows as jsonb)) as r(id uuid, dedup_key text, kind text,"
    " status text, title text, environment text, production boolean, region text, release text,"
    " link text, made_by text, principal_id uuid, at timestamptz, ended_at timestamptz,"
    " status_at timestamptz, approved_by text, approval_ref text, emergency boolean,"
    " labels jsonb, unit text, visibility text)"
)
_NAMES = (
    "kind", "status", "title", "environment", "production", "region", "release", "link",
    "made_by", "at", "ended_at", "status_at", "approved_by", "approval_ref", "emergency", "labels",
)  # fmt: skip
_INSERT = (
    (
        "insert into warroom.change_event (source_id, dedup_key, principal_id, unit, visibility,"
        " {names}) select cast(:source as uuid), r.dedup_key, r.principal_id, r.unit,"
        " r.visibility, {values} from {rows} order by r.dedup_key"
        " on conflict (source_id, dedup_key) do nothing returning id, dedup_key"
    )
    .replace("{names}", ", ".join(_NAMES))
    .replace("{values}", ", ".join(f"r.{name}" for name in _NAMES))
    .replace("{rows}", _RECORDSET)
)
_UPDATE = (
    (
        "update warroom.change_event c set {sets}, version = c.version + 1 from {rows}"
        " where c.id = r.id"
    )
    .replace("{sets}", ", ".join(f"{n} = r.{n}" for n in _NAMES))
    .replace("{rows}", _RECORDSET)
)
_SERVICES = """
insert into warroom.change_service as s (change_id, service, at, unit, visibility)
select c.id, r.service, c.at, c.unit, c.visibility
from jsonb_to_recordset(cast(:rows as jsonb)) as r(id uuid, place int, service text)
join warroom.change_event c on c.id = r.id order by c.id, r.place
on conflict (change_id, service) do update set at = excluded.at, version = s.version + 1
  where s.at <> excluded.at
"""


async def take(
    db: Database, ctx: CommandContext, delivery: Delivery, changes: Sequence[IncomingChange]
) -> ChangesTaken:
    """Store one delivery of a source durably, in one transaction.

    Args:
        db: the database of the API.
        ctx: the request's context.
        delivery: whose, in which dialect, the body as it came.
        changes: what was read from it, in its order.

    Returns:
        The delivery's row and each change once, in the order of first mention.

    Raises:
        DatabaseUnavailable: nothing was stored.
        OutcomeUnknown: it may be stored; sending again is safe, a change is known by its key.
    """
    inner = replace(ctx, principal=INGEST, idempotency_key=None)
    for _ in range(RACES):
        results: list[ChangesTaken] = []

        async def handler(work: Work, into: list[ChangesTaken] = results) -> Answer:
            into[:] = [await _take(work, delivery, changes)]
            return Answer(200, {})

        try:
            await run_command(db, inner, "changes.take", {}, handler, eyes=INGEST_PRINCIPAL)
        except _Raced:
            continue
        return results[0]
    raise DatabaseUnavailable("The same change arrived everywhere at once; nothing was stored.")


async def take_within(
    work: Work, delivery: Delivery, changes: Sequence[IncomingChange]
) -> ChangesTaken:
    """Store one delivery in the caller's own transaction, which must see all that ingest sees.

    Raises:
        DatabaseUnavailable: the same change came in elsewhere at that moment; the transaction must
            end, and may be tried again.
    """
    try:
        return await _take(work, delivery, changes)
    except _Raced as error:
        raise DatabaseUnavailable(
            "The same change arrived elsewhere at once; nothing was stored."
        ) from error


async def _take(work: Work, delivery: Delivery, changes: Sequence[IncomingChange]) -> ChangesTaken:
    kept = await alert_store.insert_delivery(work, delivery, state="accepted")
    await alert_store.sources(work, {delivery.source_id})
    return ChangesTaken(kept, await _store(work, delivery.source_id, changes))


async def add(db: Database, ctx: CommandContext, change: IncomingChange) -> Answer:
    """Put a change down by hand, in the name of whoever asks; the same key again moves it.

    Raises:
        Forbidden: the token may not respond.
    """
    require(ctx, Scope.RESPOND)
    named = replace(change, by=change.by or ctx.principal.name)
    body = {"key": named.dedup_key, "status": named.status.value, "title": named.title,
            "services": list(named.services)}  # fmt: skip

    async def handler(work: Work) -> Answer:
        try:
            found = (await _store(work, None, [named]))[0]
        except _Raced:
            raise DatabaseUnavailable("The same change is being stored; ask again.") from None
        return Answer(201, {"id": str(found.id), "status": found.status, "new": found.new})

    return await run_command(db, ctx, "change.add", body, handler)


async def _store(
    work: Work, source: UUID | None, changes: Sequence[IncomingChange]
) -> tuple[TakenChange, ...]:
    keys = list(dict.fromkeys(c.dedup_key for c in changes))
    rows = await work.rows(_STORED, {"source": source, "keys": sorted(keys)})
    stored = {r["dedup_key"]: r for r in rows}
    before = {key: _read(row) for key, row in stored.items()}
    known: dict[str, IncomingChange] = dict(before)
    for change in changes:
        known[change.dedup_key] = merge(known.get(change.dedup_key), change)
    fresh = [key for key in sorted(keys) if key not in stored]
    moved = [key for key in sorted(keys) if key in stored and not _same(before[key], known[key])]
    owner = await _owner(work, source, known.values())
    ids: dict[str, UUID] = {key: row["id"] for key, row in stored.items()}
    if fresh:
        made = await work.rows(
            _INSERT,
            {"source": source, "rows": as_json([owner.row(known[key], None) for key in fresh])},
        )
        if len(made) != len(fresh):
            raise _Raced
        ids |= {r["dedup_key"]: r["id"] for r in made}
    if moved:
        await work.execute(
            _UPDATE, {"rows": as_json([owner.row(known[key], ids[key]) for key in moved])}
        )
    touched = [
        {"id": ids[key], "place": place, "service": service}
        for key in (*fresh, *moved)
        for place, service in enumerate(known[key].services)
    ]
    if touched:
        await work.execute(_SERVICES, {"rows": as_json(touched)})
    changed = {*fresh, *moved}
    return tuple(
        TakenChange(ids[key], known[key].status.value, key not in stored, key in changed)
        for key in keys
    )


def _read(row: RowMapping) -> IncomingChange:
    return IncomingChange(
        dedup_key=row["dedup_key"],
        kind=ChangeKind(row["kind"]),
        status=ChangeStatus(row["status"]),
        title=row["title"],
        services=tuple(row["services"] or ()),
        at=row["at"],
        status_at=row["status_at"],
        ended_at=row["ended_at"],
        environment=row["environment"],
        production=row["production"],
        region=row["region"],
        release=row["release"],
        by=row["made_by"],
        link=row["link"],
        approved_by=row["approved_by"],
        approval_ref=row["approval_ref"],
        emergency=row["emergency"],
        labels=row["labels"],
    )


def _same(before: IncomingChange, after: IncomingChange) -> bool:
    """Say whether nothing moved: a repeated delivery writes no row, and so no history."""
    plain = replace(after, production=after.reaches_users(), notes=())
    return replace(before, services=()) == replace(plain, services=()) and set(
        before.services
    ) == set(after.services)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose the rows are: unit by the services, visibility by the source, people by identity."""

    units: Mapping[str, str]
    people: Mapping[str, UUID]
    unit: str
    visibility: str
    principal: UUID | None

    def row(self, change: IncomingChange, identifier: UUID | None) -> Json:
        """Return the columns of a change."""
        units = {self.units[s] for s in change.services if s in self.units}
        return {
            "id": identifier, "dedup_key": change.dedup_key, "kind": change.kind.value,
            "status": change.status.value, "title": change.title,
            "environment": change.environment, "production": change.reaches_users(),
            "region": change.region, "release": change.release, "link": change.link,
            "made_by": change.by, "principal_id": self.people.get(change.by, self.principal),
            "at": change.at, "ended_at": change.ended_at, "status_at": change.status_at,
            "approved_by": change.approved_by, "approval_ref": change.approval_ref,
            "emergency": change.emergency, "labels": dict(change.labels),
            # Of services of several units, or of none that is known, it is the source's.
            "unit": units.pop() if len(units) == 1 else self.unit,
            "visibility": self.visibility,
        }  # fmt: skip


async def _owner(work: Work, source: UUID | None, changes: Collection[IncomingChange]) -> _Owner:
    services = sorted({s for c in changes for s in c.services})
    rows = await work.rows(
        "select key, unit from warroom.service where key = any(:keys)", {"keys": services}
    )
    units = {r["key"]: r["unit"] for r in rows}
    if source is None:
        own = await work.scalar("select (warroom.viewer_units())[1]")
        return _Owner(units, {}, own or "main", "normal", work.ctx.principal.id)
    row = await work.row(
        "select unit, visibility from warroom.source where id = :id", {"id": source}
    )
    if row is None:
        raise RuntimeError("the source of an authenticated delivery is gone")
    names = sorted({c.by for c in changes if c.by})
    people = await work.rows(
        "select external_id, principal_id from warroom.source_identity"
        " where source_id = :id and external_id = any(:names)",
        {"id": source, "names": names},
    )
    found = {r["external_id"]: r["principal_id"] for r in people}
    return _Owner(units, found, row["unit"], row["visibility"], None)
