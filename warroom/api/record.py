"""The record over HTTP: whether it can be trusted."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from warroom.api.auth import Reader, State
from warroom.api.problems import RESPONSES
from warroom.db.uow import read
from warroom.domain.principal import INGEST_PRINCIPAL, Scope
from warroom.errors import Overloaded
from warroom.services import audit
from warroom.services.access import require

router = APIRouter(prefix="/v1/audit", tags=["record"], responses=RESPONSES)


@router.get("/verify")
async def verify(ctx: Reader, state: State) -> dict[str, Any]:
    """Recompute every hash and hold every row against its last audit entry."""
    require(ctx, Scope.READ)
    if state.verifying.locked():
        raise Overloaded("The record is being verified already.", remedy="Ask again in a minute.")
    async with state.verifying:
        return await read(
            state.db, ctx, audit.verify, eyes=INGEST_PRINCIPAL, deadline_s=audit.VERIFY_SECONDS
        )
