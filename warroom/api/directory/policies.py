"""Escalation policies over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import Page, Strict
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


@router.post("/policies", status_code=201)
async def add_policy(body: Policy, ctx: Commander, state: State) -> Json:
    """Make an escalation policy."""
    return (await policies.add(state.db, ctx, **body.model_dump())).body


@router.get("/policies", response_model=Page)
async def list_policies(ctx: Reader, state: State) -> Json:
    """List the policies."""
    return {"items": await policies.list_all(state.db, ctx), "next_cursor": None}
