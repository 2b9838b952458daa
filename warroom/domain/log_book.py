"""What may be done with the log: entries, evidence, the fate of a hypothesis, pins, corrections.

Nothing in the log ever changes: a correction is a new entry that points at the old one, and what
becomes of a hypothesis stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from warroom.domain.incident import NOTE_MAX, Command, Decision, IncidentState, check
from warroom.domain.principal import Principal
from warroom.domain.timeline import ENTRY_MAX, EntryDraft, EntryKind, new_entry
from warroom.domain.validate import check_text, shorten
from warroom.errors import InvalidInput, Refused

FATES = ("open", "confirmed", "refuted", "withdrawn")
STANCES = ("for", "against")
_OURS = (EntryKind.STATUS, EntryKind.AUTOMATION)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that a command is about, as far as the rules must know it.

    ``fate`` is that of a hypothesis, None for every other kind; ``corrected`` says that a later
    entry stands in its place.
    """

    id: UUID
    kind: EntryKind
    text: str
    author_id: UUID
    corrected: bool = False
    pinned: bool = False
    fate: str | None = None


def log_entry(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    kind: object,
    text: object,
    happened_at: datetime | None = None,
    source: object = "person",
    confidence: object = None,
    about: Entry | None = None,
    stance: object = None,
) -> Decision:
    """Decide what follows when ``actor`` adds to the log; allowed in every status.

    ``about`` is the hypothesis that a piece of evidence speaks for or against (``stance``).

    Raises:
        InvalidInput: as ``timeline.new_entry``; or evidence about something with no stance.
        Refused: evidence about an entry that is no hypothesis, or a settled one.
    """
    check(Command.LOG, state, actor, now)
    entry = new_entry(
        kind, text, now, happened_at=happened_at, source=source, confidence=confidence
    )
    if (about is None) != (stance is None):
        raise InvalidInput(
            "about and stance belong together.",
            field="stance",
            remedy="Name the hypothesis and say for or against, or leave both out.",
        )
    if about is not None:
        _check_evidence(state, entry, about, stance)
    return Decision(
        command=Command.LOG,
        status=state.status,
        changes={},
        entries=(entry,),
        sentence=f"Logged {entry.kind} on {state.ref}.",
    )


def _check_evidence(state: IncidentState, entry: EntryDraft, about: Entry, stance: object) -> None:
    if entry.kind is not EntryKind.EVIDENCE:
        raise InvalidInput("Only evidence speaks for or against a hypothesis.", field="kind")
    if stance not in STANCES:
        raise InvalidInput("stance is not known.", field="stance", remedy="Say for or against.")
    if about.kind is not EntryKind.HYPOTHESIS:
        raise Refused(
            f"That entry of {state.ref} is no hypothesis but {about.kind}.", rule="hypothesis"
        )
    if about.fate not in (None, "open"):
        raise Refused(
            f"The hypothesis was {about.fate}; open it again before adding evidence.",
            rule="hypothesis-open",
        )


def judge(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    hypothesis: Entry,
    fate: object,
    reason: object = None,
) -> Decision:
    """Decide what follows when somebody settles a hypothesis, or opens it again.

    Raises:
        InvalidInput: no such fate, or no usable reason.
        Refused: the entry is no hypothesis, or has that fate already.
    """
    if fate not in FATES:
        raise InvalidInput(
            "fate is not known.", field="fate", remedy=f"Choose one of {', '.join(FATES)}."
        )
    why = check_text(reason, "reason", longest=NOTE_MAX) if reason is not None else ""
    check(Command.JUDGE, state, actor, now)
    if hypothesis.kind is not EntryKind.HYPOTHESIS:
        raise Refused(
            f"That entry of {state.ref} is no hypothesis but {hypothesis.kind}.",
            rule="hypothesis",
        )
    if (hypothesis.fate or "open") == fate:
        raise Refused(f"The hypothesis is {fate} already.", rule="fate-differs")
    said = "open again" if fate == "open" else str(fate)
    text = f"hypothesis {said} by {actor.name}: {shorten(hypothesis.text, 200)}"
    if why:
        text += f" ({why})"
    return Decision(
        command=Command.JUDGE,
        status=state.status,
        changes={},
        entries=(EntryDraft(EntryKind.STATUS, text[:ENTRY_MAX], now),),
        sentence=f"{state.ref}: hypothesis {said}.",
    )


def pin(
    state: IncidentState, actor: Principal, now: datetime, *, entry: Entry, pinned: bool
) -> Decision:
    """Decide what follows when an entry is put on top of the log, or taken from there.

    Raises:
        Refused: it stands there already, or does not.
    """
    command = Command.PIN if pinned else Command.UNPIN
    check(command, state, actor, now)
    if entry.pinned == pinned:
        where = "is pinned already" if pinned else "is not pinned"
        raise Refused(f"That entry of {state.ref} {where}.", rule="pin-differs")
    return Decision(
        command, state.status, {}, (), f"{state.ref}: entry {'pinned' if pinned else 'unpinned'}."
    )


def correct(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    entry: Entry,
    text: object,
    happened_at: datetime | None = None,
) -> Decision:
    """Decide what follows when an entry is put right: a new one, and the old one stays.

    Raises:
        InvalidInput: no usable text or time.
        Refused: war room wrote the entry itself, or it has been corrected already.
    """
    check(Command.CORRECT, state, actor, now)
    if entry.kind in _OURS:
        raise Refused(
            f"{entry.kind.capitalize()} entries are war room's own record and stay as they are; "
            "log a fact beside it.",
            rule="entry-of-a-person",
        )
    if entry.corrected:
        raise Refused(
            "That entry was corrected already; correct the newer one.", rule="entry-newest"
        )
    fresh = new_entry(entry.kind.value, text, now, happened_at=happened_at)
    return Decision(
        command=Command.CORRECT,
        status=state.status,
        changes={},
        entries=(replace(fresh, corrects=entry.id),),
        sentence=f"{state.ref}: entry corrected; the old one stays on record.",
    )
