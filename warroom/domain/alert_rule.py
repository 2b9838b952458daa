"""Rules on alerts as people write them: what a rule is about, and reading one from JSON.

A rule matches by fields; each field has patterns (``*`` and ``?``), one of which must fit; every
field that is named must fit.  ``label:NAME`` is the alert's label NAME.  A field that the alert
does not have fits no pattern, not even ``*``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

from warroom.domain.declaration import Declaration, check_declaration
from warroom.domain.validate import check_text
from warroom.errors import InvalidInput

FIELDS: Final = (
    "service", "source", "name", "environment", "region", "zone", "host", "provider", "team",
    "kind", "tier", "severity", "priority",
)  # fmt: skip
LABEL: Final = "label:"
PLACES: Final = ("region", "zone", "host", "provider")
"""What the catalogue says of the service, and where it says nothing the label of that name."""
ENVIRONMENT_LABELS: Final = ("environment", "env", "deployment_environment", "stage")
WINDOW_MAX_S: Final = 7 * 86_400
PATTERNS_MAX: Final = 100
STARS_MAX: Final = 8


class RuleKind(StrEnum):
    """What a rule says: what belongs together, or what becomes of an alert."""

    GROUP = "group"
    DECLARE = "declare"


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules see of an alert: facts by the names of ``FIELDS``, and its labels."""

    facts: Mapping[str, str]
    labels: Mapping[str, str]

    def get(self, name: str) -> str:
        """Return a field's value, empty where the alert does not have it."""
        if name.startswith(LABEL):
            return self.labels.get(name.removeprefix(LABEL), "")
        return self.facts.get(name) or (self.labels.get(name, "") if name in PLACES else "")


def environment_of(labels: Mapping[str, str], source: str = "") -> str:
    """Return the environment that an alert says it is from, else that of its source."""
    for name in ENVIRONMENT_LABELS:
        if labels.get(name):
            return labels[name]
    return source


@dataclass(frozen=True, slots=True)
class Grouping:
    """What belongs together: the fields whose values must be the same, and for how long.

    ``window`` None is the configured one.
    """

    by: tuple[str, ...] = ("service",)
    window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``grouping`` or ``declaration`` is set, by its kind."""

    key: str
    kind: RuleKind
    position: int = 100
    matches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    grouping: Grouping = Grouping()
    declaration: Declaration | None = None
    note: str = ""

    def fits(self, subject: Subject) -> bool:
        """Say whether the rule is about this alert.

        One that groups by what the alert does not have is not.
        """
        if self.kind is RuleKind.GROUP and not all(subject.get(f) for f in self.grouping.by):
            return False
        for name, patterns in self.matches.items():
            value = subject.get(name)
            if not value or not any(fnmatchcase(value, pattern) for pattern in patterns):
                return False
        return True


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules in force, in order; the first of a kind that fits decides."""

    rules: tuple[Rule, ...] = ()

    def first(self, kind: RuleKind, subject: Subject) -> Rule | None:
        """Return the rule that decides, None for what holds without any."""
        if not self.rules:
            return None
        return next((r for r in self.rules if r.kind is kind and r.fits(subject)), None)

    def fields(self) -> frozenset[str]:
        """Return every field that some rule asks for."""
        return frozenset(n for r in self.rules for n in (*r.matches, *r.grouping.by))


def check_rule(
    key: str, kind: object, position: int, matches: object, spec: object, note: str = ""
) -> Rule:
    """Return the rule that JSON describes.

    Args:
        key: its name.
        kind: group or declare.
        position: lower comes first.
        matches: ``{field: [pattern, ...]}``; a single pattern may stand without a list.
        spec: of a grouping ``{by: [field, ...], window_s}``; of a declaration see
            :func:`warroom.domain.declaration.check_declaration`.
        note: what people say of it.

    Raises:
        InvalidInput: names the field.
    """
    if kind not in tuple(RuleKind):
        raise InvalidInput("kind must be group or declare.", field="kind")
    chosen = RuleKind(str(kind))
    read = _matches(matches)
    if not isinstance(spec, Mapping):
        raise InvalidInput("spec must be an object.", field="spec")
    if chosen is RuleKind.DECLARE:
        declaration = check_declaration(spec)
        return Rule(key, chosen, position, read, declaration=declaration, note=note)
    return Rule(key, chosen, position, read, _grouping(spec), note=note)


def spec_of(rule: Rule) -> dict[str, Any]:
    """Return what makes a rule, beside what it matches, as JSON has it."""
    if rule.declaration is not None:
        return rule.declaration.as_json()
    found: dict[str, Any] = {"by": list(rule.grouping.by)}
    if rule.grouping.window is not None:
        found["window_s"] = int(rule.grouping.window.total_seconds())
    return found


def group_key(rule: Rule | None, subject: Subject) -> str | None:
    """Return what an incident is found by that a rule groups for; None: by its service alone."""
    if rule is None or rule.grouping.by == ("service",):
        return None
    values = ", ".join(f"{name}={subject.get(name)[:80]}" for name in rule.grouping.by)
    return f"{rule.key}: {values}"[:500]


def _grouping(spec: Mapping[str, object]) -> Grouping:
    strange = sorted(set(spec) - {"by", "window_s"})
    if strange:
        raise InvalidInput(f"spec of a group rule has no {strange[0][:60]!r}.", field="spec")
    by = spec.get("by", ["service"])
    if not isinstance(by, Sequence) or isinstance(by, str) or not 1 <= len(by) <= 5:
        raise InvalidInput("spec.by must be a list of one to five fields.", field="spec.by")
    names = tuple(dict.fromkeys(_field(name, "spec.by") for name in by))
    window = spec.get("window_s")
    if window is None:
        return Grouping(names)
    if isinstance(window, bool) or not isinstance(window, int) or not 0 <= window <= WINDOW_MAX_S:
        raise InvalidInput(
            f"spec.window_s must be whole seconds, at most {WINDOW_MAX_S}.", field="spec.window_s"
        )
    return Grouping(names, timedelta(seconds=window))


def _matches(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise InvalidInput("matches must be an object of fields.", field="matches")
    return {_field(name, "matches"): _patterns(name, found) for name, found in value.items()}


def _field(name: object, where: str) -> str:
    text = check_text(name, where, longest=200, shortest=1)
    if text in FIELDS or (text.startswith(LABEL) and len(text) > len(LABEL)):
        return text
    raise InvalidInput(
        f"{where}: there is no field {text[:60]!r}.",
        field=where,
        remedy=f"One of {', '.join(FIELDS)}, or label:NAME.",
    )


def _patterns(name: object, value: object) -> tuple[str, ...]:
    where = f"matches.{name}"[:200]
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, Sequence) or not 1 <= len(listed) <= PATTERNS_MAX:
        raise InvalidInput(f"{where} must be one to {PATTERNS_MAX} patterns.", field=where)
    found = tuple(check_text(v, where, longest=200, shortest=1) for v in listed)
    if any(pattern.count("*") > STARS_MAX for pattern in found):
        raise InvalidInput(f"{where}: at most {STARS_MAX} '*' in a pattern.", field=where)
    return found
