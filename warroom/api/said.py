"""What the database has said of a token, and what follows from it: worked out once an answer.

A busy source asks with the same token hundreds of times between two answers; whose it is, how fast
it may be and how its alerts are read is the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import RowMapping

from warroom.api.buckets import Pace, pace_of
from warroom.api.reading import options_of_source
from warroom.domain.principal import Principal, PrincipalKind, Scope
from warroom.ingest.common import IngestOptions
from warroom.services.token_proof import Proof, said_of
from warroom.settings import Settings


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a token is; ``proof`` is what it is held against where the answer is an old one."""

    principal: Principal
    pace: Pace | None
    proof: Proof


@dataclass(slots=True)
class Said:
    """One answer: its row, and when it came by the steady clock.

    The row's own time, ``asked_at``, is the database's.
    """

    heard_at: float
    row: RowMapping
    _holder: Holder | None = field(default=None, init=False)
    _read: tuple[Settings, IngestOptions] | None = field(default=None, init=False)

    @property
    def holder(self) -> Holder:
        """Whose the token is; by the first who asks, so that a strange row fails no other's."""
        if self._holder is None:
            row, source_id = self.row, self.row["source_id"]
            principal = Principal(
                row["principal_id"], row["name"], PrincipalKind(row["kind"]),
                frozenset(Scope(s) for s in row["scopes"]), source_id,
            )  # fmt: skip
            pace = None if source_id is None else pace_of(source_id, row, self.heard_at)
            self._holder = Holder(principal, pace, Proof(bytes(row["hash"]), said_of(row)))
        return self._holder

    def options(self, settings: Settings) -> IngestOptions:
        """Return how the source of the token is read: its own words over the settings."""
        if self._read is None or self._read[0] is not settings:
            made = options_of_source(self.row["service_label"], self.row["severity_map"], settings)
            self._read = settings, made
        return self._read[1]
