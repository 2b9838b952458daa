"""Starts the console on a terminal, or without one for a screenshot."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from warroom.console.door import Boot, Door
from warroom.console.terminal import Colours, TerminalProfile, profile
from warroom.errors import ConfigurationError
from warroom.settings import Settings

if TYPE_CHECKING:
    from warroom.console.app import ConsoleOptions

SCREENSHOT_SIZE = (160, 45)


def run_console(
    door: Door | None = None,
    *,
    settings: Settings,
    boot: Boot | None = None,
    screenshot: Path | None = None,
    seconds: float | None = None,
    size: tuple[int, int] = SCREENSHOT_SIZE,
) -> int:
    """Show the console until the person leaves; return the exit status.

    Args:
        door: where to go in, when everything already runs.
        settings: theme, keymap, polling, deadlines.
        boot: starts what does not run yet; called after the first paint, in a thread.
        screenshot: write the picture as SVG there and leave; needs no terminal.
        seconds: leave after this time; with ``screenshot`` the moment of the picture.
        size: columns and lines of a screenshot.

    Raises:
        ConfigurationError: no terminal, an unknown theme, or a keymap that cannot be used.
    """
    headless = screenshot is not None
    if not headless and not (sys.stdin.isatty() and sys.__stderr__ and sys.__stderr__.isatty()):
        raise ConfigurationError(
            "The console needs a terminal on standard input and standard error.",
            remedy="Use --screenshot FILE.svg without one.",
        )
    look = terminal_profile(settings, os.environ, headless=headless)
    look.apply(os.environ)
    options = _options(settings, look, screenshot, seconds)

    from warroom.console.app import WarRoomApp

    app = WarRoomApp(options, door=door, boot=boot)
    if headless:
        status = app.run(headless=True, size=size)
        return 0 if status is None else status
    from warroom.console.watchdog import watch_terminal

    def leave() -> None:
        with contextlib.suppress(RuntimeError):
            app.call_from_thread(app.exit, 129)

    over = watch_terminal(leave)
    try:
        status = app.run()
    finally:
        over.set()
    return (app.return_code or 0) if status is None else status


def terminal_profile(
    settings: Settings, environ: Mapping[str, str], *, headless: bool
) -> TerminalProfile:
    """Return the profile; a screenshot has all colours unless NO_COLOR is set."""
    if headless and not environ.get("NO_COLOR"):
        environ = {**environ, "COLORTERM": "truecolor", "TERM": "xterm-256color"}
    return profile(environ, settings.theme)


def _options(
    settings: Settings, look: TerminalProfile, screenshot: Path | None, seconds: float | None
) -> ConsoleOptions:
    from warroom.console.alarm import AlarmOptions
    from warroom.console.app import ConsoleOptions
    from warroom.console.keymap import load_keymap
    from warroom.console.options import BackendOptions, FeedOptions
    from warroom.console.views import load_views, views_path

    return ConsoleOptions(
        backend=BackendOptions(
            FeedOptions(
                settings.poll_seconds,
                settings.read_deadline_seconds,
                read_from=settings.read_from,
            )
        ),
        theme=look.theme,
        colourless=look.colours is Colours.NONE,
        keymap=load_keymap(settings.keymap_file),
        bell=settings.bell,
        alarm=AlarmOptions(
            settings.bell,
            settings.notify_osc9,
            settings.notify_osc777,
            tmux=bool(os.environ.get("TMUX")),
            passthrough=settings.tmux_passthrough,
        ),
        views=load_views(views_path(settings.keymap_file)),
        screenshot=screenshot,
        seconds=seconds,
    )
