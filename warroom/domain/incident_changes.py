"""What people say of a change on an incident: suspected, the cause, cleared."""

from __future__ import annotations

from datetime import datetime

from warroom.domain.change import ChangeVerdict
from warroom.domain.incident import Command, Decision, IncidentState, check
from warroom.domain.principal import Principal
from warroom.domain.timeline import EntryDraft, EntryKind
from warroom.domain.validate import shorten
from warroom.errors import InvalidInput, Refused

VERDICTS = tuple(v.value for v in ChangeVerdict)
_SAID = {"suspected": "is suspected", "cause": "is the cause", "cleared": "is cleared"}


def check_verdict(verdict: object) -> str:
    """Return the verdict if there is such a one.

    Raises:
        InvalidInput: there is none.
    """
    if verdict not in VERDICTS:
        raise InvalidInput(
            "verdict is not known.", field="verdict", remedy=f"Choose one of {', '.join(VERDICTS)}."
        )
    return str(verdict)


def link(
    state: IncidentState,
    actor: Principal,
    now: datetime,
    *,
    kind: str,
    title: str,
    services: tuple[str, ...],
    verdict: str,
    before: str | None,
) -> Decision:
    """Decide what follows when somebody judges a change; ``before`` is the verdict it has.

    Raises:
        Refused: it has that verdict already.
    """
    check(Command.CHANGE, state, actor, now)
    name = f"{kind} of {', '.join(services)} “{shorten(title, 120)}”"
    if before == verdict:
        raise Refused(
            f"The {name} {_SAID[verdict]} on {state.ref} already.", rule="verdict-differs"
        )
    was = f" (was {before})" if before else ""
    text = f"{name} {_SAID[verdict]}, says {actor.name}{was}"
    return Decision(
        Command.CHANGE, state.status, {}, (EntryDraft(EntryKind.STATUS, text, now),),
        f"{state.ref}: {name} {_SAID[verdict]}.",
    )  # fmt: skip
