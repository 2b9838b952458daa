"""Who the caller is, and logins at the database, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from pydantic import Field

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


@router.post("/logins")
async def mint_login(body: Login, ctx: Reader, state: State) -> Json:
    """Give the caller's personal database role a password, as a verifier, for up to 12 hours."""
    found = await logins.mint(
        state.db, replace(ctx, idempotency_key=None), verifier=body.verifier, hours=body.hours
    )
    return {**found, "conninfo": state.public_conninfo}
