"""How a person types a length of time: ``30d``, ``12h``, ``90m``."""

from __future__ import annotations

import argparse

from warroom.domain.span import parse_span
from warroom.errors import InvalidInput


def seconds(text: str) -> int:
    """Return the seconds of ``30d``, ``12h``, ``1h30m``; see ``warroom.domain.span``.

    Raises:
        argparse.ArgumentTypeError: it is no length of time.
    """
    try:
        return parse_span(text)
    except InvalidInput as error:
        raise argparse.ArgumentTypeError(f"{error.message} {error.remedy}") from error


def add_expires(parser: argparse.ArgumentParser) -> None:
    """Let ``--expires 30d`` end a token by itself."""
    parser.add_argument(
        "--expires", type=seconds, metavar="30d", help="refused after this time; never by default"
    )
