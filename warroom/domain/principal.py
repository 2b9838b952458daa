"""Who acts: principals, their scopes, and the context of one command."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

INGEST_PRINCIPAL = UUID("00000000-0000-7000-8000-000000000001")
ENGINE_PRINCIPAL = UUID("00000000-0000-7000-8000-000000000002")
SYSTEM_PRINCIPAL = UUID("00000000-0000-7000-8000-000000000003")


def personal_role(name: str, mark: str) -> str:
    """Return the name of a person's own database role: ``wr_<slug>_<mark>``.

    Args:
        name: what the person is called; cut to 40 characters of a-z, 0-9 and ``_``.
        mark: what tells namesakes apart, 8 random hexadecimal digits.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "person"
    return f"wr_{slug}_{mark}"


class PrincipalKind(StrEnum):
    """What sort of actor a principal is; stands in every audit row."""

    PERSON = "person"
    SERVICE = "service"
    AUTOMATION = "automation"


class Scope(StrEnum):
    """What a token may be used for."""

    READ = "read"
    RESPOND = "respond"
    ADMIN = "admin"
    INGEST = "ingest"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated actor.

    ``id`` is the row in ``warroom.principal``; ``scopes`` are those of the token in use;
    ``source_id`` is set for tokens that belong to an alert source.
    """

    id: UUID
    name: str
    kind: PrincipalKind
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    source_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Who asks for a command, from where, under which idempotency key.

    ``idempotency_key`` is None only for commands of our own automation, whose exactly-once
    comes from the state change itself (timers, leases).
    ``origin`` is the client's address as text; ``request_id`` is ours, one per HTTP request.
    """

    principal: Principal
    request_id: str
    origin: str
    idempotency_key: str | None = None
    on_behalf_of: UUID | None = None
