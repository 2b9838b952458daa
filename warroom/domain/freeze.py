"""Freezes of changes: their policies, what passes all the same, and what CI is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from warroom.domain.principal import Principal, PrincipalKind
from warroom.domain.validate import check_text, say_since, say_time
from warroom.errors import InvalidInput

LONGEST = timedelta(days=1)
DEFAULT = timedelta(hours=1)
VALUES_MOST = 1000
RESTRICTED = "a restricted incident"


class Scope(StrEnum):
    """What a freeze covers; the last three name values, and need an incident on one of them."""

    ALL = "all"
    INCIDENT = "incident"
    IMPACT = "impact"
    TEAM = "team"
    SERVICES = "services"
    REGION = "region"


NAMING = frozenset({Scope.TEAM, Scope.SERVICES, Scope.REGION})


@dataclass(frozen=True, slots=True)
class Frozen:
    """One freeze that covers the service asked about; ``ref`` is empty when it may not be told."""

    policy: str
    since: datetime
    ref: str = ""
    severity: int | None = None


@dataclass(frozen=True, slots=True)
class Passing:
    """An exception of a service; ``state`` asked or approved."""

    state: str
    reason: str
    asked_by: str
    approver: str
    until: datetime


def told_as(ref: str, visibility: str) -> str | None:
    """Return an incident's reference for those who may be anybody, None when it is not for them."""
    return ref if visibility == "normal" else None


def check_scope(scope: object, values: Sequence[str]) -> tuple[Scope, tuple[str, ...]]:
    """Return scope and values of a policy: values exactly for team, services and region.

    Raises:
        InvalidInput: no such scope, or values that do not fit it.
    """
    if not isinstance(scope, str) or scope not in set(Scope):
        raise InvalidInput(
            "scope is not known.", field="scope", remedy=f"Choose one of {', '.join(Scope)}."
        )
    named = tuple(dict.fromkeys(check_text(v, "values", longest=200, shortest=1) for v in values))
    if (scope in NAMING) != bool(named):
        need = "needs" if scope in NAMING else "takes no"
        raise InvalidInput(f"The scope {scope} {need} values.", field="values")
    if len(named) > VALUES_MOST:
        raise InvalidInput(f"values has over {VALUES_MOST} entries.", field="values")
    return Scope(scope), named


def check_ask(
    asker: Principal, approver: Principal, *, reason: object, for_s: float
) -> tuple[str, timedelta]:
    """Return reason and length of an exception that somebody asks for.

    Raises:
        InvalidInput: no reason, too long a time, or an approver who cannot be one.
    """
    if approver.id == asker.id:
        raise InvalidInput(
            "Nobody approves their own emergency change.",
            field="approver",
            remedy="Name somebody else.",
        )
    if approver.kind is not PrincipalKind.PERSON:
        raise InvalidInput(f"{approver.name} is no person.", field="approver")
    if not 60 <= for_s <= LONGEST.total_seconds():
        raise InvalidInput(
            "for_s must be from 60 to 86400 seconds.", field="for_s", remedy="Try 3600."
        )
    text = check_text(reason, "reason", longest=2000, shortest=1)
    return text, timedelta(seconds=for_s)


def say_frozen(
    service: str, frozen: Sequence[Frozen], passing: Passing | None, now: datetime
) -> tuple[bool, str]:
    """Return whether changes of a service stand still, and the sentence that says why.

    Args:
        service: as it was asked.
        frozen: the freezes that cover it, the first that began first.
        passing: the exception that fits, the approved one before one that is only asked for.
        now: the moment.
    """
    if not frozen:
        return False, f"Nothing freezes {service}."
    first = frozen[0]
    known = next((f for f in frozen if f.ref), None)
    by = (
        f"{known.ref} (SEV{known.severity}) freezes changes of {service}"
        if known
        else f"A restricted incident freezes changes of {service}"
    )
    sentence = f"{by} {say_since(first.since, now)} (policy {(known or first).policy})"
    if passing is None:
        return True, f"{sentence}."
    until = say_time(passing.until, now).removeprefix("at ")
    if passing.state == "approved":
        return False, (
            f"{sentence}; {passing.approver} lets an emergency change through until {until}:"
            f" {passing.reason}"
        )
    return True, f"{sentence}; {passing.asked_by} has asked {passing.approver} for an exception."
