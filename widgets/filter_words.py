"""What the filter means, and what its line tells the screen."""

from __future__ import annotations

from textual.message import Message

from warroom.domain.picture import IncidentRow
from widgets.words import severity_look


class FilterChanged(Message):
    """The words changed while typing."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class FilterClosed(Message):
    """The person is done with the filter; no words means all incidents."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


def matches(row: IncidentRow, words: str) -> bool:
    """Whether every word occurs somewhere in the incident's visible facts, case ignored."""
    wanted = words.casefold().split()
    if not wanted:
        return True
    look = severity_look(row.severity, drill=row.drill)
    facts = [row.ref, row.title, row.status, row.owner or "nobody", row.commander or "", look.word]
    facts += [name for link in row.services for name in (link.key, link.name)]
    haystack = "\n".join(facts).casefold()
    return all(word in haystack for word in wanted)
