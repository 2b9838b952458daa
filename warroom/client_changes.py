"""The client's commands on changes, freezes and locks; :class:`warroom.client.Client` has them all.

Each sends one request.  ``key`` is the idempotency key, a new one if it is not given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warroom.client_commands import incident_path
from warroom.client_directory import noun_path

Json = dict[str, Any]


class ChangeCommands:
    """What happens to changes, and to the services that people mitigate."""

    async def _post(self, path: str, body: object, key: str | None = None) -> Json:
        raise NotImplementedError

    async def _get(self, path: str, **params: Any) -> Json:
        raise NotImplementedError

    async def link_change(
        self, ref: str, version: int, change: str, verdict: str, *, key: str | None = None
    ) -> Json:
        """Say of a change (its id) that it is suspected, the cause or cleared; the incident."""
        body = {"version": version, "change": str(change), "verdict": verdict}
        return await self._post(incident_path(ref, "changes"), body, key)

    async def mitigate(
        self,
        ref: str,
        service: str,
        what: str,
        *,
        join: bool = False,
        for_s: float = 3600,
        key: str | None = None,
    ) -> Json:
        """Say that one is at a service now, doing what; return the incident."""
        body = {"service": service, "what": what, "join": join, "for_s": for_s}
        return await self._post(incident_path(ref, "mitigate"), body, key)

    async def mitigated(self, ref: str, service: str, *, key: str | None = None) -> Json:
        """Say that one is done with a service; return the incident."""
        return await self._post(incident_path(ref, "mitigate/done"), {"service": service}, key)

    async def add_change(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Put a change down; return ``{id, status, new}``."""
        return await self._post(noun_path("changes"), dict(body), key)

    async def changes(
        self,
        *,
        service: str | None = None,
        last_s: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Json:
        """Return ``{items, next_cursor}``, the last that came in first."""
        return await self._get(
            noun_path("changes"), service=service, last_s=last_s, limit=limit, cursor=cursor
        )

    async def changes_near(self, ref: str) -> Json:
        """Return ``{items}``: what may be behind an incident, linked ones first."""
        return await self._get(incident_path(ref, "changes"))

    async def change_figures(self, *, last_s: int = 30 * 86_400) -> Json:
        """Return ``{since, until, all, teams, conflicts, unapproved}``."""
        return await self._get(noun_path("changes") + "/figures", last_s=last_s)

    async def freeze(self, service: str, *, change: str = "") -> Json:
        """Return whether changes of a service stand still, and why."""
        return await self._get(noun_path("freeze"), service=service, change=change)

    async def freezes(self, *, every: bool = False, limit: int = 100) -> Json:
        """Return ``{items, next_cursor}`` of the freezes that run, or of every one."""
        return await self._get(noun_path("freezes"), every=every, limit=limit)

    async def add_freeze_policy(
        self,
        name: str,
        min_severity: int,
        scope: str,
        values: Sequence[str] = (),
        *,
        key: str | None = None,
    ) -> Json:
        """Make a policy; ``name`` is its key."""
        body = {
            "key": name,
            "min_severity": min_severity,
            "scope": scope,
            "values": list(values),
        }
        return await self._post(noun_path("freeze-policies"), body, key)

    async def switch_freeze_policy(
        self, name: str, *, enabled: bool, key: str | None = None
    ) -> Json:
        """Turn a policy on or off."""
        return await self._post(noun_path("freeze-policies", name), {"enabled": enabled}, key)

    async def ask_exception(
        self,
        service: str,
        reason: str,
        approver: str,
        *,
        change: str = "",
        for_s: float = 3600,
        key: str | None = None,
    ) -> Json:
        """Ask that an emergency change may pass; ``approver`` decides."""
        body = {
            "service": service,
            "reason": reason,
            "approver": approver,
            "change": change,
            "for_s": for_s,
        }
        return await self._post(noun_path("freeze-exceptions"), body, key)

    async def decide_exception(
        self, exception: str, *, approve: bool, key: str | None = None
    ) -> Json:
        """Let an emergency change through, or not."""
        return await self._post(
            noun_path("freeze-exceptions", exception), {"approve": approve}, key
        )
