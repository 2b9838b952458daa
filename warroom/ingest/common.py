"""What the dialects share: options, readers that name the path of a wrong field, and limits.

Two sorts of trouble, two answers.  What cannot be understood (a number where a text belongs, a
time that is none) is refused, naming the path.  What is merely too much (a label of a megabyte, a
thousand labels) is cut, and ``notes`` says so: the alert is worth more than its decoration, and
``raw`` keeps the whole.  Fingerprints are taken before anything is cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, TypeGuard

from warroom.domain.alert import AlertState, IncomingAlert
from warroom.domain.ids import fingerprint
from warroom.domain.severity import judge
from warroom.domain.validate import shorten
from warroom.errors import InvalidInput
from warroom.ingest.json_body import step

MAX_ALERTS = 50_000
MAX_LABELS = 128
MAX_LABEL_NAME = 256
MAX_LABEL_VALUE = 4_096
MAX_ANNOTATION = 10_000
MAX_SUMMARY = 1_000
MAX_NAME = 200
MAX_SERVICE = 200
MAX_URL = 4_096
MAX_FINGERPRINT = 64
GO_ZERO_TIME = "0001-01-01T00:00:00Z"

FALLBACK_SERVICE_LABELS = ("service", "app", "job")
SUMMARY_ANNOTATIONS = ("summary", "message", "title")

_FINGERPRINT = re.compile(f"[!-~]{{0,{MAX_FINGERPRINT}}}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How one source is read.

    ``service_labels``: the first that an alert has names its service.  ``severities``: the
    source's own table (``severity.check_table``).  ``resolve_timeout``: how long an alert without
    an end is believed where the sender repeats it (API v2).  ``webhook_expiry``: the same for the
    webhook, where an end is announced, so None; for receivers with ``send_resolved: false``.
    """

    service_labels: tuple[str, ...] = FALLBACK_SERVICE_LABELS
    severity_label: str = "severity"
    severities: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    resolve_timeout: timedelta = timedelta(minutes=5)
    webhook_expiry: timedelta | None = None

    @staticmethod
    def for_service_label(label: str) -> IngestOptions:
        """Return the defaults with ``label`` asked first, then service, app and job."""
        others = tuple(name for name in FALLBACK_SERVICE_LABELS if name != label)
        return IngestOptions(service_labels=(label, *others))


class Times(NamedTuple):
    """The lifetime that a dialect has worked out for an alert."""

    state: AlertState
    starts_at: datetime
    ends_at: datetime | None
    expires_at: datetime | None
    ends_any: bool = False


def wrong(path: str, must: str, remedy: str | None = None) -> InvalidInput:
    """Return the error for a field: ``alerts[3].labels.alertname must be a string``."""
    return InvalidInput(f"{path or 'body'} must be {must}.", field=path or "body", remedy=remedy)


# The readers take the end of a path as ``inside``: whole paths are put together for errors only.


def read_object(value: Any, path: str) -> dict[str, Any]:
    """Return ``value`` if it is a JSON object.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(value, dict):
        raise wrong(path, "an object")
    return value


def read_alerts(value: Any, path: str) -> list[Any]:
    """Return ``value`` if it is a list of at most 50,000 entries.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(value, list):
        raise wrong(path, "a list")
    if len(value) > MAX_ALERTS:
        raise wrong(path, f"at most {MAX_ALERTS:,} alerts", "Send it in several parts.")
    return value


def read_text(value: Any, path: str, inside: str = "") -> str:
    """Return ``value`` if it is a string, and the empty string for null or a missing field.

    Raises:
        InvalidInput: it is something else.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong(path + inside, "a string")
    return value


def read_time(value: Any, path: str, inside: str = "") -> datetime | None:
    """Return a moment in UTC; None for null, the empty string and Go's zero time (year 1).

    Digits of a second beyond the sixth are cut off.

    Raises:
        InvalidInput: not a time as RFC 3339 writes it.
    """
    if value is None or value == GO_ZERO_TIME:  # the two that nearly every ``endsAt`` is
        return None
    text = read_text(value, path, inside)
    if not text:
        return None
    if _TIME.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text.upper())
            return None if moment.year == 1 else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise wrong(path + inside, "a time like 2031-05-04T10:41:00Z")


def read_labels(value: Any, path: str, inside: str = "") -> dict[str, str]:
    """Return a map of strings without the empty values, which mean the label is not there.

    Raises:
        InvalidInput: not an object, an empty name, or a value that is not a string.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(path + inside, "an object")
    labels: dict[str, str] = {}
    for name, text in value.items():
        if not name:
            raise wrong(path + inside, "without empty names")
        if not isinstance(text, str):
            raise wrong(path + inside + step(name), "a string")
        if text:
            labels[name] = text
    return labels


