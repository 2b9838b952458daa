"""Undo: whether one's own last command on an incident can be taken back, and what that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from warroom.domain.incident import Command, IncidentState
from warroom.domain.principal import Principal
from warroom.errors import Refused

UNDOABLE = frozenset(
    {
        Command.ACKNOWLEDGE, Command.RESOLVE, Command.ASSIGN, Command.SEVERITY, Command.STATUS,
        Command.DRILL, Command.FALSE_ALARM, Command.ROLE_TAKE, Command.ROLE_RELEASE,
        Command.SERVICE, Command.SERVICE_DETACH, Command.UPDATE_DUE, Command.SNOOZE,
        Command.FIELD,
    }
)  # fmt: skip
_WHY_NOT = {
    Command.LOG: "entries are corrected, not undone",
    Command.CORRECT: "entries are corrected, not undone",
    Command.PIN: "unpin the entry instead",
    Command.UNPIN: "pin the entry instead",
    Command.LINK: "remove the link instead",
    Command.UNLINK: "add the link again instead",
    Command.JUDGE: "say the hypothesis's fate anew instead",
    Command.MERGE: "split the services off again instead",
    Command.SPLIT: "merge the new incident back instead",
    Command.ROLE_OFFER: "somebody was asked; offer the role anew or keep it",
    Command.ROLE_ANSWER: "somebody else is concerned; hand the role over again",
    Command.ESCALATION: "people were told, and that cannot be taken back",
    Command.RESTRICT: "set the visibility anew instead",
    Command.RESTART: "take the tick away instead, or set it again",
    Command.PAGE: "people were told, and that cannot be taken back",
    Command.CHANGE: "say anew what the change is instead",
    Command.MITIGATE: "say that you are done with the service instead",
    Command.MITIGATED: "go to the service again instead",
    Command.UNDO: "it was an undo itself; repeat the command instead",
}
PUT_BACK = ("status", "acknowledged_at", "acknowledged_by", "owner_id", "resolved_at",
            "resolved_by", "severity", "drill", "resolution")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Touched:
    """A row that the last command changed. ``before`` and ``after`` are as the audit has them.

    ``intact`` is whether the row is still as that command left it.
    """

    table: str
    op: str
    row_id: UUID
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    intact: bool


@dataclass(frozen=True, slots=True)
class LastCommand:
    """The last command on an incident, by whom and when."""

    command: str
    actor_id: UUID | None
    at: datetime
    rows: Sequence[Touched]


def check_undo(state: IncidentState, actor: Principal, last: LastCommand | None) -> Command:
    """Return the command that is taken back.

    Raises:
        Refused: there is none, it is somebody else's, of a kind that is not undone, or something
            has happened since.
    """
    if last is None:
        raise Refused(f"Nothing was done on {state.ref} that could be undone.", rule="undo-last")
    try:
        command = Command(last.command)
    except ValueError:
        command = Command.UNDO
    said = last.command.removeprefix("incident.")
    if command not in UNDOABLE:
        why = _WHY_NOT.get(command, "it is not of a kind that can be undone")
        raise Refused(f"The last command on {state.ref} was {said}: {why}.", rule="undo-kind")
    if last.actor_id != actor.id:
        raise Refused(
            f"The last command on {state.ref} ({said}) was somebody else's; only they can undo it.",
            rule="undo-own",
        )
    if not all(row.intact for row in last.rows):
        raise Refused(
            f"Something has happened on {state.ref} since your {said}, so it stays; change it by "
            "a new command.",
            rule="undo-untouched",
        )
    return command
