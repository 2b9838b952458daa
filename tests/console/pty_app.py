"""The real console application on a terminal, fed with prepared pictures instead of a database.

    python -m tests.console.pty_app room|hostile|one|load [SECONDS]

``one`` changes one visible row when it gets SIGUSR1; ``load`` changes 50 of 2,000 rows a second.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from screens.room_layout import ORDER
from tests.console import samples
from tests.console.hostile import TEXTS, hostile_detail, hostile_names, hostile_rows, hostile_views
from tests.console.pane_samples import about, health, hostile_panes, impact, log, timers
from warroom.console.terminal import Colours, profile
from warroom.domain.panes import Pane, PaneWatch, Picture

LOOK = profile(os.environ)
LOOK.apply(os.environ)

from screens.commands import Command, CommandState, Fate  # noqa: E402 # the profile comes first
from screens.messages import (  # noqa: E402
    BoardArrived,
    CommandChanged,
    DetailArrived,
    IdentityKnown,
    NamesArrived,
    PaneArrived,
)
from screens.views import SHIPPED  # noqa: E402
from warroom.console.app import ConsoleOptions, WarRoomApp  # noqa: E402
from warroom.console.options import BackendOptions, FeedOptions  # noqa: E402
from warroom.console.watchdog import watch_terminal  # noqa: E402
from warroom.domain.safe_text import safe_text  # noqa: E402


class FedApp(WarRoomApp):
    """Posts pictures by itself."""

    def __init__(self, mode: str, seconds: float) -> None:
        options = ConsoleOptions(
            BackendOptions(FeedOptions()),
            theme=LOOK.theme,
            colourless=LOOK.colours is Colours.NONE,
            bell=False,
            views=hostile_views() if mode == "hostile" else SHIPPED,
            seconds=seconds,
        )
        super().__init__(options)
        self.mode = mode
        self.rows = samples.many(2000) if mode == "load" else samples.room()
        if mode == "hostile":
            self.rows = hostile_rows()
        self.chance = random.Random(1)
        self.born = time.monotonic()
        self.watched = PaneWatch()

    def on_mount(self) -> None:
        """Begin to feed."""
        super().on_mount()
        self.feed()
        if self.mode == "load":
            self.set_interval(0.2, self.churn)
        if self.mode == "one":
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, self.change_one)
        if self.mode == "hostile":
            row = self.rows[0]
            self.post_message(IdentityKnown(safe_text("ana")))
            self.post_message(DetailArrived(row.number, hostile_detail(row)))

    def feed(self) -> None:
        """Post the board; its clock goes on with ours."""
        passed = timedelta(seconds=time.monotonic() - self.born)
        now = samples.NOW + passed
        self.post_message(BoardArrived(samples.board(self.rows, read_at=now), time.monotonic()))

    def watch_incident(self, number: int | None) -> None:
        """Answer at once with the prepared detail."""
        row = next((r for r in self.rows if r.number == number), None)
        if row is not None and self.mode == "hostile":
            self.post_message(DetailArrived(row.number, hostile_detail(row)))

    def want_names(self) -> None:
        """Answer at once with prepared names."""
        if self.mode == "hostile":
            self.post_message(NamesArrived(hostile_names()))

    def submit(self, command: Command) -> None:
        """Refuse every command, with a sentence that quotes what came from outside."""
        sentence = safe_text(f"{command.ref} was refused: {TEXTS[command.version % len(TEXTS)]}")
        self.post_message(CommandChanged(CommandState(command, Fate.REFUSED, sentence)))

    def watch_panes(self, watch: PaneWatch) -> None:
        """Answer at once with prepared pictures of what is visible."""
        self.watched = watch
        self.feed_panes()

    def feed_panes(self) -> None:
        """Post every visible pane, under the incident that is chosen."""
        watch = self.watched
        calm = (impact(), timers(), log(), health())
        shown: list[Picture] = [*(hostile_panes() if self.mode == "hostile" else calm)]
        for pane, picture in zip(ORDER[1:], shown, strict=True):
            if pane not in watch.panes:
                continue
            if watch.incident is None and pane in {Pane.IMPACT, Pane.TIMELINE}:
                continue
            fresh = about(picture, watch.incident)
            self.post_message(PaneArrived(pane, fresh, watch, time.monotonic()))

    def change_one(self) -> None:
        """Change status, owner and clock of one visible row."""
        first = self.rows[2]
        changed = replace(first, status="acknowledged", owner="mira", version=first.version + 1)
        self.rows = (*self.rows[:2], changed, *self.rows[3:])
        self.feed()

    def churn(self) -> None:
        """Change 10 random rows, five times a second."""
        rows = list(self.rows)
        for _ in range(10):
            place = self.chance.randrange(len(rows))
            row = rows[place]
            owner = self.chance.choice(("ana", "luc", "mira"))
            rows[place] = replace(row, owner=owner, version=row.version + 1)
        self.rows = tuple(rows)
        self.feed()
        self.feed_panes()


if __name__ == "__main__":
    app = FedApp(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 60.0)
    # As warroom.console.run does: a terminal that hangs up may leave a write waiting for ever.
    over = watch_terminal(lambda: app.call_from_thread(app.exit, 129))
    app.run()
    over.set()
    report = os.environ.get("PTY_REPORT")
    if report:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        Path(report).write_text(
            f"{usage.ru_utime + usage.ru_stime:.3f} {usage.ru_maxrss / 1024:.1f}\n", "utf-8"
        )
