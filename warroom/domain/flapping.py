"""Flapping: an alert that changes too often to be news each time.

It flaps from ``START`` changes (it began, it ended) within ``WINDOW`` on, and until only ``STOP``
of them are left in it: between the two it stays what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from warroom.domain.validate import say_duration

WINDOW: Final = timedelta(minutes=15)
START: Final = 6
STOP: Final = 2
KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Flaps:
    """Whether an alert flaps, by which changes; ``sentence`` is said where that has changed."""

    flapping: bool
    flips: tuple[datetime, ...]
    sentence: str = ""


def follow(
    flips: Sequence[datetime], now: datetime, *, changed: bool, flapping: bool, name: str
) -> Flaps:
    """Return whether an alert flaps now.

    Args:
        flips: when it changed, the oldest first.
        now: our clock.
        changed: whether it has just begun or ended.
        flapping: whether it flapped until now.
        name: the alert's, for the sentence.
    """
    seen = [*flips, now] if changed else [*flips]
    kept = tuple(f for f in seen if now - f < WINDOW)[-KEPT:]
    span = say_duration(WINDOW)
    if not flapping and len(kept) >= START:
        said = (
            f"alert {name} flaps: {len(kept)} changes in {span}; it opens nothing and its changes"
            " are only counted until it is steady"
        )
        return Flaps(True, kept, said)
    if flapping and len(kept) <= STOP:
        return Flaps(False, kept, f"alert {name} is steady again")
    return Flaps(flapping, kept)


def steady_at(flips: Sequence[datetime], now: datetime) -> datetime:
    """Return when an alert that flaps will be steady if it does not change again."""
    return flips[-STOP - 1] + WINDOW if len(flips) > STOP else now
