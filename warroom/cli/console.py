"""``warroom console``: open the terminal screen on what already runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from warroom.cli.common import SubParsers, add_config, api_and_token, settings_from
from warroom.errors import ConfigurationError

if TYPE_CHECKING:
    from warroom.settings import Settings


def add_parser(subparsers: SubParsers) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("console", help="open the terminal screen")
    add_config(parser)
    parser.add_argument("--api-url", metavar="URL", help="the API, instead of the configured one")
    parser.add_argument("--token-file", metavar="FILE", type=Path, help="a file with the token")
    parser.add_argument(
        "--read-from",
        choices=("primary", "standby", "auto"),
        help="which server the picture comes from",
    )
    parser.add_argument("--theme", metavar="NAME", help="the colour theme")
    parser.add_argument("--keymap", metavar="FILE", type=Path, help="a TOML file with other keys")
    parser.add_argument(
        "--screenshot", metavar="FILE.svg", type=Path, help="save the screen as SVG and leave"
    )
    parser.add_argument(
        "--size", metavar="COLSxLINES", default="160x45", help="size of the screenshot"
    )
    parser.add_argument("--seconds", metavar="N", type=float, help="leave after this time")


def run(args: argparse.Namespace) -> int:
    """Open the console; the exit status is 0 when the person left by a key."""
    settings = settings_from(
        args,
        api_url=args.api_url,
        token_file=args.token_file,
        theme=args.theme,
        read_from=args.read_from,
        keymap_file=args.keymap,
    )
    from warroom.console.door import Door
    from warroom.console.run import run_console

    url, token = api_and_token(settings)
    standby = settings.standby_database_url or _own_standby(settings)
    if settings.read_from == "standby" and standby is None:
        raise ConfigurationError(
            "No standby is known to read from.",
            field="database.standby_url",
            remedy="Set WARROOM_STANDBY_DATABASE_URL, or start one with `warroom up --standby`.",
        )
    door = Door(url, token, settings.console_database_url, standby, settings.api_ca_file)
    return run_console(
        door,
        settings=settings,
        screenshot=args.screenshot,
        seconds=args.seconds,
        size=parse_size(args.size),
    )


def _own_standby(settings: Settings) -> str | None:
    """Return the standby of what `warroom up` runs here."""
    from warroom.embedded import runtime

    found = runtime.running(settings.data_dir)
    return (found.standby_url or None) if found is not None else None


def parse_size(text: str) -> tuple[int, int]:
    """Return columns and lines of ``160x45``.

    Raises:
        InvalidInput: it is not of that form.
    """
    from warroom.errors import InvalidInput

    columns, _, lines = text.partition("x")
    if not (columns.isascii() and columns.isdigit() and lines.isascii() and lines.isdigit()):
        raise InvalidInput(
            f"The size {text!r} cannot be used.", field="--size", remedy="Write for example 160x45."
        )
    return max(int(columns), 20), max(int(lines), 6)
