"""The map of the estate as lines of cells: how densely it is drawn so that it fits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from warroom.domain.reasoned import EstateService
from widgets.impact_words import THIRD_PARTY, badness, state_look

WELL: Final = "well"
PLACES: Final = frozenset({"region", "zone"})
_LAST_TIER: Final = 99


class Density(StrEnum):
    """How much room a service gets; the roomiest that fits the screen is taken."""

    ROOMY = "roomy"
    """Two lines and air: readable from a distance."""
    PLAIN = "plain"
    """A line each."""
    DENSE = "dense"
    """Those that are hit a line each, the others counted."""


@dataclass(frozen=True, slots=True)
class Count:
    """So many services that are well, as one cell."""

    number: int


Spot = EstateService | Count


@dataclass(frozen=True, slots=True)
class Heading:
    """The line above a tier, or above third parties and places."""

    name: str
    services: int
    hit: int
    worst: str


@dataclass(frozen=True, slots=True)
class Cells:
    """One line of cells; ``part`` is which of their two lines, ``label`` the group's name."""

    label: str
    spots: tuple[Spot, ...]
    part: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """An empty line."""


MapLine = Heading | Cells | Gap


@dataclass(frozen=True, slots=True)
class Layout:
    """Lines of the map, and the columns of a label and of a cell."""

    lines: tuple[MapLine, ...]
    density: Density
    label: int
    cell: int


def lay_out(services: Sequence[EstateService], width: int, height: int) -> Layout:
    """Return the roomiest layout that fits, else the densest.

    Args:
        services: the estate.
        width: columns there are.
        height: lines there are.
    """
    sections = _sections(services)
    for density in (Density.ROOMY, Density.PLAIN):
        # What is hopeless is not drawn: each line has so many cells at the most.
        if len(services) <= max(width // 12, 1) * height:
            found = _draw(sections, width, density)
            if len(found.lines) <= height:
                return found
    return _draw(sections, width, Density.DENSE)


def is_hit(service: EstateService) -> bool:
    """Say whether something hurts, or will."""
    return service.state not in {WELL, "recovered"}


Section = tuple[str, list[tuple[str, list[EstateService]]]]


def _sections(services: Iterable[EstateService]) -> list[Section]:
    """Return tiers, third parties and places with their groups, the worst group first."""
    found: list[Section] = []
    for (_, name), part in groupby(sorted(services, key=_order), key=_section):
        groups: dict[str, list[EstateService]] = {}
        for service in part:
            groups.setdefault(_group(service), []).append(service)
        for group in groups.values():
            group.sort(key=lambda s: (_badness(s), s.kind, s.key))
        ordered = sorted(groups.items(), key=lambda item: (_badness(item[1][0]), item[0]))
        found.append((name, ordered))
    return found


def _section(service: EstateService) -> tuple[int, str]:
    if service.kind in THIRD_PARTY:
        return _LAST_TIER, "third parties"
    if service.kind in PLACES:
        return _LAST_TIER + 1, "regions and zones"
    return service.tier, f"tier {service.tier}"


def _order(service: EstateService) -> tuple[int, str]:
    return _section(service)


def _group(service: EstateService) -> str:
    if service.kind in THIRD_PARTY | PLACES:
        return ""
    return service.region or "no region"


def _badness(service: EstateService) -> int:
    return badness(service.state) if service.state != WELL else _LAST_TIER


def _draw(sections: list[Section], width: int, density: Density) -> Layout:
    label = 0 if width < 40 else 11 if width < 110 else 14
    room = max(width - label, 8)
    target = 34 if density is Density.ROOMY else 27 if width >= 110 else 31
    columns = max(room // target, 1)
    lines: list[MapLine] = []
    for name, groups in sections:
        every = [service for _, group in groups for service in group]
        hit = sum(map(is_hit, every))
        worst = min(every, key=_badness).state
        if lines and density is not Density.DENSE:
            lines.append(Gap())
        lines.append(Heading(name, len(every), hit, worst))
        for region, group in groups:
            lines += _cells(region, _spots(group, density), columns, density)
    return Layout(tuple(lines), density, label, room // columns)


def _spots(group: list[EstateService], density: Density) -> list[Spot]:
    if density is not Density.DENSE:
        return [*group]
    shown: list[Spot] = [service for service in group if service.state != WELL]
    well = len(group) - len(shown)
    # Where nothing is hit the heading has said it.
    return [*shown, Count(well)] if well and shown else shown


def _cells(label: str, spots: list[Spot], columns: int, density: Density) -> Iterable[MapLine]:
    for first in range(0, len(spots), columns):
        row = tuple(spots[first : first + columns])
        yield Cells("" if first else label, row)
        # Also where it has nothing to say: nothing moves when a service falls or comes back.
        if density is Density.ROOMY:
            yield Cells("", row, 1)


def heading_words(heading: Heading) -> str:
    """Return a heading: ``tier 1 · 12 services · 3 hit, worst down``."""
    noun = "service" if heading.services == 1 else "services"
    words = f"{heading.name} · {heading.services} {noun}"
    if not heading.hit:
        return f"{words} · well"
    return f"{words} · {heading.hit} hit, worst {state_look(heading.worst)[1]}"
