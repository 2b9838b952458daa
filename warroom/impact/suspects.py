"""What probably caused an incident: ranked, each with the reasons that a person can check.

One model for every kind of suspect: the log-odds that a fault there would have looked like this
(``warroom.impact.scoring``), with the weights of ``warroom.impact.weights``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from warroom.domain.reasoned import Suspect
from warroom.impact.domains import members, shared_domains
from warroom.impact.evidence import Unhealthy, gather
from warroom.impact.graph import Graph, Seed
from warroom.impact.hardness import Impact
from warroom.impact.reach import Reach
from warroom.impact.scoring import Score, Scorer
from warroom.impact.signals import Change, Earlier, Signal
from warroom.impact.totals import FACING, entry
from warroom.impact.way import ways
from warroom.impact.weights import DEFAULT, Weights

__all__ = ["Change", "Earlier", "Signal", "suspects"]

# What is this much less likely than the best is no suspect (e^-9 is one in eight thousand).
_BEHIND_MAX: Final = 9.0
# How far what a person named as the cause stands before all else.
_LEAD: Final = 3.0
_DOMAIN_KINDS: Final = frozenset({"region", "zone", "host", "third-party"})
_REASONS_MAX: Final = 5

# Log-odds, key, place in the graph (None where it has none), and how they came about.
_Ranked = tuple[float, str, int | None, Score]


def suspects(
    graph: Graph,
    seeds: Sequence[Seed],
    signals: Iterable[Signal],
    changes: Sequence[Change] = (),
    *,
    earlier: Sequence[Earlier] = (),
    now: datetime,
    opened: datetime | None = None,
    impact: Impact | None = None,
    limit: int = 10,
    weights: Weights = DEFAULT,
) -> tuple[Suspect, ...]:
    """Rank what probably caused an incident.

    Args:
        graph: the catalogue, at least what the hit services need, however far away.
        seeds: the incident's services.
        signals: alerts of the incident and of what is near it.
        changes: what was changed lately; those that a person cleared do not count.
        earlier: incidents of before whose cause is known.
        now: the database's clock.
        opened: when the incident was; now when it is not given.
        impact: what it takes down: paths lead to the service of its headline.
        limit: suspects at the most.
        weights: how much each piece of evidence counts.

    Returns:
        The suspects, best first; one a service; the same for every order of the input.
    """
    unhealthy = gather(graph, seeds, signals, weights)
    if not unhealthy:
        return ()
    reach = Reach(graph, unhealthy, weights)
    scorer = Scorer(graph, unhealthy, reach, weights, changes, earlier, opened or now)
    ranked: list[_Ranked] = []
    for at in scorer.candidates():
        score = scorer.score(at)
        ranked.append((score.total, graph.services[at].key, at, score))
    ranked += [
        (score.total, key, None, score) for key, score in _domains(graph, unhealthy, reach, weights)
    ]
    ranked += [(score.total, key, None, score) for key, score in scorer.unplaced()]
    kept = _best(ranked, limit)
    best = kept[0][0]
    whole = sum(math.exp(total - best) for total, *_ in kept)
    led = ways(impact, {at for _, _, at, _ in kept if at is not None}) if impact else {}
    return tuple(
        _suspect(
            graph,
            unhealthy,
            key,
            at,
            score,
            math.exp(total - best) / whole,
            led.get(at) or _path(graph, reach, at) if at is not None else (),
        )
        for total, key, at, score in kept
    )


def _best(ranked: list[_Ranked], limit: int) -> list[_Ranked]:
    """Return the likeliest, best first.

    What a person named as the cause stands first, whatever was reasoned; what a person suspects
    is never left out.
    """
    top = max((r[0] for r in ranked if not _said(r, "cause")), default=-math.inf)
    ranked = [(max(r[0], top + _LEAD), *r[1:]) if _said(r, "cause") else r for r in ranked]
    # Rounded: two ways of adding up the same evidence are a tie, and a tie goes by key.
    ranked.sort(key=lambda r: (-round(r[0], 6), r[1]))
    near = [r for r in ranked if ranked[0][0] - r[0] <= _BEHIND_MAX][:limit]
    linked = [r for r in ranked if _said(r, "suspected") and r not in near][: limit - 1]
    return near[: limit - len(linked)] + linked


def _said(ranked: _Ranked, verdict: str) -> bool:
    change = ranked[3].change
    return change is not None and change.verdict == verdict


def _domains(
    graph: Graph, unhealthy: Mapping[int, Unhealthy], reach: Reach, weights: Weights
) -> list[tuple[str, Score]]:
    """Score the failure domains that the unhealthy services share."""
    shared = [d for d in shared_domains(graph, unhealthy.keys()) if d.kind in _DOMAIN_KINDS]
    if not shared:
        return []
    inside_of = members(graph)
    found: list[tuple[str, Score]] = []
    for domain in shared:
        inside = set(inside_of[domain.kind, domain.value])
        struck = [at for at in inside if at in unhealthy]
        score = Score()
        score.add(weights.domain)
        total = 0.0
        for on, item in unhealthy.items():
            if on in inside:
                expected = weights.domain_heard
            else:
                felt = [reach.share[at][on] for at in struck if on in reach.share[at]]
                expected = weights.heard * max(felt, default=0.0)
            total += item.weight * math.log((expected + weights.stray) / weights.stray)
        said = f"{domain.hit} of {domain.hit + domain.outside} alerting or reported"
        said += f" are in {domain.value}"
        said += ", nothing else there is well" if domain.hit == domain.of else (
            f", {domain.hit} of the {domain.of} there"
        )  # fmt: skip
        score.add(total, said)
        score.add((domain.of - domain.hit) * math.log(1.0 - weights.domain_heard))
        if not domain.outside:
            score.add(0.0, f"nothing outside {domain.value} alerts or is reported")
        found.append((f"{domain.kind}:{domain.value}", score))
    return found


def _suspect(
    graph: Graph,
    unhealthy: Mapping[int, Unhealthy],
    key: str,
    at: int | None,
    score: Score,
    likely: float,
    path: Sequence[int],
) -> Suspect:
    ordered = sorted(score.reasons, key=lambda r: (-r[0], r[1]))
    reasons = [sentence for _, sentence in ordered][:_REASONS_MAX]
    if at is None and score.change is not None:
        c = score.change
        return Suspect(
            "change",
            key,
            key,
            round(likely, 4),
            tuple(reasons),
            since=c.at,
            change=c.id,
            link=c.link,
        )
    if at is None:
        name = key.partition(":")[2]
        return Suspect("domain", key, name, round(likely, 4), tuple(reasons))
    if reasons and "deepest unhealthy" in reasons:
        # One sentence for the two halves of the same thought.
        reasons.remove("deepest unhealthy")
        needed = next((r for r in reasons if r.endswith((" need it", " needs it"))), None)
        if needed is not None:
            reasons[reasons.index(needed)] = f"deepest unhealthy: {needed}"
        else:
            reasons.append("deepest unhealthy")
    service, item = graph.services[at], unhealthy.get(at)
    since = item.since if item is not None else None
    if score.change is not None:
        kind, since = "change", score.change.at
    else:
        kind = "third-party" if service.kind == "third_party" else "service"
    return Suspect(
        kind=kind,
        key=key,
        name=service.name,
        score=round(likely, 4),
        reasons=tuple(reasons) or ("what alerts or is reported needs it",),
        team=service.team,
        tier=service.tier,
        since=since,
        path=tuple(graph.services[step].key for step in path),
        change=score.change.id if score.change else None,
        link=score.change.link if score.change else "",
    )


def _path(graph: Graph, reach: Reach, at: int) -> tuple[int, ...]:
    """Return the way from a suspect to the unhealthy service that customers feel most."""

    def felt(on: int) -> tuple[bool, bool, float, int, int, int]:
        s = graph.services[on]
        inside = not (s.kind == FACING and entry(graph, on))
        return (
            s.kind != FACING, inside, -(s.user_share or 0.0), -(s.customers or 0), s.tier, on,
        )  # fmt: skip

    if at not in reach.share:
        return (at,)
    end = min(reach.share[at], key=felt)
    return reach.path(at, end)
