"""Timers as the rules see them: which kinds there are, one to be armed, one to be cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TimerKind(StrEnum):
    """What a clock is for."""

    ESCALATE = "escalate"
    ACK_TIMEOUT = "ack-timeout"
    UPDATE_DUE = "update-due"
    SOAK = "soak"
    REGULATORY = "regulatory"
    VENDOR_SLA = "vendor-sla"
    MITIGATION_EXPIRY = "mitigation-expiry"
    SNOOZE = "snooze"

    @property
    def ends_with_incident(self) -> bool:
        """Say whether resolving the incident stops it; a legal deadline runs on."""
        return self is not TimerKind.REGULATORY


@dataclass(frozen=True, slots=True)
class TimerDraft:
    """A timer to be armed.

    (subject, ``kind``, ``step``, ``cycle``) is unique in the database, so arming twice is arming
    once; ``target`` says in words to whom it speaks, e.g. ``team databases``; ``why`` stands by a
    clock that a person set, for the day on which it runs out.
    """

    kind: TimerKind
    step: int
    cycle: int
    due_at: datetime
    target: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class TimerCancel:
    """All running timers of ``kind`` of the incident end, and ``why``."""

    kind: TimerKind
    why: str
