"""How the bodies of a source are read: its own words over the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from warroom.domain.severity import stored_table
from warroom.ingest.common import IngestOptions
from warroom.settings import Settings


def options_of_source(
    service_label: str | None, severity_map: Any, settings: Settings
) -> IngestOptions:
    """Return how a source is read.

    Args:
        service_label: the label that names the service, None for that of the settings.
        severity_map: the source's own table, as it is stored.
        settings: of this process.
    """
    return replace(
        IngestOptions.for_service_label(service_label or settings.service_label),
        severity_label=settings.severity_label,
        severities=stored_table(severity_map),
    )
