"""The shapes of requests and answers, as OpenAPI tells them."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

Item = TypeVar("Item")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
    changes: list[dict[str, Any]]
    mitigations: list[dict[str, Any]]
    freezes: list[dict[str, Any]]
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


class PageOf(BaseModel, Generic[Item]):
    """A page of one noun; ``next_cursor`` is null on the last."""

    items: list[Item]
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
