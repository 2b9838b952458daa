"""Corrections of the catalogue over HTTP: proposed, listed, decided, and written as a patch."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.catalog.imports import Export
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.catalog.backstage_out import entities
from warroom.domain.safe_text import safe_text
from warroom.services.catalog import proposals

router = APIRouter(prefix="/v1/catalog", tags=["catalog"], responses=RESPONSES)
Json = dict[str, Any]
FIRST = UUID(int=0)
PATCH_FILE = "catalog-patch.yaml"


class Change(Strict):
    """Attributes by name; null takes one away."""

    name: str | None = None
    kind: str | None = None
    tier: int | None = None
    team: str | None = None
    region: str | None = None
    zone: str | None = None
    host: str | None = None
    provider: str | None = None
    slo: float | None = None
    customers: int | None = None
    user_share: float | None = None
    runbook_url: str | None = None
    dashboard_url: str | None = None
    system: str | None = None
    links: list[dict[str, str]] | None = None
    hardness: str | None = None
    sync: bool | None = None
    group: str | None = None
    needed: int | None = None


class Propose(Strict):
    """A correction, and the incident that taught it."""

    action: Literal["add-dependency", "remove-dependency", "change-dependency", "change-service"]
    service: str = Field(min_length=1, max_length=200)
    depends_on: str | None = Field(default=None, min_length=1, max_length=200)
    change: Change = Field(default_factory=Change)
    note: str | None = Field(default=None, max_length=2000)
    incident: str | None = Field(default=None, max_length=60, description="INC-12, 12 or an id")


class Decide(Strict):
    """What a person says of a proposal."""

    verdict: Literal["accept", "reject"]


class ProposalState(BaseModel):
    """A proposal and what became of it."""

    id: UUID
    state: str
    sentence: str


class ProposalListed(ProposalState):
    """A proposal as lists show it."""

    action: str
    service: str
    depends_on: str | None
    change: Json
    note: str
    incident: str | None
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None


@router.post("/proposals", status_code=201, response_model=ProposalState)
async def propose(body: Propose, ctx: Commander, state: State) -> Json:
    """Propose a correction of the catalogue."""
    values = body.model_dump() | {"change": body.change.model_dump(exclude_unset=True)}
    return (await proposals.add(state.db, ctx, values)).body


@router.get("/proposals", response_model=PageOf[ProposalListed])
async def list_proposals(
    ctx: Reader,
    state: State,
    which: Annotated[Literal["open", "accepted", "rejected", "all"], Query(alias="state")] = "open",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Json:
    """List proposals in the order in which they were made."""
    after = decode_id_cursor(cursor) or FIRST
    found = await proposals.list_proposals(state.db, ctx, state=which, after=after, limit=limit + 1)
    return cut(found, limit, "id")


@router.get("/proposals/patch", response_model=Export)
async def patch(
    ctx: Reader,
    state: State,
    which: Annotated[Literal["open", "accepted"], Query(alias="state")] = "accepted",
) -> Json:
    """Write the services that proposals speak of as Backstage entities, with the reasons."""
    part, notes = await proposals.patch(state.db, ctx, states=[which])
    safe = {key: [str(safe_text(n, limit=500)) for n in lines] for key, lines in notes.items()}
    text = "---\n".join(entities(part, safe))
    return {"format": "backstage", "files": [{"name": PATCH_FILE, "text": text}]}


@router.post("/proposals/{proposal_id}", response_model=ProposalState)
async def decide(proposal_id: UUID, body: Decide, ctx: Commander, state: State) -> Json:
    """Accept a proposal, which changes the catalogue, or reject it."""
    answer = await proposals.decide(state.db, ctx, proposal_id, verdict=body.verdict)
    return answer.body
