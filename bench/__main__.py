"""`make bench`: run every figure, or those that are named or whose names begin so."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench import (
    catalogue,
    console,
    database,
    growth,
    impact,
    ingest,
    ingest_bounds,
    live,
    outages,
    reasoning,
    storm,
    storm_greedy,
    terminal,
)
from bench.report import Figure

BENCHES: dict[str, Callable[[], list[Figure]]] = {
    "console.data_on_screen": live.data,
    "console.key_pending_p99": terminal.keys,
    "ingest.visible_p99": terminal.visible,
    "console.bytes_per_change": console.one_change,
    "console.bytes_per_s": console.load,
    "ingest.batch50_repeat": ingest.batch50_repeat,
    "ingest.batch50": ingest.batch50,
    "ingest.bounds": ingest_bounds.bounds,
    "ingest.storm_greedy": storm_greedy.greedy,
    "ingest.storm": storm.storm,
    "ingest.single_alerta": ingest.single_alerta,
    "ingest.single": ingest.single,
    "impact.blast_radius": impact.blast_radius,
    "impact.suspects": reasoning.suspects_figure,
    "impact.restart": reasoning.restart,
    "impact.recompute": reasoning.recompute,
    "impact.refresh": impact.refresh,
    "impact.top1": outages.figures,
    "catalog.import": catalogue.catalog_import,
    "db.board_p99": database.board,
    "db.board_growth": growth.board_growth,
    "audit.cost": database.audit_cost,
    "audit.verify": database.audit_verify,
}


def main(wanted: list[str]) -> int:
    """Print one JSON line a figure; 1 when a name is unknown."""
    chosen = {
        name: bench
        for name, bench in BENCHES.items()
        if not wanted or any(name == w or (w not in BENCHES and name.startswith(w)) for w in wanted)
    }
    if not chosen:
        print(f"no such figure; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 1
    for bench in chosen.values():
        for figure in bench():
            print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
