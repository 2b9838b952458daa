"""Spans of time as people type and read them: ``45m``, ``1h30m``."""

from __future__ import annotations

import re

_PARTS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS = (86_400, 3600, 60, 1)


def parse_span(text: str) -> float | None:
    """Return the seconds of ``2h``, ``1h30m``, ``90s``; a bare number is minutes, else None."""
    words = text.strip().lower().replace(" ", "")
    if words.isascii() and words.isdigit() and len(words) < 7:
        return int(words) * 60.0
    found = _PARTS.fullmatch(words)
    if not words or found is None or len(words) > 20:
        return None
    return float(sum(int(n) * unit for n, unit in zip(found.groups(), _UNITS, strict=True) if n))


def span_words(seconds: float) -> str:
    """Return a span in the two largest units that are not zero."""
    rest = round(seconds)
    parts = []
    for letter, unit in zip("dhms", _UNITS, strict=True):
        many, rest = divmod(rest, unit)
        if many:
            parts.append(f"{many}{letter}")
    return " ".join(parts[:2]) or "0s"
