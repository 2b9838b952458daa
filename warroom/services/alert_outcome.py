"""What was decided of a batch of alerts is written: in one round trip, where nothing opens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from warroom.db.uow import Asked, Work
from warroom.domain import grouping
from warroom.services import alert_incidents, alert_writes, freezes, impact, triage_queue
from warroom.services.alert_desk import Desk
from warroom.services.alert_rows import Entry, Outcome, Raced

# Loading a thousand services takes some 70 ms; a storm does not wait longer for its impact.
IMPACT_AT_ONCE = 1000
REASONED_AT_ONCE = 5


async def write(
    work: Work,
    outcomes: Sequence[Outcome],
    desk: Desk | None,
    now: datetime,
    *,
    bodies: Asked | None = None,
) -> None:
    """Write what was decided: incidents, alerts, events, entries, timers, messages, questions.

    ``bodies`` keeps what the alerts came in; their events need it.

    Raises:
        Raced: another process was first with one of the alerts; nothing may be committed.
    """
    opened = list(desk.opened.values()) if desk is not None else []
    raised = dict(desk.raised) if desk is not None else {}
    attached = desk.attached if desk is not None else set()
    await alert_incidents.insert_incidents(
        work,
        [(o, grouping.opening(o.service.name, o.alerts, o.worst)) for o in opened],
        now,
    )
    for incident in opened:
        raised.pop(incident.id, None)
    await alert_incidents.attach_services(work, attached)
    alerts = alert_writes.alerts(outcomes)
    counts = alert_incidents.counts(outcomes, raised, now)
    entries = _entries(outcomes, now)
    more = alert_incidents.may_say(outcomes, raised)
    asked = [
        *(one for one, _ in alerts),
        *counts,
        *([bodies] if bodies else []),
        *alert_writes.events(outcomes),
        *triage_queue.questions(outcomes),
        *([] if more else alert_incidents.entries_asked(entries)),
    ]
    found = await work.together(*asked) if asked else []
    for (_, many), done in zip(alerts, found, strict=False):
        if done.count != many:
            raise Raced
    if more:
        counted = found[len(alerts)].rows if counts else []
        entries += alert_incidents.said_of(counted, outcomes, raised, now)
        entries += await alert_incidents.wake_raised(work, raised, now)
        await alert_incidents.insert_entries(work, entries)
    changed = {incident.id for incident in opened} | {i for i, _ in attached}
    # Of a storm's many incidents the engine reasons, within seconds.
    if len(changed) <= REASONED_AT_ONCE:
        await impact.refresh(work, sorted(changed, key=str), at_most=IMPACT_AT_ONCE)
    await freezes.refresh(work, [*changed, *raised])


def _entries(outcomes: Sequence[Outcome], now: datetime) -> list[Entry]:
    return [
        alert_incidents.entry(
            o.incident_id,
            o.target.unit,
            o.target.visibility,
            "fact",
            o.change.sentence,
            o.change.after.starts_at if o.change.begins else now,
            o.target.source_key,
        )
        for o in outcomes
        if o.incident_id is not None and o.change.noteworthy
    ]
