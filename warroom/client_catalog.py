"""The client's commands and reads of the map; :class:`warroom.client.Client` has them all.

``key`` is the idempotency key, a new one if it is not given.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from warroom.client_directory import PAGE

Json = dict[str, Any]
IMPORT_SECONDS: Final = 120.0
"""Longer than the API itself gives an import, so that its answer is heard."""


class CatalogCommands:
    """Catalogue files in and out, observed edges, proposals, workloads, coverage."""

    async def request(
        self, method: str, path: str, *, body: object | None = None,
        params: Mapping[str, Any] | None = None, key: str | None = None,
        content: bytes | None = None, headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Any:  # fmt: skip
        """Send a request and return its JSON."""
        raise NotImplementedError

    async def _post(self, path: str, body: object, key: str | None = None) -> Json:
        raise NotImplementedError

    async def _get(self, path: str, **params: Any) -> Json:
        raise NotImplementedError

    async def import_catalog(
        self,
        files: Sequence[Mapping[str, str]],
        *,
        format: str = "auto",  # noqa: A002 - the API's own word
        source: str | None = None,
        dry_run: bool = False,
        prune: bool = False,
        make_teams: bool = False,
        strict: bool = False,
        key: str | None = None,
    ) -> Json:
        """Import ``{name, text}`` files; return the report.

        Raises:
            CatalogueRefused: they have errors; ``current`` is the report.
        """
        body = {
            "files": [dict(f) for f in files], "format": format, "source": source,
            "prune": prune, "make_teams": make_teams, "strict": strict,
        }  # fmt: skip
        found: Json = await self.request(
            "POST", "/v1/catalog/import", body=body, key=key or uuid.uuid4().hex,
            params={"dry_run": "true" if dry_run else None}, timeout_s=IMPORT_SECONDS,
        )  # fmt: skip
        return found

    async def export_catalog(self, format: str, *, source: str | None = None) -> Json:  # noqa: A002
        """Return ``{format, files: [{name, text}]}``."""
        found: Json = await self.request(
            "GET", "/v1/catalog/export", params={"format": format, "source": source},
            timeout_s=IMPORT_SECONDS,
        )  # fmt: skip
        return found

    async def catalog_imports(self) -> Json:
        """Return ``{items}``: every import that changed something, and who did it."""
        return await self._pages("/v1/catalog/imports", None)

    async def observed(self, *, state: str = "open") -> Json:
        """Return ``{items}``: every edge that was seen in traffic and is in this state."""
        return await self._pages("/v1/catalog/observed", state)

    async def decide_observed(
        self,
        verdict: str,
        edges: Sequence[Mapping[str, str]],
        *,
        hardness: str | None = None,
        sync: bool | None = None,
        key: str | None = None,
    ) -> Json:
        """Confirm or reject ``{service, depends_on}`` edges, all or none; return how many."""
        body = {"verdict": verdict, "edges": [dict(e) for e in edges], "hardness": hardness,
                "sync": sync}  # fmt: skip
        return await self._post("/v1/catalog/observed", body, key)

    async def propose(
        self,
        action: str,
        service: str,
        *,
        depends_on: str | None = None,
        change: Mapping[str, Any] | None = None,
        note: str | None = None,
        incident: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Propose a correction of the catalogue; return it."""
        body = {"action": action, "service": service, "depends_on": depends_on,
                "change": dict(change or {}), "note": note, "incident": incident}  # fmt: skip
        return await self._post("/v1/catalog/proposals", body, key)

    async def proposals(self, *, state: str = "open") -> Json:
        """Return ``{items}``: every proposal in this state."""
        return await self._pages("/v1/catalog/proposals", state)

    async def decide_proposal(self, proposal: str, verdict: str, *, key: str | None = None) -> Json:
        """Accept a proposal, which changes the catalogue, or reject it."""
        return await self._post(f"/v1/catalog/proposals/{proposal}", {"verdict": verdict}, key)

    async def proposal_patch(self, *, state: str = "accepted") -> Json:
        """Return the services that proposals speak of as files of Backstage entities."""
        return await self._get("/v1/catalog/proposals/patch", state=state)

    async def register_workload(
        self, service: str, ttl_s: int, *, key: str | None = None, **what: Any
    ) -> Json:
        """Register a short-lived workload or renew it; ``what`` it is as the API takes it."""
        return await self._post(
            "/v1/catalog/register", {"key": service, "ttl_s": ttl_s, **what}, key
        )

    async def coverage(self, *, days: int = 30, limit: int = 1000) -> Json:
        """Return which services have no alert source, owner, runbook or heartbeat."""
        return await self._get("/v1/catalog/coverage", days=days, limit=limit)

    async def remove_dependency(
        self, service: str, depends_on: str, *, key: str | None = None
    ) -> Json:
        """Say that a service does not depend on another."""
        body = {"service": service, "depends_on": depends_on}
        return await self._post("/v1/dependencies/remove", body, key)

    async def _pages(self, path: str, state: str | None) -> Json:
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = await self._get(path, state=state, limit=PAGE, cursor=cursor)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return {"items": items}
