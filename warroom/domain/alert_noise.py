"""Noise: how much an alert type costs and is worth, and what to do about it first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_FLAP: Final = 5
_LACK: Final = 2


@dataclass(frozen=True, slots=True)
class TypeCounts:
    """Of one source and name in a stretch of time.

    ``alerts`` are distinct ones; ``acted``, ``flapped`` and ``ignored`` count these; an episode is
    one time from start to end; ``messages`` is everything that was received.
    """

    alerts: int
    episodes: int
    messages: int
    acted: int
    flapped: int
    ignored: int


@dataclass(frozen=True, slots=True)
class Advice:
    """How urgent it is (higher first, 0: nothing to do) and what to do."""

    score: int
    sentence: str


def fix_first(counts: TypeCounts, lacks: Sequence[str]) -> Advice:
    """Return what to do about an alert type.

    Args:
        counts: what was heard of it.
        lacks: which of owner, runbook and response nobody has named.
    """
    said: list[str] = []
    share = counts.ignored / counts.alerts if counts.alerts else 0.0
    score = round(share * counts.episodes) + _FLAP * counts.flapped + _LACK * len(lacks)
    if counts.flapped:
        said.append("it flaps: let it hold for a while, or widen its threshold")
    if counts.alerts and not counts.acted:
        said.append("nobody acts on it: record it only, or take it away")
    elif share > 1 / 2:
        said.append("most of it is ignored: ask in triage, or raise its threshold")
    if lacks:
        said.append(f"name its {', '.join(lacks)}")
    return Advice(score if said else 0, "; ".join(said))
