"""Errors in the shapes of other tools' interfaces: their clients read no problem documents.

The statuses stay ours but for three: where a dialect's clients try again after 429, a full queue
is 429 (Alertmanager's own webhook never repeats one, so there it stays 503); Opsgenie answers 422
for a field that cannot be used; and PagerDuty answers 400 for a key that is nobody's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

RETRY_AFTER_S = 2
PAGERDUTY = re.compile(r"/v2/(?:change/)?enqueue")
OPSGENIE = re.compile(r"/v2/alerts(?:/.*)?", re.DOTALL)
MEDIA = "application/json"

_SCHEMAS: Mapping[str, dict[str, Any]] = {
    "pagerduty": {
        "type": "object",
        "required": ["status", "message", "errors"],
        "properties": {
            "status": {"type": "string"},
            "message": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "string"}},
        },
    },
    "opsgenie": {
        "type": "object",
        "required": ["message", "took", "requestId"],
        "properties": {
            "message": {"type": "string"},
            "took": {"type": "number"},
            "requestId": {"type": "string"},
            "errors": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
}
_SAID = {400: "A field cannot be used", 401: "No valid key", 403: "Not allowed",
         404: "Not there", 408: "Too slow", 413: "Too large", 422: "A field cannot be used",
         429: "Too many at once: try again", 503: "Try again later",
         504: "Outcome unknown: send it again"}  # fmt: skip


def responses(dialect: str) -> dict[int | str, dict[str, Any]]:
    """Return the description of a dialect's errors for the routes that answer with them."""
    content = {MEDIA: {"schema": _SCHEMAS[dialect]}}
    return {
        status: {"description": text, "content": content}
        for status, text in _SAID.items()
        if (dialect, status) != ("pagerduty", 401)
    }


def shaped(
    request: Request, status: int, code: str, detail: str, more: Mapping[str, Any],
    retry_after_s: int | None = None,
) -> JSONResponse | None:  # fmt: skip
    """Return an error as the dialect of its address has it; None on our own addresses.

    Args:
        request: whose address decides.
        status: ours.
        code: the last part of the problem's type.
        detail: one sentence.
        more: ``field`` and ``remedy`` of the problem, if it has them.
        retry_after_s: when to come back, if that is known.
    """
    path = request.scope.get("path", "")
    if PAGERDUTY.fullmatch(path):
        make = _pagerduty
    elif OPSGENIE.fullmatch(path):
        make = _opsgenie
    else:
        return None
    if code in ("overloaded", "rate-limited"):
        status = 429
    answer = make(request, status, detail, more)
    if status in (429, 503):
        answer.headers["Retry-After"] = str(retry_after_s or RETRY_AFTER_S)
    if answer.status_code == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="warroom"'
    return answer


def took(request: Request) -> float:
    """Return the seconds since the body came, or 0 where none did."""
    came: float | None = getattr(request.state, "body_came", None)
    return round(time.perf_counter() - came, 3) if came is not None else 0.0


def _pagerduty(request: Request, status: int, detail: str, more: Mapping[str, Any]) -> JSONResponse:
    del request  # their answers name none
    words = {
        400: ("invalid event", "Event object is invalid"),
        401: ("invalid key", "The routing key is not valid"),
        413: ("invalid event", "Event object is too large"),
        429: ("throttle exceeded", "Too many events at once"),
    }
    short, message = words.get(status, ("error", "The event was not processed"))
    errors = [detail, *([str(more["remedy"])] if more.get("remedy") else [])]
    body = {"status": short, "message": message, "errors": errors}
    return JSONResponse(body, 400 if status == 401 else status)


def _opsgenie(request: Request, status: int, detail: str, more: Mapping[str, Any]) -> JSONResponse:
    field = more.get("field")
    body: dict[str, Any] = {
        "message": detail,
        "took": took(request),
        "requestId": getattr(request.state, "request_id", ""),
    }
    if status == 400 and field not in (None, "body", "Content-Length"):
        status = 422
        body["message"] = "Request body is not processable. Please check the errors."
        body["errors"] = {str(field): detail}
    return JSONResponse(body, status)
