"""Estates by chance, in the shapes that real ones have."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from warroom.impact.graph import Dependency, Hardness, Service

HARD, SOFT = Hardness.HARD, Hardness.SOFT


@dataclass(frozen=True, slots=True)
class Estate:
    """Services and what they need."""

    services: tuple[Service, ...]
    dependencies: tuple[Dependency, ...]


def layered(chance: random.Random) -> Estate:
    """Gateways on services on datastores, as most shops are built."""
    sizes = [chance.randint(3, 6), chance.randint(10, 20), chance.randint(15, 35),
             chance.randint(8, 16)]  # fmt: skip
    layers: list[list[str]] = []
    services: list[Service] = []
    for depth, size in enumerate(sizes):
        layers.append([f"l{depth}-{n}" for n in range(size)])
        services += [_service(k, min(3, depth + (depth == 3)), chance) for k in layers[-1]]
    pairs: dict[tuple[str, str], Dependency] = {}
    for above, below in itertools.pairwise(layers):
        for key in above:
            for on in chance.sample(below, min(len(below), chance.randint(1, 4))):
                _add(pairs, key, on, chance)
    for key in layers[0] + layers[1]:
        if chance.random() < 0.3:
            _add(pairs, key, chance.choice(layers[3]), chance)
    return _estate(services, pairs, chance)


def scale_free(chance: random.Random) -> Estate:
    """A few services that much depends on, and many that little does (preferential attachment)."""
    count = chance.randint(60, 180)
    keys = [f"s{n}" for n in range(count)]
    pairs: dict[tuple[str, str], Dependency] = {}
    urn = [keys[0]]
    for number, key in enumerate(keys[1:], 1):
        for _ in range(min(number, chance.randint(1, 4))):
            on = chance.choice(urn)
            _add(pairs, key, on, chance)
            urn.append(on)
        urn.append(key)
    services = [_service(k, 3 if n < count // 3 else n % 4, chance) for n, k in enumerate(keys)]
    return _estate(services, pairs, chance)


def hub(chance: random.Random) -> Estate:
    """Spokes around few shared datastores and one broker."""
    hubs = [f"store-{n}" for n in range(chance.randint(2, 5))]
    spokes = [f"spoke-{n}" for n in range(chance.randint(30, 80))]
    fronts = [f"front-{n}" for n in range(chance.randint(3, 8))]
    pairs: dict[tuple[str, str], Dependency] = {}
    for key in spokes:
        for on in chance.sample(hubs, min(len(hubs), chance.randint(1, 2))):
            _add(pairs, key, on, chance)
        if chance.random() < 0.5:
            _add(pairs, key, "broker", chance, late=0.9)
    for key in fronts:
        for on in chance.sample(spokes, chance.randint(4, 9)):
            _add(pairs, key, on, chance)
    services = [_service(k, 0, chance) for k in fronts] + [
        _service(k, 2, chance) for k in (*spokes, *hubs, "broker")
    ]
    return _estate(services, pairs, chance)


def cyclic(chance: random.Random) -> Estate:
    """Layers whose services also call back upwards, mostly softly."""
    estate = layered(chance)
    keys = [s.key for s in estate.services]
    pairs = {(d.service, d.depends_on): d for d in estate.dependencies}
    for _ in range(len(keys) // 6):
        key, on = chance.sample(keys, 2)
        _add(pairs, key, on, chance, hard=0.3)
    return Estate(estate.services, tuple(pairs.values()))


def redundant(chance: random.Random) -> Estate:
    """Layers in which many dependencies stand in for each other, one of two or two of three."""
    estate = layered(chance)
    needs: dict[str, list[Dependency]] = {}
    for d in estate.dependencies:
        needs.setdefault(d.service, []).append(d)
    out: list[Dependency] = []
    for found in needs.values():
        if len(found) >= 2 and chance.random() < 0.5:
            needed = chance.randint(1, len(found) - 1)
            found = [replace(d, group="replicas", needed=needed, hardness=HARD) for d in found]
        out += found
    return Estate(estate.services, tuple(out))


def regional(chance: random.Random) -> Estate:
    """The same stack in several zones of two regions, with gateways over all of them."""
    zones = [(r, f"{r}-{z}") for r in ("eu", "us") for z in range(1, chance.randint(2, 4))]
    stack = chance.randint(6, 12)
    services: list[Service] = []
    pairs: dict[tuple[str, str], Dependency] = {}
    for region, zone in zones:
        keys = [f"{zone}-{n}" for n in range(stack)]
        for number, key in enumerate(keys):
            base = _service(key, min(3, number // 3), chance)
            services.append(replace(base, region=region, zone=zone, host=f"{zone}-h{number % 3}"))
            below = keys[number + 1 :]
            for on in chance.sample(below, min(len(below), chance.randint(1, 3))):
                _add(pairs, key, on, chance)
    for front in range(chance.randint(2, 4)):
        key = f"edge-{front}"
        services.append(_service(key, 0, chance))
        for _, zone in zones:
            on = f"{zone}-0"
            pairs[key, on] = Dependency(key, on, HARD, "zones", max(1, len(zones) - 1))
    return _estate(services, pairs, chance, zoned=True)


SHAPES: dict[str, Callable[[random.Random], Estate]] = {
    "layered": layered,
    "scale-free": scale_free,
    "hub": hub,
    "cyclic": cyclic,
    "redundant": redundant,
    "regional": regional,
}


def _service(key: str, tier: int, chance: random.Random) -> Service:
    share = chance.uniform(1, 90) if tier <= 1 else None
    return Service(key, key, tier, f"team-{chance.randrange(8)}", user_share=share)


def _add(
    pairs: dict[tuple[str, str], Dependency],
    key: str,
    on: str,
    chance: random.Random,
    *,
    hard: float = 0.75,
    late: float = 0.12,
) -> None:
    if key != on and (key, on) not in pairs:
        hardness = HARD if chance.random() < hard else SOFT
        pairs[key, on] = Dependency(key, on, hardness, sync=chance.random() >= late)


def _estate(
    services: list[Service],
    pairs: dict[tuple[str, str], Dependency],
    chance: random.Random,
    *,
    zoned: bool = False,
) -> Estate:
    """Make some leaves third parties, and put the rest into zones where they have none yet."""
    leaning = {service for service, _ in pairs}
    out = []
    for service in services:
        if service.key not in leaning and chance.random() < 0.25:
            service = replace(service, kind="third_party", provider=f"vendor-{chance.randrange(5)}")
        elif not zoned:
            region = chance.choice(("eu", "us"))
            zone = f"{region}-{chance.randrange(1, 4)}"
            service = replace(service, region=region, zone=zone)
        out.append(service)
    return Estate(tuple(out), tuple(pairs.values()))
