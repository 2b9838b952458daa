"""Timeline entries: what may be written into the log of an incident, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from warroom.domain.validate import check_confidence, check_moment, check_text
from warroom.errors import InvalidInput

ENTRY_MAX = 10_000
SOURCE_MAX = 200


class EntryKind(StrEnum):
    """What sort of statement an entry is."""

    FACT = "fact"
    DECISION = "decision"
    HYPOTHESIS = "hypothesis"
    EVIDENCE = "evidence"
    COMMUNICATION = "communication"
    AUTOMATION = "automation"
    STATUS = "status"


# The other two are written by war room itself, so that a reader can trust them as such.
WRITABLE_KINDS: tuple[EntryKind, ...] = (
    EntryKind.FACT,
    EntryKind.DECISION,
    EntryKind.HYPOTHESIS,
    EntryKind.EVIDENCE,
    EntryKind.COMMUNICATION,
)


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry that is about to be written; author and recording time are the database's.

    ``happened_at`` is when it was, not when it is recorded; ``source`` says where it comes from
    ("person", "warroom", or an alert source's name); ``corrects`` is the entry it replaces.
    """

    kind: EntryKind
    text: str
    happened_at: datetime
    source: str = "warroom"
    confidence: float | None = None
    corrects: UUID | None = None


def parse_kind(value: object) -> EntryKind:
    """Return the kind that a caller names, if callers may write it.

    Raises:
        InvalidInput: unknown, or reserved for war room itself.
    """
    choices = ", ".join(WRITABLE_KINDS)
    if isinstance(value, str):
        for kind in WRITABLE_KINDS:
            if value == kind:
                return kind
        if value in (EntryKind.AUTOMATION, EntryKind.STATUS):
            raise InvalidInput(
                f"Entries of kind {value} are written by war room itself.",
                field="kind",
                remedy=f"Choose one of {choices}.",
            )
    raise InvalidInput("kind is not known.", field="kind", remedy=f"Choose one of {choices}.")


def new_entry(
    kind: object,
    text: object,
    now: datetime,
    *,
    happened_at: datetime | None = None,
    source: object = "person",
    confidence: object = None,
) -> EntryDraft:
    """Check what a caller wants to log and return it as a draft.

    Args:
        kind: one of ``WRITABLE_KINDS``.
        text: 1 to 10,000 characters.
        now: the present, aware.
        happened_at: when it happened; None means now; at most five minutes in the future.
        source: where it comes from, up to 200 characters.
        confidence: 0 to 1, or None.

    Raises:
        InvalidInput: with ``field`` naming the first input at fault.
    """
    return EntryDraft(
        kind=parse_kind(kind),
        text=check_text(text, "text", longest=ENTRY_MAX, shortest=1),
        happened_at=check_moment(happened_at, "happened_at", now),
        source=check_text(source, "source", longest=SOURCE_MAX),
        confidence=check_confidence(confidence),
    )
