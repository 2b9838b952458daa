"""The score of one suspect: a sum of log-odds, each with the sentence that says it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from warroom.impact.blame import Felt, blame
from warroom.impact.evidence import Unhealthy
from warroom.impact.graph import Graph
from warroom.impact.reach import Reach
from warroom.impact.signals import Change, Earlier
from warroom.impact.weights import Weights

# Below this a sentence says nothing that would help a reader.
_LIKENESS_MIN: Final = 0.5
_EXPLAINED_MIN: Final = 0.2
_FEW: Final = 4


@dataclass(slots=True)
class Score:
    """The log-odds of a suspect, and its reasons with the weight that each has."""

    total: float = 0.0
    reasons: list[tuple[float, str]] = field(default_factory=list)
    change: Change | None = None

    def add(self, value: float, sentence: str = "", rank: float | None = None) -> None:
        """Count a piece of evidence; ``rank`` where its sentence stands, if not by its value."""
        self.total += value
        if sentence:
            self.reasons.append((value if rank is None else rank, sentence))


class Scorer:
    """Scores services as suspects of one incident."""

    def __init__(
        self,
        graph: Graph,
        unhealthy: Mapping[int, Unhealthy],
        reach: Reach,
        weights: Weights,
        changes: Sequence[Change],
        earlier: Sequence[Earlier],
        opened: datetime,
    ) -> None:
        self._graph = graph
        self._unhealthy = unhealthy
        self._reach = reach
        self._w = weights
        self._opened = opened
        self._changes: dict[int, list[Change]] = {}
        # Linked by a person, on what the catalogue does not have.
        self._unplaced: list[Change] = []
        for change in sorted(changes, key=lambda c: (c.at, str(c.id))):
            if change.verdict == "cleared":
                continue
            if (at := graph.index.get(change.service)) is not None:
                self._changes.setdefault(at, []).append(change)
            elif change.verdict:
                self._unplaced.append(change)
        self._earlier = sorted(earlier, key=lambda e: (-e.ended_at.timestamp(), e.number))
        self._keys = frozenset(graph.services[at].key for at in unhealthy)
        starts = [u.since for u in unhealthy.values() if u.since is not None]
        self._first = min(starts, default=None)
        self._alerting_needs: dict[int, int] = {}
        for at in unhealthy:
            for on in graph.needs_hard[at]:
                self._alerting_needs[on] = self._alerting_needs.get(on, 0) + 1

    def candidates(self) -> Iterable[int]:
        """Return every service near enough to be suspected, and those a person linked, ascending.

        Where several are unhealthy, a silent one that explains no more than one of them, and was
        not changed, always stands behind that one: it is not worth the time.
        """
        share, unhealthy = self._reach.share, self._unhealthy
        linked = {at for at, found in self._changes.items() if any(c.verdict for c in found)}
        if len(unhealthy) <= _FEW:
            return sorted(share.keys() | linked)
        near = {at for at in share if at in unhealthy or len(share[at]) > 1 or at in self._changes}
        return sorted(near | linked)

    def unplaced(self) -> list[tuple[str, Score]]:
        """Score what a person linked on services that the catalogue does not have, by their key."""
        found: dict[str, Score] = {}
        for change in self._unplaced:
            score = Score()
            self._blame(score, [change], Felt(self._opened))
            if score.total > found.get(change.service, Score()).total:
                found[change.service] = score
        return sorted(found.items())

    def score(self, at: int) -> Score:
        """Score one service."""
        score = Score()
        self._has_changed(at, score)
        self._explains(at, score)
        self._stands_alone(at, score)
        self._timing(at, score)
        item = self._unhealthy.get(at)
        if item is not None and item.status:
            score.add(self._w.status, "third party reports an outage")
        self._was_it_before(at, score)
        return score

    def explained(self, at: int, on: int) -> float:
        """Return how much of an unhealthy service's trouble a suspect explains, 0 to 1."""
        share = self._reach.share.get(at, {}).get(on, 0.0)
        suspect, item = self._unhealthy.get(at), self._unhealthy[on]
        if suspect is not None:
            strength = suspect.strength
        else:
            strength = self._w.silent_strength if self._graph.services[at].watched else None
        if strength is not None and item.strength:
            # What measured little itself cannot have done much to others.
            share *= min(1.0, strength / item.strength)
        return share

    def _explains(self, at: int, score: Score) -> None:
        w, total, count = self._w, 0.0, 0
        overloaded = self._overloaded(at) if score.change is not None else {}
        for on in sorted(self._reach.share.get(at, {}).keys() | overloaded.keys()):
            if on == at:
                continue
            own = self.explained(at, on)
            explained = max(own, overloaded.get(on, 0.0))
            total += self._unhealthy[on].weight * _surprise(w.heard * explained, w.stray)
            count += own >= _EXPLAINED_MIN
        item = self._unhealthy.get(at)
        others = len(self._unhealthy) - (item is not None)
        needing = _of(count, others, beside=item is not None)
        if item is None:
            watched = self._graph.services[at].watched
            score.add(w.silent_self if watched else w.unwatched_self)
            sentence = f"no alert of its own, but {needing} {_need(count)} it" if count else ""
        else:
            score.add(item.weight * _surprise(w.heard, w.stray))
            sentence = f"{needing} {_need(count)} it" if count else ""
            if not others:
                sentence = "nothing else alerts or is reported"
        score.add(total, sentence)
        asked = [on for on, _ in self._reach.needs(at) if on in overloaded]
        if asked:
            key = self._graph.services[min(asked)].key
            score.add(0.0, f"it uses {key}, which is unhealthy")

    def _overloaded(self, at: int) -> dict[int, float]:
        """Return what a changed service may have done to what it needs, and so to others."""
        found: dict[int, float] = {}
        for on, _ in self._reach.needs(at):
            if on in self._unhealthy:
                for other in self._reach.share[on]:
                    felt = self._w.backlash * self.explained(on, other)
                    found[other] = max(found.get(other, 0.0), felt)
        return found

    def _stands_alone(self, at: int, score: Score) -> None:
        """Count that nothing unhealthy lies below it, and how many above it are silent."""
        w = self._w
        item = self._unhealthy.get(at)
        below = 0.0
        for on, passed in self._reach.needs(at):
            other = self._unhealthy.get(on)
            if other is None:
                continue
            ratio = 1.0
            if item is not None and item.strength and other.strength is not None:
                ratio = min(1.0, other.strength / item.strength)
            # An unhealthy member of a group that stands explains as little as its share says.
            below = max(below, min(1.0, passed / w.hard) * ratio * min(1.0, other.weight * 2))
        own = 1.0 - below
        if item is None:
            score.add(w.own * own * w.own_silent)
        else:
            deep = len(self._unhealthy) > 1 and own > 0.7
            score.add(w.own * own * min(1.0, item.weight), "deepest unhealthy" if deep else "")
        dependants = len(self._graph.hard[at])
        if dependants:
            alerting = self._alerting_needs.get(at, 0)
            silent = (dependants - alerting) / (dependants + 1)
            against = ""
            if dependants > 2 * alerting + 1:
                against = f"against it: {alerting} of {dependants} services that need it"
                against += " alert or are reported"
            score.add(w.silent_dependants * silent, against, rank=-9.0)

    def _timing(self, at: int, score: Score) -> None:
        item = self._unhealthy.get(at)
        if item is None or item.since is None:
            return
        others = [
            since
            for on in self._reach.share.get(at, {})
            if on != at and (since := self._unhealthy[on].since) is not None
        ]
        said = f"first alert, {_clock(item.since)}" if item.since == self._first else ""
        if not others:
            score.add(0.0, said)
            return
        late = (item.since - min(others)).total_seconds()
        if late < 0 or (late == 0 and said):
            score.add(self._w.first, said or f"alerted before what needs it, {_clock(item.since)}")
        elif late == 0:
            score.add(self._w.first / 2)
        else:
            score.add(self._w.last * min(1.0, late / self._w.slack_s))

    def _has_changed(self, at: int, score: Score) -> None:
        """Count the change on it that is nearest to the first alert it explains."""
        share, unhealthy = self._reach.share.get(at, {}), self._unhealthy
        alerts = {on: since for on in share if (since := unhealthy[on].since) is not None}
        reports = [told for on in share if (told := unhealthy[on].told) is not None]
        hops = min((self._reach.hops[on][at] for on in alerts), default=0)
        felt = Felt(self._opened, self._first, tuple(alerts.values()), reports, hops)
        self._blame(score, self._changes.get(at, ()), felt)

    def _blame(self, score: Score, changes: Sequence[Change], felt: Felt) -> None:
        found = blame(changes, felt, self._w)
        if found is None:
            return
        named = found.value >= self._w.change_named
        score.add(found.value, found.sentence, rank=found.value + (9.0 if named else 0.0))
        if named:
            score.change = found.change

    def _was_it_before(self, at: int, score: Score) -> None:
        key = self._graph.services[at].key
        best, sentence = 0.0, ""
        for earlier in self._earlier:
            if earlier.cause != key or not earlier.services:
                continue
            both = len(earlier.services & self._keys)
            likeness = both / len(earlier.services | self._keys)
            if likeness >= _LIKENESS_MIN and likeness > best:
                best = likeness
                same = f"same {_count(both, 'service')}"
                sentence = f"a change of {key} was the cause of INC-{earlier.number}, {same}"
        if best:
            score.add(self._w.earlier * best, sentence)


def _surprise(expected: float, stray: float) -> float:
    """Return the log of how much likelier an alert is with the cause than without."""
    return math.log((expected + stray) / stray)


def _of(count: int, whole: int, *, beside: bool) -> str:
    """Say how many; never "hit", which also counts what is only expected to be."""
    if whole == 1:
        some = "the other one" if beside else "the one"
    else:
        some = f"all {count}" if count == whole else f"{count} of {whole}"
        some += " others" if beside else ""
    return f"{some} alerting or reported"


def _need(count: int) -> str:
    return "needs" if count == 1 else "need"


def _count(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S}"
