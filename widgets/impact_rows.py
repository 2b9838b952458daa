"""The rows of the impact pane: which there are, in which order, what is folded away. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Final

from warroom.domain.impact_words import totals_line
from warroom.domain.panes import ImpactNode, ImpactPicture
from warroom.domain.reasoned import SharedDomain, Suspect
from widgets.cells import Role
from widgets.impact_words import (
    THIRD_PARTY,
    badness,
    branches,
    more_words,
    state_look,
    suggestion_words,
    suspect_words,
    worst_of,
)

# So many suspects show all their reasons by themselves; the others their first one.
OPEN: Final = 3
Key = tuple[str, ...]
REGIONS: Final[Key] = ("group", "regions")
THIRD: Final[Key] = ("group", "third parties")


class Look(StrEnum):
    """How the affected services are shown: who falls because of whom, or by tier."""

    TREE = "tree"
    GRID = "grid"


@dataclass(frozen=True, slots=True)
class SayRow:
    """A sentence that cannot be chosen, in ``most`` lines; ``lead`` stands before it, quietly."""

    text: str
    role: Role = Role.QUIET
    lead: str = ""
    most: int = 1
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The heading of a group that ``space`` folds; one without a key only separates."""

    text: str
    folded: bool = False
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class NodeRow:
    """An affected service; ``hidden`` are the ones folded away below it.

    ``told`` when what its line has no room for stands below it: the chosen one.
    """

    key: Key
    node: ImpactNode
    branch: str = ""
    hidden: int = 0
    on_path: bool = False
    told: bool = False


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A region, or what else the hit services share."""

    key: Key
    domain: SharedDomain
    state: str = ""


@dataclass(frozen=True, slots=True)
class SuspectRow:
    """A suspect; ``full`` when all its reasons are shown."""

    key: Key
    place: int
    suspect: Suspect
    full: bool


Row = SayRow | HeadRow | NodeRow | DomainRow | SuspectRow


def rows_of(
    picture: ImpactPicture,
    look: Look,
    folded: frozenset[Key] = frozenset(),
    pursued: Key | None = None,
    severity: int | None = None,
) -> tuple[Row, ...]:
    """Return the rows in the order they are drawn.

    Args:
        picture: what was reasoned.
        look: the affected services as a tree, or by tier.
        folded: keys of the nodes, groups and suspects that were folded, or, of a suspect that
            shows its first reason only, unfolded.
        pursued: the suspect whose path to the customers is marked; the first when it has gone.
        severity: the incident's, None when it is not known.
    """
    path = frozenset(suspect.path if (suspect := chased(picture, pursued)) else ())
    rows: list[Row] = [*_top(picture, severity)]
    nodes = _tree(picture.nodes, folded) if look is Look.TREE else _grid(picture.nodes, folded)
    for row in nodes:
        if isinstance(row, NodeRow) and row.node.key in path and not row.node.elsewhere:
            row = replace(row, on_path=True)
        rows.append(row)
    if picture.truncated:
        rows.append(SayRow("… and more than fits: the totals count all."))
    rows += _suspects(picture.suspects, folded)
    rows += _domains(picture, folded)
    return tuple(rows)


def suspect_key(suspect: Suspect) -> Key:
    """Return what names a suspect from picture to picture."""
    return ("suspect", suspect.kind, suspect.key, str(suspect.change or ""))


def chased(picture: ImpactPicture, pursued: Key | None) -> Suspect | None:
    """Return the suspect of that key, else the first."""
    found = (s for s in picture.suspects if suspect_key(s) == pursued)
    return next(found, picture.suspects[0] if picture.suspects else None)


def service_of(row: Row | None) -> str | None:
    """Return the key of the service that a row is about; a failure domain is about none."""
    if isinstance(row, NodeRow):
        return row.node.key
    if isinstance(row, SuspectRow) and row.suspect.kind != "domain":
        return row.suspect.key or None
    return None


def _top(picture: ImpactPicture, severity: int | None) -> Iterable[Row]:
    yield SayRow(totals_line(picture.totals), Role.STRONG, most=2)
    if picture.suspects:
        yield SayRow(suspect_words(picture.suspects[0]), Role.PLAIN, "cause?", most=2)
    if more := more_words(picture.totals):
        yield SayRow(more)
    if picture.suggestion is not None:
        yield SayRow(suggestion_words(picture.suggestion, severity), most=3)


def _tree(nodes: tuple[ImpactNode, ...], folded: frozenset[Key]) -> Iterable[Row]:
    """Return the services in drawing order, without what hangs below a folded one."""
    ours, theirs = _by_root(_named(nodes))
    yield from _branch_rows(ours, folded)
    if theirs:
        shut = THIRD in folded
        # Most of them are ours: a third party stands at the root of what it takes down.
        said = f"because of a third party · {_hit([row.node for row in theirs])}"
        yield HeadRow(said, shut, THIRD)
        if not shut:
            yield from _branch_rows(theirs, folded)


def _named(nodes: tuple[ImpactNode, ...]) -> Iterable[NodeRow]:
    """Give each place of a service in the tree a key; its own place is number 0."""
    again: Counter[str] = Counter()
    for node in nodes:
        again[node.key] += node.elsewhere
        yield NodeRow(("node", node.key, str(again[node.key] if node.elsewhere else 0)), node)


def _by_root(rows: Iterable[NodeRow]) -> tuple[list[NodeRow], list[NodeRow]]:
    """Split at the roots: what falls because of us, and what because of a third party."""
    ours: list[NodeRow] = []
    theirs: list[NodeRow] = []
    part = ours
    for row in rows:
        if row.node.depth == 0:
            part = theirs if row.node.kind in THIRD_PARTY else ours
        part.append(row)
    return ours, theirs


def _branch_rows(rows: list[NodeRow], folded: frozenset[Key]) -> list[NodeRow]:
    shown: list[NodeRow] = []
    below: int | None = None
    for row in rows:
        if below is not None and row.node.depth > below:
            shown[-1] = replace(shown[-1], hidden=shown[-1].hidden + 1)
            continue
        shown.append(row)
        below = row.node.depth if row.key in folded else None
    stems = branches([row.node.depth for row in shown])
    return [replace(row, branch=stem) for row, stem in zip(shown, stems, strict=True)]


def _grid(nodes: tuple[ImpactNode, ...], folded: frozenset[Key]) -> Iterable[Row]:
    """Return the services by tier, the worst of a tier first; third parties by themselves."""
    once = {node.key: node for node in reversed(nodes) if not node.elsewhere}.values()
    ours = sorted((n for n in once if n.kind not in THIRD_PARTY), key=_rank)
    theirs = sorted((n for n in once if n.kind in THIRD_PARTY), key=_rank)
    groups = [
        (("group", f"tier {tier}"), f"tier {tier}", list(part))
        for tier, part in groupby(ours, key=lambda node: node.tier)
    ]
    if theirs:
        groups.append((("group", "third parties"), "third parties", theirs))
    for key, name, part in groups:
        yield HeadRow(f"{name} · {_hit(part)}", key in folded, key)
        if key not in folded:
            yield from (NodeRow(("node", node.key, "0"), node) for node in part)


def _rank(node: ImpactNode) -> tuple[int, int, str]:
    return node.tier, badness(node.state), node.key


def _hit(nodes: list[ImpactNode]) -> str:
    many = len({node.key for node in nodes})
    return f"{many} · worst {state_look(worst_of(n.state for n in nodes))[1]}"


def _suspects(suspects: tuple[Suspect, ...], folded: frozenset[Key]) -> Iterable[Row]:
    if suspects:
        yield HeadRow(f"suspects · {len(suspects)}, best first")
    for place, suspect in enumerate(suspects, start=1):
        key = suspect_key(suspect)
        yield SuspectRow(key, place, suspect, (place <= OPEN) != (key in folded))


def _domains(picture: ImpactPicture, folded: frozenset[Key]) -> Iterable[Row]:
    """Return regions, and what else the hit services share."""
    hit: dict[str, dict[str, str]] = {}
    for node in picture.nodes:
        if node.region and node.state != "recovered":
            hit.setdefault(node.region, {})[node.key] = node.state
    said = {d.value for d in picture.shared if d.kind == "region"}
    rest = [SharedDomain("region", r, len(s), 0) for r, s in sorted(hit.items()) if r not in said]
    domains = [*picture.shared, *rest]
    if not domains:
        return
    shut = REGIONS in folded
    yield HeadRow(f"regions and what the hit share · {len(domains)}", shut, REGIONS)
    for domain in () if shut else domains:
        # Only a service's region is told here; of the other kinds the server says the worst state.
        states = hit.get(domain.value, {}) if domain.kind == "region" else {}
        key = ("domain", domain.kind, domain.value)
        yield DomainRow(key, domain, domain.state or worst_of(states.values()))
