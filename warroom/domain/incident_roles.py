"""Roles of an incident: taken, released, and handed over with a brief that the next one accepts."""

from __future__ import annotations

from datetime import datetime

from warroom.domain.incident import Command, Decision, IncidentState, Party, check
from warroom.domain.principal import Principal, PrincipalKind
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput, Refused

ROLES = ("commander", "scribe", "communications", "operations")
BRIEF_MAX = 10_000


def check_role(role: object) -> str:
    """Return the role if there is one of that name.

    Raises:
        InvalidInput: there is none.
    """
    if role not in ROLES:
        raise InvalidInput(
            "role is not known.", field="role", remedy=f"Choose one of {', '.join(ROLES)}."
        )
    return str(role)


def _said(state: IncidentState, command: Command, sentence: str, *entries: EntryDraft) -> Decision:
    return Decision(command, state.status, {}, entries, sentence)


def _person(actor: Principal, what: str) -> None:
    if actor.kind is not PrincipalKind.PERSON:
        raise Refused(f"Only a person can {what}; {actor.name} is none.", rule="person")


def take(state: IncidentState, actor: Principal, now: datetime, *, role: object) -> Decision:
    """Decide what follows when ``actor`` takes a role that nobody holds.

    Raises:
        Refused: it has ended, somebody holds the role, or the actor is no person.
    """
    wanted = check_role(role)
    check(Command.ROLE_TAKE, state, actor, now)
    _person(actor, "hold a role")
    holder = state.roles.get(wanted)
    if holder is not None and holder.id == actor.id:
        raise Refused(f"You are {wanted} of {state.ref} already.", rule="role-free")
    if holder is not None:
        raise Refused(
            f"{holder.name} is {wanted} of {state.ref}; let {holder.name} hand it over to you, "
            "or release it for them first.",
            rule="role-free",
        )
    return _said(
        state, Command.ROLE_TAKE, f"You are {wanted} of {state.ref} now.",
        EntryDraft(EntryKind.STATUS, f"{actor.name} is {wanted}", now),
    )  # fmt: skip


def release(state: IncidentState, actor: Principal, now: datetime, *, role: object) -> Decision:
    """Decide what follows when a role is given up, by its holder or for one who is gone.

    Raises:
        Refused: nobody holds it.
    """
    wanted = check_role(role)
    check(Command.ROLE_RELEASE, state, actor, now)
    holder = state.roles.get(wanted)
    if holder is None:
        raise Refused(f"Nobody is {wanted} of {state.ref}.", rule="role-held")
    own = holder.id == actor.id
    text = f"{holder.name} is {wanted} no more" + ("" if own else f": released by {actor.name}")
    return _said(
        state, Command.ROLE_RELEASE, f"{state.ref} has no {wanted} now.",
        EntryDraft(EntryKind.STATUS, text, now),
    )  # fmt: skip


def offer(
    state: IncidentState, actor: Principal, now: datetime, *, role: object, to: Party, brief: object
) -> Decision:
    """Decide what follows when the holder offers a role to somebody; the brief goes on record.

    Raises:
        Refused: it has ended, the actor does not hold the role, or offers it to themselves.
        InvalidInput: no brief of 1 to 10,000 characters.
    """
    wanted = check_role(role)
    said = check_text(brief, "brief", longest=BRIEF_MAX, shortest=1)
    check(Command.ROLE_OFFER, state, actor, now)
    holder = state.roles.get(wanted)
    if holder is None or holder.id != actor.id:
        who = f"{holder.name} is" if holder else "nobody is"
        raise Refused(
            f"You can hand over only what you hold: {who} {wanted} of {state.ref}.",
            rule="role-own",
        )
    if to.id == actor.id:
        raise Refused("A role cannot be handed over to oneself.", rule="role-other")
    return _said(
        state, Command.ROLE_OFFER,
        f"{state.ref}: {to.name} is asked to become {wanted}; you stay it until they accept.",
        EntryDraft(EntryKind.STATUS, f"{actor.name} offers {wanted} to {to.name}", now),
        EntryDraft(EntryKind.COMMUNICATION, said, now, source="person"),
    )  # fmt: skip


def answer(
    state: IncidentState, actor: Principal, now: datetime, *, role: object, accept: bool
) -> Decision:
    """Decide what follows when the one who was asked accepts or declines.

    Raises:
        Refused: it has ended, or the actor was not asked.
    """
    wanted = check_role(role)
    check(Command.ROLE_ANSWER, state, actor, now)
    asked = state.offers.get(wanted)
    if asked is None or asked.to.id != actor.id:
        who = f"{asked.to.name} was" if asked else "nobody was"
        raise Refused(
            f"You were not asked to become {wanted} of {state.ref}: {who}.", rule="role-asked"
        )
    holder = state.roles.get(wanted)
    before = holder.name if holder else "nobody"
    text = (
        f"{wanted} {before} → {actor.name}, accepted"
        if accept
        else f"{actor.name} declines to become {wanted}"
    )
    sentence = (
        f"You are {wanted} of {state.ref} now."
        if accept
        else f"Declined: {before} stays {wanted} of {state.ref}."
    )
    return _said(state, Command.ROLE_ANSWER, sentence, EntryDraft(EntryKind.STATUS, text, now))
