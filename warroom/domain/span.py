"""How a person types a length of time, the same on the command line and on the screen."""

from __future__ import annotations

import re
from typing import Final

from warroom.errors import InvalidInput

_PARTS: Final = re.compile(
    r"(?:(\d{1,4})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?", re.ASCII
)
_UNITS: Final = (604_800, 86_400, 3600, 60, 1)


def parse_span(text: str) -> int:
    """Return the seconds of ``45s``, ``30m``, ``1h30m``, ``2d`` or ``2w``.

    A bare number is refused: people mean minutes by it on one day and seconds on another.

    Raises:
        InvalidInput: it is none of these.
    """
    words = "".join(text.lower().split())
    found = _PARTS.fullmatch(words)
    if not words or found is None:
        raise InvalidInput(
            f"{text[:40]!r} is no length of time: numbers with w, d, h, m or s are.",
            field="span",
            remedy="For example: 45m, 2h, 1h30m",
        )
    return sum(int(n) * unit for n, unit in zip(found.groups(), _UNITS, strict=True) if n)
