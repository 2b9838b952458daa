"""`warroom demo`: a throw-away instance with a small estate that fails in front of you."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from warroom.cli import up
from warroom.cli.common import SubParsers, settings_from, warn
from warroom.errors import ConfigurationError

if TYPE_CHECKING:
    from warroom.embedded.runtime import Runtime
    from warroom.settings import Settings


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser(
        "demo", help="everything on a throw-away directory, with an estate that fails"
    )
    up.add_arguments(parser)
    parser.add_argument("--seed", type=int, default=1, help="makes the responders repeatable")
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)


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
            return up.headless(args, settings, lambda runtime: _scenario(args, runtime))
        return up.foreground(args, settings, lambda runtime: _play_beside(args, runtime))


def _scenario(args: argparse.Namespace, runtime: Runtime) -> list[str]:
    """Play the events for as long as was asked; return the errors."""
    from warroom.embedded.processes import is_alive
    from warroom.embedded.runtime import admin_token
    from warroom.embedded.scenario import Scenario

    token = admin_token(runtime)
    if token is None:
        raise ConfigurationError("The demo's token cannot be read.", field="auth.token_file")
    scenario = Scenario(runtime.api_url, token, seed=args.seed)

    async def play() -> None:
        begun = asyncio.get_running_loop().time()
        await scenario.run(args.seconds)
        rest = (args.seconds or 0.0) - (asyncio.get_running_loop().time() - begun)
        await asyncio.sleep(max(rest, 0.0))

    async def play_while_it_runs() -> None:
        events = asyncio.create_task(play())
        while not events.done() and is_alive(runtime.process):
            await asyncio.wait({events}, timeout=0.5)
        if not events.done():  # the instance has ended: nobody is left to send to
            events.cancel()
            await asyncio.wait({events})
            return
        await events

    asyncio.run(play_while_it_runs())
    return scenario.errors


def _play_beside(args: argparse.Namespace, runtime: Runtime) -> None:
    """Play the events in a process of their own, so that the screen stays quick."""
    log = Path(runtime.admin_token_file).parent / "log" / "scenario.log"
    with log.open("ab") as out:
        subprocess.Popen(
            [sys.executable, "-m", "warroom", "demo", "--play", "--seed", str(args.seed)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip


def _play_here(args: argparse.Namespace, settings: Settings) -> int:
    from warroom.embedded import runtime

    found = runtime.running(settings.data_dir)
    if found is None:
        return 1
    args.seconds = args.seconds or 3600.0
    return 1 if _scenario(args, found) else 0
