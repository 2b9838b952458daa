"""What a source may ask for: how fast it may be, in which lane, when it is said to be quiet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from warroom.domain.validate import check_text
from warroom.errors import InvalidInput

BURST_SECONDS: Final = 10
"""How many seconds' worth of alerts a source may send at once, where no burst is given."""
RATE_MAX: Final = 1_000_000
BURST_MAX: Final = 10_000_000
QUIET_MIN_S: Final = 120
"""A source is heard at most once a minute, so less could not be told from a minute's silence."""
YEAR_S: Final = 366 * 86_400


class Lane(StrEnum):
    """Which queue a source's alerts wait in; a critical one never waits behind an ordinary one."""

    ORDINARY = "ordinary"
    CRITICAL = "critical"


def check_wishes(wishes: Mapping[str, object]) -> dict[str, Any]:
    """Return the settings of a source that are named in ``wishes``, checked.

    Args:
        wishes: any of rate_per_s and burst (alerts a second, alerts), lane, quiet_after_s
            (seconds), environment; None takes a limit away.

    Raises:
        InvalidInput: one of them cannot be used.
    """
    found: dict[str, Any] = {}
    for name, least, most in (
        ("rate_per_s", 1, RATE_MAX),
        ("burst", 1, BURST_MAX),
        ("quiet_after_s", QUIET_MIN_S, YEAR_S),
    ):
        if name in wishes:
            found[name] = _number(wishes[name], name, least, most)
    if "lane" in wishes:
        word = wishes["lane"]
        if word not in tuple(Lane):
            raise InvalidInput(
                "lane is not known.", field="lane", remedy="Choose ordinary or critical."
            )
        found["lane"] = str(word)
    if "environment" in wishes:
        text = wishes["environment"]
        found["environment"] = (
            None if text is None else check_text(text, "environment", longest=100, shortest=1)
        )
    return found


def _number(value: object, name: str, least: int, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput(
            f"{name} must be a whole number from {least:,} to {most:,}, or nothing.", field=name
        )
    return value


def quiet_since(
    last_seen_at: datetime | None,
    begun_at: datetime,
    quiet_after_s: int | None,
    now: datetime,
) -> datetime | None:
    """Return since when a source is quiet, None while it is not (or nobody asked to be told).

    Args:
        last_seen_at: when it last spoke, None for never.
        begun_at: when it was made, or went on after a pause: before that nobody waited for it.
        quiet_after_s: how long it may be silent, in seconds.
        now: the database's time.
    """
    if quiet_after_s is None:
        return None
    heard = max(last_seen_at or begun_at, begun_at)
    return heard if now - heard > timedelta(seconds=quiet_after_s) else None
