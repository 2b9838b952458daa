"""``/api/v2/status`` and ``/api/v2/receivers``: what a client asks before it trusts the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel

from warroom import __version__
from warroom.api.alertmanager.shapes import ANSWERS, RECEIVER, Receiver, moment
from warroom.api.auth import Reader, State

router = APIRouter(prefix="/api/v2", tags=["alertmanager"], responses=ANSWERS)
Json = dict[str, Any]
SPEAKS: Final = "0.25.0"
"""The Alertmanager whose API this is: clients choose by it what they may ask."""
_BEGAN: Final = datetime.now(UTC)


class ClusterStatus(BaseModel):
    """No gossip: any number of APIs share one database."""

    status: str
    peers: list[Json]


class VersionInfo(BaseModel):
    """``version`` is that of the API, ``revision`` ours."""

    version: str
    revision: str
    branch: str
    buildUser: str  # noqa: N815 # Alertmanager's own names
    buildDate: str  # noqa: N815
    goVersion: str  # noqa: N815


class Configuration(BaseModel):
    """A configuration that says the same in Alertmanager's words."""

    original: str


class Status(BaseModel):
    """What a client asks first."""

    cluster: ClusterStatus
    config: Configuration
    uptime: datetime
    versionInfo: VersionInfo  # noqa: N815


@router.get("/status", response_model=Status)
async def get_status(ctx: Reader, state: State) -> Json:  # noqa: ARG001 # any valid token may ask
    """Say what this is, with a configuration that amtool can read."""
    return {
        "cluster": {"status": "disabled", "peers": []},
        "config": {"original": configuration(state.settings.service_label)},
        "uptime": moment(_BEGAN),
        "versionInfo": {
            "version": SPEAKS, "revision": f"war room {__version__}", "branch": "warroom",
            "buildUser": "", "buildDate": "", "goVersion": "",
        },
    }  # fmt: skip


@router.get("/receivers", response_model=list[Receiver])
async def get_receivers(ctx: Reader) -> list[Json]:  # noqa: ARG001 # any valid token may ask
    """Name the one receiver."""
    return [{"name": RECEIVER}]


def configuration(service_label: str) -> str:
    """Return what happens here in Alertmanager's words: one route, by service, to incidents."""
    return (
        "global:\n  resolve_timeout: 5m\n"
        f"route:\n  receiver: {RECEIVER}\n  group_by:\n  - {json.dumps(service_label)}\n"
        f"receivers:\n- name: {RECEIVER}\n"
    )
