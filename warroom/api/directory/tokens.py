"""API tokens over HTTP."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import Page, Strict
from warroom.api.problems import RESPONSES
from warroom.services.directory import tokens

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


TokenScope = Literal["read", "respond", "admin"]


def usual_scopes() -> list[TokenScope]:
    """Return what a token may do when nothing is said."""
    return ["read", "respond"]


class Token(Strict):
    """Another token for a principal."""

    person: str
    name: str
    scopes: list[TokenScope] = Field(min_length=1, max_length=3)


@router.post("/tokens", status_code=201)
async def add_token(body: Token, ctx: Commander, state: State) -> Json:
    """Make another token (told once)."""
    return (await tokens.add(state.db, ctx, **body.model_dump())).body


@router.delete("/tokens/{token_id}")
async def revoke_token(token_id: UUID, ctx: Commander, state: State) -> Json:
    """Revoke a token."""
    return (await tokens.revoke(state.db, ctx, str(token_id))).body


@router.get("/tokens", response_model=Page)
async def list_tokens(ctx: Reader, state: State) -> Json:
    """List the tokens without their secrets."""
    return {"items": await tokens.list_all(state.db, ctx), "next_cursor": None}
