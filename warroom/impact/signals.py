"""What the reasoning about causes is told: alerts, changes, and what was the cause before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Signal:
    """One alert about a service (its key), whose condition holds since ``since``.

    ``severity`` 1 (worst) to 5.  ``strength`` 0 to 1 says how much of the harm the alert itself
    measured, on one scale for all signals of the incident; None when nobody measured.  ``kind``
    is ``third-party-status`` where a third party itself reports it.
    """

    service: str
    since: datetime
    name: str = ""
    severity: int = 3
    firing: bool = True
    strength: float | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was changed on a service (its key) at ``at``.

    ``kind``: deploy, config, flag, …; ``verdict`` is what a person said of it: suspected, cause,
    cleared, or empty.
    """

    id: UUID
    service: str
    kind: str
    at: datetime
    title: str = ""
    version: str = ""
    by: str = ""
    link: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An incident of before: its number, the key of its cause, the keys of what it hit."""

    number: int
    cause: str
    services: frozenset[str]
    ended_at: datetime
