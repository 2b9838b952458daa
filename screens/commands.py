"""Commands as the screens know them: what is asked for, and what is known of its fate."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from warroom.domain.safe_text import SafeText


class Kind(StrEnum):
    """What a person can ask for."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    DECLARE = "declare"
    LOG = "log"


class Fate(StrEnum):
    """What is known: only DONE and REFUSED are final."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Command:
    """One keypress's wish.

    ``key`` is the idempotency key: the same for every attempt.  ``incident`` and ``version`` are
    what the person saw; None for a declaration.
    """

    kind: Kind
    key: str
    ref: SafeText
    incident: UUID | None = None
    version: int = 0
    seen: str = ""
    text: str = ""
    title: str = ""
    severity: int = 3
    entry_kind: str = "fact"
    service: str = ""


@dataclass(frozen=True, slots=True)
class CommandState:
    """How far a command is. ``version`` is the incident's after it, 0 when not known."""

    command: Command
    fate: Fate
    sentence: SafeText
    version: int = 0
    attempts: int = field(default=1)
