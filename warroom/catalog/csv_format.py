"""Our own CSV: one file of services, one of dependencies, told apart by their columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from warroom.catalog.collect import Collector, quoted
from warroom.catalog.csv_text import heading, read_rows, write_rows
from warroom.domain.catalogue import (
    ATTRIBUTES,
    Catalogue,
    CatalogueFile,
    ServiceEntry,
    links_as_json,
)
from warroom.errors import InvalidInput

FORMAT: Final = "csv"
SERVICE_COLUMNS: Final = ("key", *ATTRIBUTES)
DEPENDENCY_COLUMNS: Final = (
    "service", "depends_on", "hardness", "sync", "redundancy_group", "redundancy_needed",
)  # fmt: skip


def read(files: Sequence[CatalogueFile]) -> Catalogue:
    """Return what the rows of all files say."""
    collector = Collector(FORMAT)
    for file in files:
        columns = set(heading(file.text))
        edges = "depends_on" in columns
        known = set(DEPENDENCY_COLUMNS if edges else SERVICE_COLUMNS)
        needed = {"service", "depends_on"} if edges else {"key"}
        if missing := needed - columns:
            collector.find(
                "error", "bad-file",
                f"has no column {', '.join(sorted(missing))}: services have key, dependencies"
                " have service and depends_on.", file.name,
            )  # fmt: skip
            continue
        for column in sorted(columns - known - {""}):
            collector.find("warning", "column", f"The column {quoted(column)} is not read.",
                           file.name)  # fmt: skip
        try:
            for line, row in read_rows(file.text):
                place = f"{file.name}:{line}"
                if edges:
                    collector.dependency(_edge(row), place, merge=False)
                else:
                    collector.service(_service(row, place, collector), place)
        except InvalidInput as error:
            collector.find("error", "bad-file", f"cannot be read: {error}", file.name)
    return collector.done()


def _edge(row: Mapping[str, str]) -> dict[str, object]:
    return {
        **row,
        "group": row.get("redundancy_group"),
        "needed": row.get("redundancy_needed"),
    }


def _service(row: Mapping[str, str], place: str, collector: Collector) -> dict[str, Any]:
    links = row.get("links")
    if not links or not links.strip():
        return {**row, "links": None}
    try:
        return {**row, "links": json.loads(links)}
    except (ValueError, RecursionError):
        collector.find("error", "bad-value", "links is no JSON list of kind, url, label.", place)
        return {**row, "links": None}


def write(catalogue: Catalogue) -> tuple[CatalogueFile, ...]:
    """Return ``services.csv`` and ``dependencies.csv``."""
    return (
        CatalogueFile(
            "services.csv", write_rows(SERVICE_COLUMNS, (_cells(s) for s in catalogue.services))
        ),
        CatalogueFile(
            "dependencies.csv",
            write_rows(
                DEPENDENCY_COLUMNS,
                (
                    {
                        "service": d.service, "depends_on": d.depends_on, "hardness": d.hardness,
                        "sync": d.sync, "redundancy_group": d.group,
                        "redundancy_needed": d.needed,
                    }
                    for d in catalogue.dependencies
                ),
            ),
        ),
    )  # fmt: skip


def _cells(service: ServiceEntry) -> dict[str, object]:
    cells: dict[str, object] = {name: getattr(service, name) for name in SERVICE_COLUMNS}
    links = links_as_json(service.links)
    cells["links"] = json.dumps(links, ensure_ascii=True) if links else None
    return cells
