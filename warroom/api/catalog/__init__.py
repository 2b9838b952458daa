"""The map over HTTP: imports and exports, observed edges, proposals, workloads, coverage."""

from __future__ import annotations

from warroom.api.catalog import imports, observed, proposals, upkeep

ROUTERS = tuple(part.router for part in (imports, observed, proposals, upkeep))
