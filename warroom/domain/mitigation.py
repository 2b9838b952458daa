"""Who is at which service to mitigate: one at a time, others beside them only by saying so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from warroom.domain.incident import Command, Decision, IncidentState, Party, check
from warroom.domain.principal import Principal
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.validate import say_time
from warroom.errors import InvalidInput, Refused

ACTS = ("rollback", "restart", "failover", "scale", "config", "flag", "other")
LONGEST = timedelta(days=1)
DEFAULT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is at a service, doing what since when; ``where`` is the incident, empty when hidden."""

    who: Party
    what: str
    since: datetime
    where: str = ""

    def say(self, service: str, now: datetime) -> str:
        """Return the sentence's first half: who, what, where."""
        on = f" on {self.where}" if self.where else ""
        return f"{self.who.name} is at {service}{on} ({self.what}, since {say_at(self.since, now)})"


def say_at(moment: datetime, now: datetime) -> str:
    """Say when, without the preposition: ``10:41 UTC``."""
    return say_time(moment, now).removeprefix("at ")


def check_act(what: object) -> str:
    """Return what is to be done, if it is one of the known acts.

    Raises:
        InvalidInput: it is not.
    """
    if what not in ACTS:
        raise InvalidInput(
            "what is not known.", field="what", remedy=f"Choose one of {', '.join(ACTS)}."
        )
    return str(what)


def check_span(for_s: float) -> timedelta:
    """Return how long it is held at the most.

    Raises:
        InvalidInput: under a minute or over a day.
    """
    if not 60 <= for_s <= LONGEST.total_seconds():
        raise InvalidInput(
            "for_s must be from 60 to 86400 seconds.", field="for_s", remedy="Try 3600."
        )
    return timedelta(seconds=for_s)


def begin(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    service: str,
    what: str,
    ends: datetime,
    at_it: tuple[Holder, ...],
    join: bool,
) -> Decision:
    """Decide what follows when ``actor`` begins to mitigate a service.

    Args:
        state: the incident.
        actor: who begins.
        now: the moment.
        service: its key.
        what: the act.
        ends: when it is over if nobody says so before.
        at_it: who is at the service already, on whatever incident; the holder first.
        join: to stand beside them.

    Raises:
        Refused: it has ended, the actor is at it already, or somebody else is and ``join`` is
            not said.
    """
    check(Command.MITIGATE, state, actor, now)
    own = next((h for h in at_it if h.who.id == actor.id), None)
    if own is not None:
        raise Refused(
            f"You are at {service} already ({own.what}, since {say_at(own.since, now)}).",
            rule="mitigation-own",
        )
    if at_it and not join:
        raise Refused(
            f"{at_it[0].say(service, now)}; join in (`--join`) to work on it beside them.",
            rule="mitigation-free",
        )
    beside = f" beside {' and '.join(h.who.name for h in at_it)}" if at_it else ""
    text = f"{actor.name} mitigates {service}{beside}: {what}, until {say_at(ends, now)} at most"
    return Decision(
        Command.MITIGATE, state.status, {}, (EntryDraft(EntryKind.STATUS, text, now),),
        f"{state.ref}: {actor.name} is at {service}{beside} ({what}).",
    )  # fmt: skip


def joined(actor: Principal, *, service: str, what: str, other: Party) -> str:
    """Return what the other's incident is told."""
    return f"{actor.name} joined {other.name} at {service}: {what}"


def end(
    state: IncidentState, actor: Principal, now: datetime, *, service: str, held: Holder | None
) -> Decision:
    """Decide what follows when ``actor`` says that they are done with a service.

    Raises:
        Refused: they are not at it.
    """
    check(Command.MITIGATED, state, actor, now)
    if held is None:
        raise Refused(f"You are not at {service} on {state.ref}.", rule="mitigation-held")
    text = f"{actor.name} is done with {service} ({held.what})"
    return Decision(
        Command.MITIGATED, state.status, {}, (EntryDraft(EntryKind.STATUS, text, now),),
        f"{state.ref}: {actor.name} is done with {service}.",
    )  # fmt: skip
