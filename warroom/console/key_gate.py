"""Holds keys back while a command is opening its question: what is typed ahead belongs to that.

A key goes to the widget with the focus and comes back to the application, which finds its action.
Whoever types ``r`` and goes on at once would have the next letters on their way to the board
before the question of ``r`` is there, and each of them is a command.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from textual import events

_MOST: Final = 500


class KeyGate:
    """Closed while a key is on its way or a flow has no question open. The screen's thread only.

    Args:
        drain: called when keys that were held can go on; it calls ``next``.
    """

    def __init__(self, drain: Callable[[], object]) -> None:
        self._drain = drain
        self._held: deque[events.Key] = deque(maxlen=_MOST)
        self._on_its_way = False
        self._sent = 0
        self._busy = 0

    def take(self, event: events.Key) -> bool:
        """Return whether a key is held back; the application lets it go on later."""
        if self._on_its_way or self._busy or self._held:
            self._held.append(event)
            return True
        return False

    def goes(self) -> int:
        """Close: a key is on its way to the widget that has the focus. Return its number."""
        self._on_its_way = True
        self._sent += 1
        return self._sent

    def came(self, number: int | None = None) -> None:
        """The key has been through; its flow, if it began one, keeps the gate closed."""
        if self._on_its_way and number in {None, self._sent}:
            self._on_its_way = False
            self._let_go()

    def hold(self) -> None:
        """Close: a flow works."""
        self._busy += 1

    def free(self) -> None:
        """The flow has its question open, or has ended."""
        self._busy = max(self._busy - 1, 0)
        self._let_go()

    def next(self) -> events.Key | None:
        """Return the first key that may go on."""
        if self._on_its_way or self._busy or not self._held:
            return None
        return self._held.popleft()

    @property
    def waiting(self) -> bool:
        """Whether keys are held."""
        return bool(self._held)

    def _let_go(self) -> None:
        if self._held and not self._on_its_way and not self._busy:
            self._drain()
