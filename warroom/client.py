"""The typed HTTP client of the API, used by the console, the CLI and the tests.

Errors come back as the classes of :mod:`warroom.errors`.  A command that was sent and not
answered is ``OutcomeUnknown``: ask again with the same key, for which ``retry_until_known`` is
made.
"""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from warroom import errors
from warroom.client_alerts import AlertCommands
from warroom.client_catalog import CatalogCommands
from warroom.client_changes import ChangeCommands
from warroom.client_commands import IncidentCommands, incident_path
from warroom.client_directory import DirectoryCommands
from warroom.client_silences import SilenceCommands
from warroom.errors import ApiUnreachable, OutcomeUnknown, WarRoomError

Json = dict[str, Any]
T = TypeVar("T")
PREFIX = "urn:warroom:problem:"


def _classes() -> dict[str, type[WarRoomError]]:
    found: dict[str, type[WarRoomError]] = {}
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, WarRoomError):
            found[value.code] = value
    return found


CLASSES = _classes()


STATUSES: Mapping[int, type[WarRoomError]] = {
    400: errors.InvalidInput, 401: errors.Unauthenticated, 403: errors.Forbidden,
    404: errors.NotFound, 413: errors.PayloadTooLarge, 422: errors.IdempotencyMismatch,
    503: errors.DatabaseUnavailable, 504: OutcomeUnknown,
}  # fmt: skip


def problem_to_error(document: Mapping[str, Any], status: int) -> WarRoomError:
    """Return the error that a problem document (RFC 9457) stands for."""
    code = str(document.get("type", "")).removeprefix(PREFIX)
    message = str(document.get("detail") or document.get("title") or f"HTTP {status}")
    cls = CLASSES.get(code, WarRoomError)
    current = document.get("current")
    if cls is errors.Refused:
        return errors.Refused(message, rule=str(document.get("rule") or ""), current=current)
    return cls(message, field=document.get("field"), remedy=document.get("remedy"), current=current)


@functools.cache
def _usual_trust() -> ssl.SSLContext:
    """Return what httpx trusts; reading its certificates takes 30 ms, so once a process."""
    return httpx.create_ssl_context()


def _trust(base_url: str, ca_file: Path | None) -> ssl.SSLContext:
    """Return whom to trust: the CA of the file, else the usual ones; nobody where no TLS is."""
    if ca_file is None:
        # Nobody's certificate holds in an empty context, should a plain address ever lead to TLS.
        plain = base_url.lower().startswith("http://")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else _usual_trust()
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise errors.ConfigurationError(
            f"The CA's file {ca_file} cannot be used"
            f" ({getattr(error, 'strerror', None) or error}).",
            field="api.ca_file",
            remedy="It must be PEM and hold the CA's certificate.",
        ) from error


def new_key() -> str:
    """Return a new idempotency key."""
    return uuid.uuid4().hex


