"""Request ids, health and metrics."""

from __future__ import annotations

import logging
import os
import re
import time
from functools import cache
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warroom import __version__
from warroom.api.auth import State
from warroom.api.head import first
from warroom.api.problems import RESPONSES
from warroom.db import position
from warroom.db.uow import Work, read
from warroom.domain.principal import CommandContext
from warroom.domain.source import Lane
from warroom.logs import log
from warroom.services.alerts import INGEST

router = APIRouter(tags=["operations"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,100}")
HEARTBEAT = "/heartbeat/"
# Hundreds a second would drown everything else in the log.
QUIET = ("/v1/ingest/alertmanager", "/api/v2/alerts", HEARTBEAT)


def shown(path: str) -> str:
    """Return an address as it may stand in a log: a heartbeat's key is a secret."""
    return f"{HEARTBEAT}…" if path.startswith(HEARTBEAT) else path[:200]


class Metrics:
    """The process's metrics, in a registry of its own so that two applications can live."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers: dict[tuple[str, int], Counter] = {}
        self.requests = Counter(
            "warroom_http_requests", "Requests answered", ["method", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "warroom_http_request_seconds", "Time to answer", registry=self.registry
        )
        self.waiting = Gauge(
            "warroom_ingest_waiting_alerts", "Alerts that wait to be stored",
            registry=self.registry,
        )  # fmt: skip
        self.lane = Gauge(
            "warroom_ingest_lane_waiting_alerts", "Alerts that wait to be stored, by lane",
            ["lane"], registry=self.registry,
        )  # fmt: skip
        self.refused = Gauge(
            "warroom_ingest_refused", "Deliveries refused since the process began", ["why"],
            registry=self.registry,
        )  # fmt: skip

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count one answer and its time."""
        # ``labels`` looks up by text, under a lock; the methods and statuses that occur are few.
        counter = self._answers.get((method, status))
        if counter is None:
            counter = self._answers[method, status] = self.requests.labels(method, str(status))
        counter.inc()
        self.seconds.observe(seconds)


@cache
def _says(kind: Any, level: int) -> bool:
    """Tell whether loggers of a kind, one for each level set, write what is said at a level."""
    return bool(kind(None, (), {}).is_enabled_for(level))


class Tagged:
    """Gives every request an id, the caller's own where it can be used, and tells it back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = first(scope, b"x-request-id") or b""
        request_id = given.decode() if _ID.fullmatch(given) else os.urandom(16).hex()
        scope.setdefault("state", {})["request_id"] = request_id

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                tag = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), tag]
            await send(message)

        # By hand: the context manager for it looks through all variables that there are.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, tagged)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")


class Measured:
    """Counts, times and logs every request, refused ones included.

    The time is from when the body had come (from the head where none is read) to the head of the
    answer: neither a slow sender nor the wait for one counts as ours.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        # The sender chooses the word: without a list it could make us keep any number of series.
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        told = False

        def tell(status: int) -> None:
            # With the head of the answer: behind it a sender may still be waited for.
            nonlocal told
            told = True
            took = time.perf_counter() - scope.get("state", {}).get("body_came", begun)
            self._metrics.answered(method, status, took)
            loud = status >= 400 or (
                method not in ("GET", "HEAD") and not scope["path"].startswith(QUIET)
            )
            # Even to be silent the logger is made anew each time, at the busiest doors as well.
            level = logging.INFO if loud else logging.DEBUG
            if _says(structlog.get_config()["wrapper_class"], level):
                log.log(level, "request", method=method, path=shown(scope["path"]), status=status,
                        ms=round(took * 1000, 1))  # fmt: skip

        where: list[str] = []
        if first(scope, b"idempotency-key") is not None:
            position.tell_to(where.append)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                tell(message["status"])
                if where and message["status"] < 300:
                    header = (position.HEADER.lower().encode(), where[-1].encode())
                    message["headers"] = [*message.get("headers", []), header]
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            if not told:
                tell(500)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process lives."""
    return {"status": "ok", "version": __version__}


@router.get("/readyz", responses={503: RESPONSES[503]})
async def readyz(request: Request, state: State) -> dict[str, Any]:
    """Make a round trip through the database, under a deadline."""
    ctx = CommandContext(INGEST, request.state.request_id, "readyz")

    async def handler(work: Work) -> dict[str, Any]:
        row = await work.row(
            "select pg_is_in_recovery() as standby, current_setting('server_version') as version"
        )
        return dict(row or {})

    found = await read(state.db, ctx, handler, deadline_s=2.0)
    return {"status": "ok", "database": found}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, state: State) -> Response:
    """Return the metrics for Prometheus."""
    kept: Metrics = request.app.state.metrics
    kept.waiting.set(state.batcher.waiting)
    for lane in Lane:
        kept.lane.labels(lane.value).set(state.batcher.waiting_in(lane))
    for why, count in state.buckets.refused.items():
        kept.refused.labels(why).set(count)
    return Response(generate_latest(kept.registry), media_type=CONTENT_TYPE_LATEST)
