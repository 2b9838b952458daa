"""Mappings of sources over HTTP: checked here, because services know no dialect."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from warroom.api.auth import Commander, Reader, State
from warroom.api.models import Strict
from warroom.api.paging import Key
from warroom.api.problems import RESPONSES
from warroom.ingest.mapping import Compiled, compile_mapping
from warroom.services.directory import source_mapping

router = APIRouter(prefix="/v1", tags=["directory"], responses=RESPONSES)


class MappingOf(Strict):
    """What is where in a source's JSON; null takes the mapping away."""

    mapping: dict[str, Any] | None = Field(description="as docs/integrations/generic.md says")


class MappingSet(BaseModel):
    """The mapping as it is stored."""

    id: UUID
    key: str
    mapping: dict[str, Any] | None


class MappingShown(BaseModel):
    """The mapping of a source, null where it has none."""

    key: str
    mapping: dict[str, Any] | None


@router.post("/sources/{key}/mapping", response_model=MappingSet)
async def set_mapping(key: Key, body: MappingOf, ctx: Commander, state: State) -> dict[str, Any]:
    """Give a source a mapping in place of the one it had, from the next message on."""
    if body.mapping is not None:
        compile_mapping(body.mapping)
    return (await source_mapping.put(state.db, ctx, key, body.mapping)).body


@router.get("/sources/{key}/mapping", response_model=MappingShown)
async def show_mapping(key: Key, ctx: Reader, state: State) -> dict[str, Any]:
    """Return the mapping of a source."""
    return await source_mapping.of_key(state.db, ctx, key)


def compiled(request: Request) -> Compiled | None:
    """Return the mapping of the sender's source, None where it has none.

    It comes with the answer to whose the token is, so a new one holds from the next message on in
    every process, and no post asks for it again.

    Raises:
        InvalidInput: somebody has spoiled it in the table.
    """
    stored: str | None = getattr(request.state, "mapping", None)
    return None if stored is None else _compiled(stored)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Compiled:
    """Compile a mapping once for each text that it has ever had."""
    return compile_mapping(json.loads(text))
