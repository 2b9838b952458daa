"""Commands as the screens know them: what is asked for, and what is known of its fate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from warroom.domain.incident import Command as Kind
from warroom.domain.safe_text import SafeText
from warroom.domain.silence import SilenceCommand
from warroom.domain.triage import TriageKind

# What only adds to an incident never conflicts with another command on it.
ADDING: Final[frozenset[Kind | TriageKind | SilenceCommand]] = frozenset(
    {
        Kind.RESTART,
        Kind.PAGE,
        Kind.LOG,
        Kind.JUDGE,
        Kind.PIN,
        Kind.UNPIN,
        Kind.CORRECT,
        Kind.LINK,
        Kind.UNLINK,
        Kind.MITIGATE,
        Kind.MITIGATED,
    }
)


class Fate(StrEnum):
    """What is known: only DONE and REFUSED are final."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done to one incident or to many.

    ``words`` names it before it is done (``severity 2``), ``done`` after it (``severity is 2``);
    ``args`` are the arguments of the client's method beside incident, version and key.
    """

    kind: Kind | TriageKind | SilenceCommand
    words: SafeText
    done: SafeText
    args: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Command:
    """One keypress's wish for one incident.

    ``key`` is the idempotency key: the same for every attempt.  ``incident``, ``version`` and
    ``seen`` (see ``state_words``) are what the person saw; None for a declaration.  ``batch`` is
    the same for all commands of one keypress over marked incidents, empty for one alone.
    """

    wish: Wish
    key: str
    ref: SafeText
    incident: UUID | None = None
    version: int = 0
    seen: str = ""
    batch: str = ""

    @property
    def kind(self) -> Kind | TriageKind | SilenceCommand:
        """What it is."""
        return self.wish.kind


@dataclass(frozen=True, slots=True)
class CommandState:
    """How far a command is. ``version`` is the incident's after it, 0 when not known."""

    command: Command
    fate: Fate
    sentence: SafeText
    version: int = 0
    attempts: int = field(default=1)


def state_words(status: object, severity: object, owner: object, commander: object) -> str:
    """Say an incident's state: all that two people can change under each other's hands."""
    words = f"{status}, SEV{severity}, {f'owner {owner}' if owner else 'no owner'}"
    return f"{words}, commander {commander}" if commander else words


__all__ = [
    "ADDING",
    "Command",
    "CommandState",
    "Fate",
    "Kind",
    "SilenceCommand",
    "Wish",
    "state_words",
]
