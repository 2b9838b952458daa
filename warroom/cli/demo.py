"""`warroom demo`: a throw-away instance with a shop whose day passes in front of you."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from warroom.cli import up
from warroom.cli.common import SubParsers, settings_from, warn
from warroom.errors import ConfigurationError

if TYPE_CHECKING:
    from warroom.embedded.runtime import Runtime
    from warroom.settings import Settings


USUAL_SPEED = 60.0
USUAL_SECONDS = 40.0
"""How long it runs without a terminal unless told otherwise: the day's first forty minutes."""
FASTEST = 600.0
"""Above it nobody can follow: the day would pass in less than two and a half minutes."""


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser(
        "demo", help="everything on a throw-away directory, with a shop and its day"
    )
    up.add_arguments(parser)
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="the same seed tells the same story"
    )
    parser.add_argument(
        "--speed", type=_speed, default=USUAL_SPEED, metavar="N",
        help="seconds of the day in one second, from 1 to 600; 60 unless told otherwise",
    )  # fmt: skip
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)


def _speed(text: str) -> float:
    """Return a speed that people can follow."""
    speed = float(text)
    if not 1.0 <= speed <= FASTEST:  # also false for a NaN
        raise ValueError(text)
    return speed


def run(args: argparse.Namespace) -> int:
    """Run the demo; its directory is removed at the end."""
    settings = settings_from(args)
    if args.play:
        return _play_here(args, settings)
    from warroom.embedded import throwaway

    for folder in throwaway.remove_stale():
        warn(f"{folder} was left behind by a demo that was killed: removed.")
    with throwaway.throw_away_folder() as folder:
        data = folder / "data"
        settings = dataclasses.replace(settings, data_dir=data)
        os.environ["WARROOM_DATA_DIR"] = str(data)
        os.environ["WARROOM_STANDBY"] = "1"
        if args.headless:
            args.seconds = args.seconds or USUAL_SECONDS
            return up.headless(args, settings, lambda runtime: _play(args, runtime))
        return up.foreground(args, settings, lambda runtime: _play_beside(args, runtime))


def _play(
    args: argparse.Namespace, runtime: Runtime, say: Callable[[str], None] | None = None
) -> list[str]:
    """Play the day for as long as was asked; return the errors."""
    from warroom.embedded.demo.player import Player
    from warroom.embedded.processes import is_alive
    from warroom.embedded.runtime import admin_token

    token = admin_token(runtime)
    if token is None:
        raise ConfigurationError("The demo's token cannot be read.", field="auth.token_file")
    player = Player(runtime.api_url, token, seed=args.seed, speed=args.speed, say=say)

    async def play_while_it_runs() -> None:
        events = asyncio.create_task(player.run(args.seconds))
        while not events.done() and is_alive(runtime.process):
            await asyncio.wait({events}, timeout=0.5)
        if not events.done():  # the instance has ended: nobody is left to send to
            events.cancel()
            await asyncio.wait({events})
            return
        await events

    asyncio.run(play_while_it_runs())
    return list(player.errors)


def _play_beside(args: argparse.Namespace, runtime: Runtime) -> None:
    """Play the day in a process of its own, so that the screen stays quick."""
    log = Path(runtime.admin_token_file).parent / "log" / "player.log"
    with log.open("ab") as out:
        subprocess.Popen(
            [sys.executable, "-m", "warroom", "demo", "--play", "--seed", str(args.seed),
             "--speed", str(args.speed)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip


def _play_here(args: argparse.Namespace, settings: Settings) -> int:
    from warroom.embedded import runtime

    found = runtime.running(settings.data_dir)
    if found is None:
        return 1
    args.seconds = None  # as long as the instance runs
    return 1 if _play(args, found, warn) else 0