class Client(
    IncidentCommands, DirectoryCommands, CatalogCommands, ChangeCommands, AlertCommands,
    SilenceCommands,
):  # fmt: skip
    """A connection to one API with one bearer token; use it as an async context manager.

    Args:
        base_url: e.g. ``http://127.0.0.1:8420``.
        token: the bearer token, None for the open routes only.
        timeout_s: for a whole request.
        ca_file: the PEM file with the CA to trust instead of the system's.

    Raises:
        ConfigurationError: the CA's file cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None,
        *,
        timeout_s: float = 10.0,
        ca_file: Path | None = None,
    ) -> None:
        self.write_position: str | None = None
        """Where in the WAL the last command ended; None when the API did not say."""
        headers = {"Accept": "application/json", "User-Agent": "warroom"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, timeout=timeout_s, trust_env=False,
            verify=_trust(base_url, ca_file),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object | None = None,
        params: Mapping[str, Any] | None = None,
        key: str | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Send a request and return its JSON.

        Raises:
            ApiUnreachable: nothing was sent.
            OutcomeUnknown: a write was sent and not answered.
            WarRoomError: the API's own answer, in the class that it names.
        """
        sent = dict(headers or {})
        if key is not None:
            sent["Idempotency-Key"] = key
        if body is not None:
            content = json.dumps(body, default=str).encode()
            sent.setdefault("Content-Type", "application/json")
        chosen = {k: v for k, v in (params or {}).items() if v is not None}
        try:
            answer = await self._http.request(
                method, path, content=content, params=chosen, headers=sent,
                timeout=httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s,
            )  # fmt: skip
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ApiUnreachable(
                f"The API at {self._http.base_url} does not answer; nothing was sent.",
                remedy="Is it running? `warroom status` says.",
            ) from error
        except httpx.HTTPError as error:
            if method == "GET":
                raise ApiUnreachable(
                    f"The API at {self._http.base_url} did not answer ({type(error).__name__})."
                ) from error
            raise OutcomeUnknown(
                "The API did not answer: it may or may not have happened.",
                remedy="Ask again with the same key.",
            ) from error
        if key is not None:
            self.write_position = answer.headers.get("X-Warroom-Write-Position")
        return self._read(answer)

    @staticmethod
    def _read(answer: httpx.Response) -> Any:
        if answer.status_code == 204 or not answer.content:
            document: Any = {}
        else:
            try:
                document = answer.json()
            except ValueError:
                document = {"detail": f"HTTP {answer.status_code} without JSON"}
        if answer.is_success:
            return document
        if isinstance(document, str):  # as Alertmanager's API says it
            raise STATUSES.get(answer.status_code, WarRoomError)(document)
        raise problem_to_error(document if isinstance(document, dict) else {}, answer.status_code)

    async def _post(self, path: str, body: object, key: str | None = None) -> Json:
        found: Json = await self.request("POST", path, body=body, key=key or new_key())
        return found

    async def _get(self, path: str, **params: Any) -> Json:
        found: Json = await self.request("GET", path, params=params)
        return found

    async def _delete(self, path: str, key: str | None = None, **params: Any) -> Json:
        found: Json = await self.request("DELETE", path, params=params, key=key or new_key())
        return found

    # Incidents ------------------------------------------------------------------------------

    async def incidents(
        self, *, status: str = "open", limit: int = 50, cursor: str | None = None
    ) -> Json:
        """Return ``{items, next_cursor}``; ``status`` is open or all."""
        return await self._get("/v1/incidents", status=status, limit=limit, cursor=cursor)

    async def incident(self, ref: str) -> Json:
        """Return one incident."""
        return await self._get(incident_path(ref))

    async def timeline(self, ref: str, *, limit: int = 100, cursor: str | None = None) -> Json:
        """Return ``{items, next_cursor}``, newest first."""
        return await self._get(incident_path(ref, "timeline"), limit=limit, cursor=cursor)

    async def declare(
        self,
        title: str,
        severity: int,
        *,
        services: Sequence[str] = (),
        summary: str = "",
        drill: bool = False,
        key: str | None = None,
    ) -> Json:
        """Declare an incident; return it."""
        body = {
            "title": title,
            "severity": severity,
            "services": list(services),
            "summary": summary,
            "drill": drill,
        }
        return await self._post("/v1/incidents", body, key)

    async def acknowledge(self, ref: str, version: int, *, key: str | None = None) -> Json:
        """Acknowledge the incident as it was at ``version``; return it."""
        return await self._post(incident_path(ref, "acknowledge"), {"version": version}, key)

    async def resolve(
        self, ref: str, version: int, *, note: str | None = None, key: str | None = None
    ) -> Json:
        """Resolve the incident as it was at ``version``; return it."""
        body = {"version": version, "note": note}
        return await self._post(incident_path(ref, "resolve"), body, key)

    async def log_entry(
        self,
        ref: str,
        kind: str,
        text: str,
        *,
        confidence: float | None = None,
        happened_at: str | None = None,
        about: str | None = None,
        stance: str | None = None,
        key: str | None = None,
    ) -> Json:
        """Add an entry to the timeline; return the incident.

        ``about`` is the id of the hypothesis that evidence speaks for or against (``stance``).
        """
        body = {
            "kind": kind,
            "text": text,
            "confidence": confidence,
            "happened_at": happened_at,
            "about": about,
            "stance": stance,
        }
        return await self._post(incident_path(ref, "entries"), body, key)

    # Session and health ---------------------------------------------------------------------

    async def me(self) -> Json:
        """Return ``{id, name, kind, scopes}`` of the token's principal."""
        return await self._get("/v1/me")

    async def mint_login(self, verifier: str, *, hours: float = 12.0) -> Json:
        """Return ``{role, valid_until, conninfo}`` for a SCRAM-SHA-256 verifier."""
        return await self._post("/v1/logins", {"verifier": verifier, "hours": hours})

    async def impact(self, ref: str) -> Json:
        """Return what an incident takes down, its suspects and its restart's waves."""
        return await self._get(incident_path(ref, "impact"))

    async def impact_totals(self) -> Json:
        """Return what all open incidents together take down."""
        return await self._get("/v1/impact")

    async def weak_points(self, *, limit: int = 20) -> Json:
        """Return what the loss of each service or failure domain would cost, by unit."""
        return await self._get("/v1/impact/weak-points", limit=limit)

    async def verify_audit(self) -> Json:
        """Return ``{verified, entries, rows_checked, erased, problems, notes}``."""
        # The API gives it two minutes; every other request is shorter.
        found: Json = await self.request("GET", "/v1/audit/verify", timeout_s=150)
        return found

    async def ready(self) -> Json:
        """Return the readiness answer."""
        return await self._get("/readyz")

    async def post_alerts(self, payload: object, *, dialect: str = "webhook") -> Any:
        """Send an Alertmanager webhook, or with ``dialect="v2"`` a list of alerts."""
        path = "/api/v2/alerts" if dialect == "v2" else "/v1/ingest/alertmanager"
        return await self.request("POST", path, body=payload)


WarRoomClient = Client


async def retry_until_known(
    call: Callable[[], Awaitable[T]], *, attempts: int = 20, pause_s: float = 0.5
) -> T:
    """Repeat a command (with one fixed key) until its outcome is known.

    Once an attempt was unknown, a database that is away or a locked row says nothing about that
    attempt, so asking goes on.

    Raises:
        OutcomeUnknown: it is still unknown after all attempts.
        WarRoomError: the command's own answer.
    """
    unknown = False
    for _ in range(attempts):
        try:
            return await call()
        except OutcomeUnknown:
            unknown = True
        except (ApiUnreachable, errors.DatabaseUnavailable, errors.Overloaded):
            if not unknown:
                raise
        await asyncio.sleep(pause_s)
    raise OutcomeUnknown("The outcome is still unknown.", remedy="Ask again with the same key.")
