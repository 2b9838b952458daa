"""Words and glyphs of the screen: severity, ages and clocks. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from warroom.domain.picture import IncidentRow, NextTimer
from widgets.cells import Role


@dataclass(frozen=True, slots=True)
class SeverityLook:
    """How a severity is shown: glyph, word, colour, in that order of trust."""

    glyph: str
    word: str
    role: Role


_SEVERITIES: Final = {
    1: SeverityLook("▲", "SEV1", Role.NOW),
    2: SeverityLook("◆", "SEV2", Role.NOW),
    3: SeverityLook("●", "SEV3", Role.SOON),
    4: SeverityLook("◇", "SEV4", Role.PLAIN),
    5: SeverityLook("·", "SEV5", Role.QUIET),
}
_DRILL: Final = SeverityLook("○", "drill", Role.QUIET)
_TIMER_VERBS: Final = {
    "escalate": "escalates",
    "ack-timeout": "ack times out",
    "update-due": "update due",
    "mitigation-expiry": "mitigation ends",
    "vendor-sla": "vendor SLA",
    "regulatory": "regulatory",
    "soak": "soak ends",
    "snooze": "wakes",
}


def severity_look(severity: int, *, drill: bool = False) -> SeverityLook:
    """Return glyph, word and colour of a severity; a drill never looks like the real thing."""
    return _DRILL if drill else _SEVERITIES.get(severity, _SEVERITIES[5])


def timer_verb(kind: str) -> str:
    """Return what a timer will do, in a word or two."""
    return _TIMER_VERBS.get(kind, kind.replace("-", " "))


def target_words(target: str) -> str:
    """Return to whom a timer goes: ``person ana`` and ``team db`` by their names alone."""
    kind, _, name = target.partition(" ")
    return (name if kind in {"person", "team"} and name else target) or "nobody"


def age_words(seconds: float) -> str:
    """Return an age of at most four columns: ``45s``, ``4m``, ``1h``, ``3d``."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    return f"{whole // 3600}h" if whole < 86_400 else f"{min(whole // 86_400, 999)}d"


def clock_words(seconds: float) -> str:
    """Return a span as ``mm:ss``, from an hour on as ``h:mm:ss``, from 100 hours on in days."""
    whole = max(int(seconds), 0)
    if whole < 3600:
        return f"{whole // 60:02d}:{whole % 60:02d}"
    if whole < 360_000:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{min(whole // 86_400, 9999)} d"


def timer_words(timer: NextTimer | None, now: datetime) -> tuple[str, Role]:
    """Return the countdown of a timer and its colour; empty without one."""
    if timer is None:
        return "", Role.QUIET
    # Rounded up, so that a clock shows 00:01 until it has run out.
    left = (timer.due_at - now).total_seconds()
    if left <= 0:
        return f"OVERDUE {clock_words(-left)}", Role.NOW_LOUD
    return clock_words(left + 0.999), Role.SOON if left < 300 else Role.PLAIN


def people_words(row: IncidentRow) -> tuple[str, Role]:
    """Return owner and commander in one phrase, and who is asked to take a role.

    Nobody is said, in amber, and so is a question that waits for its answer.
    """
    words, role = _holders(row)
    if not row.offers:
        return words, role
    asked = row.offers[0].to
    return f"{words} →{asked}?", Role.SOON


def _holders(row: IncidentRow) -> tuple[str, Role]:
    if row.owner is None and row.commander is None:
        return "— nobody", Role.SOON
    if row.commander is None:
        return row.owner or "", Role.PLAIN
    if row.owner is None:
        return f"◆{row.commander}", Role.PLAIN
    same = row.owner == row.commander
    return f"◆{row.owner}" if same else f"{row.owner} ◆{row.commander}", Role.PLAIN


def silences_words(count: int) -> str:
    """Return how many silences there are: ``1 silence``, ``3 silences``."""
    return f"{count} silence{'' if count == 1 else 's'}"


def held_words(count: int) -> str:
    """Return how many alerts silences hold back: ``1 alert held back``."""
    return f"{count:,} alert{'' if count == 1 else 's'} held back"


def time_words(moment: datetime) -> str:
    """Return the time of day in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%H:%M:%S")
