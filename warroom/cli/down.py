"""`warroom down`: stop what `up` started."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from warroom.cli.common import SubParsers, add_config, say, settings_from
from warroom.errors import ClusterError

STOP_S = 60.0
CONSOLE_S = 10.0
"""How long the console in front has to leave its screen and to stop what is behind it."""


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("down", help="stop what `up` started")
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Stop it; 0 also when nothing ran."""
    settings = settings_from(args)
    ran = stop(settings.data_dir)
    say("stopped" if ran else f"nothing runs on {settings.data_dir}")
    return 0


def stop(data_dir: Path) -> bool:
    """Stop the instance on a data directory in order; tell whether one ran.

    Raises:
        ClusterError: it did not end within a minute.
    """
    from warroom.embedded import runtime
    from warroom.embedded.boot import supervisor_of
    from warroom.embedded.processes import ProcessRef, is_alive, send_signal, wait_until

    # Not the runtime file: one that still boots has none yet, and must end all the same.
    found = supervisor_of(data_dir)
    if found is None:
        return False
    behind = runtime.running(data_dir)
    if behind is not None and behind.console is not None:
        console = ProcessRef(*behind.console)
        # It shows nothing old as if it were live: it goes first, and stops the rest as it goes.
        if console.pid != os.getpid() and send_signal(console, signal.SIGTERM):
            wait_until(lambda: not is_alive(found), CONSOLE_S)
    send_signal(found, signal.SIGTERM)
    if not wait_until(lambda: not is_alive(found), STOP_S):
        raise ClusterError(
            f"The supervisor (process {found.pid}) does not end.",
            remedy="`warroom logs supervisor` may say why.",
        )
    return True
