"""Reports by users, by API and by a plain form; who answers for alert types, and their noise."""

from __future__ import annotations

import asyncio
from collections import deque
from html import escape
from time import monotonic
from typing import Annotated, Any, Final
from urllib.parse import parse_qs
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State, origin
from warroom.api.models import Strict
from warroom.api.problems import RESPONSES
from warroom.domain.principal import CommandContext
from warroom.errors import Forbidden, InvalidInput, WarRoomError
from warroom.services import noise, user_reports
from warroom.services.alerts import INGEST

router = APIRouter(responses=RESPONSES)
form_router = APIRouter(include_in_schema=False)
no_form_router = APIRouter(include_in_schema=False)
"""What stands at the form's address while it is off: a person's browser can do nothing with 401."""
Json = dict[str, Any]
FORM: Final = "/report"
FORM_BYTES: Final = 20_000
_A_PERSON, _ALL, _SPAN_S = 5, 60, 600.0
_SENDERS_MAX: Final = 2_000
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Report a problem</title>
<style>body{{font:16px sans-serif;max-width:36em;margin:2em auto;padding:0 1em}}
label{{display:block;margin:1em 0 .2em}}input,textarea{{width:100%;font:inherit}}
button{{margin-top:1em;font:inherit}}</style>
<h1>Report a problem</h1><p role="status">{said}</p>{form}</html>
"""
_FORM: Final = """<form method="post" action="/report" accept-charset="utf-8">
<input type="hidden" name="key" value="{key}">
<label for="t">What is wrong?</label><input id="t" name="title" required maxlength="200"
 value="{title}">
<label for="b">What did you see, and since when?</label>
<textarea id="b" name="body" rows="6" maxlength="10000">{body}</textarea>
<label for="s">Which service, if you know it?</label><input id="s" name="service" maxlength="200"
 value="{service}">
