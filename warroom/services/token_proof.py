"""Whose a token is, and that it still is when what it brought is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from warroom.db.uow import Asked

PACE: Final = "s.key as source_key, s.rate_per_s, s.burst, s.lane, s.paused_at, now() as asked_at"
_ASK: Final = (
    "select h.hash, a.principal_id, a.name, a.kind, a.scopes, a.source_id, s.service_label,"
    " s.severity_map, cast(s.mapping as text) as mapping, {pace}"
    " from unnest(cast(:hashes as bytea[])) as h(hash)"
    " cross join lateral warroom.authenticate(h.hash) a"
    " left join warroom.source s on s.id = a.source_id".replace("{pace}", PACE)
)


@dataclass(frozen=True, slots=True)
class Proof:
    """The hash of the token that brought a delivery, and what was said of it a moment ago."""

    token: bytes
    said: tuple[Any, ...]


class Unproven(Exception):
    """What is said of some tokens is not what was said before; ``places``: of which deliveries."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__(places)
        self.places = places


def whose(hashes: Collection[bytes]) -> Asked:
    """Ask whose tokens are; one that is unknown, expired or revoked has no row."""
    return _ASK, {"hashes": list(hashes)}


def said_of(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Return all that is said of a token, but for the time at which it was asked."""
    return tuple(value for name, value in row.items() if name != "asked_at")


def check(proofs: Mapping[int, Proof], rows: Collection[Mapping[Any, Any]]) -> None:
    """Hold what was said of the tokens of a batch against what is said now.

    Args:
        proofs: by the place of their delivery in the batch.
        rows: what ``whose`` found.

    Raises:
        Unproven: something differs; the transaction must not be committed.
    """
    now = {bytes(row["hash"]): said_of(row) for row in rows}
    wrong = frozenset(place for place, p in proofs.items() if now.get(p.token) != p.said)
    if wrong:
        raise Unproven(wrong)
