"""The storm as a plan: an estate, independent causes in it, and every message that follows.

Ten areas of 50 services, each on two datastores; in eight of them one datastore fails.  What rests
on it hard, directly or through others, fires within two minutes, the nearest first; services that
nothing took down fire as well, for reasons of their own.  Of the causes four fire first, two in the
middle of what they take down, and two after all of it.  What rests hard on what is worked out here
anew and shares nothing with the product but the catalogue.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from warroom.domain.catalogue import (
    Catalogue,
    CatalogueFile,
    DependencyEntry,
    ServiceEntry,
    TeamEntry,
)

AREAS = 10
SHAPE = (("store", 2), ("core", 10), ("app", 20), ("edge", 18))
INSTANCES = 20
CAUSES = 8
WHEN = ("first", "first", "late", "last", "first", "late", "last", "first")
TOLD = 3
"""How often each alert is told: a sender repeats what fires on, a minute later."""
EACH = 50
SOURCES = 4
ENDED = 0.05
NOISE = 0.12


@dataclass(frozen=True, slots=True)
class Need:
    """A dependency. One of a ``group`` is no cause alone."""

    service: str
    on: str
    hard: bool
    group: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One body of a source, and the names under which its alerts are known."""

    source: int
    body: bytes
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The storm. ``causes`` says when each speaks up; ``truth`` whose alerts a service's are."""

    services: tuple[str, ...]
    needs: tuple[Need, ...]
    causes: Mapping[str, str]
    truth: Mapping[str, str]
    posts: tuple[Post, ...]

    @property
    def messages(self) -> int:
        """Return how many alerts are sent."""
        return sum(len(p.alerts) for p in self.posts)

    def files(self) -> Catalogue:
        """Return the estate as the catalogue takes it."""
        return Catalogue(
            "storm",
            tuple(
                ServiceEntry(
                    key, key, "datastore" if "store" in key else "service",
                    {"store": 0, "core": 1, "app": 2, "edge": 1}[key.split("-")[1]],
                    f"team-{area(key)}", "eu" if area(key) % 2 else "us",
                )
                for key in self.services
            ),
            tuple(
                DependencyEntry(
                    n.service, n.on, "hard" if n.hard else "soft", None, n.group or None,
                    1 if n.group else None,
                )
                for n in self.needs
            ),
            tuple(TeamEntry(f"team-{n}", f"Team {n}") for n in range(AREAS)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Said:
    at: float
    service: str
    instance: int
    name: int
    severity: str
    told: int


def make(messages: int, seed: int = 1) -> Plan:
    """Make a storm of about so many messages; the same for the same seed."""
    chance = random.Random(f"storm {seed}")
    services, needs = _estate(chance)
    causes = {f"a{n}-store-0": WHEN[n] for n in range(CAUSES)}
    truth: dict[str, str] = {}
    speaks = _spread(services, needs, causes, truth, chance)
    many = sum(len(instances) for _, instances, _ in speaks.values())
    names = max(1, round(messages / (many * TOLD)))
    said = sorted(
        (
            _Said(at + chance.uniform(0, 20) + 60.0 * told, service, instance, name, severity, told)
            for service, (at, instances, severity) in speaks.items()
            for instance in instances
            for name in range(names)
            for told in range(TOLD)
        ),
        key=lambda s: s.at,
    )  # fmt: skip
    return Plan(services, needs, causes, truth, tuple(_posts(said, chance)))


def area(service: str) -> int:
    """Return the area of a service."""
    return int(service.split("-", maxsplit=1)[0][1:])


def _estate(chance: random.Random) -> tuple[tuple[str, ...], tuple[Need, ...]]:
    layers = {
        (a, layer): [f"a{a}-{layer}-{n}" for n in range(size)]
        for a in range(AREAS)
        for layer, size in SHAPE
    }
    needs: dict[tuple[str, str], Need] = {}

    def need(service: str, on: str, hard: bool, group: str = "") -> None:
        needs.setdefault((service, on), Need(service, on, hard, group))

    for a in range(AREAS):
        for key in layers[a, "core"]:
            need(key, f"a{a}-store-{0 if chance.random() < 0.8 else 1}", True)
        for above, below in (("app", "core"), ("edge", "app")):
            for key in layers[a, above]:
                for on in chance.sample(layers[a, below], chance.randint(1, 3)):
                    need(key, on, chance.random() < 0.7)
                other = chance.randrange(AREAS)
                if other != a and chance.random() < 0.3:
                    need(key, chance.choice(layers[other, below]), False)
        for key in chance.sample(layers[a, "app"], 4):
            other = (a + 1) % AREAS
            for at in (a, other):
                spare = [k for k in layers[at, "core"] if (key, k) not in needs]
                need(key, chance.choice(spare), True, "either")
    return tuple(k for keys in layers.values() for k in keys), tuple(needs.values())


def _spread(
    services: tuple[str, ...],
    needs: tuple[Need, ...],
    causes: Mapping[str, str],
    truth: dict[str, str],
    chance: random.Random,
) -> dict[str, tuple[float, list[int], str]]:
    """Return when each service speaks up, on which instances and how loudly."""
    above: dict[str, list[str]] = {}
    for n in needs:
        if n.hard and not n.group:
            above.setdefault(n.on, []).append(n.service)
    speaks: dict[str, tuple[float, list[int], str]] = {}
    everywhere = list(range(INSTANCES))
    for cause, when in causes.items():
        begun = chance.uniform(0, 60)
        reached = {cause: 0}
        waiting = [cause]
        while waiting:
            key = waiting.pop(0)
            for dependant in above.get(key, ()):
                if dependant not in reached:
                    reached[dependant] = reached[key] + 1
                    waiting.append(dependant)
        for key, hops in reached.items():
            truth[key] = cause
            at = begun + 25.0 * hops + chance.uniform(0, 15)
            if key == cause:
                at = {"first": begun, "late": begun + 55.0, "last": begun + 120.0}[when]
                speaks[key] = (at, everywhere, "critical")
            elif chance.random() < 0.9:
                severity = chance.choice(("critical", "error", "warning"))
                speaks[key] = (at, everywhere, severity)
    for key in services:
        if key not in truth and chance.random() < NOISE:
            truth[key] = key
            some = chance.sample(everywhere, chance.randint(1, 3))
            severity = "critical" if chance.random() < 0.25 else "warning"
            speaks[key] = (chance.uniform(0, 150), some, severity)
    return speaks


def _posts(said: list[_Said], chance: random.Random) -> Iterator[Post]:
    """Pack what is said into bodies, each source's in order, as they fill up."""
    begun = datetime.now(UTC) - timedelta(minutes=10)
    filling: dict[int, list[_Said]] = {n: [] for n in range(SOURCES)}

    def body(source: int) -> Post:
        some, filling[source] = filling[source], []
        alerts = [_alert(s, begun, chance) for s in some]
        return Post(source, json.dumps(alerts).encode(), tuple(known_as(s.service, s.instance,
                    s.name) for s in some))  # fmt: skip

    for one in said:
        source = area(one.service) % SOURCES
        filling[source].append(one)
        if len(filling[source]) == EACH:
            yield body(source)
    for source, left in filling.items():
        if left:
            yield body(source)


def known_as(service: str, instance: int, name: int) -> str:
    """Return the name of an alert, as it is stored."""
    return f"{service} Fails{name} {service}-i{instance}"


def _alert(said: _Said, begun: datetime, chance: random.Random) -> dict[str, object]:
    # It began when it was told first, and a few are over by the last time.
    since = begun + timedelta(seconds=said.at - 60.0 * said.told)
    alert: dict[str, object] = {
        "labels": {
            "alertname": known_as(said.service, said.instance, said.name),
            "service": said.service,
            "severity": said.severity,
            "instance": f"{said.service}-i{said.instance}",
            "job": said.service.split("-")[1],
            "env": "prod",
        },
        "annotations": {
            "summary": f"{said.service} answers one request in {2 + said.name} with an error",
            "description": "The share of errors of the last five minutes is over its objective.",
        },
        "startsAt": since.isoformat(),
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=errors&g0.tab=1",
    }
    if said.told == TOLD - 1 and chance.random() < ENDED:
        alert["endsAt"] = (begun + timedelta(seconds=said.at)).isoformat()
    return alert


def as_files(plan: Plan) -> tuple[CatalogueFile, ...]:
    """Return the estate as CSV."""
    from warroom.catalog import formats

    return formats.write(plan.files(), "csv")
