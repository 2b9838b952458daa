"""Freezes over HTTP: CI's question, what runs, policies, and emergency changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.incident_commands import send
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Key, Limit, cut, decode_cursor, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.services import freeze_exceptions, freeze_policies, freeze_questions

router = APIRouter(prefix="/v1", tags=["freezes"], responses=RESPONSES)
Json = dict[str, Any]
ExceptionId = Annotated[UUID, Path(description="an exception")]


class Policy(Strict):
    """Which incidents freeze what; values exactly for team, services and region."""

    key: str
    name: str | None = Field(default=None, max_length=200)
    min_severity: int = Field(ge=1, le=5, description="2: SEV1 and SEV2")
    scope: Literal["all", "incident", "impact", "team", "services", "region"]
    values: list[str] = Field(default_factory=list, max_length=1000)


class Switch(Strict):
    """Whether the policy is in use."""

    enabled: bool


class PolicyListed(BaseModel):
    """A policy."""

    id: UUID
    key: str
    name: str
    min_severity: int
    scope: str
    values: list[str]
    enabled: bool


class FreezeListed(BaseModel):
    """A freeze of an incident that the caller may see."""

    id: UUID
    policy: str
    incident: str
    severity: int
    scope: str
    values: list[str]
    began_at: datetime
    ended_at: datetime | None


class Exempt(BaseModel):
    """What may pass all the same, or is asked to."""

    state: str
    reason: str
    asked_by: str
    approver: str
    until: datetime


class Verdict(BaseModel):
    """The answer to CI; ``incident`` and ``severity`` are null where the caller may not see it."""

    service: str
    frozen: bool
    since: datetime | None
    incident: str | None
    severity: int | None
    policy: str | None
    reason: str
    exception: Exempt | None


class AskException(Strict):
    """An emergency change: why, who is to let it through, for how long."""

    service: str = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=2000)
    approver: str = Field(min_length=1, max_length=100)
    change: str = Field(default="", max_length=500, description="only this one may pass")
    for_s: float = Field(default=3600, ge=60, le=86400, strict=False)


class Decide(Strict):
    """Whether it may pass."""

    approve: bool


class ExceptionListed(BaseModel):
    """An exception: asked, approved or declined."""

    id: UUID
    service: str
    change: str
    reason: str
    asked_by: str
    asked_at: datetime
    approver: str
    state: str
    decided_at: datetime | None
    until: datetime


@router.get("/freeze", response_model=Verdict)
async def ask(
    ctx: Reader,
    state: State,
    service: Annotated[str, Query(min_length=1, max_length=200, description="its key")],
    change: Annotated[str, Query(max_length=500, description="what an exception names")] = "",
) -> Json:
    """Say whether changes of a service stand still; tokens of scope read or ingest may ask."""
    return await freeze_questions.ask(state.db, ctx, service, change)


@router.get("/freezes", response_model=PageOf[FreezeListed])
async def list_freezes(
    ctx: Reader, state: State, every: bool = False, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the freezes that run, or every one."""
    found = await freeze_questions.list_page(
        state.db, ctx, every=every, after=decode_id_cursor(cursor), limit=limit + 1
    )
    return cut(found, limit, "id")


@router.post("/freeze-policies", status_code=201, response_model=PolicyListed)
async def add_policy(body: Policy, ctx: Commander, state: State) -> Json:
    """Make a freeze policy; incidents that are open freeze by it at once."""
    return (await freeze_policies.add(state.db, ctx, **body.model_dump())).body


@router.get("/freeze-policies", response_model=PageOf[PolicyListed])
async def list_policies(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the policies."""
    after = decode_cursor(cursor) or ""
    found = await freeze_policies.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "key")


@router.post("/freeze-policies/{key}", response_model=PolicyListed)
async def switch_policy(key: Key, body: Switch, ctx: Commander, state: State) -> Json:
    """Turn a policy on or off; its freezes begin or end at once."""
    return (await freeze_policies.switch(state.db, ctx, key, enabled=body.enabled)).body


@router.post("/freeze-exceptions", status_code=201, response_model=ExceptionListed)
async def ask_exception(
    body: AskException, ctx: Commander, state: State, response: Response
) -> Json:
    """Ask for an emergency change; whoever is named decides."""
    return send(response, await freeze_exceptions.ask(state.db, ctx, **body.model_dump()))


@router.get("/freeze-exceptions", response_model=PageOf[ExceptionListed])
async def list_exceptions(
    ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None
) -> Json:
    """List the exceptions, the newest first."""
    found = await freeze_exceptions.list_page(
        state.db, ctx, after=decode_id_cursor(cursor), limit=limit + 1
    )
    return cut(found, limit, "id")


@router.post("/freeze-exceptions/{exception_id}", response_model=ExceptionListed)
async def decide_exception(
    exception_id: ExceptionId, body: Decide, ctx: Commander, state: State
) -> Json:
    """Let an emergency change through, or not."""
    done = await freeze_exceptions.decide(state.db, ctx, exception_id, approve=body.approve)
    return done.body
