"""All command keys together, with help and the way out: what a screen of incidents inherits."""

from __future__ import annotations

from screens.desk import desk_of
from screens.work_clocks import ClockWork
from screens.work_log import LogWork
from screens.work_mitigate import MitigateWork
from screens.work_moves import MoveWork
from screens.work_parts import PartWork


class CommandWork(MoveWork, LogWork, ClockWork, PartWork, MitigateWork):
    """Every action of ``screens.actions.COMMANDS``."""

    def me(self) -> str:
        """Return the name of the person at the keys."""
        return desk_of(self).who()

    def action_help(self) -> None:
        """Show all keys, those of the place that has them first."""
        from screens.help import HelpScreen

        focused = self.focused
        self.app.push_screen(HelpScreen((focused.id or "") if focused else ""))

    def action_quit(self) -> None:
        """Leave the console."""
        self.app.exit()
