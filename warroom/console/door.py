"""Where the console goes in: the API's address, a token, and optionally a database URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Door:
    """What the console needs to know.

    ``database_url`` is None when the personal login is to be minted through the API.
    ``standby_url`` is a standby's URL or conninfo; without a role in it, the login's is used.
    ``ca_file`` holds the CA that the API's certificate is of, None for the system's.
    """

    api_url: str
    token: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)
    standby_url: str | None = field(default=None, repr=False)
    ca_file: Path | None = None


Say = Callable[[str], None]
Boot = Callable[[Say], Door]
"""Starts what is not running yet. It blocks; it is called in a thread of its own, after the first
paint, and may say one short sentence for each phase. A ``WarRoomError`` is shown to the person."""
