"""What waits for a person's word, as a frozen picture for the console."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class TriageKind(StrEnum):
    """What a person may do with what waits; the values are the commands' names on the record."""

    ACCEPT = "triage.accept"
    MERGE = "triage.merge"
    DISMISS = "triage.dismiss"


@dataclass(frozen=True, slots=True)
class TriageRow:
    """An alert or a user's report that waits; text is raw.

    ``alert_state`` is firing or resolved, empty for a report; ``why`` says which rule asks;
    ``priority`` is 1 (worst) to 5, None where it is not known.
    """

    id: UUID
    kind: str
    title: str
    body: str
    service: str
    severity: int
    priority: int | None
    reported_by: str
    why: str
    alert_state: str
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class TriagePicture:
    """What waits as of ``read_at``, the oldest first; ``total`` counts all."""

    rows: tuple[TriageRow, ...]
    total: int
    read_at: datetime
    as_of: datetime | None = None
