"""The map over HTTP: imports and exports, observed edges, proposals, workloads, coverage."""

from __future__ import annotations

from fastapi import APIRouter

from warroom.api.catalog import imports, observed, proposals, upkeep

router = APIRouter()
for part in (imports, observed, proposals, upkeep):
    router.include_router(part.router)
