"""The frozen picture of the silences, and of what they hold back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from warroom.domain.silence import Matcher


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """A silence that is in force or to come; over only where ``ended_by`` ended it lately."""

    id: UUID
    matchers: tuple[Matcher, ...]
    comment: str
    by: str
    starts_at: datetime
    ends_at: datetime
    expired_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """An alert that fires on no incident; ``why`` is the sentence that stands on it."""

    id: UUID
    name: str
    summary: str
    severity: int
    service: str
    starts_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class SilencesPicture:
    """The silences, those that end next first, then what just ended; and what is held back.

    ``held`` are the worst of ``held_count``; ``as_of`` is set when the picture is of the past,
    which holds no alerts.
    """

    rows: tuple[SilenceRow, ...]
    held: tuple[HeldAlert, ...]
    held_count: int
    read_at: datetime
    as_of: datetime | None = None
