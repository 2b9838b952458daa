"""Silences: which alerts open no incident for a while, and which silences are refused.

A silence hides new incidents and nothing else: the alert, its end and its record stay.  Its
matchers are Alertmanager's: every one must hold, a label that is not there is the empty text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from warroom.domain.validate import check_text, say_duration, say_time, shorten, unstorable
from warroom.errors import InvalidInput, Refused

MAX_MATCHERS: Final = 50
MAX_NAME: Final = 256
MAX_VALUE: Final = 2000
MAX_COMMENT: Final = 2000
MAX_AUTHOR: Final = 200

REASON: Final = 30
"""How many letters the reason of a broad silence has at least."""
LONG: Final = timedelta(days=7)
"""A silence beyond it needs such a reason."""
SHARE: Final = 0.5
MANY: Final = 20
"""One that holds back more than this share of what fires, and at least this many, as well."""

_PLAIN_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


class SilenceCommand(StrEnum):
    """What can be asked of silences; the name stands in the audit and in idempotency."""

    PUT = "silence.put"
    EXPIRE = "silence.expire"


class SilenceState(StrEnum):
    """How far a silence is, in Alertmanager's words."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """One condition on a label: ``=``, ``!=``, ``=~`` or ``!~``.

    ``regex`` values are in RE2's syntax and match the whole value.
    """

    name: str
    value: str
    regex: bool = False
    equal: bool = True

    @property
    def operator(self) -> str:
        """Return the sign between name and value."""
        return ("=~" if self.equal else "!~") if self.regex else ("=" if self.equal else "!=")

    def __str__(self) -> str:
        """Return it as amtool writes it: ``service=~"pay.*"``."""
        name = self.name if _PLAIN_NAME.fullmatch(self.name) else _quoted(self.name)
        return f"{name}{self.operator}{_quoted(self.value)}"

    def as_json(self) -> dict[str, Any]:
        """Return it as Alertmanager's API and our table hold it."""
        return {
            "name": self.name,
            "value": self.value,
            "isRegex": self.regex,
            "isEqual": self.equal,
        }


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def from_json(rows: Iterable[Any]) -> tuple[Matcher, ...]:
    """Return the matchers that are stored as ``as_json`` gives them."""
    return tuple(Matcher(r["name"], r["value"], r["isRegex"], r["isEqual"]) for r in rows)


ALERT_NAME: Final = "alertname"
SERVICE: Final = "service"
COMPLETED: Final = (ALERT_NAME, SERVICE)
"""Labels that every alert has, for matchers and for Alertmanager's clients."""


def completed(labels: Mapping[str, str], name: str, service: str) -> Mapping[str, str]:
    """Return labels with the alert's name and its service's key where these labels are missing.

    Most dialects have no such labels; what an alert says itself stays.
    """
    if labels.get(ALERT_NAME) and labels.get(SERVICE):
        return labels
    said = {key: value for key, value in labels.items() if value}
    return {**labels, ALERT_NAME: name, SERVICE: service} | said


def say_matchers(matchers: Iterable[Matcher]) -> str:
    """Return matchers in one line: ``{service="pay", env!="test"}``."""
    return "{" + ", ".join(map(str, matchers)) + "}"


def check_matchers(matchers: Sequence[Matcher]) -> tuple[Matcher, ...]:
    """Return the matchers in one order, each once.

    Whether a regular expression can be read is asked where it is compiled.

    Raises:
        InvalidInput: none, too many, or one that no label can ever be.
    """
    if not matchers:
        raise InvalidInput(
            "A silence needs at least one matcher; nothing was changed.",
            field="matchers",
            remedy='For example: service="payments"',
        )
    if len(matchers) > MAX_MATCHERS:
        raise InvalidInput(
            f"matchers has {len(matchers)} of them; the most is {MAX_MATCHERS}.", field="matchers"
        )
    for place, matcher in enumerate(matchers):
        field = f"matchers[{place}]"
        if not matcher.name or len(matcher.name) > MAX_NAME:
            raise InvalidInput(f"{field}.name must have 1 to {MAX_NAME} characters.", field=field)
        if len(matcher.value) > MAX_VALUE:
            raise InvalidInput(
                f"{field}.value has {len(matcher.value):,} characters; the most is {MAX_VALUE:,}.",
                field=field,
            )
        if bad := unstorable(matcher.name + matcher.value):
            raise InvalidInput(f"{field} contains {bad}.", field=field, remedy="Remove it.")
    return tuple(sorted(set(matchers)))


