"""The client's commands on silences; :class:`warroom.client.Client` has them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from warroom.client_directory import noun_path

Json = dict[str, Any]


class SilenceCommands:
    """Which alerts open no incident for a while."""

    async def _post(self, path: str, body: object, key: str | None = None) -> Json:
        raise NotImplementedError

    async def _get(self, path: str, **params: Any) -> Json:
        raise NotImplementedError

    async def add_silence(
        self,
        matchers: Sequence[str],
        comment: str,
        *,
        for_s: float | None = None,
        starts_at: str | None = None,
        ends_at: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Make a silence for so many seconds, or until ``ends_at``; return it."""
        body = {
            "matchers": list(matchers), "comment": comment, "for_s": for_s,
            "starts_at": starts_at, "ends_at": ends_at,
        }  # fmt: skip
        return await self._post(noun_path("silences"), body, key)

    async def expire_silence(self, silence: str, *, key: str | None = None) -> Json:
        """End a silence now; return it."""
        return await self._post(noun_path("silences", silence, "expire"), {}, key)

    async def silences(
        self, *, every: bool = False, limit: int = 100, cursor: str | None = None
    ) -> Json:
        """Return ``{items, next_cursor}``, the last made first; only those not over by default."""
        return await self._get(noun_path("silences"), every=every, limit=limit, cursor=cursor)
