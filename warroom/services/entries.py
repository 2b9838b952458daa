"""The log of an incident: entries, evidence, fates of hypotheses, pins, corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work
from warroom.domain import log_book
from warroom.domain.incident import Command, Decision, IncidentState
from warroom.domain.log_book import Entry
from warroom.domain.principal import CommandContext
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.errors import NotFound
from warroom.services.incident_commands import run_on, write_entry
from warroom.services.incident_state import Json

_ENTRY = """
select t.id, t.kind, t.body, t.author_id, h.fate,
  exists (select from warroom.timeline c where c.corrects = t.id and c.id > t.id) as corrected,
  exists (select from warroom.pin p where p.entry_id = t.id) as pinned
from warroom.timeline t left join warroom.hypothesis h on h.entry_id = t.id
where t.id = :entry and t.incident_id = :incident and t.id >= :incident
"""

_MOVE_PIN = "update warroom.pin set entry_id = :new, version = version + 1 where entry_id = :old"
_MOVE_FATE = (
    "update warroom.hypothesis set entry_id = :new, version = version + 1 where entry_id = :old"
)


async def find(work: Work, incident: UUID, entry: UUID) -> Entry:
    """Return an entry of an incident.

    Raises:
        NotFound: there is none with that id.
    """
    row = await work.row(_ENTRY, {"entry": entry, "incident": incident})
    if row is None:
        raise NotFound("There is no such entry on this incident.", field="entry")
    kind = EntryKind(row["kind"])
    fate = row["fate"] or ("open" if kind is EntryKind.HYPOTHESIS else None)
    return Entry(row["id"], kind, row["body"], row["author_id"], row["corrected"],
                 row["pinned"], fate)  # fmt: skip


async def log_entry(
    db: Database,
    ctx: CommandContext,
    ref: str,
    *,
    kind: object,
    text: object,
    happened_at: datetime | None = None,
    confidence: object = None,
    about: UUID | None = None,
    stance: object = None,
) -> Answer:
    """Add an entry; in every status, and without a version: entries never conflict."""
    body: Json = {"kind": kind, "text": text, "happened_at": happened_at, "confidence": confidence}
    if about is not None or stance is not None:
        body |= {"about": about, "stance": stance}

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        hypothesis = await find(work, row["id"], about) if about is not None else None
        decision = log_book.log_entry(
            state, ctx.principal, now, kind=kind, text=text, happened_at=happened_at,
            confidence=confidence, about=hypothesis, stance=stance,
        )  # fmt: skip
        written = await _write(work, row, decision.entries)
        if hypothesis is not None:
            await work.execute(
                "insert into warroom.evidence (entry_id, hypothesis_entry_id, incident_id, stance,"
                " unit, visibility) values (:entry, :about, :id, :stance, :unit, :seen)",
                _common(row) | {"entry": written, "about": hypothesis.id, "stance": stance},
            )
        return replace(decision, entries=())

    return await run_on(db, ctx, ref, Command.LOG, body, work_on, status=201)


async def judge(
    db: Database, ctx: CommandContext, ref: str, entry: UUID, *, fate: object, reason: object = None
) -> Answer:
    """Settle a hypothesis, or open it again."""
    body: Json = {"entry": entry, "fate": fate, "reason": reason}

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        found = await find(work, row["id"], entry)
        decision = log_book.judge(
            state, ctx.principal, now, hypothesis=found, fate=fate, reason=reason
        )
        settled = fate != "open"
        await work.execute(
            "insert into warroom.hypothesis (entry_id, incident_id, fate, decided_by, decided_at,"
            " unit, visibility) values (:entry, :id, :fate, :by, :at, :unit, :seen)"
            " on conflict (entry_id) do update set fate = :fate, decided_by = :by,"
            " decided_at = :at, version = hypothesis.version + 1",
            _common(row)
            | {"entry": entry, "fate": fate, "by": ctx.principal.id if settled else None,
               "at": now if settled else None},
        )  # fmt: skip
        return decision

    return await run_on(db, ctx, ref, Command.JUDGE, body, work_on)


async def pin(db: Database, ctx: CommandContext, ref: str, entry: UUID, *, pinned: bool) -> Answer:
    """Put an entry on top of the log, or take it from there."""

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        found = await find(work, row["id"], entry)
        decision = log_book.pin(state, ctx.principal, now, entry=found, pinned=pinned)
        if pinned:
            await work.execute(
                "insert into warroom.pin (entry_id, incident_id, pinned_by, unit, visibility)"
                " values (:entry, :id, :by, :unit, :seen)",
                _common(row) | {"entry": entry, "by": ctx.principal.id},
            )
        else:
            await work.execute("delete from warroom.pin where entry_id = :entry", {"entry": entry})
        return decision

    command = Command.PIN if pinned else Command.UNPIN
    return await run_on(db, ctx, ref, command, {"entry": entry}, work_on)


async def correct(
    db: Database,
    ctx: CommandContext,
    ref: str,
    entry: UUID,
    *,
    text: object,
    happened_at: datetime | None = None,
) -> Answer:
    """Put an entry right by a newer one; a pin moves to it, and so does a hypothesis's fate."""
    body: Json = {"entry": entry, "text": text, "happened_at": happened_at}

    async def work_on(work: Work, row: RowMapping, state: IncidentState, now: datetime) -> Decision:
        found = await find(work, row["id"], entry)
        decision = log_book.correct(
            state, ctx.principal, now, entry=found, text=text, happened_at=happened_at
        )
        # Pin and fate move on to the entry that now stands; evidence follows its hypothesis.
        written = await write_entry(
            work, row["id"], decision.entries[0], unit=row["unit"], visibility=row["visibility"]
        )
        moved = {"new": written, "old": entry}
        for statement in (_MOVE_PIN, _MOVE_FATE):
            await work.execute(statement, moved)
        return replace(decision, entries=())

    return await run_on(db, ctx, ref, Command.CORRECT, body, work_on, status=201)


def _common(row: RowMapping) -> Json:
    return {"id": row["id"], "unit": row["unit"], "seen": row["visibility"]}


async def _write(work: Work, row: RowMapping, drafts: Sequence[EntryDraft]) -> UUID:
    """Write one entry; a hypothesis gets the row of its fate at once. Return the entry's id."""
    (draft,) = drafts
    written = await write_entry(
        work, row["id"], draft, unit=row["unit"], visibility=row["visibility"]
    )
    if draft.kind is EntryKind.HYPOTHESIS:
        await work.execute(
            "insert into warroom.hypothesis (entry_id, incident_id, unit, visibility)"
            " values (:entry, :id, :unit, :seen)",
            _common(row) | {"entry": written},
        )
    return written
