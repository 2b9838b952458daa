"""The peer of ``ingest.single``: a FastAPI app that checks a body and does one INSERT a request.

What somebody would write in an afternoon, and not slowly: uvloop, a pool of connections, prepared
statements; no token, no fingerprint, no incident, no record.  Run by ``bench.ingest_peers``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field

TABLE = (
    "create table if not exists peer_alert (id bigint generated always as identity primary key,"
    " labels jsonb not null, annotations jsonb not null, starts_at timestamptz not null,"
    " ends_at timestamptz, generator_url text, received_at timestamptz not null default now())"
)


class Posted(BaseModel):
    """One alert as Prometheus posts it."""

    labels: dict[str, str] = Field(min_length=1)
    annotations: dict[str, str] = {}
    startsAt: datetime  # noqa: N815 - the field's name on the wire
    endsAt: datetime | None = None  # noqa: N815
    generatorURL: str = ""  # noqa: N815


def make_app(conninfo: str) -> FastAPI:
    """Return the application."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncConnectionPool(
            conninfo, min_size=16, max_size=16, kwargs={"autocommit": True}
        ) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=life)

    @app.post("/api/v2/alerts")
    async def take(request: Request, alerts: list[Posted]) -> dict[str, Any]:
        async with request.app.state.pool.connection() as conn:
            for alert in alerts:
                await conn.execute(
                    "insert into peer_alert (labels, annotations, starts_at, ends_at,"
                    " generator_url) values (%s, %s, %s, %s, %s)",
                    (Jsonb(alert.labels), Jsonb(alert.annotations), alert.startsAt,
                     alert.endsAt, alert.generatorURL),
                )  # fmt: skip
        return {"alerts": len(alerts)}

    return app


if __name__ == "__main__":
    uvicorn.run(
        make_app(os.environ["PEER_CONNINFO"]), host="127.0.0.1", port=int(sys.argv[1]),
        log_level="warning", access_log=False,
    )  # fmt: skip
