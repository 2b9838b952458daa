"""The commands that bring services back: ticks on the restart, paging an owner."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field

from warroom.api import models
from warroom.api.auth import Commander, State
from warroom.api.incident_commands import Ref, send
from warroom.api.models import Strict
from warroom.api.problems import RESPONSES
from warroom.services import incident_recovery

router = APIRouter(prefix="/v1/incidents", tags=["commands"], responses=RESPONSES)


class Tick(Strict):
    """Which service of the waves, and whether it is back."""

    service: str = Field(min_length=1, max_length=200)
    done: bool


class PageOwner(Strict):
    """Whose owner is called, and what they should know."""

    service: str = Field(min_length=1, max_length=200)
    note: str | None = Field(default=None, max_length=2000)


@router.post("/{ref}/restart", response_model=models.Incident)
async def tick(
    ref: Ref, body: Tick, ctx: Commander, state: State, response: Response
) -> dict[str, Any]:
    """Tick a step of the restart, or take its tick away."""
    return send(
        response,
        await incident_recovery.tick(state.db, ctx, ref, service=body.service, done=body.done),
    )


@router.post("/{ref}/page", response_model=models.Incident)
async def page(
    ref: Ref, body: PageOwner, ctx: Commander, state: State, response: Response
) -> dict[str, Any]:
    """Call the owner of a service."""
    return send(
        response,
        await incident_recovery.page(state.db, ctx, ref, service=body.service, note=body.note),
    )
