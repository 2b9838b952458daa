"""Bringing services back: ticks on the waves of restart, and paging the owner of one service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from warroom.domain.incident import Command, Decision, IncidentState, check
from warroom.domain.principal import Principal
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.validate import check_text
from warroom.errors import Refused

NOTE_MAX = 2000


def tick(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    service: str,
    done: bool,
    waves: Sequence[Sequence[str]],
    ticked: Mapping[str, str],
) -> Decision:
    """Decide what follows when a step of the restart is ticked, or its tick taken away.

    Args:
        state: the incident.
        actor: who ticks.
        now: when.
        service: the step's service.
        done: True for ticked.
        waves: the services to bring back, wave by wave.
        ticked: who ticked which service so far.

    Raises:
        Refused: the service is in no wave, or is ticked so already.
    """
    check(Command.RESTART, state, actor, now)
    wave = next((n for n, keys in enumerate(waves, 1) if service in keys), None)
    if wave is None and done:
        raise Refused(
            f"{service} is in no wave of the restart of {state.ref}.", rule="restart-step"
        )
    if done and service in ticked:
        raise Refused(
            f"{service} was ticked already, by {ticked[service]}.", rule="restart-differs"
        )
    if not done and service not in ticked:
        raise Refused(f"{service} is not ticked.", rule="restart-differs")
    after = {*ticked, service} if done else {*ticked} - {service}
    total = sum(len(keys) for keys in waves)
    count = f"{sum(1 for keys in waves for key in keys if key in after)} of {total}"
    where = f"wave {wave}" if wave is not None else "no wave any more"
    said = "is back" if done else "is not back after all"
    text = f"restart, {where}: {service} {said}, says {actor.name} ({count} done)"
    return Decision(
        Command.RESTART, state.status, {}, (EntryDraft(EntryKind.STATUS, text, now),),
        f"{state.ref}: {service} {said} ({count}).",
    )  # fmt: skip


def page(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    service: str,
    team: str,
    team_name: str,
    target: str,
    note: object,
) -> Decision:
    """Decide what follows when the owner of a service is called.

    ``team`` is the owner's key, ``target`` whom the message is for, in words.

    Raises:
        InvalidInput: a note that is too long.
        Refused: the service has no owner, or the incident has ended.
    """
    check(Command.PAGE, state, actor, now)
    if team == "unassigned":
        raise Refused(
            f"{service} has no owner: its team is unassigned."
            " Give it one with `warroom service`, or escalate the incident.",
            rule="page-owner",
        )
    said = check_text(note, "note", longest=NOTE_MAX) if note else ""
    why = f": {said}" if said else ""
    text = f"{actor.name} pages {team_name} ({target}) for {service}{why}"
    return Decision(
        Command.PAGE, state.status, {}, (EntryDraft(EntryKind.COMMUNICATION, text, now),),
        f"{state.ref} SEV{state.severity} {state.title} – {text}",
    )  # fmt: skip
