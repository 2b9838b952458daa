"""`warroom up`: everything on the embedded database, with the console in front."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warroom.cli.common import SubParsers, add_config, print_json, say, settings_from, warn
from warroom.errors import ConfigurationError

if TYPE_CHECKING:
    from warroom.embedded.runtime import Runtime
    from warroom.settings import Settings


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("up", help="start everything on the embedded database")
    add_arguments(parser)
    parser.add_argument(
        "--detach", action="store_true", help="no console; leave it running in the background"
    )
    parser.add_argument(
        "--standby", action="store_true", help="run a streaming standby beside the database"
    )
    parser.add_argument("--supervise", action="store_true", help=argparse.SUPPRESS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `up` and `demo` share."""
    add_config(parser)
    parser.add_argument("--headless", action="store_true", help="run without a terminal")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after this time")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument(
        "--screenshot", type=Path, metavar="FILE.svg", help="save what the screen showed"
    )
    parser.add_argument("--size", default="160x45", metavar="COLSxLINES", help="its size")


def run(args: argparse.Namespace) -> int:
    """Start, show, stop."""
    settings = settings_from(args, standby=args.standby or None)
    if settings.standby:
        os.environ["WARROOM_STANDBY"] = "1"  # for the supervisor, which is another process
    if args.supervise:
        from warroom.embedded.supervisor import Supervisor

        return Supervisor(settings).run()
    from warroom.embedded.boot import refuse_second, start

    refuse_second(settings.data_dir)
    if args.detach:
        runtime = start(settings.data_dir, say, detach=True)
        say(
            f"War room runs: {runtime.api_url}. `warroom console` opens it, `warroom down` ends it."
        )
        return 0
    if args.headless:
        return headless(args, settings, lambda _runtime: time.sleep(args.seconds or 10.0))
    return foreground(args, settings)


def headless(args: argparse.Namespace, settings: Settings, play: Callable[[Runtime], Any]) -> int:
    """Run without a terminal, and end with the figures.

    ``play`` blocks for as long as it should run; a list that it returns are errors.
    """
    from warroom.embedded.boot import start

    begun = time.monotonic()
    quiet = args.json
    runtime = start(settings.data_dir, (lambda _text: None) if quiet else warn, detach=False)
    up_after = time.monotonic() - begun
    try:
        errors = list(play(runtime) or [])
        if args.screenshot is not None:
            errors += _picture(args, runtime)
        found = _figures(runtime, begun, {"up_after_s": round(up_after, 2)}, errors)
    finally:
        from warroom.cli.down import stop

        stop(settings.data_dir)
    if args.json:
        print_json(found)
    else:
        for name, value in found.items():
            say(f"{name}: {value}")
    return 1 if found["errors"] or not found["audit_verified"] else 0


def _figures(
    runtime: Runtime | None, begun: float, times: Mapping[str, float], errors: list[str]
) -> dict[str, Any]:
    """Return what a run came to, while it still runs; ``begun`` is its beginning, monotonic."""
    import psycopg

    from warroom.embedded import figures

    counted: dict[str, Any] = {"audit_verified": False}
    if runtime is None:
        errors = [*errors, "the start did not come to its end"]
    else:
        try:
            counted = figures.count(runtime.database_url)
            if runtime.standby_url:
                counted |= figures.standby(runtime.database_url)
        except psycopg.Error as error:
            errors = [*errors, f"the figures could not be counted: {type(error).__name__}"]
    return {
        **counted,
        **times,
        "seconds": round(time.monotonic() - begun, 1),
        "pg_version": runtime.pg_version if runtime is not None else None,
        "errors": errors,
    }


def _picture(args: argparse.Namespace, runtime: Runtime) -> list[str]:
    """Save a screenshot by a console process of its own."""
    import subprocess
    import sys

    done = subprocess.run(
        [
            sys.executable, "-m", "warroom", "console", "--api-url", runtime.api_url,
            "--token-file", runtime.admin_token_file, "--screenshot", str(args.screenshot),
            "--size", args.size,
        ],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return [] if done.returncode == 0 else [f"screenshot: {done.stderr.strip()[-300:]}"]


def foreground(
    args: argparse.Namespace,
    settings: Settings,
    after: Callable[[Runtime], None] | None = None,
) -> int:
    """Show the console at once and start everything behind it; stop it all at the end.

    With ``--json`` the figures of the run follow on standard output when the screen has gone:
    those of a run without a terminal, and ``first_frame_s``, from the process's beginning to the
    moment when the first frame was painted.
    """
    from warroom.cli.console import parse_size
    from warroom.cli.down import stop
    from warroom.console.door import Door
    from warroom.console.run import run_console
    from warroom.embedded.boot import start
    from warroom.embedded.processes import CONSOLE_VARIABLE, own_age_s
    from warroom.embedded.runtime import admin_token

    begun = time.monotonic() - own_age_s()
    times: dict[str, float] = {}
    running: list[Runtime] = []

    def boot(tell: Callable[[str], None]) -> Door:
        # The console calls this when its first frame is on the screen, and not before.
        times["first_frame_s"] = round(time.monotonic() - begun, 3)
        me = {CONSOLE_VARIABLE: str(os.getpid())}
        runtime = start(settings.data_dir, tell, detach=False, extra=me)
        running.append(runtime)
        times["up_after_s"] = round(time.monotonic() - begun, 2)
        if after is not None:
            after(runtime)
        token = admin_token(runtime)
        if token is None:
            raise ConfigurationError(
                f"{runtime.admin_token_file} cannot be read.", field="auth.token_file"
            )
        return Door(
            runtime.api_url, token, standby_url=runtime.standby_url or None,
            ca_file=settings.api_ca_file,
        )  # fmt: skip

    found: dict[str, Any] = {}
    try:
        status = run_console(
            settings=settings,
            boot=boot,
            screenshot=args.screenshot,
            seconds=args.seconds,
            size=parse_size(args.size),
        )
        if args.json:
            found = _figures(running[0] if running else None, begun, times, [])
    finally:
        warn("stopping war room …")
        stop(settings.data_dir)
    if found:
        print_json(found)
        return status or (1 if found["errors"] or not found["audit_verified"] else 0)
    return status
