"""What a screen may ask of the application that shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from textual.screen import Screen

from screens.commands import Command
from screens.views import View
from warroom.domain.panes import Pane, PaneWatch
from widgets.freshness import Freshness


class Desk(Protocol):
    """The console's side that knows clocks, keys and the way out; screens know no more of it."""

    def submit(self, command: Command) -> None:
        """Send a command; its fate arrives as ``CommandChanged``."""

    def hold_keys(self) -> None:
        """Hold back what is typed: a command works, and its next question is not open yet."""

    def free_keys(self) -> None:
        """Let go on what was held back."""

    def watch_incident(self, number: int | None) -> None:
        """Read this incident whole from now on; it arrives as ``DetailArrived``."""

    def want_names(self) -> None:
        """Read the names to choose from; they arrive as ``NamesArrived``."""

    def watch_panes(self, watch: PaneWatch) -> None:
        """Read these panes from now on; each arrives as ``PaneArrived``."""

    def read_older(self, watch: PaneWatch, before: UUID) -> None:
        """Read the page of the timeline before this entry; it arrives as ``OlderArrived``."""

    def freshness_of(self, pane: Pane) -> Freshness:
        """Return how old one pane's picture is, and why it is not renewed."""

    def views(self) -> tuple[View, ...]:
        """Return the saved views, the user's after those that come along."""

    def database_now(self) -> datetime | None:
        """Return the database's present time, None before the first picture."""

    def freshness(self) -> Freshness:
        """Return how old the picture is."""

    def who(self) -> str:
        """Return the name of the person at the keys, empty before it is known."""

    def keys_of(self, binding_id: str) -> tuple[str, ...]:
        """Return the keys that the user's keymap gives to an action."""


def desk_of(screen: Screen[object] | Screen[None]) -> Desk:
    """Return the application as the desk that it is."""
    return cast(Desk, screen.app)
