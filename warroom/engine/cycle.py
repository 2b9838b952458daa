"""What a cycle is: a name, a period, whether one engine alone may do it, and one run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

REST_MAX_S: Final = 5.0
"""Longer, and another engine would take the lease over."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One thing that the engine does again and again.

    ``run_once`` does it once and returns a sentence that says what was done, or why nothing was.
    ``leased`` cycles are done by one engine at a time; the others share their work row by row.
    ``rest`` is how many times as long as a run took the pause behind it is at least: what a storm
    makes slow must not keep the clocks of the same process waiting.
    """

    name: str
    every_s: float
    leased: bool
    run_once: Callable[[], Awaitable[str]]
    rest: float = 0.0

    def pause_s(self, took_s: float) -> float:
        """Return the seconds from the end of a run that took so long to the next."""
        return max(self.every_s, min(self.rest * took_s, REST_MAX_S))
