"""What the server reasoned about an incident and about the estate, as frozen results.

Made by ``warroom.impact`` (pure), stored by ``warroom.services.impact``, read back by
``warroom.db.reads`` and drawn by ``widgets``: one shape all the way.  Times are aware datetimes of
the database's clock; text is raw until a widget turns it into ``SafeText``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Suspect:
    """What probably caused an incident, best first in a list of them.

    ``kind``: service, third-party, change or domain.  ``key`` is the service (for a change the one
    that it changed; for a failure domain ``region:eu-west``).  ``score`` 0 to 1 says how it stands
    against the others of the same list, not a probability.  ``reasons`` are short sentences, the
    strongest first.  ``path`` are the keys from here to the service of the headline, both ends
    included; where no way leads there, to what customers feel most of the unhealthy.  ``change``
    and ``link`` where it is a change.  ``since`` is when its first alert began, or the change did.
    """

    kind: str
    key: str
    name: str
    score: float
    reasons: tuple[str, ...]
    team: str = ""
    tier: int | None = None
    since: datetime | None = None
    path: tuple[str, ...] = ()
    change: UUID | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class RestartStep:
    """One service to bring back in a wave.

    ``state`` is how it is hit, as in ``ImpactNode``; ``verify`` says what to look at before the
    next wave.  ``done_by`` and ``done_at`` once somebody ticked it.
    """

    key: str
    name: str
    tier: int
    team: str
    state: str
    verify: str
    done_by: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RestartWave:
    """Services that can be brought back side by side, once the waves before are well.

    ``breaks`` says which dependencies are passed over to break a cycle, in plain sentences.
    """

    number: int
    steps: tuple[RestartStep, ...]
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedDomain:
    """What hit services share and nothing else does.

    ``kind``: region, zone, host, third-party or version.  ``hit`` of the ``of`` services in it are
    hit; ``outside`` hit services are not in it.  ``state`` is the worst of theirs, empty when it
    was not worked out.
    """

    kind: str
    value: str
    hit: int
    of: int
    outside: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A severity (1 worst to 5) that the impact suggests, and why; a person decides."""

    severity: int
    reason: str


@dataclass(frozen=True, slots=True)
class EstateService:
    """One service on the map of the estate.

    ``state`` is the worst that open incidents say or expect of it (as in ``ImpactNode``), ``well``
    when none does; ``incidents`` are their numbers, worst first, ``severity`` the worst of them.
    """

    key: str
    name: str
    kind: str
    tier: int
    team: str
    region: str | None
    zone: str | None
    state: str
    incidents: tuple[int, ...] = ()
    severity: int | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class EstatePicture:
    """The whole estate by tier and health; services by (tier, key).

    ``headline`` is the totals line over all open incidents, in business words.
    """

    services: tuple[EstateService, ...]
    headline: str
    read_at: datetime
    open_count: int = 0
    truncated: bool = False
    as_of: datetime | None = None
