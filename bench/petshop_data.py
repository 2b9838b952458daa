"""The files of the PetShop data: scenarios, issues and their metrics, read as they come."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Metrics:
    """Rows of 5-minute statistics: ``values[component, metric, statistic]``, NaN where missing."""

    stamps: list[float] = field(default_factory=list)
    values: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)

    def of(self, component: str, metric: str, statistic: str) -> list[float]:
        """Return a column, NaN in every row where there is none."""
        found = self.values.get((component, metric, statistic))
        return [math.nan] * len(self.stamps) if found is None else found


@dataclass(frozen=True, slots=True)
class Issue:
    """One injected fault: where and when it was felt (``at`` in seconds), and its true cause."""

    name: str
    metrics: Metrics
    target: str
    metric: str
    statistic: str
    at: float
    cause: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: calls as (caller, called), the metrics without a fault if there are any."""

    name: str
    components: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    normal: Metrics | None
    issues: tuple[Issue, ...]


def scenarios(folder: Path) -> list[Scenario]:
    """Read every folder with a ``graph.csv``, and every issue below it, whatever its split."""
    found = []
    for graph in sorted(folder.rglob("graph.csv")):
        home = graph.parent
        components, calls = _graph(graph)
        normal = home / "noissue" / "metrics.csv"
        issues = [
            _issue(home, path.parent)
            for path in sorted(home.rglob("metrics.csv"))
            if path.parent.name.startswith("issue_") and (path.parent / "target.json").is_file()
        ]
        found.append(
            Scenario(
                str(home.relative_to(folder)), components, calls,
                read_metrics(normal) if normal.is_file() else None, tuple(issues),
            )
        )  # fmt: skip
    return found


def read_metrics(path: Path) -> Metrics:
    """Read a metrics file: three header rows (component, metric, statistic), then the rows."""
    metrics = Metrics()
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        heads = [next(rows) for _ in range(3)]
        keys = list(zip(*(head[1:] for head in heads), strict=True))
        columns: list[list[float]] = [[] for _ in keys]
        for row in rows:
            stamp = _number(row[0]) if row else math.nan
            # A row with the index's name may stand between the header and the numbers.
            if math.isnan(stamp):
                continue
            metrics.stamps.append(stamp)
            for column, cell in zip(columns, row[1:], strict=True):
                column.append(_number(cell))
    metrics.values = {(k[0], k[1], k[2]): c for k, c in zip(keys, columns, strict=True)}
    return metrics


def _graph(path: Path) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Read the adjacency matrix: the row calls the column."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    columns = rows[0][1:]
    calls = [
        (row[0], called)
        for row in rows[1:]
        for called, cell in zip(columns, row[1:], strict=True)
        if _number(cell) > 0
    ]
    names = {*columns, *(row[0] for row in rows[1:])}
    return tuple(sorted(names)), tuple(calls)


def _issue(home: Path, folder: Path) -> Issue:
    said = json.loads((folder / "target.json").read_text(encoding="utf-8"))
    target = said["target"]
    return Issue(
        name=str(folder.relative_to(home)),
        metrics=read_metrics(folder / "metrics.csv"),
        target=target["node"],
        metric=target["metric"],
        statistic=target.get("agg", "Average"),
        at=float(target["timestamp"]),
        cause=said["root_cause"]["node"],
    )


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
