"""The application: routes, layers, and what lives as long as the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.util import find_spec

from fastapi import FastAPI
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from warroom import __version__
from warroom.api import (
    alertmanager,
    alerts,
    bulk,
    catalog,
    change_doors,
    changes,
    dialects,
    directory,
    freezes,
    heartbeats,
    impact,
    incident_commands,
    incident_parts,
    incident_recovery,
    incidents,
    ingest,
    left_behind,
    ops,
    problems,
    quarantine,
    record,
    reports,
    rules,
    silences,
    tally,
    triage,
)
from warroom.api.auth import SMALLER, Gate
from warroom.api.batcher import Batcher
from warroom.api.buckets import Buckets
from warroom.api.catalog import imports
from warroom.api.described import describe
from warroom.api.limits import Door
from warroom.api.state import AppState
from warroom.api.straight import Straight
from warroom.db.conninfo import normal_conninfo
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.services import impact_evidence
from warroom.services.alerts import INGEST
from warroom.settings import Settings

QUEUE_BODIES = 8
"""How many bodies of the largest size may wait at once."""
BODIES_AT_ONCE = 12
"""How many of the largest size may be in memory, from their first byte to their answer."""
TRACED = find_spec("opentelemetry.sdk") is not None
"""Whether anybody could listen to FastAPI's own traces; else it would ask at every request."""


ROUTERS = (
    *dialects.ROUTERS, *alertmanager.ROUTERS, ingest.router, bulk.router, change_doors.router,
    change_doors.events,
    heartbeats.beats, ops.router, incidents.router, incident_commands.router,
    incident_parts.router, incident_recovery.router, alerts.router, impact.router, silences.router,
    heartbeats.router, quarantine.router, changes.router, changes.near_router, freezes.router,
    rules.router, triage.router, reports.router, *directory.ROUTERS, *catalog.ROUTERS,
    record.router,
)  # fmt: skip
"""All there are; the doors of alerts first, because a request is held against one after another."""
# Taken over whole: FastAPI's include_router builds every route a second time, at the first
# request of each application (0.2–0.8 s), and finds each twice afterwards.
ROUTES = tuple(route for router in ROUTERS for route in router.routes)


def public_conninfo(settings: Settings) -> str:
    """Return where consoles find the database: as configured, or as we do; without any secret."""
    given = settings.console_database_url or settings.database_url or ""
    parts = {
        k: str(v)
        for k, v in conninfo_to_dict(normal_conninfo(given)).items()
        if v is not None and k in ("host", "hostaddr", "port", "dbname", "sslmode", "sslrootcert",
                                   "target_session_attrs")
    }  # fmt: skip
    return make_conninfo("", **parts)


def create_app(settings: Settings, db: Database) -> FastAPI:
    """Return the application; its database is closed when it ends.

    Args:
        settings: limits and names.
        db: connected as ``warroom_api``.
    """
    impact_evidence.look_back(db, timedelta(seconds=settings.change_look_back_seconds))
    buckets = Buckets(wait_s=settings.db_deadline_seconds)
    own = CommandContext(INGEST, "batcher", "api")
    batcher = Batcher(
        db,
        own,
        queue_max=settings.ingest_queue_max,
        batch_max=settings.ingest_batch_max,
        bytes_max=settings.body_limit_bytes * QUEUE_BODIES,
        window=timedelta(seconds=settings.group_window_seconds),
        wait_s=settings.db_deadline_seconds,
        lane_of=buckets.lane_of,
    )

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        telling = asyncio.create_task(tally.keep(db, own, buckets))
        looking = asyncio.create_task(left_behind.watch(db, own, batcher, settings))
        yield
        looking.cancel()  # before the lanes run empty, or it would fill them again
        await asyncio.wait({looking})
        await batcher.close()
        telling.cancel()
        await asyncio.wait({telling})
        await tally.tell(db, own, buckets)
        await db.close()

    app = FastAPI(
        title="war room", version=__version__, lifespan=life,
        docs_url=None, redoc_url=None, openapi_url=None,
        telemetry={"tracing": TRACED, "metrics": TRACED, "logs": TRACED},
    )  # fmt: skip
    app.state.parts = AppState(settings, db, batcher, public_conninfo(settings), buckets)
    app.state.metrics = ops.Metrics()
    problems.install(app)
    app.router.routes.extend(ROUTES)
    form = reports.form_router if settings.report_form else reports.no_form_router
    app.router.routes.extend(form.routes)
    app.state.report_limiter = reports.Limiter()
    # From the inside out: nothing reads a body before its sender is known.
    limits = {path: min(most, settings.body_limit_bytes) for path, most in SMALLER.items()}
    limits |= {imports.ADDRESS: settings.import_limit_bytes, reports.FORM: reports.FORM_BYTES}
    bodies = max(settings.body_limit_bytes * BODIES_AT_ONCE, settings.import_limit_bytes)
    app.add_middleware(Straight)
    app.add_middleware(
        Door, limit=settings.body_limit_bytes, own=limits, streamed=(bulk.ADDRESS,),
        bodies_max=bodies,
    )  # fmt: skip
    app.add_middleware(Gate, forms=frozenset({reports.FORM}))
    app.add_middleware(ops.Measured, metrics=app.state.metrics)
    app.add_middleware(ops.Tagged)
    describe(app)
    return app
