"""The bodies of the commands on an incident."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from warroom.api.models import Acknowledge, Strict

Role = Literal["commander", "scribe", "communications", "operations"]
Version = Acknowledge


class Assign(Version):
    """A person by name; null for nobody."""

    owner: str | None = Field(default=None, min_length=1, max_length=100)


class TheRole(Version):
    """Which role."""

    role: Role


class OfferRole(TheRole):
    """To whom, and what they must know."""

    to: str = Field(min_length=1, max_length=100)
    brief: str = Field(min_length=1, max_length=10_000)


class AnswerRole(TheRole):
    """Whether the one who was asked takes it."""

    accept: bool


class Severity(Version):
    """1 is worst."""

    severity: int = Field(ge=1, le=5)
    reason: str | None = Field(default=None, max_length=10_000)


class SetStatus(Version):
    """Where it goes; back from resolved or closed means reopened."""

    status: Literal[
        "triggered", "acknowledged", "investigating", "mitigating", "monitoring", "resolved",
        "closed",
    ]  # fmt: skip
    note: str | None = Field(default=None, max_length=10_000)


class Merge(Version):
    """Into which incident."""

    into: str = Field(min_length=1, max_length=80)


class Split(Version):
    """What the new incident gets."""

    title: str = Field(min_length=1, max_length=2000)
    severity: int | None = Field(default=None, ge=1, le=5)
    services: list[str] = Field(default_factory=list, max_length=100)
    # Strict for each item too, it would take none of JSON's texts.
    alerts: list[Annotated[UUID, Field(strict=False)]] = Field(
        default_factory=list, max_length=1000
    )


class Drill(Version):
    """Whether it is an exercise."""

    drill: bool


class Note(Version):
    """With a word of why."""

    note: str | None = Field(default=None, max_length=10_000)


class Restrict(Version):
    """Who may see it; whoever restricts it stays among the named."""

    visibility: Literal["normal", "restricted", "security"]
    people: list[str] = Field(default_factory=list, max_length=100)


class ServiceState(Version):
    """How a service is on this incident."""

    service: str = Field(min_length=1, max_length=200)
    state: Literal["suspected", "degraded", "down", "recovered"]


class ServiceName(Version):
    """Which service."""

    service: str = Field(min_length=1, max_length=200)


class Judge(Strict):
    """What became of a hypothesis."""

    fate: Literal["open", "confirmed", "refuted", "withdrawn"]
    reason: str | None = Field(default=None, max_length=10_000)


class Correct(Strict):
    """What should stand there."""

    text: str = Field(min_length=1)
    happened_at: AwareDatetime | None = Field(default=None, strict=False)


class UpdateDue(Version):
    """Seconds from now, null for never."""

    in_s: float | None = Field(default=None, ge=1, le=604800, strict=False)


class Snooze(Version):
    """Seconds from now, 0 wakes it; a reason unless it is woken."""

    for_s: float = Field(ge=0, le=86400, strict=False)
    reason: str = Field(default="", max_length=10_000)


class Escalation(Version):
    """Now, pause, resume, or skip to ``step``."""

    do: Literal["now", "pause", "resume", "skip"]
    step: int | None = Field(default=None, ge=1, le=50)


class Link(Strict):
    """A link; the address begins with https:, http:, tel:, sip: and the like."""

    kind: Literal["bridge", "channel", "dashboard", "ticket", "document"]
    url: str = Field(min_length=1, max_length=2000)
    label: str = Field(min_length=1, max_length=200)


class Unlink(Strict):
    """Which link, by its address."""

    url: str = Field(min_length=1, max_length=2000)


class LinkChange(Version):
    """What is to be said of which change."""

    change: UUID = Field(strict=False)
    verdict: Literal["suspected", "cause", "cleared"]


class Mitigate(Strict):
    """At which service, doing what; seconds until it is over by itself."""

    service: str = Field(min_length=1, max_length=200)
    what: Literal["rollback", "restart", "failover", "scale", "config", "flag", "other"]
    join: bool = False
    for_s: float = Field(default=3600, ge=60, le=86400, strict=False)


class Mitigated(Strict):
    """With which service one is done."""

    service: str = Field(min_length=1, max_length=200)


class SetField(Version):
    """A custom field of the registry; null takes it away."""

    field: str = Field(min_length=1, max_length=63)
    value: str | float | int | bool | None = None
