"""Structured logs; whatever came from outside is made safe before it is written."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from warroom.domain.safe_text import safe_text

log: Any = structlog.get_logger("warroom")


def _safe(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            # A traceback keeps its lines; an exception's text is as foreign as any other.
            many = key == "exception"
            event[key] = str(safe_text(value, limit=20_000 if many else 2000, single_line=not many))
    return event


class _Forward(logging.Handler):
    """What libraries log goes the same way as what we log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record on."""
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def configure(log_format: str = "console", level: str = "info") -> None:
    """Write to stderr as JSON lines or for people; what libraries warn of is written too."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _safe,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)
