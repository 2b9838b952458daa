"""A modal that asks for a change: the suspects, what is near the incident, the last, or an id."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from screens.choices import Choice
from screens.messages import PaneArrived, PaneTrouble
from screens.pick import PickScreen
from warroom.domain.change import ChangeRow, ChangesPicture
from warroom.domain.panes import Pane
from warroom.domain.picture import IncidentRow
from warroom.domain.reasoned import Suspect
from widgets.words import age_words

_SAID = {"cause": "the cause", "suspected": "suspected", "cleared": "cleared"}


class ChangePickScreen(PickScreen):
    """Shows what the console knows at once; the changes come while it is open.

    The answer is a change's id.

    Args:
        row: the incident.
        suspects: those of its suspects that are changes, best first.
    """

    def __init__(self, row: IncidentRow, suspects: tuple[Suspect, ...]) -> None:
        super().__init__(
            f"Link a change · {row.ref}", row.title, "Which change? Words of it, or its id",
            choices(suspects, None), free=True, check=complaint,
        )  # fmt: skip
        self._row = row
        self._suspects = suspects
        self._waits = "Reading the changes …"
        self.known: ChangesPicture | None = None

    def row_of(self, change: str) -> ChangeRow | None:
        """Return the change of an id as it was read, None when it was not."""
        rows = (*self.known.near, *self.known.others) if self.known else ()
        return next((row for row in rows if str(row.id) == change), None)

    def on_pane_arrived(self, message: PaneArrived) -> None:
        """Show the changes; what was typed still narrows them down."""
        picture = message.picture
        if not isinstance(picture, ChangesPicture) or picture.incident_id != self._row.id:
            return
        if picture != self.known:
            self.known, self._waits = picture, ""
            self.show_all(choices(self._suspects, picture))

    def on_pane_trouble(self, message: PaneTrouble) -> None:
        """Say why the changes do not come."""
        if message.pane is Pane.CHANGES and self.known is None:
            self._waits = f"The changes cannot be read: {message.reason}. An id can be typed."
            self.show_all(choices(self._suspects, None))

    def empty(self) -> str:
        """Say what no option means."""
        return self._waits or "None of the last changes is like that: type the id of another."


def complaint(typed: str) -> str:
    """Return what is wrong with an id that was typed, empty when nothing is."""
    try:
        UUID(typed)
    except ValueError:
        return "No change is like that. `warroom change list` has the ids. Nothing has been sent."
    return ""


def choices(suspects: Iterable[Suspect], picture: ChangesPicture | None) -> tuple[Choice, ...]:
    """Return each change once: suspects as they are ranked, then what is near, then the others."""
    rows = {c.id: c for c in (*picture.near, *picture.others)} if picture else {}
    found: dict[UUID, Choice] = {}
    for suspect in suspects:
        if suspect.change is not None:
            row = rows.get(suspect.change)
            found[suspect.change] = _of_row(row) if row else _of_suspect(suspect)
    for row in rows.values():
        found.setdefault(row.id, _of_row(row))
    return tuple(found.values())


def change_name(row: ChangeRow) -> str:
    """Return what a change is called where people choose: kind, service, title, nothing twice."""
    title = row.title or row.version
    service = "" if row.service.lower() in title.lower().split() else row.service
    kind = "" if row.kind.lower() in title.lower().split() else row.kind
    return " ".join(x for x in (kind, service, title) if x)


def change_about(row: ChangeRow) -> str:
    """Return when it was, by whom, and what was said of it."""
    age = age_words(abs(row.minutes_before) * 60)
    when = f"{age} before" if row.minutes_before >= 0 else f"{age} after"
    version = "" if row.version in change_name(row).split() else row.version
    return " · ".join(x for x in (when, row.by, _SAID.get(row.verdict, ""), version) if x)


def _of_row(row: ChangeRow) -> Choice:
    return Choice(str(row.id), change_name(row), change_about(row))


def _of_suspect(suspect: Suspect) -> Choice:
    reason = suspect.reasons[0] if suspect.reasons else ""
    return Choice(str(suspect.change), suspect.name or suspect.key, f"{suspect.key} · {reason}")
