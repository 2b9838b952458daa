"""References and fingerprints: how things are named, looked up and recognised."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from warroom.domain.validate import shorten
from warroom.errors import InvalidInput

# Nine digits stay far inside PostgreSQL's integer and every JSON reader's exact numbers.
_NUMBER = re.compile(r"(?:INC-)?0*([1-9][0-9]{0,8})", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_UUID7_MS = (1 << 48) - 1
_LABELS = "warroom-labels-1"
# What stands before a part, by its length: writing numbers is half of what a fingerprint costs.
_PREFIX = tuple(f"{length}:" for length in range(1_024))


def parse_ref(text: str, field: str = "ref") -> int | UUID:
    """Read how a person or a program names an incident.

    Args:
        text: ``INC-12`` (any case), ``12`` or a UUID with hyphens; white space around is ignored.
        field: the input's name, for the error.

    Returns:
        The incident's number, or its id.

    Raises:
        InvalidInput: anything else.
    """
    trimmed = text.strip()
    if match := _NUMBER.fullmatch(trimmed):
        return int(match[1])
    if _UUID.fullmatch(trimmed):
        return UUID(trimmed)
    raise InvalidInput(
        f"{shorten(trimmed, 60)!a} is not a reference to an incident.",
        field=field,
        remedy="Write it like INC-12.",
    )


def format_ref(number: int) -> str:
    """Return what people call incident ``number``: ``INC-12``."""
    return f"INC-{number}"


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return 32 hexadecimal digits that stand for exactly these labels, whatever their order.

    Every part carries its length, so that no two different sets run together into one text.
    """
    return hashlib.sha256(_in_ascii(labels) or _in_utf8(labels)).hexdigest()[:32]


def _in_ascii(labels: Mapping[str, str]) -> bytes | None:
    """Return what the fingerprint is taken of; None unless all is ASCII and none of it long.

    A part's length is that of its bytes.  In ASCII those are the characters, and all labels can
    be encoded in one go.
    """
    parts = [_LABELS]
    try:
        for name in sorted(labels):
            value = labels[name]
            parts.append(f"{_PREFIX[len(name)]}{name}{_PREFIX[len(value)]}{value}")
    except IndexError:
        return None
    text = "".join(parts)
    return text.encode() if text.isascii() else None


def _in_utf8(labels: Mapping[str, str]) -> bytes:
    """Return what the fingerprint is taken of, whatever the labels are."""
    parts = [_LABELS.encode()]
    for name in sorted(labels):
        for part in (name, labels[name]):
            data = part.encode("utf-8", "surrogatepass")
            parts += (b"%d:" % len(data), data)
    return b"".join(parts)


def uuid7_floor(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 that can carry ``moment`` (aware), for range bounds on ids.

    Moments before 1970 give the bound of 1970; those after the last UUIDv7 give the last one's.
    """
    millis = (moment - _EPOCH) // timedelta(milliseconds=1)
    millis = min(max(millis, 0), _LAST_UUID7_MS)
    return UUID(int=millis << 80 | 0x7 << 76 | 0b10 << 62)


def uuid7_time(value: UUID) -> datetime:
    """Return the moment, to the millisecond and in UTC, that a UUIDv7 carries.

    Raises:
        InvalidInput: the UUID is of another version, or its moment is past the year 9999.
    """
    if value.version != 7:
        raise InvalidInput(f"{value} carries no time: it is not a UUIDv7.", field="id")
    try:
        return _EPOCH + timedelta(milliseconds=value.int >> 80)
    except OverflowError:
        raise InvalidInput(f"{value} carries no usable time.", field="id") from None
