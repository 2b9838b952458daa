"""What an import would change: the catalogue of the files held against that of the database.

Pure: nothing is looked up and nothing is written.  What the files do not say stays as it is; what
they name and nobody knows is reported and not invented; what came from this source before and is
not in the files any more is gone, and removed only when that was asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from warroom.domain.catalogue import (
    ATTRIBUTES,
    EDGE_ATTRIBUTES,
    Catalogue,
    DependencyEntry,
    Finding,
    ServiceEntry,
    TeamEntry,
    links_as_json,
)
from warroom.domain.cycles import cycles
from warroom.domain.validate import shorten

NEW_SERVICE: Final = {"kind": "service", "tier": 3, "team": "unassigned"}
NEW_EDGE: Final = {"hardness": "hard"}
MAX_CYCLES: Final = 100
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class KnownService:
    """A service as it is; ``source`` is the import it came from, None made by hand."""

    id: str
    entry: ServiceEntry
    source: str | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class KnownDependency:
    """A dependency as it is; ``observed`` ones have a ``verdict``: open, confirmed, rejected."""

    id: str
    entry: DependencyEntry
    source: str | None = None
    observed: bool = False
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """The catalogue of the database; ``teams`` are the keys of all teams."""

    services: Mapping[str, KnownService]
    dependencies: Sequence[KnownDependency]
    teams: frozenset[str]


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """A service that is there and becomes ``after``; ``changes`` are (before, after) by name."""

    id: str
    after: ServiceEntry
    changes: Mapping[str, tuple[Any, Any]]
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class DependencyChange:
    """A dependency that is there and becomes ``after``."""

    id: str
    after: DependencyEntry
    changes: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an import would do; ``errors`` among the findings forbid it.

    ``gone`` came from this source and are not in the files any more; ``removed`` of them would be.
    ``kept`` are those that something still names.
    """

    services_added: tuple[ServiceEntry, ...] = ()
    services_changed: tuple[ServiceChange, ...] = ()
    services_unchanged: int = 0
    services_gone: tuple[KnownService, ...] = ()
    services_kept: tuple[str, ...] = ()
    dependencies_added: tuple[DependencyEntry, ...] = ()
    dependencies_changed: tuple[DependencyChange, ...] = ()
    dependencies_unchanged: int = 0
    dependencies_gone: tuple[KnownDependency, ...] = ()
    teams_added: tuple[TeamEntry, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()
    findings: tuple[Finding, ...] = ()
    observed: bool = False
    prune: bool = False

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return the findings that forbid the import."""
        return tuple(f for f in self.findings if f.level == "error")

    @property
    def changes_anything(self) -> bool:
        """Tell whether applying it writes anything."""
        gone = self.services_gone or self.dependencies_gone
        return bool(
            self.services_added or self.services_changed or self.dependencies_added
            or self.dependencies_changed or self.teams_added or (self.prune and gone)
        )  # fmt: skip


def plan(
    catalogue: Catalogue,
    known: Known,
    *,
    source: str,
    prune: bool = False,
    make_teams: bool = False,
    strict: bool = False,
    in_use: Collection[str] = (),
) -> Plan:
    """Return what an import would do.

    Args:
        catalogue: what the files say.
        known: what there is.
        source: under which name the import goes; only what came under it before can be gone.
        prune: remove what is gone, except what something still names.
        make_teams: make owners that are no team yet into teams; without, they are errors.
        strict: names that nobody knows and cycles are errors too.
        in_use: ids of services that incidents or alerts name.
    """
    findings = list(catalogue.findings)
    level = "error" if strict else "warning"
    teams = _teams(catalogue, known, make_teams, findings)
    added, changed, same = _services(catalogue, known)
    names = {s.key for s in catalogue.services} | set(known.services)
    edges_added, edges_changed, edges_same = _dependencies(catalogue, known, names, level, findings)
    services_gone: tuple[KnownService, ...] = ()
    kept: tuple[str, ...] = ()
    # What a file with errors says nobody knows: what it held is not gone.
    whole = not any(f.level == "error" for f in catalogue.findings)
    said = {d.pair for d in catalogue.dependencies}
    edges_gone = tuple(
        d for d in known.dependencies
        if whole and d.source == source and d.observed == catalogue.observed
        and d.entry.pair not in said and d.verdict not in ("confirmed", "rejected")
    )  # fmt: skip
    if whole and not catalogue.observed:
        here = {s.key for s in catalogue.services}
        candidates = [
            s for key, s in known.services.items() if s.source == source and key not in here
        ]
        named = _still_named(candidates, known, edges_gone, edges_added, in_use)
        kept = tuple(s.entry.key for s in candidates if s.entry.key in named)
        services_gone = tuple(s for s in candidates if s.entry.key not in named)
    declared_now = () if catalogue.observed else edges_added
    found = cycles(_after(known, declared_now, edges_gone if prune else ()))
    findings += [
        Finding(level, "cycle", f"{len(c):,} services depend on each other in a circle:"
                f" {', '.join(shorten(k, 60) for k in c[:10])}{', …' if len(c) > 10 else ''}.")
        for c in found[:MAX_CYCLES]
    ]  # fmt: skip
    return Plan(
        services_added=added, services_changed=changed, services_unchanged=same,
        services_gone=services_gone, services_kept=kept, dependencies_added=edges_added,
        dependencies_changed=edges_changed, dependencies_unchanged=edges_same,
        dependencies_gone=edges_gone, teams_added=teams, cycles=tuple(found),
        findings=tuple(findings), observed=catalogue.observed, prune=prune,
    )  # fmt: skip


def _teams(
    catalogue: Catalogue, known: Known, make: bool, findings: list[Finding]
) -> tuple[TeamEntry, ...]:
    added = {t.key: t for t in catalogue.teams if t.key not in known.teams}
    unknown: dict[str, list[ServiceEntry]] = {}
    for service in catalogue.services:
        if service.team and service.team not in known.teams and service.team not in added:
            unknown.setdefault(service.team, []).append(service)
    for team, services in unknown.items():
        if make:
            added[team] = TeamEntry(team, team)
            continue
        more = f" and {len(services) - 1:,} more" if len(services) > 1 else ""
        findings.append(
            Finding(
                "error", "unknown-team",
                f"There is no team “{shorten(team, 63)}”, the owner of"
                f" “{shorten(services[0].key, 60)}”{more}.", services[0].place,
            )
        )  # fmt: skip
    return tuple(added.values())


def _services(
    catalogue: Catalogue, known: Known
) -> tuple[tuple[ServiceEntry, ...], tuple[ServiceChange, ...], int]:
    added: list[ServiceEntry] = []
    changed: list[ServiceChange] = []
    same = 0
    for entry in catalogue.services:
        there = known.services.get(entry.key)
        if there is None:
            usual: dict[str, Any] = {
                n: v for n, v in NEW_SERVICE.items() if getattr(entry, n) is None
            }
            added.append(replace(entry, name=entry.name or entry.key, **usual))
            continue
        before = there.entry
        values = {
            name: said if (said := getattr(entry, name)) is not None else getattr(before, name)
            for name in ATTRIBUTES
        }
        differs = {
            name: (getattr(before, name), value)
            for name, value in values.items()
            if value != getattr(before, name)
        }
        if there.provisional:
            differs["provisional"] = (True, False)
        if differs:
            after = ServiceEntry(key=entry.key, place=entry.place, **values)
            changed.append(ServiceChange(there.id, after, differs, adopted=there.provisional))
        else:
            same += 1
    return tuple(added), tuple(changed), same


def _dependencies(
    catalogue: Catalogue,
    known: Known,
    names: Collection[str],
    level: str,
    findings: list[Finding],
) -> tuple[tuple[DependencyEntry, ...], tuple[DependencyChange, ...], int]:
    declared = {d.entry.pair: d for d in known.dependencies if not d.observed}
    observed = {d.entry.pair: d for d in known.dependencies if d.observed}
    added: list[DependencyEntry] = []
    changed: list[DependencyChange] = []
    same = 0
    for entry in catalogue.dependencies:
        missing = [end for end in entry.pair if end not in names]
        if missing:
            findings.append(
                Finding(
                    level, "dangling",
                    f"“{shorten(entry.service, 60)}” depends on “{shorten(entry.depends_on, 60)}”:"
                    f" nobody knows {' and '.join(f'“{shorten(m, 60)}”' for m in missing)}.",
                    entry.place,
                )
            )  # fmt: skip
            continue
        # What people said counts: seen again, it is neither new nor different.
        there = declared.get(entry.pair) or (
            observed.get(entry.pair) if catalogue.observed else None
        )
        if there is None:
            usual: dict[str, Any] = {n: v for n, v in NEW_EDGE.items() if getattr(entry, n) is None}
            added.append(replace(entry, **usual))
            continue
        if catalogue.observed:
            same += 1
            continue
        before = there.entry
        values = {
            n: said if (said := getattr(entry, n)) is not None else getattr(before, n)
            for n in EDGE_ATTRIBUTES
        }
        differs = {n: (getattr(before, n), v) for n, v in values.items() if v != getattr(before, n)}
        if differs:
            changed.append(DependencyChange(there.id, replace(before, **values), differs))
        else:
            same += 1
    return tuple(added), tuple(changed), same


def _still_named(
    candidates: Sequence[KnownService],
    known: Known,
    edges_gone: Sequence[KnownDependency],
    edges_added: Sequence[DependencyEntry],
    in_use: Collection[str],
) -> set[str]:
    """Return the keys of those that incidents, alerts or dependencies that stay still name.

    A dependency that stays because one end of it stays keeps the other end too.
    """
    gone_edges = {d.id for d in edges_gone}
    keys = {s.entry.key for s in candidates}
    named = {s.entry.key for s in candidates if s.id in in_use}
    for edge in edges_added:
        named |= keys & set(edge.pair)
    for known_edge in known.dependencies:
        # An observed edge nobody decided about holds nothing: it goes with its service.
        if known_edge.id not in gone_edges and not (
            known_edge.observed and known_edge.verdict != "confirmed"
        ):
            named |= keys & set(known_edge.entry.pair)
    return named


def _after(
    known: Known, added: Sequence[DependencyEntry], gone: Sequence[KnownDependency]
) -> set[Pair]:
    left = {d.id for d in gone}
    pairs = {
        d.entry.pair for d in known.dependencies
        if d.id not in left and (not d.observed or d.verdict == "confirmed")
    }  # fmt: skip
    return pairs | {d.pair for d in added}


def said_plainly(value: Any) -> Any:
    """Return an attribute's value as JSON holds it."""
    return links_as_json(value) if isinstance(value, tuple) else value