<label for="w">Who are you, and how can we reach you?</label>
<input id="w" name="reported_by" maxlength="200" value="{reported_by}">
<button>Send</button></form>"""
_FIELDS: Final = ("title", "body", "service", "reported_by")


class Limiter:
    """Reports of the last ten minutes, by sender and in all; bounded memory."""

    def __init__(self) -> None:
        self._all: deque[tuple[float, str]] = deque(maxlen=_SENDERS_MAX)
        self._lock = asyncio.Lock()

    async def take(self, sender: str) -> bool:
        """Count one report, unless there are too many already."""
        async with self._lock:
            now = monotonic()
            while self._all and now - self._all[0][0] > _SPAN_S:
                self._all.popleft()
            own = sum(who == sender for _, who in self._all)
            if own >= _A_PERSON or len(self._all) >= _ALL:
                return False
            self._all.append((now, sender))
            return True


class Report(Strict):
    """What a user sees."""

    title: str = Field(min_length=1, max_length=200)
    body: str = Field(default="", max_length=10_000)
    service: str | None = Field(default=None, max_length=200)
    severity: int = Field(default=user_reports.MILD, ge=1, le=5)
    reported_by: str = Field(default="", max_length=200)


class Reported(BaseModel):
    """The item in triage."""

    id: UUID


class TypeNoise(BaseModel):
    """One alert type: how much it was heard of, what it lacks, what to do."""

    source: str
    name: str
    alerts: int
    episodes: int
    messages: int
    acted: int
    flapped: int
    ignored: int
    owner: str | None
    runbook: str
    response: str
    lacks: list[str]
    score: int
    fix: str


class Noise(BaseModel):
    """What to fix first above."""

    items: list[TypeNoise]


class AlertType(Strict):
    """Who answers for the alerts of a source with this name, and what is expected.

    What is not given (or null) stays as it is; an empty text takes it away.
    """

    source: str = Field(min_length=1, max_length=63)
    name: str = Field(min_length=1, max_length=500)
    team: str | None = Field(default=None, max_length=63)
    runbook: str | None = Field(default=None, max_length=2000, description="http:// or https://")
    response: str | None = Field(default=None, max_length=500)


class AlertTypeSet(BaseModel):
    """The same, as it is stored."""

    id: UUID
    source: str
    name: str
    team: str | None
    runbook: str
    response: str
    version: int


@router.post("/v1/reports", status_code=201, response_model=Reported, tags=["triage"])
async def add_report(body: Report, ctx: Commander, state: State) -> Json:
    """Put what a user sees into the triage queue; any token may."""
    if not user_reports.may_report(ctx):
        raise Forbidden("This token may nothing; nothing was stored.", field="Authorization")
    return (await user_reports.report(state.db, ctx, **body.model_dump())).body


@router.get("/v1/alert-types/noise", response_model=Noise, tags=["alert rules"])
async def show_noise(
    ctx: Reader,
    state: State,
    last_s: Annotated[int, Query(ge=60, le=90 * 86_400)] = 7 * 86_400,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Json:
    """Say how much noise each alert type makes, and what to fix first."""
    return {"items": await noise.report(state.db, ctx, last_s=last_s, limit=limit)}


@router.post("/v1/alert-types", response_model=AlertTypeSet, tags=["alert rules"])
async def set_alert_type(body: AlertType, ctx: Commander, state: State) -> Json:
    """Say who answers for an alert type, and how."""
    return (await noise.set_type(state.db, ctx, **body.model_dump())).body


def _page(said: str, status: int = 200, values: dict[str, str] | None = None) -> HTMLResponse:
    filled = values or dict.fromkeys((*_FIELDS, "key"), "")
    filled["key"] = filled.get("key") or uuid4().hex
    form = _FORM.format(**{name: escape(value, quote=True) for name, value in filled.items()})
    form = "" if status == 201 else form
    return HTMLResponse(_PAGE.format(said=escape(said), form=form), status, dict(_HEADERS))


@no_form_router.get(FORM)
@no_form_router.post(FORM)
async def say_off() -> HTMLResponse:
    """Say that there is no form, and who can change that; nothing is read or stored."""
    off = "Reports by form are switched off here: nothing was sent."
    remedy = "Whoever runs war room switches them on with the setting ingest.report_form."
    return HTMLResponse(_PAGE.format(said=f"{off} {remedy}", form=""), 404, dict(_HEADERS))


@form_router.get(FORM)
async def show_form() -> HTMLResponse:
    """Show the form."""
    return _page("It goes to the people on call, who look at it.")


@form_router.post(FORM)
async def send_form(request: Request, state: State) -> HTMLResponse:
    """Take a report by form: no token, so it is limited, and tells nothing of what there is."""
    limiter: Limiter = request.app.state.report_limiter
    values = await _read(request)
    if not values["title"].strip():
        return _page("Please say what is wrong.", 400, values)
    if not await limiter.take(origin(request)):
        answer = _page("Too many reports came; please try again in ten minutes.", 429, values)
        answer.headers["Retry-After"] = str(int(_SPAN_S))
        return answer
    ctx = CommandContext(
        INGEST, request.state.request_id, origin(request), f"report:{values['key']}"
    )
    try:
        await user_reports.report(
            state.db, ctx, title=values["title"], body=values["body"],
            service=values["service"].strip() or None, reported_by=values["reported_by"],
            by_form=True,
        )  # fmt: skip
    except InvalidInput as error:
        return _page(f"It could not be taken: {error.message}", 400, values)
    except WarRoomError as error:
        return _page("It could not be stored; please send it again.", error.status, values)
    return _page("Thank you. The people on call have it.", 201)


async def _read(request: Request) -> dict[str, str]:
    """Return the fields of the form; what is no form has none."""
    raw = await request.body()
    if len(raw) > FORM_BYTES:
        raw = b""
    try:
        found = parse_qs(raw.decode("utf-8"), max_num_fields=20, keep_blank_values=True)
    except ValueError:
        found = {}
    values = {name: found.get(name, [""])[0] for name in _FIELDS}
    given = found.get("key", [""])[0]
    plain = given.isascii() and given.isalnum() and len(given) <= 64
    return values | {"key": given if plain else ""}
