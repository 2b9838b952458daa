"""How a person types a length of time: ``30d``, ``12h``, ``90m``."""

from __future__ import annotations

import argparse
import re
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds(text: str) -> int:
    """Return the seconds of ``30d``, ``12h``, ``90m``, ``45s`` or ``2w``.

    Raises:
        argparse.ArgumentTypeError: it is none of these.
    """
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time like 30d, 12h or 90m")
    return int(found[1]) * _UNITS[found[2]]


def add_expires(parser: argparse.ArgumentParser) -> None:
    """Let ``--expires 30d`` end a token by itself."""
    parser.add_argument(
        "--expires", type=seconds, metavar="30d", help="refused after this time; never by default"
    )
