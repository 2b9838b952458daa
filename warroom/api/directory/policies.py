"""Escalation policies over HTTP."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_cursor
from warroom.api.problems import RESPONSES
from warroom.services.directory import policies

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Step(Strict):
    """One rung of a policy."""

    delay_s: int = Field(ge=0, le=604800)
    target_kind: Literal["team", "person", "channel"]
    target: str


class Policy(Strict):
    """An escalation policy."""

    key: str
    name: str
    steps: list[Step] = Field(min_length=1, max_length=50)
    repeat: int = Field(default=0, ge=0, le=100)


class PolicyMade(BaseModel):
    """The policy that was made."""

    id: UUID
    key: str
    name: str
    repeat: int
    steps: list[Step]


class PolicyListed(BaseModel):
    """A policy as lists show it; ``steps`` is how many it has."""

    id: UUID
    key: str
    name: str
    repeat_count: int
    steps: int


@router.post("/policies", status_code=201, response_model=PolicyMade)
async def add_policy(body: Policy, ctx: Commander, state: State) -> Json:
    """Make an escalation policy."""
    return (await policies.add(state.db, ctx, **body.model_dump())).body


@router.get("/policies", response_model=PageOf[PolicyListed])
async def list_policies(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the policies."""
    after = decode_cursor(cursor) or ""
    found = await policies.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")
