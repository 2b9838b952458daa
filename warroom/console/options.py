"""How the console's background works; small, because it is imported before the first frame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """Polling pause and deadline of a read, in seconds; ``limit`` rows of the board.

    ``read_from``: primary, standby or auto.
    """

    poll_s: float = 1.0
    deadline_s: float = 1.0
    limit: int = 500
    read_from: str = "primary"


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """The feed's options; ``api_timeout_s`` bounds one attempt of a command."""

    feed: FeedOptions
    api_timeout_s: float = 5.0
