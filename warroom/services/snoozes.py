"""Waking: the clocks that slept with their incident run on, each later by as long as it slept."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from warroom.db.uow import Work
from warroom.domain.clocks import ASLEEP


async def put_to_sleep(work: Work, incident: UUID) -> None:
    """Pause what escalates; what a person paused before stays paused by that person."""
    await pause(work, incident, ASLEEP)


async def pause(work: Work, incident: UUID, why: str) -> None:
    """Let the running escalation of an incident stand still, and keep ``why`` beside it."""
    await work.execute(
        "update warroom.timer set state = 'paused', paused_at = now(), reason = :why,"
        " version = version + 1"
        " where incident_id = :id and kind = 'escalate' and state = 'armed'",
        {"id": incident, "why": why},
    )


async def arm_sleepers(work: Work, incident_ids: Sequence[UUID]) -> None:
    """Arm what slept, with the time that it had left; what a person paused stays paused."""
    await work.execute(
        "update warroom.timer set state = 'armed', due_at = due_at + (now() - paused_at),"
        " paused_at = null, reason = '', version = version + 1"
        " where incident_id = any(cast(:ids as uuid[])) and kind = 'escalate'"
        " and state = 'paused' and reason = :asleep",
        {"ids": list(incident_ids), "asleep": ASLEEP},
    )


async def wake(work: Work, incident_ids: Sequence[UUID], why: str) -> list[UUID]:
    """End the sleep of those that sleep; return them. The caller holds the incidents' rows."""
    if not incident_ids:
        return []
    rows = await work.rows(
        "update warroom.timer set state = 'cancelled', reason = :why, version = version + 1"
        " where incident_id = any(cast(:ids as uuid[])) and kind = 'snooze' and state = 'armed'"
        " returning incident_id",
        {"ids": sorted(incident_ids, key=str), "why": why},
    )
    woken = [r["incident_id"] for r in rows]
    if woken:
        await arm_sleepers(work, woken)
    return woken
