"""Two incidents that are one, and one that is two."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from warroom.domain.incident import Command, Decision, IncidentState, Status, check, is_open
from warroom.domain.principal import Principal
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.timer import TimerCancel, TimerKind
from warroom.errors import InvalidInput, Refused


def merge(state: IncidentState, target: IncidentState, actor: Principal, now: datetime) -> Decision:
    """Decide what follows when ``state`` turns out to be part of ``target``: it ends as merged.

    Raises:
        Refused: one of them has ended, they are the same, or one is a drill or less visible.
    """
    check(Command.MERGE, state, actor, now)
    if state.id == target.id:
        raise Refused(f"{state.ref} cannot be merged into itself.", rule="merge-other")
    if not is_open(target.status):
        raise Refused(
            f"{target.ref} is {target.status}; merge into an open incident.", rule="merge-open"
        )
    if state.drill != target.drill:
        real = target if state.drill else state
        raise Refused(
            f"{real.ref} is real and the other a drill; a real incident never disappears into an "
            "exercise, nor the other way round.",
            rule="merge-drill",
        )
    if state.visibility != target.visibility:
        raise Refused(
            f"{state.ref} is {state.visibility} and {target.ref} {target.visibility}; give both "
            "the same visibility first, so that nobody sees what is not for them.",
            rule="merge-visibility",
        )
    why = f"{state.ref} was merged into {target.ref}"
    text = f"{state.status} → merged into {target.ref} by {actor.name}"
    return Decision(
        command=Command.MERGE,
        status=Status.RESOLVED,
        changes={
            "status": Status.RESOLVED.value,
            "resolved_at": now,
            "resolved_by": actor.id,
            "resolution": "merged",
            "grouping_key": None,
        },
        entries=(EntryDraft(EntryKind.STATUS, text, now),),
        sentence=f"{state.ref} is part of {target.ref} now; follow it there.",
        cancel=tuple(TimerCancel(kind, why) for kind in TimerKind if kind.ends_with_incident),
    )


def split(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    new_ref: str,
    services: Collection[str],
    alerts: int,
) -> Decision:
    """Decide what follows when a part of the incident goes its own way as ``new_ref``.

    Raises:
        Refused: it has ended, or a service is not attached to it.
        InvalidInput: nothing was chosen.
    """
    check(Command.SPLIT, state, actor, now)
    if not services and not alerts:
        raise InvalidInput(
            "Nothing was chosen to split off.",
            field="services",
            remedy="Name at least one service or alert of the incident.",
        )
    strangers = sorted(set(services) - set(state.services))
    if strangers:
        raise Refused(
            f"{strangers[0]} is not attached to {state.ref}; nothing was split off.",
            rule="split-attached",
        )
    what = ", ".join(sorted(services)) or f"{alerts} alerts"
    return Decision(
        command=Command.SPLIT,
        status=state.status,
        changes={},
        entries=(
            EntryDraft(EntryKind.STATUS, f"{what} split off as {new_ref} by {actor.name}", now),
        ),
        sentence=f"{what} of {state.ref} split off as {new_ref}.",
    )
