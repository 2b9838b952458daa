"""Who the caller is, and logins at the database, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Reader, State
from warroom.api.models import Strict
from warroom.api.problems import RESPONSES
from warroom.services.directory import logins

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


class Login(Strict):
    """A SCRAM-SHA-256 verifier; the password itself never leaves the caller."""

    verifier: str = Field(max_length=1000)
    hours: float = Field(default=12, gt=0, le=12, strict=False)


class Me(BaseModel):
    """Whose token it is, and what it is for."""

    id: UUID
    name: str
    kind: str
    scopes: list[str]


class LoginMade(BaseModel):
    """The personal role, until when its password holds, and where the database is."""

    role: str
    valid_until: datetime
    conninfo: str


@router.get("/me", response_model=Me)
async def me(ctx: Reader) -> Json:
    """Say whose token this is."""
    principal = ctx.principal
    return {
        "id": str(principal.id),
        "name": principal.name,
        "kind": principal.kind.value,
        "scopes": sorted(s.value for s in principal.scopes),
    }


@router.post("/logins", response_model=LoginMade)
async def mint_login(body: Login, ctx: Reader, state: State) -> Json:
    """Give the caller's personal database role a password, as a verifier, for up to 12 hours."""
    found = await logins.mint(
        state.db, replace(ctx, idempotency_key=None), verifier=body.verifier, hours=body.hours
    )
    return {**found, "conninfo": state.public_conninfo}
