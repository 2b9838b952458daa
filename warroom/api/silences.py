"""Silences over HTTP, in war room's own words: list, make, end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.incident_commands import send
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.domain.silence import Matcher
from warroom.errors import InvalidInput
from warroom.ingest.matchers import parse_matchers
from warroom.services import silences

router = APIRouter(prefix="/v1/silences", tags=["silences"], responses=RESPONSES)
Json = dict[str, Any]
SilenceId = Annotated[UUID, Path(description="a silence")]


class Silence(Strict):
    """Which alerts, why, and until when (``ends_at``) or for how long (``for_s``)."""

    matchers: list[Annotated[str, Field(max_length=10_000)]] = Field(
        min_length=1, max_length=50, description='e.g. service=~"pay.*"; all must hold'
    )
    comment: str = Field(min_length=1, max_length=2000, description="why")
    starts_at: AwareDatetime | None = Field(default=None, strict=False, description="now if null")
    ends_at: AwareDatetime | None = Field(default=None, strict=False)
    for_s: float | None = Field(default=None, ge=1, le=10 * 366 * 86_400, strict=False)


class MatcherListed(BaseModel):
    """One condition on a label."""

    name: str
    value: str
    isRegex: bool  # noqa: N815 # as Alertmanager's API names it
    isEqual: bool  # noqa: N815


class SilenceListed(BaseModel):
    """A silence; ``state`` is pending, active or expired.

    ``author`` is what the sender's tool called its user where that is not ``created_by``;
    ``matching`` how many firing alerts matched when it was made.
    """

    id: UUID
    state: str
    matchers: list[MatcherListed]
    comment: str
    created_by: str
    author: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    updated_at: datetime
    expired_by: str | None
    version: int
    matching: int | None = None


@router.get("", response_model=PageOf[SilenceListed])
async def list_silences(
    ctx: Reader, state: State, every: bool = False, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the silences that are not over, or every one; the last made first."""
    found = await silences.list_page(
        state.db, ctx, every=every, after=decode_id_cursor(cursor), limit=limit + 1
    )
    return cut(found, limit, "id")


@router.post("", status_code=201, response_model=SilenceListed)
async def add_silence(body: Silence, ctx: Commander, state: State, response: Response) -> Json:
    """Make a silence: its alerts open no incident until it ends. Over-broad ones are refused."""
    matchers: tuple[Matcher, ...] = ()
    for place, text in enumerate(body.matchers):
        matchers += parse_matchers(text, f"matchers[{place}]")
    answer = await silences.put(
        state.db, ctx, matchers=matchers, starts_at=body.starts_at, ends_at=_end(body),
        for_s=body.for_s, comment=body.comment,
    )  # fmt: skip
    return send(response, answer)


@router.post("/{silence_id}/expire", response_model=SilenceListed)
async def expire_silence(silence_id: SilenceId, ctx: Commander, state: State) -> Json:
    """End a silence now; one that is over already stays as it is."""
    return (await silences.expire(state.db, ctx, silence_id)).body


def _end(body: Silence) -> datetime | None:
    if (body.ends_at is None) == (body.for_s is None):
        raise InvalidInput(
            "Say either ends_at or for_s; nothing was changed.", field="ends_at",
            remedy="For two hours: for_s 7200.",
        )  # fmt: skip
    return body.ends_at