def check_comment(value: object) -> str:
    """Return why: a text of 1 to 2,000 characters.

    Raises:
        InvalidInput: it is not.
    """
    return check_text(value, "comment", longest=MAX_COMMENT, shortest=1)


def check_span(
    starts_at: datetime | None, ends_at: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """Return from when to when; a beginning in the past, or none, is now.

    Raises:
        InvalidInput: no end, an end that is over, or one that is not behind the beginning.
    """
    if ends_at is None:
        raise InvalidInput(
            "A silence needs an end; nothing was changed.", field="endsAt",
            remedy="Say until when, or for how long.",
        )  # fmt: skip
    begins = now if starts_at is None or starts_at < now else starts_at
    if ends_at <= now:
        raise InvalidInput(
            f"The end {say_time(ends_at, now)} is over; nothing was changed.", field="endsAt"
        )
    if ends_at <= begins:
        raise InvalidInput("The end must be behind the beginning.", field="endsAt")
    return begins.astimezone(UTC), ends_at.astimezone(UTC)


def state_of(
    starts_at: datetime, ends_at: datetime, expired_at: datetime | None, now: datetime
) -> SilenceState:
    """Return how far a silence is."""
    if expired_at is not None or ends_at <= now:
        return SilenceState.EXPIRED
    return SilenceState.PENDING if starts_at > now else SilenceState.ACTIVE


@dataclass(frozen=True, slots=True)
class Breadth:
    """How much a silence would hold back.

    ``everything``: every matcher holds for a label that is not there.  ``anything``: every one
    holds for most values of its label, so that what fires now says little of what it would hold
    back.  ``hits`` of the ``firing`` alerts that were looked at match.
    """

    everything: bool
    span: timedelta
    hits: int
    firing: int
    anything: bool = False


def check_breadth(breadth: Breadth, comment: str) -> None:
    """Refuse what holds back too much for the reason that is given.

    Raises:
        Refused: by a named rule; ``silence-everything`` is refused whatever the reason.
    """
    if breadth.everything:
        raise Refused(
            "At least one matcher must not match the empty string: this would silence every alert"
            " that lacks these labels. Nothing was changed. Name a label that must be there.",
            rule="silence-everything",
        )
    long = breadth.span > LONG
    share = breadth.hits / breadth.firing if breadth.firing else 0.0
    broad = share > SHARE and breadth.hits >= MANY
    if not (long or broad or breadth.anything) or len(" ".join(comment.split())) >= REASON:
        return
    if broad:
        raise Refused(
            f"It would hold back {breadth.hits:,} of {breadth.firing:,} firing alerts. Nothing was"
            f" changed. Match less, or give a reason of at least {REASON} characters.",
            rule="silence-broad",
        )
    if breadth.anything:
        raise Refused(
            "Its matchers hold for nearly every alert, whatever fires now. Nothing was changed."
            f" Match less, or give a reason of at least {REASON} characters.",
            rule="silence-broad",
        )
    raise Refused(
        f"It would last {say_duration(breadth.span)}. Nothing was changed. Make it"
        f" {LONG.days} days or less, or give a reason of at least {REASON} characters.",
        rule="silence-long",
    )


def digest_of(matchers: Sequence[Matcher], ends_at: datetime, comment: str, *more: str) -> str:
    """Return what tells the same silence asked for again from another one."""
    said = [[m.as_json() for m in matchers], ends_at.astimezone(UTC).isoformat(), comment, *more]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def why(who: str, ends_at: datetime, comment: str, now: datetime) -> str:
    """Return the sentence on a suppressed alert: ``silenced by ana until 11:40 UTC: patching``."""
    until = say_time(ends_at, now).removeprefix("at ")
    return f"silenced by {who} until {until}: {shorten(' '.join(comment.split()), 200)}"
