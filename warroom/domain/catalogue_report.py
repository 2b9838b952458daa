"""An import's plan as the report that people and programs read, of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from warroom.domain.catalogue import EDGE_ATTRIBUTES, Catalogue, DependencyEntry
from warroom.domain.catalogue_plan import Plan, said_plainly

MOST: Final = 200
"""How many of each sort are named; the counts are of all."""
Json = dict[str, Any]


def report(catalogue: Catalogue, plan: Plan, *, source: str, digest: str, dry_run: bool) -> Json:
    """Return the report of an import.

    Args:
        catalogue: what was read.
        plan: what follows from it.
        source: the name under which it goes.
        digest: SHA-256 of the files, hexadecimal.
        dry_run: nothing is to be written.
    """
    applied = not dry_run and not plan.errors
    removes = plan.prune
    return {
        "source": source,
        "format": catalogue.format,
        "digest": digest,
        "dry_run": dry_run,
        "ok": not plan.errors,
        "applied": applied and plan.changes_anything,
        "counts": {
            "services_added": len(plan.services_added),
            "services_changed": len(plan.services_changed),
            "services_unchanged": plan.services_unchanged,
            "services_gone": len(plan.services_gone),
            "services_removed": len(plan.services_gone) if removes else 0,
            "services_kept": len(plan.services_kept),
            "dependencies_added": len(plan.dependencies_added),
            "dependencies_changed": len(plan.dependencies_changed),
            "dependencies_unchanged": plan.dependencies_unchanged,
            "dependencies_gone": len(plan.dependencies_gone),
            "dependencies_removed": len(plan.dependencies_gone) if removes else 0,
            "teams_added": len(plan.teams_added),
            "cycles": len(plan.cycles),
            "dangling": sum(f.code == "dangling" for f in plan.findings),
            "errors": len(plan.errors),
            "warnings": len(plan.findings) - len(plan.errors),
        },
        "observed": plan.observed,
        "services_added": _first(s.key for s in plan.services_added),
        "services_changed": _first(
            {"key": c.after.key, "changes": _changes(c.changes)} for c in plan.services_changed
        ),
        "services_gone": _first(s.entry.key for s in plan.services_gone),
        "services_kept": _first(plan.services_kept),
        "dependencies_added": _first(map(edge, plan.dependencies_added)),
        "dependencies_changed": _first(
            {"service": c.after.service, "depends_on": c.after.depends_on,
             "changes": _changes(c.changes)}
            for c in plan.dependencies_changed
        ),
        "dependencies_gone": _first(edge(d.entry) for d in plan.dependencies_gone),
        "teams_added": _first(t.key for t in plan.teams_added),
        "cycles": _first(list(c[:MOST]) for c in plan.cycles),
        # What forbids it comes first.
        "findings": _first(
            {"level": f.level, "code": f.code, "text": f.text, "place": f.place}
            for f in sorted(plan.findings, key=lambda f: f.level)
        ),
    }  # fmt: skip


def edge(entry: DependencyEntry) -> Json:
    """Return a dependency as reports and listings hold it; what nobody said is left out."""
    said = {name: getattr(entry, name) for name in EDGE_ATTRIBUTES}
    return {
        "service": entry.service,
        "depends_on": entry.depends_on,
        **{name: value for name, value in said.items() if value is not None},
    }


def _changes(changes: Mapping[str, tuple[Any, Any]]) -> Json:
    return {
        n: [said_plainly(before), said_plainly(after)] for n, (before, after) in changes.items()
    }


def _first(items: Iterable[Any]) -> list[Any]:
    return list(islice(items, MOST))
