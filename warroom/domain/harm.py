"""How much a command can hurt, and what to ask before it is sent to several incidents at once.

None of it forbids anything: the rules do that, incident by incident.  It is about slips of the
hand: the more is hard to put back, and the more incidents it hits, the more deliberate the yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType

from warroom.domain.incident import OPEN_STATUSES, Command


class Harm(IntEnum):
    """What it costs when a command was not meant."""

    NONE = 0
    """It adds to the record, or brings help sooner."""
    SOME = 1
    """It changes who acts or who is told when; a command puts it back."""
    GRAVE = 2
    """It ends or hides incidents, or moves what cannot be moved back at once."""


class Question(StrEnum):
    """What is asked first."""

    NOTHING = "nothing"
    YES = "yes"
    NUMBER = "number"
    """The number of incidents, typed: nobody types "12" by accident."""


HARM: Mapping[Command, Harm] = MappingProxyType(
    {
        Command.DECLARE: Harm.NONE,
        Command.ACKNOWLEDGE: Harm.SOME,
        Command.RESOLVE: Harm.GRAVE,
        Command.LOG: Harm.NONE,
        Command.ASSIGN: Harm.SOME,
        Command.SEVERITY: Harm.SOME,
        Command.STATUS: Harm.SOME,
        Command.DRILL: Harm.GRAVE,
        Command.FALSE_ALARM: Harm.GRAVE,
        Command.RESTRICT: Harm.GRAVE,
        Command.ROLE_TAKE: Harm.NONE,
        Command.ROLE_RELEASE: Harm.SOME,
        Command.ROLE_OFFER: Harm.SOME,
        Command.ROLE_ANSWER: Harm.SOME,
        Command.MERGE: Harm.GRAVE,
        Command.SPLIT: Harm.GRAVE,
        Command.SERVICE: Harm.SOME,
        Command.SERVICE_DETACH: Harm.SOME,
        Command.JUDGE: Harm.SOME,
        Command.PIN: Harm.NONE,
        Command.UNPIN: Harm.NONE,
        Command.CORRECT: Harm.SOME,
        Command.UPDATE_DUE: Harm.NONE,
        Command.SNOOZE: Harm.GRAVE,
        Command.ESCALATION: Harm.SOME,
        Command.LINK: Harm.NONE,
        Command.UNLINK: Harm.SOME,
        Command.FIELD: Harm.NONE,
        Command.RESTART: Harm.NONE,
        Command.PAGE: Harm.SOME,
        Command.UNDO: Harm.SOME,
        Command.CHANGE: Harm.SOME,
        Command.MITIGATE: Harm.SOME,
        Command.MITIGATED: Harm.SOME,
    }
)
"""Of every command. A snooze is grave: for its time nobody is told of what goes on burning."""


def harm_of(command: Command, *, to: str | None = None) -> Harm:
    """Return how much a command can hurt; ``to`` is the status that it moves to, if it does."""
    if command is Command.STATUS and to is not None and to not in OPEN_STATUSES:
        return HARM[Command.RESOLVE]
    return HARM[command]


def question(harm: Harm, incidents: int) -> Question:
    """Return what to ask before a command of this harm is sent to so many incidents."""
    if harm is Harm.NONE or (harm is Harm.SOME and incidents <= 1):
        return Question.NOTHING
    if harm is Harm.GRAVE and incidents > 1:
        return Question.NUMBER
    return Question.YES
