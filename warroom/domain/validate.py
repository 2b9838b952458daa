"""What a text, a number or a moment from outside must be before a rule looks at it.

Hostile characters are kept as they are (``SafeText`` shows them harmlessly); refused are only the
two that PostgreSQL cannot store: NUL and lone surrogates.  Lengths count characters (code points).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from warroom.errors import InvalidInput

CLOCK_TOLERANCE = timedelta(minutes=5)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def unstorable(text: str) -> str | None:
    """Name the first character of ``text`` that cannot be stored, or return None."""
    if text.isascii():
        return "a NUL character" if "\x00" in text else None
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "half a surrogate pair"
    return "a NUL character" if "\x00" in text else None


def check_text(value: object, field: str, *, longest: int, shortest: int = 0) -> str:
    """Return ``value`` stripped of white space at both ends, if it is a usable text.

    Args:
        value: what came in.
        field: its name, for the error.
        longest: most characters allowed.
        shortest: fewest characters allowed, after stripping.

    Raises:
        InvalidInput: not a text, too short, too long, or not storable.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be a text.", field=field)
    text = value.strip()
    if bad := unstorable(text):
        raise InvalidInput(f"{field} contains {bad}.", field=field, remedy="Remove it.")
    if len(text) < shortest:
        raise InvalidInput(f"{field} is empty.", field=field, remedy=f"Type a {field}.")
    if len(text) > longest:
        raise InvalidInput(
            f"{field} has {len(text):,} characters; the most is {longest:,}.",
            field=field,
            remedy="Shorten it.",
        )
    return text


def check_severity(value: object, field: str = "severity") -> int:
    """Return ``value`` if it is a severity, 1 (worst) to 5.

    Raises:
        InvalidInput: anything else, booleans included.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
        raise InvalidInput(
            f"{field} must be a whole number from 1 (worst) to 5.",
            field=field,
            remedy="Choose 1 to 5.",
        )
    return value


def check_confidence(value: object, field: str = "confidence") -> float | None:
    """Return ``value`` as a float from 0 to 1, or None if none is given.

    Raises:
        InvalidInput: not a number, not finite, or out of range.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"{field} must be a number from 0 to 1.", field=field)
    if not math.isfinite(value) or not 0 <= value <= 1:
        raise InvalidInput(f"{field} must be from 0 to 1.", field=field, remedy="Half sure is 0.5.")
    return float(value)


def check_moment(value: datetime | None, field: str, now: datetime) -> datetime:
    """Return ``value`` in UTC; ``now`` if it is None.

    Raises:
        InvalidInput: without a zone, before 1970, or over five minutes ahead of ``now``.
    """
    if value is None:
        return now
    if value.utcoffset() is None:
        raise InvalidInput(
            f"{field} has no time zone.", field=field, remedy="Write it like 2031-05-04T10:41:00Z."
        )
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{field} is out of range.", field=field) from None
    if moment < EARLIEST:
        raise InvalidInput(f"{field} is before 1970.", field=field)
    if moment > now + CLOCK_TOLERANCE:
        raise InvalidInput(
            f"{field} is more than 5 minutes in the future.",
            field=field,
            remedy="Give the time at which it happened.",
        )
    return moment


def say_time(moment: datetime, now: datetime) -> str:
    """Say when something was, as in a sentence: ``at 10:41 UTC``, with the day if not today's."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    if moment.date() == now.date():
        return f"at {moment:%H:%M} UTC"
    return f"on {moment.year:04d}-{moment:%m-%d} at {moment:%H:%M} UTC"


def say_since(moment: datetime, now: datetime) -> str:
    """Say since when: ``since 10:41 UTC``, ``since 2026-03-01 at 10:41 UTC``."""
    return f"since {say_time(moment, now).removeprefix('at ').removeprefix('on ')}"


def say_duration(span: timedelta) -> str:
    """Say a length of time in its two largest units: ``45 s``, ``12 min``, ``1 h 5 min``."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def shorten(text: str, longest: int) -> str:
    """Return ``text``, cut to ``longest`` characters with an ellipsis if it is longer."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
