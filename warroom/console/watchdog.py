"""Ends the console when its terminal is gone, even if the screen's thread is stuck in a write."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Final

_EVERY_MS: Final = 500
_GRACE_S: Final = 3.0
GONE_STATUS: Final = 129


def watch_terminal(leave: Callable[[], None], fd: int | None = None) -> threading.Event:
    """Call ``leave`` when the terminal hangs up; if that does not help, end the process.

    Args:
        leave: asks the application to end; called in a thread of its own.
        fd: the terminal, standard input if None.

    Returns:
        An event; set it when the application has ended by itself.
    """
    over = threading.Event()
    watched = sys.stdin.fileno() if fd is None else fd

    def watch() -> None:
        poll = select.poll()
        # No interest in input: only hang-up, error and a closed descriptor are reported.
        poll.register(watched, 0)
        while not over.is_set():
            if poll.poll(_EVERY_MS):
                if over.is_set():
                    return
                # It may wait for a thread that waits for ever: beside us, never before us.
                threading.Thread(target=leave, name="console-leave", daemon=True).start()
                if not over.wait(_GRACE_S):
                    os._exit(GONE_STATUS)
                return

    threading.Thread(target=watch, name="console-watchdog", daemon=True).start()
    return over
