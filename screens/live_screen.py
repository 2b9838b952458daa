"""The base of screens that are fed: pictures and clocks reach them only while they are whole."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.screen import Screen


class LiveScreen(Screen[None]):
    """A screen takes no message of ours while it is taken down.

    Its widgets go one by one and before it: a picture that was on its way would find some of
    them gone, and the console would end with an error instead of a goodbye.
    """

    def tick(self) -> None:
        """Move clocks and ages on; called every second while the screen ``is_whole``."""

    @property
    def is_whole(self) -> bool:
        """Whether all its widgets are there: it is composed, and nobody takes it down."""
        return self.is_mounted and self.is_standing

    @property
    def is_standing(self) -> bool:
        """Whether nobody takes it down: a screen is never hidden otherwise."""
        return self.display

    async def _dispatch_message(self, message: Message) -> None:
        """Drop what would be shown when there is nothing left to show it."""
        ours = not type(message).__module__.startswith("textual.")
        if self.is_standing or not (ours or isinstance(message, events.Resize)):
            await super()._dispatch_message(message)
