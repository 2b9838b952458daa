"""The client's commands on the directory; :class:`warroom.client.Client` has them all.

Each sends one request.  ``key`` is the idempotency key, a new one if it is not given; a token or
secret comes with the first answer under a key and is null in every later one.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

Json = dict[str, Any]
PAGE: Final = 500
"""How many items a page of a whole list has: the most that the API gives at once."""


def noun_path(noun: str, name: str = "", verb: str = "") -> str:
    """Return a noun's path; whatever was typed as a name stays one step of it."""
    step = quote(name, safe="").replace(".", "%2E")
    return "/".join(part for part in ("/v1", noun, step, verb) if part)


class DirectoryCommands:
    """Everything that an administrator adds, lists and changes."""

    async def _post(self, path: str, body: object, key: str | None = None) -> Json:
        raise NotImplementedError

    async def _get(self, path: str, **params: Any) -> Json:
        raise NotImplementedError

    async def _delete(self, path: str, key: str | None = None) -> Json:
        raise NotImplementedError

    async def add(self, noun: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Add one of people, teams, services, dependencies, policies, tokens, sources and so on."""
        return await self._post(noun_path(noun), dict(body), key)

    async def list_of(self, noun: str, *, limit: int = 100, cursor: str | None = None) -> Json:
        """Return ``{items, next_cursor}`` of one of the directory's nouns."""
        return await self._get(noun_path(noun), limit=limit, cursor=cursor)

    async def all_of(self, noun: str) -> Json:
        """Return ``{items}`` of one of the directory's nouns, page after page to the last."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = await self.list_of(noun, limit=PAGE, cursor=cursor)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return {"items": items}

    async def revoke_token(self, token_id: str, *, key: str | None = None) -> Json:
        """Revoke a token."""
        return await self._delete(noun_path("tokens", token_id), key)

    async def set_severities(
        self, source: str, severities: Mapping[str, int], *, key: str | None = None
    ) -> Json:
        """Give a source its own table of severities in place of the one it had."""
        body = {"severities": dict(severities)}
        return await self._post(noun_path("sources", source, "severities"), body, key)

    async def source(self, name: str) -> Json:
        """Return one source with its settings, what it was refused, and its tokens in use."""
        return await self._get(noun_path("sources", name))

    async def change_source(
        self, name: str, wishes: Mapping[str, object], *, key: str | None = None
    ) -> Json:
        """Change the settings of a source that are named; null takes a limit away."""
        return await self._post(noun_path("sources", name, "settings"), dict(wishes), key)

    async def switch_source(self, name: str, verb: str, *, key: str | None = None) -> Json:
        """Pause or resume a source (``verb``)."""
        return await self._post(noun_path("sources", name, verb), {}, key)

    async def rotate_source(
        self, name: str, *, grace_s: int = 3600, key: str | None = None
    ) -> Json:
        """Give a source a new token (and secret); those before it end after ``grace_s`` seconds."""
        return await self._post(noun_path("sources", name, "rotate"), {"grace_s": grace_s}, key)

    async def switch_heartbeat(self, name: str, verb: str, *, key: str | None = None) -> Json:
        """Pause, resume or remove a heartbeat (``verb``)."""
        if verb == "remove":
            return await self._delete(noun_path("heartbeats", name), key)
        return await self._post(noun_path("heartbeats", name, verb), {}, key)

    async def quarantine(self, *, every: bool = False, cursor: str | None = None) -> Json:
        """Return ``{items, next_cursor}`` of what could not be understood, the latest first."""
        return await self._get(
            noun_path("quarantine"), every="true" if every else None, limit=PAGE, cursor=cursor
        )

    async def quarantined(self, delivery: str) -> Json:
        """Return one body in quarantine, with why it was not understood."""
        return await self._get(noun_path("quarantine", delivery))

    async def fix_quarantined(self, delivery: str, body: str, *, key: str | None = None) -> Json:
        """Give a corrected body for the next replay."""
        return await self._post(noun_path("quarantine", delivery, "fix"), {"body": body}, key)

    async def replay_quarantined(
        self, delivery: str, *, again: bool = False, key: str | None = None
    ) -> Json:
        """Take a body in after all; ``again`` also when that happened before."""
        return await self._post(noun_path("quarantine", delivery, "replay"), {"again": again}, key)

    async def drop_quarantined(self, delivery: str, reason: str, *, key: str | None = None) -> Json:
        """Settle that nothing is to be taken from a body."""
        return await self._post(noun_path("quarantine", delivery, "drop"), {"reason": reason}, key)

    async def set_mapping(
        self, source: str, mapping: Mapping[str, Any] | None, *, key: str | None = None
    ) -> Json:
        """Give a source a mapping in place of the one it had; None takes it away."""
        return await self._post(noun_path("sources", source, "mapping"), {"mapping": mapping}, key)

    async def rehearse(
        self,
        source: str,
        body: bytes,
        *,
        dialect: str | None = None,
        mapping: Mapping[str, Any] | None = None,
    ) -> Json:
        """Return what would happen to a body of a source; nothing is stored."""
        sent = {"source": source, "body": base64.b64encode(body).decode("ascii"),
                "dialect": dialect, "mapping": mapping}  # fmt: skip
        return await self._post("/v1/ingest/test", sent)

    async def command_channel(self, name: str, verb: str, *, key: str | None = None) -> Json:
        """Pause, resume or test a channel, or give it another secret (``verb``)."""
        return await self._post(noun_path("channels", name, verb), {}, key)

    async def channel_message(self, name: str, message: str) -> Json:
        """Return what has become of a message to a channel."""
        return await self._get(noun_path("channels", name, f"messages/{message}"))

    async def add_source_token(
        self, source: str, *, expires_in_s: int | None = None, key: str | None = None
    ) -> Json:
        """Make another ingest token of a source; it is told once."""
        body = {"expires_in_s": expires_in_s}
        return await self._post(noun_path("sources", source, "tokens"), body, key)
