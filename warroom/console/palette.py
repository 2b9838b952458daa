"""The command palette's source: names are shown as they are, never read as console markup."""

from __future__ import annotations

from textual.command import DiscoveryHit, Hits
from textual.content import Content
from textual.system_commands import SystemCommandsProvider

from warroom.domain.safe_text import safe_text


class RoomCommands(SystemCommandsProvider):
    """The application's commands; a saved view is called what its owner called it."""

    async def discover(self) -> Hits:
        """Yield all commands, for the palette in which nothing has been typed."""
        for name, sentence, run, shown in sorted(
            self.app.get_system_commands(self.screen), key=lambda command: command[0]
        ):
            if shown:
                text = safe_text(name, 100)
                yield DiscoveryHit(Content(text), run, text=text, help=sentence)
