"""People, teams, services, policies, tokens, sources, logins and the record over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter

from warroom.api import models
from warroom.api.auth import Commander, Reader, State
from warroom.api.problems import RESPONSES
from warroom.db.uow import read
from warroom.domain.principal import INGEST_PRINCIPAL, Scope
from warroom.errors import Overloaded
from warroom.services import audit, directory
from warroom.services.access import require

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]
Noun = Literal["people", "teams", "services", "policies", "tokens", "sources"]


@router.get("/me")
async def me(ctx: Reader) -> Json:
    """Say whose token this is."""
    principal = ctx.principal
    return {
        "id": str(principal.id),
        "name": principal.name,
        "kind": principal.kind.value,
        "scopes": sorted(s.value for s in principal.scopes),
    }


@router.post("/people", status_code=201)
async def add_person(body: models.Person, ctx: Commander, state: State) -> Json:
    """Make a person with an own database role and a token (told once)."""
    answer = await directory.add_person(state.db, ctx, **body.model_dump())
    return answer.body


@router.post("/teams", status_code=201)
async def add_team(body: models.Team, ctx: Commander, state: State) -> Json:
    """Make a team."""
    return (await directory.add_team(state.db, ctx, **body.model_dump())).body


@router.post("/services", status_code=201)
async def add_service(body: models.Service, ctx: Commander, state: State) -> Json:
    """Make a service, or a provisional one a full one."""
    return (await directory.add_service(state.db, ctx, body.model_dump())).body


@router.post("/dependencies", status_code=201)
async def add_dependency(body: models.Dependency, ctx: Commander, state: State) -> Json:
    """Say that a service depends on another."""
    return (await directory.add_dependency(state.db, ctx, **body.model_dump())).body


@router.post("/policies", status_code=201)
async def add_policy(body: models.Policy, ctx: Commander, state: State) -> Json:
    """Make an escalation policy."""
    return (await directory.add_policy(state.db, ctx, **body.model_dump())).body


@router.post("/tokens", status_code=201)
async def add_token(body: models.Token, ctx: Commander, state: State) -> Json:
    """Make another token (told once)."""
    return (await directory.add_token(state.db, ctx, **body.model_dump())).body


@router.delete("/tokens/{token_id}")
async def revoke_token(token_id: UUID, ctx: Commander, state: State) -> Json:
    """Revoke a token."""
    return (await directory.revoke_token(state.db, ctx, str(token_id))).body


@router.post("/sources", status_code=201)
async def add_source(body: models.Source, ctx: Commander, state: State) -> Json:
    """Make an alert source with its token (told once)."""
    return (await directory.add_source(state.db, ctx, **body.model_dump())).body


@router.post("/logins")
async def mint_login(body: models.Login, ctx: Reader, state: State) -> Json:
    """Give the caller's personal database role a password, as a verifier, for up to 12 hours."""
    found = await directory.mint_login(
        state.db, replace(ctx, idempotency_key=None), verifier=body.verifier, hours=body.hours
    )
    return {**found, "conninfo": state.public_conninfo}


@router.get("/audit/verify")
async def verify(ctx: Reader, state: State) -> Json:
    """Recompute every hash and hold every row against its last audit entry."""
    require(ctx, Scope.READ)
    if state.verifying.locked():
        raise Overloaded("The record is being verified already.", remedy="Ask again in a minute.")
    async with state.verifying:
        return await read(
            state.db, ctx, audit.verify, eyes=INGEST_PRINCIPAL, deadline_s=audit.VERIFY_SECONDS
        )


@router.get("/{noun}", response_model=models.Page)
async def list_all(noun: Noun, ctx: Reader, state: State) -> Json:
    """List one of the directory's nouns."""
    return {"items": await directory.list_all(state.db, ctx, noun), "next_cursor": None}
