"""The client's commands on what becomes of alerts; :class:`warroom.client.Client` has them all.

Each sends one request.  ``key`` is the idempotency key, a new one if it is not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.client_directory import noun_path

Json = dict[str, Any]


class AlertCommands:
    """Alerts, rules, the triage queue, reports, and how much noise there is."""

    async def _post(self, path: str, body: object, key: str | None = None) -> Json:
        raise NotImplementedError

    async def _get(self, path: str, **params: Any) -> Json:
        raise NotImplementedError

    async def _delete(self, path: str, key: str | None = None, **params: Any) -> Json:
        raise NotImplementedError

    async def alerts(
        self,
        *,
        state: str | None = None,
        service: str | None = None,
        name: str | None = None,
        source: str | None = None,
        disposition: str | None = None,
        incident: str | None = None,
        id_end: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Json:
        """Return ``{items, next_cursor}``: alerts and what became of each, the newest first.

        What is None is not asked for; ``id_end`` are the last digits of the id.
        """
        asked = {"state": state, "service": service, "name": name, "source": source,
                 "disposition": disposition, "incident": incident, "id_end": id_end,
                 "cursor": cursor}  # fmt: skip
        given = {key: value for key, value in asked.items() if value is not None}
        return await self._get(noun_path("alerts"), limit=limit, **given)

    async def alert(self, alert_id: str) -> Json:
        """Return one alert with all that its source told."""
        return await self._get(noun_path("alerts", alert_id))

    async def add_rule(
        self,
        name: str,
        kind: str,
        *,
        matches: Mapping[str, list[str]] | None = None,
        spec: Mapping[str, Any] | None = None,
        position: int = 100,
        note: str = "",
        key: str | None = None,
    ) -> Json:
        """Make a rule on alerts; ``name`` is its key."""
        body = {"key": name, "kind": kind, "matches": dict(matches or {}),
                "spec": dict(spec or {}), "position": position, "note": note}  # fmt: skip
        return await self._post(noun_path("alert-rules"), body, key)

    async def set_rule(
        self, name: str, version: int, changes: Mapping[str, Any], *, key: str | None = None
    ) -> Json:
        """Change a rule that was seen at ``version``."""
        return await self._post(
            noun_path("alert-rules", name), {"version": version, **changes}, key
        )

    async def remove_rule(self, name: str, version: int, *, key: str | None = None) -> Json:
        """Take a rule away that was seen at ``version``."""
        return await self._delete(noun_path("alert-rules", name), key, version=version)

    async def try_rules(self, sample: Mapping[str, Any]) -> Json:
        """Say what the rules would do to an alert; nothing is stored."""
        return await self._post(noun_path("alert-rule-test"), dict(sample))

    async def report(
        self,
        title: str,
        *,
        body: str = "",
        service: str | None = None,
        severity: int = 4,
        reported_by: str = "",
        key: str | None = None,
    ) -> Json:
        """Put what a user sees into the triage queue; return ``{id}``."""
        sent = {"title": title, "body": body, "service": service, "severity": severity,
                "reported_by": reported_by}  # fmt: skip
        return await self._post(noun_path("reports"), sent, key)

    async def noise(self, *, last_s: int = 7 * 86_400, limit: int = 50) -> Json:
        """Return ``{items}``: each alert type with its noise, what to fix first above."""
        return await self._get(noun_path("alert-types") + "/noise", last_s=last_s, limit=limit)

    async def set_alert_type(
        self,
        source: str,
        name: str,
        *,
        team: str | None = None,
        runbook: str | None = None,
        response: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Say who answers for an alert type, where its runbook is, and what is expected.

        None leaves what there is, an empty text takes it away.
        """
        body = {"source": source, "name": name, "team": team, "runbook": runbook,
                "response": response}  # fmt: skip
        return await self._post(noun_path("alert-types"), body, key)

    async def triage(self, *, every: bool = False, limit: int = 100) -> Json:
        """Return ``{items, next_cursor}``: what waits for a person, or all that ever did."""
        return await self._get(noun_path("triage"), every=every, limit=limit)

    async def accept_triage(
        self,
        item: str,
        version: int,
        *,
        severity: int | None = None,
        title: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Declare an incident of what waits."""
        body = {"version": version, "severity": severity, "title": title}
        return await self._post(noun_path("triage", item, "accept"), body, key)

    async def merge_triage(
        self, item: str, version: int, into: str, *, key: str | None = None
    ) -> Json:
        """Make what waits part of an open incident."""
        body = {"version": version, "into": into}
        return await self._post(noun_path("triage", item, "merge"), body, key)

    async def dismiss_triage(
        self, item: str, version: int, reason: str, *, key: str | None = None
    ) -> Json:
        """Let what waits be, and say why."""
        body = {"version": version, "reason": reason}
        return await self._post(noun_path("triage", item, "dismiss"), body, key)
