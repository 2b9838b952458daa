"""The client's commands on an incident; :class:`warroom.client.Client` has them all.

Each takes the incident's reference and the version that the caller saw (entries and links have
none: they never conflict), sends one request, and returns the incident as it is then.  ``key`` is
the idempotency key, a new one if it is not given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]


def incident_path(ref: str, verb: str = "") -> str:
    """Return an incident's path; whatever was typed stays one step of it."""
    return f"/v1/incidents/{_step(ref)}/{verb}".rstrip("/")


def _step(text: str) -> str:
    return quote(text, safe="").replace(".", "%2E")


class IncidentCommands:
    """Everything that can be done to one incident beside acknowledging and resolving it."""

    async def _post(self, path: str, body: object, key: str | None = None) -> Json:
        raise NotImplementedError

    async def _do(self, ref: str, verb: str, body: Json, key: str | None) -> Json:
        return await self._post(incident_path(ref, verb), body, key)

    async def assign(
        self, ref: str, version: int, owner: str | None, *, key: str | None = None
    ) -> Json:
        """Give it to a person by name, or to nobody."""
        body = {"version": version, "owner": owner}
        return await self._do(ref, "assign", body, key)

    async def set_severity(
        self,
        ref: str,
        version: int,
        severity: int,
        *,
        reason: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Rate the harm anew, 1 (worst) to 5."""
        body = {"version": version, "severity": severity, "reason": reason}
        return await self._do(ref, "severity", body, key)

    async def set_status(
        self,
        ref: str,
        version: int,
        status: str,
        *,
        note: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Move it through the state machine."""
        body = {"version": version, "status": status, "note": note}
        return await self._do(ref, "status", body, key)

    async def set_drill(
        self, ref: str, version: int, *, drill: bool, key: str | None = None
    ) -> Json:
        """Mark it as an exercise, or as real."""
        body = {"version": version, "drill": drill}
        return await self._do(ref, "drill", body, key)

    async def false_alarm(
        self, ref: str, version: int, *, note: str | None = None, key: str | None = None
    ) -> Json:
        """Resolve it as something that never was."""
        body = {"version": version, "note": note}
        return await self._do(ref, "false-alarm", body, key)

    async def restrict(
        self,
        ref: str,
        version: int,
        visibility: str,
        people: Sequence[str] = (),
        *,
        key: str | None = None,
    ) -> Json:
        """Say who may see it."""
        body = {"version": version, "visibility": visibility, "people": list(people)}
        return await self._do(ref, "restrict", body, key)

    async def take_role(self, ref: str, version: int, role: str, *, key: str | None = None) -> Json:
        """Take a role that nobody holds."""
        body = {"version": version, "role": role}
        return await self._do(ref, "roles/take", body, key)

    async def release_role(
        self, ref: str, version: int, role: str, *, key: str | None = None
    ) -> Json:
        """Give a role up."""
        body = {"version": version, "role": role}
        return await self._do(ref, "roles/release", body, key)

    async def offer_role(
        self, ref: str, version: int, role: str, to: str, brief: str, *, key: str | None = None
    ) -> Json:
        """Offer a role to somebody, with a brief."""
        body = {"version": version, "role": role, "to": to, "brief": brief}
        return await self._do(ref, "roles/offer", body, key)

    async def answer_role(
        self, ref: str, version: int, role: str, *, accept: bool, key: str | None = None
    ) -> Json:
        """Accept or decline a role that one was offered."""
        body = {"version": version, "role": role, "accept": accept}
        return await self._do(ref, "roles/answer", body, key)

    async def merge(self, ref: str, version: int, into: str, *, key: str | None = None) -> Json:
        """Merge it into another incident."""
        body = {"version": version, "into": into}
        return await self._do(ref, "merge", body, key)

    async def split(
        self,
        ref: str,
        version: int,
        title: str,
        *,
        services: Sequence[str] = (),
        alerts: Sequence[str] = (),
        severity: int | None = None,
        key: str | None = None,
    ) -> Json:
        """Split services and alerts off; return the new incident."""
        body = {
            "version": version,
            "title": title,
            "services": list(services),
            "alerts": list(alerts),
            "severity": severity,
        }
        return await self._do(ref, "split", body, key)

    async def set_service(
        self, ref: str, version: int, service: str, state: str, *, key: str | None = None
    ) -> Json:
        """Say how a service is on it; attaches it when it is new."""
        body = {"version": version, "service": service, "state": state}
        return await self._do(ref, "services", body, key)

    async def detach_service(
        self, ref: str, version: int, service: str, *, key: str | None = None
    ) -> Json:
        """Take a service off it."""
        body = {"version": version, "service": service}
        return await self._do(ref, "services/detach", body, key)

    async def set_update_due(
        self, ref: str, version: int, in_s: float | None, *, key: str | None = None
    ) -> Json:
        """Say when the next update is due, in seconds; None for never."""
        body = {"version": version, "in_s": in_s}
        return await self._do(ref, "update-due", body, key)

    async def snooze(
        self, ref: str, version: int, for_s: float, reason: str = "", *, key: str | None = None
    ) -> Json:
        """Put it to sleep for so many seconds; 0 wakes it."""
        body = {"version": version, "for_s": for_s, "reason": reason}
        return await self._do(ref, "snooze", body, key)

    async def escalation(
        self, ref: str, version: int, do: str, *, step: int | None = None, key: str | None = None
    ) -> Json:
        """Escalate now, pause, resume, or skip to a step."""
        body = {"version": version, "do": do, "step": step}
        return await self._do(ref, "escalation", body, key)

    async def set_field(
        self, ref: str, version: int, field: str, value: object, *, key: str | None = None
    ) -> Json:
        """Set a custom field; None takes it away."""
        body = {"version": version, "field": field, "value": value}
        return await self._do(ref, "fields", body, key)

    async def undo(self, ref: str, version: int, *, key: str | None = None) -> Json:
        """Undo one's own last command on it."""
        body = {"version": version}
        return await self._do(ref, "undo", body, key)

    async def judge(
        self,
        ref: str,
        entry_id: str,
        fate: str,
        *,
        reason: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Settle a hypothesis (confirmed, refuted, withdrawn), or open it again."""
        return await self._do(
            ref, f"hypotheses/{_step(entry_id)}", {"fate": fate, "reason": reason}, key
        )

    async def pin(self, ref: str, entry_id: str, *, key: str | None = None) -> Json:
        """Put an entry on top of the timeline."""
        return await self._do(ref, f"entries/{_step(entry_id)}/pin", {}, key)

    async def unpin(self, ref: str, entry_id: str, *, key: str | None = None) -> Json:
        """Take an entry from the top of the timeline."""
        return await self._do(ref, f"entries/{_step(entry_id)}/unpin", {}, key)

    async def correct(
        self,
        ref: str,
        entry_id: str,
        text: str,
        *,
        happened_at: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Put an entry right by a newer one."""
        return await self._do(
            ref,
            f"entries/{_step(entry_id)}/correct",
            {"text": text, "happened_at": happened_at},
            key,
        )

    async def add_link(
        self, ref: str, kind: str, url: str, label: str, *, key: str | None = None
    ) -> Json:
        """Add a link."""
        return await self._do(ref, "links", {"kind": kind, "url": url, "label": label}, key)

    async def remove_link(self, ref: str, url: str, *, key: str | None = None) -> Json:
        """Take a link off it."""
        return await self._do(ref, "links/remove", {"url": url}, key)

    async def tick_restart(
        self, ref: str, service: str, done: bool, *, key: str | None = None
    ) -> Json:
        """Tick a step of the restart, or take its tick away."""
        return await self._do(ref, "restart", {"service": service, "done": done}, key)

    async def page_owner(
        self, ref: str, service: str, *, note: str | None = None, key: str | None = None
    ) -> Json:
        """Call the owner of a service."""
        return await self._do(ref, "page", {"service": service, "note": note}, key)
