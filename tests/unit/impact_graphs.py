"""Small estates for the tests of impact: made by hand and by chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from warroom.impact.graph import Dependency, Graph, Hardness, Seed, Service, build
from warroom.impact.suspects import Signal

HARD, SOFT = Hardness.HARD, Hardness.SOFT
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEYS = [f"s{n}" for n in range(9)]
STATES = ["recovered", "suspected", "degraded", "down"]

DEPENDENCIES = st.lists(
    st.builds(
        Dependency,
        st.sampled_from(KEYS),
        st.sampled_from(KEYS),
        st.sampled_from(Hardness),
        st.sampled_from([None, None, "g", "h"]),
        st.sampled_from([None, 1, 2, 3]),
        st.booleans(),
    ),
    max_size=40,
)
SEEDS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(STATES), min_size=1, max_size=4).map(
    lambda found: [Seed(key, state) for key, state in found.items()]
)
SIGNALS = st.lists(
    st.builds(
        Signal,
        st.sampled_from(KEYS),
        st.integers(0, 900).map(lambda s: NOON + timedelta(seconds=s)),
        st.sampled_from(["a", "b"]),
        st.integers(1, 5),
        st.booleans(),
        st.sampled_from([None, 0.1, 0.5, 1.0]),
    ),
    max_size=12,
)


def service(key: str, tier: int = 2, **more: object) -> Service:
    """Make a service; ``more`` are other fields of it."""
    return Service(key, key, tier, "team", **more)  # type: ignore[arg-type]


def estate(
    *edges: tuple[str, Hardness, str] | Dependency, services: list[Service] | None = None
) -> Graph:
    """Build from (service, hardness, what it needs); services that are not given are plain."""
    dependencies = [e if isinstance(e, Dependency) else Dependency(e[0], e[2], e[1]) for e in edges]
    given = {s.key: s for s in services or ()}
    keys = {k for d in dependencies for k in (d.service, d.depends_on)}
    return build([*given.values(), *(service(k) for k in keys - given.keys())], dependencies)


def keyed(dependencies: list[Dependency], services: list[Service] | None = None) -> Graph:
    """Build a graph of KEYS."""
    return build(services or [service(k) for k in KEYS], dependencies)


def alert(key: str, seconds: float = 0, name: str = "down", **more: object) -> Signal:
    """Make an alert that began so many seconds after noon."""
    return Signal(key, NOON + timedelta(seconds=seconds), name, **more)  # type: ignore[arg-type]
