"""API tokens over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import PageOf, Strict
from warroom.api.paging import Cursor, Limit, cut, decode_id_cursor
from warroom.api.problems import RESPONSES
from warroom.services.directory import tokens

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)
Json = dict[str, Any]


TokenScope = Literal["read", "respond", "admin"]


def usual_scopes() -> list[TokenScope]:
    """Return what a token may do when nothing is said."""
    return ["read", "respond"]


Lifetime = Annotated[
    int | None, Field(ge=60, le=315_360_000, description="refused after so many seconds")
]
"""How long a token lasts: a minute to ten years, null for ever."""


class Token(Strict):
    """Another token for a principal; with ``ingest`` it brings in the alerts of ``source``."""

    person: str
    name: str
    scopes: list[TokenScope | Literal["ingest"]] = Field(min_length=1, max_length=4)
    expires_in_s: Lifetime = None
    source: str | None = None


class TokenMade(BaseModel):
    """The token that was made; it is told once, and null when it was told before."""

    id: UUID
    person: str
    name: str
    scopes: list[str]
    expires_at: datetime | None = None
    source: str | None = None
    token: str | None = None


class TokenRevoked(BaseModel):
    """The token that is refused from now on."""

    id: UUID
    revoked: bool


class TokenListed(BaseModel):
    """A token as lists show it: never the token itself."""

    id: UUID
    person: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    source: str | None


@router.post("/tokens", status_code=201, response_model=TokenMade)
async def add_token(body: Token, ctx: Commander, state: State) -> Json:
    """Make another token (told once)."""
    return (await tokens.add(state.db, ctx, **body.model_dump())).body


@router.delete("/tokens/{token_id}", response_model=TokenRevoked)
async def revoke_token(token_id: UUID, ctx: Commander, state: State) -> Json:
    """Revoke a token."""
    return (await tokens.revoke(state.db, ctx, str(token_id))).body


@router.get("/tokens", response_model=PageOf[TokenListed])
async def list_tokens(ctx: Reader, state: State, limit: Limit = 100, cursor: Cursor = None) -> Json:
    """List the tokens without their secrets."""
    after = decode_id_cursor(cursor)
    found = await tokens.list_all(state.db, ctx, after=after, limit=limit + 1)
    return cut(found, limit, "id")
