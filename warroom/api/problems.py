"""Errors to HTTP, once: RFC 9457 problem details."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from warroom.api.buckets import as_told
from warroom.api.foreign import shaped
from warroom.domain.safe_text import safe_text
from warroom.errors import Refused, WarRoomError
from warroom.logs import log

MEDIA = "application/problem+json"
PREFIX = "urn:warroom:problem:"
ALERTMANAGER = "/api/v2/"
"""Beneath it clients of Alertmanager ask: they read a refusal as one JSON string."""
HTTP_CODES = {404: "not-found", 405: "method-not-allowed", 401: "unauthenticated",
              403: "forbidden", 413: "payload-too-large"}  # fmt: skip

REMEDIES = {
    "missing": "Add it; /openapi.json says what it may be.",
    "extra_forbidden": "Take it out; /openapi.json lists the fields.",
    "json_invalid": "Send one JSON document in UTF-8.",
}
SAID: dict[int, tuple[str, str | None]] = {
    404: ("There is nothing at this address.", "/openapi.json lists the addresses."),
    405: ("This address does not take this method.", "The header Allow lists those it takes."),
}


def problem(
    request: Request, status: int, code: str, title: str, detail: str,
    retry_after_s: int | None = None, **more: Any,
) -> JSONResponse:  # fmt: skip
    """Return a problem document; on a foreign dialect's address, what its clients understand."""
    foreign = shaped(request, status, code, detail, more, retry_after_s)
    if foreign is not None:
        return foreign
    body = {"type": PREFIX + code, "title": title, "status": status, "detail": detail}
    body |= {k: v for k, v in more.items() if v is not None}
    body["request_id"] = getattr(request.state, "request_id", "")
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="warroom"'
    if status in (429, 503):
        headers["Retry-After"] = str(retry_after_s or 2)
    if request.scope.get("path", "").startswith(ALERTMANAGER):
        said = f"{detail} {more['remedy']}" if more.get("remedy") else detail
        # A refusal by a rule is 400 there, the only one whose sentence amtool shows.
        return JSONResponse(said, 400 if status == 409 else status, headers=headers)
    return JSONResponse(body, status, headers=headers, media_type=MEDIA)


def from_error(request: Request, error: WarRoomError) -> JSONResponse:
    """Return the problem document of one of our errors."""
    error = as_told(request.url.path, error)
    return problem(
        request, error.status, error.code, error.title, error.message, error.retry_after_s,
        field=error.field, remedy=error.remedy, current=error.current,
        rule=error.rule or None if isinstance(error, Refused) else None,
    )  # fmt: skip


def answer_to(request: Request, error: WarRoomError) -> JSONResponse:
    """Return the problem document of one of our errors; what is our own fault is logged."""
    if error.status >= 500:
        log.warning("answered", code=error.code, detail=error.message,
                    request_id=getattr(request.state, "request_id", ""))  # fmt: skip
    return from_error(request, error)


def install(app: FastAPI) -> None:
    """Teach the application to answer every error as a problem document."""

    @app.exception_handler(WarRoomError)
    async def ours(request: Request, error: WarRoomError) -> JSONResponse:
        return answer_to(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        kind, parts = first["type"], first["loc"]
        # Of a body that is no JSON the place is a character's number and no field.
        where = [str(p) for p in parts if p not in ("body", "query", "path", "header")]
        field = "body" if kind == "json_invalid" else ".".join(where) or "body"
        field = str(safe_text(field, limit=200))
        said = str(safe_text(first["msg"], limit=500))
        return problem(
            request, 400, "invalid-input", "Invalid input",
            f"{field}: {said}; nothing was changed.", field=field,
            remedy=REMEDIES.get(kind, "Correct it; /openapi.json says what it may be."),
        )  # fmt: skip

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        code = HTTP_CODES.get(error.status_code, "http")
        detail, remedy = SAID.get(error.status_code, (str(error.detail), None))
        answer = problem(request, error.status_code, code, str(error.detail), detail, remedy=remedy)
        for name, value in (error.headers or {}).items():
            answer.headers[name] = value
        return answer

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected", kind=type(error).__name__, exc_info=error,
                  request_id=getattr(request.state, "request_id", ""))  # fmt: skip
        answer = problem(
            request, 500, "internal", "Internal error",
            "Something is wrong on our side; the log has it under this request id.",
        )  # fmt: skip
        # This answer is made outside the layer that tags all others.
        answer.headers["X-Request-Id"] = getattr(request.state, "request_id", "")
        return answer


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in {
        400: "A field cannot be used", 401: "No valid token", 403: "Not allowed",
        404: "Not there", 408: "Too slow",
        409: "Refused or changed meanwhile", 413: "Too large",
        422: "Idempotency key reused, or files with errors",
        429: "Too many; try again later", 503: "Try again later", 504: "Outcome unknown",
    }.items()
}  # fmt: skip
