"""Declaration: whether an alert becomes an incident, stays on the record, or asks a person.

A rule may want that the alert has held for a time (``for_s``; gaps up to ``forgive_s`` do not
begin it anew), that so many episodes of its type began within a time (``count``, ``within_s``),
or that these are so many times what its source usually brings (``factor``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from warroom.domain.validate import check_text, say_duration
from warroom.errors import InvalidInput

FOR_MAX_S: Final = 86_400
WITHIN_MAX_S: Final = 86_400
BASELINE: Final = timedelta(days=7)
NUMBERS: Final = {"for_s": FOR_MAX_S, "forgive_s": FOR_MAX_S, "count": 100_000,
                  "within_s": WITHIN_MAX_S}  # fmt: skip


class Outcome(StrEnum):
    """What becomes of an alert."""

    DECLARE = "declare"
    RECORD = "record"
    TRIAGE = "triage"
    WAIT = "wait"


class Classification(StrEnum):
    """Who may know of it: everybody of the unit, or who is cleared for security."""

    NORMAL = "normal"
    SECURITY = "security"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a declare rule says; ``policy`` is the escalation policy of what it opens.

    Without a policy of its own, what is classified security wakes nobody: the ordinary rota
    is not to know.
    """

    outcome: Outcome = Outcome.DECLARE
    held_for: timedelta = timedelta()
    forgive: timedelta = timedelta()
    count: int = 0
    within: timedelta = timedelta(minutes=10)
    factor: float = 0.0
    classification: Classification = Classification.NORMAL
    policy: str = ""

    @property
    def counts(self) -> bool:
        """Say whether it must be known how often such alerts come."""
        return self.count > 1 or self.factor > 0

    def as_json(self) -> dict[str, Any]:
        """Return it as people write it."""
        found: dict[str, Any] = {"outcome": self.outcome.value}
        for name, span in (("for_s", self.held_for), ("forgive_s", self.forgive)):
            if span:
                found[name] = int(span.total_seconds())
        if self.counts:
            found |= {"count": self.count, "within_s": int(self.within.total_seconds())}
        if self.factor:
            found["factor"] = self.factor
        if self.classification is not Classification.NORMAL:
            found["classification"] = self.classification.value
        if self.policy:
            found["policy"] = self.policy
        return found


@dataclass(frozen=True, slots=True)
class Rate:
    """How many episodes of an alert's type began within the window, and in the days before it."""

    recent: int = 0
    before: int = 0

    def usual(self, within: timedelta) -> float:
        """Return how many come in a window as a rule."""
        return self.before * (within / BASELINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule decides now; ``due`` is when it must be asked again, if it waits."""

    outcome: Outcome
    sentence: str
    due: datetime | None = None


def check_declaration(spec: Mapping[str, object]) -> Declaration:
    """Return what a spec says.

    Args:
        spec: ``{outcome, for_s, forgive_s, count, within_s, factor, classification, policy}``,
            all optional; outcome is declare, record or triage.

    Raises:
        InvalidInput: names the field.
    """
    strange = sorted(set(spec) - {*NUMBERS, "outcome", "factor", "classification", "policy"})
    if strange:
        raise InvalidInput(f"spec of a declare rule has no {strange[0][:60]!r}.", field="spec")
    outcome = spec.get("outcome", Outcome.DECLARE.value)
    if outcome not in ("declare", "record", "triage"):
        raise InvalidInput("spec.outcome must be declare, record or triage.", field="spec.outcome")
    sort = spec.get("classification", Classification.NORMAL.value)
    if sort not in tuple(Classification):
        raise InvalidInput(
            "spec.classification must be normal or security.", field="spec.classification"
        )
    policy = spec.get("policy", "")
    numbers = {name: _number(spec, name, most) for name, most in NUMBERS.items()}
    return Declaration(
        Outcome(str(outcome)),
        timedelta(seconds=numbers["for_s"]),
        timedelta(seconds=numbers["forgive_s"]),
        numbers["count"],
        timedelta(seconds=numbers["within_s"] or 600),
        _factor(spec.get("factor", 0)),
        Classification(str(sort)),
        check_text(policy, "spec.policy", longest=63) if policy else "",
    )


def held_until(
    rule: Declaration, now: datetime, waited_for: datetime | None, ended: datetime | None
) -> datetime:
    """Return when an alert that begins now will have held for as long as the rule wants.

    Args:
        rule: the rule.
        now: our clock.
        waited_for: when the episode before this one would have been decided, None without one.
        ended: when that one ended.
    """
    if waited_for is not None and ended is not None and now - ended <= rule.forgive:
        return waited_for
    return now + rule.held_for


def decide(rule: Declaration, key: str, now: datetime, due: datetime, rate: Rate) -> Verdict:
    """Decide what becomes of an alert that fires.

    Args:
        rule: the rule that fits.
        key: its name, for the sentence.
        now: our clock.
        due: when it will have held for long enough.
        rate: how often such alerts come; this one is counted.
    """
    if rule.counts:
        wanted = max(rule.count, 1)
        span = say_duration(rule.within)
        if rate.recent < wanted:
            return Verdict(
                Outcome.RECORD,
                f"recorded only: {rate.recent} of {wanted} within {span} (rule {key})",
            )
        usual = rate.usual(rule.within)
        if rule.factor and rate.recent < rule.factor * usual:
            return Verdict(
                Outcome.RECORD,
                f"recorded only: {rate.recent} within {span}, its source usually brings"
                f" {usual:.1f}, less than {rule.factor:g} times that (rule {key})",
            )
    if rule.held_for and now < due:
        left = say_duration(due - now)
        return Verdict(
            Outcome.WAIT, f"waits {left} more: it must hold for"
            f" {say_duration(rule.held_for)} (rule {key})", due,
        )  # fmt: skip
    if rule.outcome is Outcome.RECORD:
        return Verdict(Outcome.RECORD, f"recorded only: rule {key} says so")
    if rule.outcome is Outcome.TRIAGE:
        return Verdict(Outcome.TRIAGE, f"waits for a person in triage: rule {key} asks")
    return Verdict(Outcome.DECLARE, f"rule {key}")


def _number(spec: Mapping[str, object], name: str, most: int) -> int:
    value = spec.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise InvalidInput(
            f"spec.{name} must be a whole number from 0 to {most}.", field=f"spec.{name}"
        )
    return value


def _factor(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("spec.factor must be a number.", field="spec.factor")
    if not math.isfinite(value) or not 0 <= value <= 1000:
        raise InvalidInput("spec.factor must be from 0 to 1000.", field="spec.factor")
    return float(value)
