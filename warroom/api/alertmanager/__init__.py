"""Alertmanager's API v2, so that Prometheus, amtool and what else speaks it work unchanged.

A refusal is a JSON string here, as Alertmanager's own clients expect it (``warroom.api.problems``).
"""

from __future__ import annotations

from warroom.api.alertmanager import alerts, silences, status

ROUTERS = tuple(part.router for part in (alerts, silences, status))
