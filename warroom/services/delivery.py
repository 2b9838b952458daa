"""One HTTP post of alerts on its way into the database, and what its sender is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from warroom.domain.alert import IncomingAlert
from warroom.services.token_proof import Proof


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HTTP post: whose, in which dialect, the body as it came and what was read from it.

    ``proof``: what its token is to be held against when it is stored, if that was not done before.
    ``read_at``: the moment that counted as now when it was read.  ``kept``: its id in the intake,
    where it was committed before its alerts were worked out.
    """

    source_id: UUID
    source_principal_id: UUID
    dialect: str
    content_type: str
    body: bytes
    alerts: tuple[IncomingAlert, ...]
    request_id: str = ""
    proof: Proof | None = None
    read_at: datetime | None = None
    kept: UUID | None = None


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What became of one delivery: its row, and how many of its alerts were new.

    ``new`` None: the body is committed, and its alerts wait for their turn.
    """

    delivery_id: UUID
    alerts: int
    new: int | None
    incidents: tuple[int, ...]
