"""The log channel: one structured line a message."""

from __future__ import annotations

from typing import Any

import structlog

from warroom.domain.safe_text import safe_text
from warroom.notify.message import Message

_log: Any = structlog.get_logger("warroom.notify")


async def send(message: Message) -> None:
    """Write the message to the log; its text is made safe first."""
    _log.info(
        "notify",
        id=message.id,
        type=str(safe_text(message.payload.get("type", ""), limit=100)),
        text=str(safe_text(message.payload.get("text", ""), limit=1000)),
        target=str(safe_text(message.payload.get("target", ""), limit=200)),
    )
