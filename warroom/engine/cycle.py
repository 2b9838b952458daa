"""What a cycle is: a name, a period, whether one engine alone may do it, and one run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cycle:
    """One thing that the engine does again and again.

    ``run_once`` does it once and returns a sentence that says what was done, or why nothing was.
    ``leased`` cycles are done by one engine at a time; the others share their work row by row.
    """

    name: str
    every_s: float
    leased: bool
    run_once: Callable[[], Awaitable[str]]
