"""Edges that were seen in traffic: OpenTelemetry's service graph and Jaeger's dependencies.

``otel`` is Prometheus' answer to a query of ``traces_service_graph_request_total`` (Tempo and the
collector's service graph connector write it); ``jaeger`` that of ``/api/dependencies``.  The
client depends on the server, the parent on the child.  Both say nothing of how hard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from warroom.catalog.collect import Collector
from warroom.catalog.json_text import read_json_text, write_json_text
from warroom.domain.catalogue import Catalogue, CatalogueFile
from warroom.errors import InvalidInput

OTEL: Final = "otel"
JAEGER: Final = "jaeger"
METRIC: Final = "traces_service_graph_request_total"
# What the service graph calls a caller that sent no spans of its own.
NOBODY: Final = frozenset({"", "user", "unknown"})


def read_otel(files: Sequence[CatalogueFile]) -> Catalogue:
    """Return the edges of Prometheus' answers; a series that counted nothing is none."""
    collector = Collector(OTEL, observed=True)
    for file in files:
        data = _document(file, collector).get("data")
        series = data.get("result") if isinstance(data, dict) else None
        if not isinstance(series, list):
            collector.find("error", "bad-file", 'has no list under "data.result".', file.name)
            continue
        for number, one in enumerate(series, 1):
            metric = one.get("metric") if isinstance(one, dict) else None
            if not isinstance(metric, dict) or "client" not in metric or "server" not in metric:
                collector.find("warning", "passed-over", "has no client and server.",
                               f"{file.name}:{number}")  # fmt: skip
                continue
            if metric["client"] in NOBODY or metric["server"] in NOBODY or not _counted(one):
                continue
            raw = {
                "service": metric["client"], "depends_on": metric["server"],
                "sync": False if metric.get("connection_type") == "messaging_system" else None,
            }  # fmt: skip
            collector.dependency(raw, f"{file.name}:{number}")
    return collector.done()


def read_jaeger(files: Sequence[CatalogueFile]) -> Catalogue:
    """Return the edges of Jaeger's answers."""
    collector = Collector(JAEGER, observed=True)
    for file in files:
        calls = _document(file, collector).get("data")
        if not isinstance(calls, list):
            collector.find("error", "bad-file", 'has no list under "data".', file.name)
            continue
        for number, call in enumerate(calls, 1):
            place = f"{file.name}:{number}"
            if not isinstance(call, dict) or "parent" not in call or "child" not in call:
                collector.find("warning", "passed-over", "has no parent and child.", place)
            elif _number(call.get("callCount", "1")) > 0:
                raw = {"service": call["parent"], "depends_on": call["child"]}
                collector.dependency(raw, place)
    return collector.done()


def _document(file: CatalogueFile, collector: Collector) -> dict[str, Any]:
    try:
        found = read_json_text(file.text)
    except InvalidInput as error:
        collector.find("error", "bad-file", f"cannot be read: {error}", file.name)
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return 0.0


def _counted(series: dict[str, Any]) -> bool:
    """Tell whether a series (instant or range) ever counted anything."""
    value, values = series.get("value"), series.get("values")
    pairs = values if isinstance(values, list) else [value]
    return any(isinstance(p, list) and len(p) == 2 and _number(p[1]) > 0 for p in pairs)


def write_otel(catalogue: Catalogue) -> tuple[CatalogueFile, ...]:
    """Return every edge as a series that counted one request."""
    result = [
        {
            "metric": {
                "__name__": METRIC, "client": d.service, "server": d.depends_on,
                "connection_type": "messaging_system" if d.sync is False else "",
            },
            "value": [0, "1"],
        }
        for d in catalogue.dependencies
    ]  # fmt: skip
    document = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return (CatalogueFile("service-graph.json", write_json_text(document)),)


def write_jaeger(catalogue: Catalogue) -> tuple[CatalogueFile, ...]:
    """Return every edge as one call."""
    calls = [
        {"parent": d.service, "child": d.depends_on, "callCount": 1} for d in catalogue.dependencies
    ]
    document = {"data": calls, "total": 0, "limit": 0, "offset": 0, "errors": None}
    return (CatalogueFile("dependencies.json", write_json_text(document)),)
