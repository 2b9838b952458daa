"""Saved views of the board: what is shown, in which order, with which columns. Pure rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from warroom.domain.picture import IncidentRow
from widgets.filter_words import matches

SORTS: Final = ("severity", "age", "clock", "updated")
COLUMNS: Final = ("status", "people", "services", "clock")
OWNERS: Final = ("me", "nobody", "")
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class View:
    """A name for a filter, an order and columns.

    ``words`` as in the filter line; ``worst`` shows severities up to it; ``owner`` is ``me``,
    ``nobody`` or empty for all; ``drills`` False hides exercises; ``sort`` is one of ``SORTS``
    (``severity`` is the database's own order); ``columns`` some of ``COLUMNS``.
    """

    name: str
    words: str = ""
    worst: int = 5
    owner: str = ""
    drills: bool = True
    sort: str = "severity"
    columns: tuple[str, ...] = COLUMNS


EVERYTHING: Final = View("all")
SHIPPED: Final = (
    View("mine", owner="me"),
    View("sev1-2", worst=2),
    View("unowned", owner="nobody"),
    View("no drill", drills=False),
)


def seen_with(view: View, rows: tuple[IncidentRow, ...], who: str) -> tuple[IncidentRow, ...]:
    """Return the rows that a view shows, in its order. ``who`` is the person at the keys."""
    found = tuple(row for row in rows if _shows(view, row, who))
    if view.sort == "age":
        return tuple(sorted(found, key=lambda row: (row.opened_at, row.number)))
    if view.sort == "clock":
        return tuple(sorted(found, key=_due))
    if view.sort == "updated":
        return tuple(sorted(found, key=lambda row: (row.updated_at, row.number), reverse=True))
    return found


def next_view(views: tuple[View, ...], name: str) -> View:
    """Return the view behind the named one; behind the last one comes everything."""
    ring = (EVERYTHING, *views)
    places = {view.name: place for place, view in enumerate(ring)}
    return ring[(places.get(name, 0) + 1) % len(ring)]


def _shows(view: View, row: IncidentRow, who: str) -> bool:
    if row.severity > view.worst or (row.drill and not view.drills):
        return False
    if view.owner == "nobody" and row.owner is not None:
        return False
    if view.owner == "me" and (not who or who not in {row.owner, row.commander}):
        return False
    return not view.words or matches(row, view.words)


def _due(row: IncidentRow) -> tuple[datetime, int]:
    return (row.clock.due_at if row.clock else _NEVER), row.number
