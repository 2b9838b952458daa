"""Which alerts are silenced now: asked for each alert that would open or join an incident."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.uow import Asked, Work
from warroom.domain.silence import from_json, why
from warroom.errors import InvalidInput
from warroom.logs import log
from warroom.services.matching import Test, equal_pairs, gate_of, sieve_of, test_of

_ACTIVE = """
select s.id, s.matchers, s.comment, s.ends_at, s.units, s.security, p.name as who
from warroom.silence s join warroom.principal p on p.id = s.created_by
where s.expired_at is null and s.ends_at > :now and s.starts_at <= :now
order by s.ends_at desc, s.id
"""


@dataclass(frozen=True, slots=True)
class ActiveSilence:
    """A silence in force; it reaches the units of its maker, and security alerts if they may.

    ``pair`` is a label that must have just this value, ``gate`` a label and an expression that it
    must fit: what rules out most silences at once.
    """

    id: UUID
    who: str
    ends_at: datetime
    comment: str
    units: frozenset[str]
    security: bool
    pair: tuple[str, str] | None
    test: Test
    gate: tuple[str, str] | None = None


class Suppressions:
    """The silences in force at one moment, ready to be asked thousands of times."""

    def __init__(self, silences: Sequence[ActiveSilence], now: datetime) -> None:
        self._now = now
        self._count = len(silences)
        self._by_pair: dict[tuple[str, str], list[ActiveSilence]] = {}
        self._others: list[ActiveSilence] = []
        gates: dict[str, dict[str, list[ActiveSilence]]] = {}
        for silence in silences:
            if silence.pair is not None:
                self._by_pair.setdefault(silence.pair, []).append(silence)
            elif silence.gate is not None:
                label, pattern = silence.gate
                gates.setdefault(label, {}).setdefault(pattern, []).append(silence)
            else:
                self._others.append(silence)
        # In one order, so that the next batch finds the sets that were compiled for this one.
        self._gates = [
            (label, sieve_of(tuple(sorted(gate))), [gate[pattern] for pattern in sorted(gate)])
            for label, gate in gates.items()
        ]

    def __len__(self) -> int:
        """Return how many silences are in force."""
        return self._count

    def of(
        self, labels: Mapping[str, str], *, unit: str | None = None, visibility: str = "normal"
    ) -> list[ActiveSilence]:
        """Return the silences of an alert with these labels, the one that ends last first.

        Args:
            labels: the alert's.
            unit: the unit of its service, None to ask about any.
            visibility: the alert's.
        """
        if not self._count:
            return []
        found = [
            s for s in self._near(labels)
            if (unit is None or unit in s.units)
            and (visibility == "normal" or (visibility == "security" and s.security))
            and s.test(labels)
        ]  # fmt: skip
        return sorted(found, key=lambda s: (s.ends_at, str(s.id)), reverse=True)

    def why(
        self, labels: Mapping[str, str], *, unit: str | None = None, visibility: str = "normal"
    ) -> str | None:
        """Return the sentence that says why an alert opens no incident, None when it may."""
        found = self.of(labels, unit=unit, visibility=visibility)
        return self.say(found[0]) if found else None

    def say(self, silence: ActiveSilence) -> str:
        """Return the sentence on an alert that this silence holds back."""
        return why(silence.who, silence.ends_at, silence.comment, self._now)

    def _near(self, labels: Mapping[str, str]) -> Iterator[ActiveSilence]:
        for pair in labels.items():
            yield from self._by_pair.get(pair, ())
        for label, sieve, silences in self._gates:
            for place in sieve(labels.get(label, "")):
                yield from silences[place]
        yield from self._others


def in_force(now: datetime) -> Asked:
    """Ask for the silences in force at a moment."""
    return _ACTIVE, {"now": now}


async def load(work: Work, now: datetime) -> Suppressions:
    """Read the silences in force at ``now``."""
    return read_from(await work.rows(*in_force(now)), now)


def read_from(rows: Sequence[RowMapping], now: datetime) -> Suppressions:
    """Return the silences that ``in_force`` found; what cannot be understood silences nothing."""
    found: list[ActiveSilence] = []
    for row in rows:
        matchers = from_json(row["matchers"])
        try:
            test = test_of(matchers)
        except InvalidInput as error:
            log.warning("silence not understood", silence=str(row["id"]), detail=error.message)
            continue
        pair = next(iter(equal_pairs(matchers).items()), None)
        found.append(
            ActiveSilence(row["id"], row["who"], row["ends_at"], row["comment"],
                          frozenset(row["units"]), row["security"], pair, test,
                          gate_of(matchers))
        )  # fmt: skip
    return Suppressions(found, now)
