"""The shapes of requests and answers, as OpenAPI tells them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


TokenScope = Literal["read", "respond", "admin"]


def _usual_scopes() -> list[TokenScope]:
    return ["read", "respond"]


class Strict(BaseModel):
    """A request body: unknown fields are errors, so that a typing mistake is not silent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """Refuse what PostgreSQL's text cannot hold: NUL and lone surrogates."""
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and ("\x00" in text or not _encodes(text)):
                raise ValueError("has a NUL or half a character; take it out")
        return value


class Declare(Strict):
    """A declaration."""

    title: str = Field(min_length=1, max_length=2000)
    severity: int = Field(ge=1, le=5, description="1 is worst")
    services: list[str] = Field(default_factory=list, max_length=100)
    summary: str = ""
    drill: bool = False


class Acknowledge(Strict):
    """``version`` is the one the caller saw."""

    version: int = Field(ge=1, le=2**31 - 1)


class Resolve(Acknowledge):
    """The same with what was done."""

    note: str | None = None


class Entry(Strict):
    """An entry of the timeline."""

    kind: Literal["fact", "decision", "hypothesis", "evidence", "communication"]
    text: str = Field(min_length=1)
    happened_at: AwareDatetime | None = Field(default=None, strict=False)
    confidence: float | None = Field(default=None, ge=0, le=1)
    about: UUID | None = Field(default=None, strict=False, description="a hypothesis's entry")
    stance: Literal["for", "against"] | None = None


class Person(Strict):
    """A person with an own database role and token."""

    name: str
    email: str | None = Field(default=None, max_length=320)
    units: list[str] = Field(default_factory=lambda: ["main"], max_length=100)
    teams: list[str] = Field(default_factory=list, max_length=100)
    scopes: list[TokenScope] = Field(default_factory=_usual_scopes, min_length=1, max_length=3)
    auditor: bool = False
    sees_security: bool = False


class Team(Strict):
    """A team."""

    key: str
    name: str
    unit: str = "main"


class Service(Strict):
    """A service of the catalogue."""

    key: str
    name: str | None = None
    kind: Literal["service", "datastore", "queue", "system", "job", "network", "third_party"] = (
        "service"
    )
    tier: int = Field(default=3, ge=0, le=5)
    team: str | None = None
    policy: str | None = None
    region: str | None = Field(default=None, max_length=63)
    customers: int | None = Field(default=None, ge=0, le=2**53)
    user_share: float | None = Field(default=None, ge=0, le=100)
    runbook_url: str | None = Field(default=None, max_length=2000)


class Dependency(Strict):
    """One service depends on another."""

    service: str
    depends_on: str
    hardness: Literal["hard", "soft"] = "hard"
    redundancy_group: str | None = Field(default=None, max_length=100)


class Step(Strict):
    """One rung of a policy."""

    delay_s: int = Field(ge=0, le=604800)
    target_kind: Literal["team", "person", "channel"]
    target: str


class Policy(Strict):
    """An escalation policy."""

    key: str
    name: str
    steps: list[Step] = Field(min_length=1, max_length=50)
    repeat: int = Field(default=0, ge=0, le=100)


class Token(Strict):
    """Another token for a principal."""

    person: str
    name: str
    scopes: list[TokenScope] = Field(min_length=1, max_length=3)


class Source(Strict):
    """An alert source."""

    key: str
    name: str | None = None
    team: str | None = None
    service_label: str | None = Field(default=None, max_length=200)


class Login(Strict):
    """A SCRAM-SHA-256 verifier; the password itself never leaves the caller."""

    verifier: str = Field(max_length=1000)
    hours: float = Field(default=12, gt=0, le=12, strict=False)


class Incident(BaseModel):
    """An incident as everybody sees it."""

    id: str
    ref: str
    number: int
    title: str
    summary: str
    severity: int
    status: str
    resolution: str | None
    version: int
    unit: str
    visibility: str
    drill: bool
    opened_at: str
    acknowledged_at: str | None
    resolved_at: str | None
    updated_at: str
    owner: dict[str, Any] | None
    commander: dict[str, Any] | None
    roles: list[dict[str, Any]]
    handovers: list[dict[str, Any]]
    services: list[dict[str, Any]]
    links: list[dict[str, Any]]
    alert_count: int
    firing_count: int
    next_timer: dict[str, Any] | None
    escalation: dict[str, Any]
    snoozed_until: str | None
    update_due_at: str | None
    merged_into: str | None
    split_from: str | None
    custom: dict[str, Any]


class Page(BaseModel):
    """A page; ``next_cursor`` is null on the last."""

    items: list[dict[str, Any]]
    next_cursor: str | None = None


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    remedy: str | None = None
    rule: str | None = None
    current: dict[str, Any] | None = None
    request_id: str = ""
