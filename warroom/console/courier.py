"""Carries a command until its fate is known: the same idempotency key, attempt after attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from screens.commands import Command, CommandState, Fate, state_words
from screens.messages import CommandChanged
from warroom.console.api_door import Answer
from warroom.domain.safe_text import SafeText, safe_text
from warroom.errors import ApiUnreachable, OutcomeUnknown, Refused, VersionConflict, WarRoomError

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 8.0


class Courier:
    """One attempt after the other; once an attempt may have arrived, only an answer ends it."""

    def __init__(
        self,
        send: Callable[[Command], Awaitable[Answer]],
        post: Callable[[CommandChanged], object],
        pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._send = send
        self._post = post
        self._pause_s = pause_s

    async def carry(self, command: Command) -> CommandState:
        """Return the final state; each step is posted on the way."""
        may_have_arrived = False
        attempts = 0
        pause = self._pause_s
        while True:
            attempts += 1
            try:
                answer = await self._send(command)
            except OutcomeUnknown as error:
                may_have_arrived = True
                why = error.message
            except ApiUnreachable as error:
                if not may_have_arrived:
                    return self._tell(command, Fate.REFUSED, _not_sent(command, error), attempts)
                why = error.message
            except WarRoomError as error:
                # An error that says "nothing was stored" speaks of this attempt only: after an
                # unknown one, trouble of the server's own (5xx) proves nothing.
                if not may_have_arrived or error.status < 500:
                    return self._tell(command, Fate.REFUSED, _refused(command, error), attempts)
                why = error.message
            else:
                sentence = safe_text(f"✓ {answer.ref} {command.wish.done}")
                return self._tell(command, Fate.DONE, sentence, attempts, answer.version)
            sentence = safe_text(
                f"? {command.ref} {command.wish.words}: not known yet whether it was done. "
                f"{why} Asking again by itself, attempt {attempts + 1}."
            )
            self._tell(command, Fate.UNKNOWN, sentence, attempts)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _tell(
        self, command: Command, fate: Fate, sentence: SafeText, attempts: int, version: int = 0
    ) -> CommandState:
        state = CommandState(command, fate, sentence, version, attempts)
        self._post(CommandChanged(state))
        return state


def _not_sent(command: Command, error: WarRoomError) -> SafeText:
    return safe_text(
        f"{command.ref} {command.wish.words} was not sent, nothing was changed: {error.message} "
        f"Press the key again when the API answers."
    )


def _refused(command: Command, error: WarRoomError) -> SafeText:
    """Say why, that nothing was changed, and on a conflict both states."""
    what = f"{command.ref} {command.wish.words} was not done, nothing was changed"
    now = _current(error.current)
    if now and isinstance(error, VersionConflict | Refused):
        why = f": {error.message}" if isinstance(error, Refused) else "."
        return safe_text(
            f"{what}{why} You saw: {command.seen}, version {command.version}. Now: {now}. "
            "Look again, then press the key again if it still applies."
        )
    return safe_text(f"{what}: {error}")


def _current(current: Any) -> str:
    if not current:
        return ""
    words = state_words(
        current.get("status"), current.get("severity"), _name(current, "owner"),
        _name(current, "commander"),
    )  # fmt: skip
    return f"{words}, version {current.get('version')}"


def _name(current: Any, what: str) -> str | None:
    person = current.get(what)
    return person.get("name") if isinstance(person, dict) else person
