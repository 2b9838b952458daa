"""Structured logs; whatever came from outside is made safe before it is written."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from warroom.domain.safe_text import safe_text

log: Any = structlog.get_logger("warroom")


def _safe(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = str(safe_text(value, limit=2000))
    return event


def configure(log_format: str = "console", level: str = "info") -> None:
    """Write to stderr as JSON lines or for people."""
    import logging

    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _safe,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
