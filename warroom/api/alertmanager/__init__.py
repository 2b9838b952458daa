"""Alertmanager's API v2, so that Prometheus, amtool and what else speaks it work unchanged.

A refusal is a JSON string here, as Alertmanager's own clients expect it (``warroom.api.problems``).
"""

from __future__ import annotations

from fastapi import APIRouter

from warroom.api.alertmanager import alerts, silences, status

router = APIRouter()
for part in (alerts, silences, status):
    router.include_router(part.router)
