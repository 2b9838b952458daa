"""A message on its way out, whatever the channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent.

    ``id`` stays the same on every attempt, so that a receiver can drop what it has already;
    ``payload`` is a JSON object with at least ``type`` and ``text``.
    """

    id: str
    channel: str
    payload: Mapping[str, Any]
    created_at: datetime


class NotSent(Exception):
    """The message did not arrive; ``retry`` is False when trying again cannot help."""

    def __init__(self, why: str, *, retry: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.retry = retry
