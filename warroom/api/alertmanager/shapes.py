"""The shapes of Alertmanager's OpenAPI (v2), and how our rows become them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path, Query
from pydantic import BaseModel

RECEIVER: Final = "warroom"
"""Everything goes to one receiver: incidents, and from there war room's own channels."""
Json = dict[str, Any]
Filters = Annotated[list[str], Query(max_length=50, description='matchers, e.g. service=~"pay.*"')]
SilenceId = Annotated[UUID, Path(description="a silence")]
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, "content": {"application/json": {"schema": {"type": "string"}}}}
    for status, text in {
        400: "A field cannot be used, or a rule refuses it", 401: "No valid token",
        403: "Not allowed", 404: "Not there", 405: "Not this method", 408: "Too slow",
        413: "Too large", 422: "Idempotency key reused", 503: "Try again later",
        504: "Outcome unknown",
    }.items()
}  # fmt: skip


class Receiver(BaseModel):
    """Who is told."""

    name: str


class AlertStatus(BaseModel):
    """``state``: active or suppressed; the ids of the silences that keep it so."""

    state: str
    silencedBy: list[str]  # noqa: N815 # Alertmanager's own names
    inhibitedBy: list[str]  # noqa: N815
    mutedBy: list[str]  # noqa: N815


class GettableAlert(BaseModel):
    """An alert that fires."""

    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    fingerprint: str
    generatorURL: str  # noqa: N815
    receivers: list[Receiver]
    status: AlertStatus


class AlertGroup(BaseModel):
    """The alerts of one incident; of none where ``labels`` is empty."""

    labels: dict[str, str]
    receiver: Receiver
    alerts: list[GettableAlert]


class MatcherShape(BaseModel):
    """One condition."""

    name: str
    value: str
    isRegex: bool  # noqa: N815
    isEqual: bool  # noqa: N815


class SilenceStatus(BaseModel):
    """``state``: pending, active or expired."""

    state: str


class GettableSilence(BaseModel):
    """A silence."""

    id: str
    status: SilenceStatus
    matchers: list[MatcherShape]
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    createdBy: str  # noqa: N815
    comment: str
    annotations: dict[str, str]


class SilenceMade(BaseModel):
    """The silence that is there now."""

    silenceID: str  # noqa: N815


def moment(at: datetime | str) -> str:
    """Return a time as Alertmanager writes it, in UTC with milliseconds."""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def silence_shape(silence: Json) -> Json:
    """Return a silence as Alertmanager's API shows it.

    ``createdBy`` is who the token belongs to; what the sender's tool called its user, where that
    was another name, stands in the annotations.
    """
    return {
        "id": silence["id"],
        "status": {"state": silence["state"]},
        "matchers": silence["matchers"],
        "startsAt": moment(silence["starts_at"]),
        "endsAt": moment(silence["ends_at"]),
        "updatedAt": moment(silence["updated_at"]),
        "createdBy": silence["created_by"],
        "comment": silence["comment"],
        "annotations": {"author": silence["author"]} if silence["author"] else {},
    }
