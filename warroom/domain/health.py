"""How the database's figures stand against their thresholds, in plain sentences.

A reading that has crossed a threshold comes back only below four fifths of it, so that one that
swings about its threshold does not raise an alert a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from warroom.domain.panes import Verdict

BACK_AT: Final = 0.8
STALE_AFTER: Final = timedelta(seconds=5)
GONE_FOR: Final = timedelta(hours=24)
"""How long a standby that vanished stays listed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From which figure on a reading is bad, which is an alert; a part of it warns.

    ``slow_ms`` warns and ``slow_alert_ms`` is bad; ``wal_bytes`` is the mean a second of the last
    minute, ``growth_bytes`` what was added within the last hour, ``intake_s`` how long an alert
    that was taken waits to be stored.
    """

    lag_s: float = 2.0
    retained_bytes: float = 512 * 1024 * 1024
    connections_percent: float = 90.0
    transaction_s: float = 60.0
    slow_ms: int = 500
    slow_alert_ms: int = 5000
    wal_bytes: float = 50 * 1024 * 1024
    dead_rows: int = 100_000
    vacuum_s: float = 3600.0
    size_bytes: float = 100 * 1024**3
    growth_bytes: float = 10 * 1024**3
    intake_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a reading stands. ``since`` when it is; ``alerted`` whether an alert fires for it."""

    verdict: Verdict = Verdict.OK
    since: datetime | None = None
    target: float | None = None
    alerted: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored in a sample's detail."""
        return {
            "verdict": self.verdict.value,
            "since": self.since.isoformat() if self.since else None,
            "target": self.target,
            "alerted": self.alerted,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any] | None) -> Standing:
        """Read what ``as_json`` wrote; anything else is an unknown standing."""
        try:
            since = (found or {}).get("since")
            return cls(
                Verdict((found or {})["verdict"]),
                datetime.fromisoformat(since) if since else None,
                (found or {}).get("target"),
                bool((found or {}).get("alerted")),
            )
        except (KeyError, TypeError, ValueError):
            return cls(Verdict.UNKNOWN)


def judge(
    value: float | None, bad: float, before: Standing | None, now: datetime, *, warn: float = 0.5
) -> Standing:
    """Return how a value stands now.

    Args:
        value: what was measured, None when it could not be.
        bad: the threshold; from ``warn`` times it on it is warned about.
        before: how it stood at the last sample.
        now: the database's clock.
        warn: a fraction of ``bad``.
    """
    was = before.verdict if before is not None else Verdict.OK
    if value is None:
        verdict = Verdict.UNKNOWN
    elif value > bad or (was is Verdict.BAD and value > bad * BACK_AT):
        verdict = Verdict.BAD
    elif value > bad * warn or (was is Verdict.WARN and value > bad * warn * BACK_AT):
        verdict = Verdict.WARN
    else:
        verdict = Verdict.OK
    return _carry(verdict, bad, before, now)


def stand(verdict: Verdict, before: Standing | None, now: datetime) -> Standing:
    """Return the standing of something that has no figure, e.g. a standby that is gone."""
    return _carry(verdict, None, before, now)


def _carry(
    verdict: Verdict, target: float | None, before: Standing | None, now: datetime
) -> Standing:
    same = before is not None and before.verdict is verdict and before.since is not None
    since = before.since if same and before is not None else now
    return Standing(verdict, since, target, before.alerted if before is not None else False)


def replay_age(
    marks: list[tuple[int, datetime]], replayed: int | None, now: datetime, told: float | None
) -> float | None:
    """Return how many seconds a standby is behind: the age of the oldest write it has not replayed.

    Args:
        marks: (position in bytes, when the primary was there), oldest first: one a second, from
            the samples, which are writes themselves.
        replayed: the standby's position, None when it tells none.
        now: the primary's clock.
        told: what the server measured itself (``replay_lag``), used while nothing is missing;
            it stands still while a standby is frozen, so it is not believed then.
    """
    if replayed is None:
        return None
    for position, when in marks:
        if position > replayed:
            return max((now - when).total_seconds(), 0.0)
    return max(told or 0.0, 0.0)


def node_sentence(
    name: str, role: str, state: str, lag_s: float | None, standing: Standing,
    detail: Mapping[str, Any],
) -> str:  # fmt: skip
    """Say how a server is, in one sentence without a full stop."""
    if role == "primary":
        return f"{name} takes writes"
    if role == "gone" and state == "promoted":
        which = detail.get("promoted_timeline")
        return (
            f"standby {name} was promoted{f' (timeline {which})' if which else ''}: two servers "
            f"take writes, and it follows no more; told since {_clock(standing.since)}. Keep one "
            "and make the other anew: `warroom doctor` says how"
        )
    if role == "gone":
        return f"standby {name} is gone since {_clock(standing.since)}"
    if lag_s is None:
        return f"standby {name} is connected ({state}), its position is not known yet"
    if standing.verdict in (Verdict.OK, Verdict.UNKNOWN):
        return f"standby {name} follows, {lag_s:.1f} s behind"
    target = f"the {standing.target:g} s target" if standing.target is not None else "its target"
    behind = f"standby {name} is {seconds_beside(lag_s, standing.target)} behind"
    said = over_sentence(behind, standing, target, lag_s)
    silent = detail.get("silent_s")
    if silent is not None and silent > 3.0:
        return f"{said}; it has not answered for {silent:.0f} s"
    if detail.get("stuck"):
        return f"{said}; it receives and does not replay (paused, or held up by a query on it)"
    return said


def over_sentence(
    what: str, standing: Standing, target: str, value: float | None = None, *, near: str = ""
) -> str:
    """Say how a reading stands against its target: ``12 of 40 used: over 90 % since 10:41``.

    Args:
        what: the reading in words.
        standing: how it stands.
        target: its target in words.
        value: what was measured: one that is bad still, but back under its target, is said so.
        near: said instead of "near" and the target while it is warned about.
    """
    since = f"since {_clock(standing.since)}"
    if standing.verdict is Verdict.BAD:
        if value is not None and standing.target is not None and value <= standing.target:
            return f"{what}: under {target} again, well below it not yet; it was over {since}"
        return f"{what}: over {target} {since}"
    if standing.verdict is Verdict.WARN:
        return f"{what}: {near or f'near {target}'} {since}"
    return f"{what}: within {target}" if standing.verdict is Verdict.OK else what


def seconds_beside(seconds: float, target: float | None) -> str:
    """Return seconds with as many digits as tell them from their target: ``2.04 s`` beside 2."""
    for digits in (1, 2):
        said = f"{seconds:.{digits}f}"
        if target is None or (float(said) > target) == (seconds > target):
            return f"{said} s"
    return f"{seconds:.3f} s"


def size(value: float) -> str:
    """Return bytes as people read them: ``3.1 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def span(seconds: float) -> str:
    """Return a duration as people read it: ``4.2 s``, ``12 min``, ``3.0 h``, ``2.1 d``."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 129600 else f"{seconds / 86400:.1f} d"


def _clock(moment: datetime | None) -> str:
    return f"{moment:%H:%M} UTC" if moment is not None else "an unknown time"
