"""The courier: the same key until the fate is known, and never a guess."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from screens.commands import Command, CommandState, Fate, Kind, Wish, state_words
from screens.messages import CommandChanged
from warroom.console.api_door import Answer
from warroom.console.courier import Courier
from warroom.domain.safe_text import safe_text
from warroom.errors import (
    ApiUnreachable,
    DatabaseUnavailable,
    Forbidden,
    OutcomeUnknown,
    Refused,
    VersionConflict,
    WarRoomError,
)

ACK = Wish(Kind.ACKNOWLEDGE, safe_text("acknowledge"), safe_text("acknowledged"))
SEEN = state_words("triggered", 2, None, None)
COMMAND = Command(ACK, "key-1", safe_text("INC-7"), UUID(int=7), 3, SEEN)
DONE = Answer("INC-7", 4, "acknowledged")
Step = Answer | WarRoomError
UNKNOWN = OutcomeUnknown("The API did not answer.")
GONE = ApiUnreachable("Nobody listens.")


async def carried(*steps: Step) -> tuple[list[CommandState], list[str]]:
    """Let the API answer in these steps; return the states and the keys that were sent."""
    states: list[CommandState] = []
    keys: list[str] = []
    answers = iter(steps)

    async def send(command: Command) -> Answer:
        keys.append(command.key)
        step = next(answers)
        if isinstance(step, WarRoomError):
            raise step
        return step

    def post(message: CommandChanged) -> None:
        states.append(message.state)

    final = await Courier(send, post, pause_s=0).carry(COMMAND)
    assert states[-1] == final
    return states, keys


async def test_done_at_once() -> None:
    states, keys = await carried(DONE)
    assert [(s.fate, s.version) for s in states] == [(Fate.DONE, 4)]
    assert keys == ["key-1"]


async def test_unknown_is_asked_again_with_the_same_key() -> None:
    states, keys = await carried(UNKNOWN, GONE, DatabaseUnavailable("no"), DONE)
    assert [s.fate for s in states] == [Fate.UNKNOWN, Fate.UNKNOWN, Fate.UNKNOWN, Fate.DONE]
    assert set(keys) == {"key-1"}
    assert "not known yet" in states[0].sentence


async def test_not_reached_means_not_sent() -> None:
    states, _ = await carried(GONE)
    assert states[0].fate is Fate.REFUSED
    assert "was not sent, nothing was changed" in states[0].sentence


@pytest.mark.parametrize(
    "error", [Forbidden("You may not."), DatabaseUnavailable("No database; nothing changed.")]
)
async def test_a_first_refusal_is_final(error: WarRoomError) -> None:
    states, _ = await carried(error)
    assert [s.fate for s in states] == [Fate.REFUSED]
    assert error.message in states[0].sentence


NOW = {
    "status": "acknowledged",
    "severity": 1,
    "version": 4,
    "owner": {"name": "luc\x1b"},
    "commander": {"name": "mira"},
}


@pytest.mark.parametrize(
    "error_of",
    [lambda c: VersionConflict("changed", current=c), lambda c: Refused("has it", current=c)],
)
async def test_a_conflict_shows_both_states(
    error_of: Callable[[dict[str, object]], WarRoomError],
) -> None:
    states, _ = await carried(error_of(NOW))
    sentence = states[0].sentence
    assert "You saw: triggered, SEV2, no owner, version 3." in sentence
    assert "Now: acknowledged, SEV1, owner luc␛, commander mira, version 4." in sentence
    assert "nothing was changed" in sentence
