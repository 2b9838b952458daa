"""Changes over HTTP: put one down by hand, list them, and the change board's figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.incident_commands import Ref, send
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.ingest.change_generic import read_change
from warroom.services import change_figures, changes, incident_changes

router = APIRouter(prefix="/v1/changes", tags=["changes"], responses=RESPONSES)
near_router = APIRouter(prefix="/v1/incidents", tags=["changes"], responses=RESPONSES)
Json = dict[str, Any]
YEAR_S = 366 * 86_400
Last = Annotated[int, Query(ge=60, le=YEAR_S, description="seconds back from now")]


class Change(Strict):
    """A change, put down by a person or a script."""

    title: str = Field(min_length=1, max_length=2000)
    services: list[str] = Field(min_length=1, max_length=50)
    id: str | None = Field(default=None, max_length=300, description="the same moves it on")
    kind: Literal["deploy", "config", "flag", "migration", "infrastructure", "rollback"] = "deploy"
    status: Literal[
        "planned", "started", "succeeded", "failed", "cancelled", "rolled-back"
    ] = "succeeded"  # fmt: skip
    at: AwareDatetime | None = Field(default=None, strict=False)
    ended_at: AwareDatetime | None = Field(default=None, strict=False)
    environment: str = Field(default="", max_length=100)
    region: str = Field(default="", max_length=63)
    version: str = Field(default="", max_length=200)
    link: str = Field(default="", max_length=2000)
    approved_by: str = Field(default="", max_length=200)
    approval: str = Field(default="", max_length=500)
    emergency: bool = False


class ChangeMade(BaseModel):
    """The change that was put down or moved."""

    id: UUID
    status: str
    new: bool


class ChangeListed(BaseModel):
    """A change as lists show it."""

    id: UUID
    kind: str
    status: str
    title: str
    services: list[str]
    environment: str
    production: bool
    region: str
    version: str
    link: str
    by: str
    at: datetime
    ended_at: datetime | None
    approved_by: str
    approval: str
    emergency: bool
    source: str | None


class ChangeNear(BaseModel):
    """A change beside an incident; ``steps`` are dependencies away, null for a linked one."""

    id: UUID
    at: datetime
    kind: str
    status: str
    service: str
    steps: int | None
    title: str
    version: str
    by: str
    link: str
    emergency: bool
    approved: bool
    verdict: str
    minutes_before: int


class Near(BaseModel):
    """The changes beside an incident, linked ones first, then the newest."""

    items: list[ChangeNear]


class Rate(BaseModel):
    """How many changes hurt; ``rate`` 0 to 1, null where there was none."""

    changes: int
    failed: int
    rate: float | None


class TeamRate(Rate):
    """The same of one team."""

    team: str


class Counted(BaseModel):
    """How many there are, and the newest of them."""

    count: int
    items: list[Json]


class Figures(BaseModel):
    """The change board's figures of a while."""

    since: datetime
    until: datetime
    all: Rate
    teams: list[TeamRate]
    conflicts: Counted
    unapproved: Counted


@router.post("", status_code=201, response_model=ChangeMade)
async def add_change(body: Change, ctx: Commander, state: State, response: Response) -> Json:
    """Put a change down, or move the one of the same id."""
    told = body.model_dump(mode="json", exclude_none=True)
    # Without an id the command's own key is it: asked again, it is the same change.
    told["id"] = f"hand:{body.id}" if body.id else f"once:{ctx.principal.id}:{ctx.idempotency_key}"
    change = read_change(told, "", datetime.now(UTC))
    return send(response, await changes.add(state.db, ctx, change))


@router.get("", response_model=PageOf[ChangeListed])
async def list_changes(
    ctx: Reader,
    state: State,
    service: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    last_s: Annotated[int | None, Query(ge=60, le=YEAR_S)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Json:
    """List changes, the last that came in first."""
    last = timedelta(seconds=last_s) if last_s is not None else None
    found = await change_figures.list_page(
        state.db, ctx, service=storable(service), last=last, after=decode_id_cursor(cursor),
        limit=limit + 1,
    )  # fmt: skip
    return cut(found, limit, "id")


@router.get("/figures", response_model=Figures)
async def figures(ctx: Reader, state: State, last_s: Last = 30 * 86_400) -> Json:
    """Conflicting changes, unapproved ones behind incidents, change-failure rate by team."""
    return await change_figures.figures(state.db, ctx, timedelta(seconds=last_s))


@near_router.get("/{ref}/changes", response_model=Near)
async def near_changes(ref: Ref, ctx: Reader, state: State) -> Json:
    """List the changes that may be behind an incident, and those that are linked to it."""
    look_back = timedelta(seconds=state.settings.change_look_back_seconds)
    return {"items": await incident_changes.near(state.db, ctx, ref, look_back)}


def storable(text: str | None) -> str | None:
    """Return a text of the address, if the database can compare with it.

    Raises:
        InvalidInput: it has a NUL.
    """
    from warroom.domain.validate import check_text

    return None if text is None else check_text(text, "service", longest=200)
