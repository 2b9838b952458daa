"""How much a change on a suspect counts, and the sentence that names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from warroom.domain.validate import shorten
from warroom.impact.signals import Change
from warroom.impact.weights import Weights

# Below this a sentence says nothing that would help a reader.
_MIN: Final = 0.1
_TITLE: Final = 60
_NAME: Final = 40
_SAID: Final = {"cause": ", named as the cause", "suspected": ", suspected by a person"}


@dataclass(frozen=True, slots=True)
class Felt:
    """When the services that a suspect explains felt it.

    ``alerts`` are the starts of their first alerts, ``reports`` when people said that they are hit,
    ``hops`` how far the nearest that alerts is; ``first`` is the first alert of the whole incident,
    None without any, ``opened`` when the incident was.
    """

    opened: datetime
    first: datetime | None = None
    alerts: Sequence[datetime] = ()
    reports: Sequence[datetime] = ()
    hops: int = 0

    def by(self, change: Change) -> datetime:
        """Return the moment that a change is held against.

        The first alert; where none was heard when the incident opened, or for a change after that
        the next report: both stand still, so that the change does not grow older by itself.
        """
        if self.alerts:
            return min(self.alerts)
        if change.at <= self.opened:
            return self.opened
        return min((r for r in self.reports if r >= change.at), default=self.opened)


class Blame(NamedTuple):
    """The change that counts most: by how much (log-odds), and its sentence."""

    value: float
    change: Change
    sentence: str


def blame(changes: Sequence[Change], felt: Felt, w: Weights) -> Blame | None:
    """Return the weightiest of a suspect's changes, None when none counts."""
    best, chosen = 0.0, None
    for change in changes:
        gap = (felt.by(change) - change.at).total_seconds()
        value = 0.0
        if gap >= -w.change_after_s:
            value = float(w.change * 2.0 ** (-max(0.0, gap) / w.change_half_s))
        if change.verdict == "cause":
            value += w.change_cause
        elif change.verdict == "suspected":
            value += w.change_suspected
        if value >= max(best, _MIN):
            best, chosen = value, change
    return Blame(best, chosen, _sentence(chosen, felt)) if chosen is not None else None


def _sentence(change: Change, felt: Felt) -> str:
    far = f", {felt.hops} hop{'s' if felt.hops > 1 else ''}" if felt.hops else ""
    return f"{_name(change)} {_when(change, felt)}{far}{_SAID.get(change.verdict, '')}"


def _name(change: Change) -> str:
    """Return kind, service and version, the title where it says more, and who made it."""
    name = " ".join(x for x in (change.kind, change.service, change.version) if x)
    title = change.title.split()
    if not {word.lower() for word in title} <= set(name.lower().split()):
        name += f" “{shorten(' '.join(title), _TITLE)}”"
    return f"{name} by {shorten(change.by, _NAME)}" if change.by else name


def _when(change: Change, felt: Felt) -> str:
    moment = felt.by(change)
    if not felt.alerts:
        whose = "the incident opened" if moment == felt.opened else "it was reported"
    elif felt.first is not None and change.at <= felt.first:
        moment, whose = felt.first, "the first alert"
    else:
        whose = "the first alert" if moment == felt.first else "the first alert it explains"
    seconds = (moment - change.at).total_seconds()
    return f"{_span(abs(seconds))} {'before' if seconds >= 0 else 'after'} {whose}"


def _span(seconds: float) -> str:
    """Return a span in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