def build_alert(
    raw: dict[str, Any],
    path: str,
    times: Times,
    given_fingerprint: str,
    options: IngestOptions,
    *,
    extra_note: str = "",
) -> IncomingAlert:
    """Build the alert from what the Alertmanager dialects share.

    Args:
        raw: the alert's JSON object.
        path: where it stands, for errors.
        times: its lifetime.
        given_fingerprint: the sender's own, or empty to take ours of the labels.
        options: how the source is read.
        extra_note: goes into the alert's notes, unless empty.

    Raises:
        InvalidInput: wrong types, or no label at all.
    """
    notes = [extra_note] if extra_note else []
    labels, kept_labels = _read_map(raw, "labels", path, MAX_LABEL_VALUE, notes)
    if not labels:
        raise wrong(f"{path}.labels", "an object with at least one label")
    annotations, kept_annotations = _read_map(raw, "annotations", path, MAX_ANNOTATION, notes)
    url = read_text(raw.get("generatorURL"), path, ".generatorURL")
    if given_fingerprint:
        mark = read_fingerprint(given_fingerprint, path, ".fingerprint")
    else:
        mark = fingerprint(labels)
    label, service = _service(labels, options)
    verdict = judge(
        labels.get(options.severity_label), options.severities, f"label {options.severity_label}"
    )
    name = _name(labels, annotations, mark)
    summary = name
    for key in SUMMARY_ANNOTATIONS:
        if key in annotations:
            summary = annotations[key]
            break
    return IncomingAlert(
        fingerprint=mark,
        name=shorten(name, MAX_NAME),
        summary=shorten(" ".join(summary.split()), MAX_SUMMARY),
        description=shorten(annotations.get("description", ""), MAX_ANNOTATION),
        service_key=service,
        service_label=label,
        severity=verdict.severity,
        severity_word=verdict.word,
        severity_reason=verdict.reason,
        state=times.state,
        labels=kept_labels,
        annotations=kept_annotations,
        starts_at=times.starts_at,
        ends_at=times.ends_at,
        expires_at=times.expires_at,
        generator_url=shorten(url, MAX_URL),
        raw=raw,
        notes=tuple(notes),
        ends_any=times.ends_any,
    )


def read_fingerprint(text: str, path: str, inside: str = "") -> str:
    """Return the sender's own fingerprint, or the empty string if it gave none.

    Raises:
        InvalidInput: over 64 characters, or other than visible ASCII.
    """
    if not _FINGERPRINT.fullmatch(text):
        raise wrong(path + inside, f"at most {MAX_FINGERPRINT} visible ASCII characters")
    return text


def _service(labels: Mapping[str, str], options: IngestOptions) -> tuple[str | None, str | None]:
    """Return (label, service key) of the first configured label that says something."""
    for label in options.service_labels:
        key = " ".join(labels.get(label, "").split())
        if key:
            # Two long names that differ only in their tails must stay two services.
            if len(key) > MAX_SERVICE:
                key = f"{key[: MAX_SERVICE - 17]}-{fingerprint({label: key})[:16]}"
            return label, key
    return None, None


def _name(labels: Mapping[str, str], annotations: Mapping[str, str], mark: str) -> str:
    """Return what to call an alert, though nobody may have named it."""
    for name in (labels.get("alertname", ""), annotations.get("summary", "")):
        if said := " ".join(name.split()):
            return said
    first = min(labels)
    return " ".join(f"{first}={labels[first]}".split()) or mark


def _read_map(
    raw: dict[str, Any], key: str, path: str, longest: int, notes: list[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return a map of an alert twice: whole, and as it is kept.

    Raises:
        InvalidInput: as ``read_labels``.
    """
    value = raw.get(key)
    if _is_in_order(value, longest):
        return value, value
    whole = read_labels(value, path, f".{key}")
    return whole, _cut(whole, key, longest, notes)


def _is_in_order(value: Any, longest: int) -> TypeGuard[dict[str, str]]:
    """Say whether a map has nothing to refuse, to leave out or to cut, as nearly every one.

    It is then taken as it came: looking at it once is what a reading and a cutting would cost each.
    """
    if type(value) is not dict or len(value) > MAX_LABELS:
        return False
    for name, text in value.items():
        if not (type(text) is str and 0 < len(text) <= longest and 0 < len(name) <= MAX_LABEL_NAME):
            return False
    return True


def _cut(texts: dict[str, str], what: str, longest: int, notes: list[str]) -> dict[str, str]:
    """Return at most 128 entries, values at most ``longest`` long; ``notes`` gets what was cut."""
    if _is_in_order(texts, longest):
        return texts
    fitting = [name for name in sorted(texts) if len(name) <= MAX_LABEL_NAME]
    kept = fitting[:MAX_LABELS]
    if dropped := len(texts) - len(kept):
        notes.append(f"{dropped} of {len(texts)} {what} left out")
    long = [name for name in kept if len(texts[name]) > longest]
    if long:
        notes.append(f"{len(long)} {what} cut to {longest:,} characters")
    return {name: shorten(texts[name], longest) for name in kept}
