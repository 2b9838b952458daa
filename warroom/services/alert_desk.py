"""The desk: what becomes of each alert of a batch, and which incidents the batch opens.

What it needs to know is read for the whole batch at once (``alert_plan``); after that it decides in
memory.  The order of the questions: does the alert stay where it is, is it silenced, does it flap,
what does the first declare rule say, and then which incident takes it in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from warroom.db.uow import Work
from warroom.domain import flapping, grouping
from warroom.domain.alert import AlertChange, AlertState, ChangeKind
from warroom.domain.alert_rule import RuleBook, RuleKind, Subject, group_key
from warroom.domain.declaration import (
    Classification,
    Declaration,
    Outcome,
    Rate,
    decide,
    held_until,
)
from warroom.domain.grouping import Candidate, Failed, Placement, PlacementKind
from warroom.domain.incident import Status, is_open
from warroom.domain.priority import PRODUCTION, begins_with, priority
from warroom.domain.silence import completed
from warroom.domain.validate import say_duration
from warroom.services import alert_incidents, rule_book, suppression
from warroom.services.alert_arrival import Arrival, Placed
from warroom.services.alert_roots import Roots
from warroom.services.alert_rows import Candidates, OpenedIncident, Raced, ServiceRow, Standing

_FLIPS: Final = frozenset(
    {ChangeKind.NEW, ChangeKind.REFIRED, ChangeKind.RESOLVED, ChangeKind.EXPIRED}
)
_KEPT_OUT: Final = frozenset({"recorded", "triage", "dismissed"})
STORM: Final = 8
"""Incidents that one batch opens before their numbers are asked for by so many at once."""
_WORSE: Final = {"down": 0, "degraded": 1, "suspected": 2}


class Desk:
    """Places the alerts of one batch, and remembers the incidents that the batch opens."""

    def __init__(
        self,
        work: Work,
        now: datetime,
        window: timedelta,
        candidates: Candidates,
        *,
        book: RuleBook | None = None,
        roots: Mapping[str, Roots] | None = None,
        rates: Mapping[rule_book.RateKey, Rate] | None = None,
        policies: Mapping[str, UUID] | None = None,
        silences: suppression.Suppressions | None = None,
        locked: bool = True,
    ) -> None:
        self._work = work
        self._now = now
        self._window = window
        self._candidates = candidates
        self._book = book or RuleBook()
        self._roots = roots or {}
        self._rates = dict(rates or {})
        self._policies = policies or {}
        self._locked = locked
        self._spare: list[tuple[UUID, int]] = []
        self._suppressions = silences
        self.opened: dict[UUID, OpenedIncident] = {}
        self.raised: dict[UUID, int] = {}
        self.attached: set[tuple[UUID, UUID]] = set()

    @property
    def changes(self) -> bool:
        """Say whether any incident is opened, raised or given a service."""
        return bool(self.opened or self.raised or self.attached)

    def number(self, incident_id: UUID) -> int:
        """Return the number of an incident that the batch touched."""
        return self._candidates.by_id[incident_id].number

    def rank(self, service: ServiceRow) -> int:
        """Return how much a service rests on: causes are placed before what they take down."""
        roots = self._roots.get(service.unit)
        return len(roots.of(service.id)) if roots is not None else 0

    async def _silenced(self, arrival: Arrival, visibility: str) -> tuple[str, datetime] | None:
        """Return why an alert opens and joins nothing, and until when.

        The silences are read once a batch, and only if asked.
        """
        if self._suppressions is None:
            self._suppressions = await suppression.load(self._work, self._now)
        if not len(self._suppressions):
            return None
        labels = completed(arrival.incoming.labels, arrival.incoming.name, arrival.service.key)
        found = self._suppressions.of(labels, unit=arrival.service.unit, visibility=visibility)
        return (self._suppressions.say(found[0]), found[0].ends_at) if found else None

    async def place(self, arrival: Arrival, change: AlertChange, *, again: bool = False) -> Placed:
        """Decide what becomes of an alert.

        Args:
            arrival: the alert.
            change: what its message did to what was stored.
            again: it was put off, and its time has come.
        """
        known, incoming = arrival.known, arrival.incoming
        old = known.standing if known is not None else Standing()
        flaps = flapping.follow(
            old.flips, self._now, flapping=old.flapping, name=incoming.name,
            changed=change.kind in _FLIPS
            and (known is not None or change.after.state is AlertState.FIRING),
        )  # fmt: skip
        if flaps.sentence:
            change = replace(change, sentence=flaps.sentence, noteworthy=True)
        elif flaps.flapping:
            change = replace(change, noteworthy=False)
        standing = replace(old, flapping=flaps.flapping, flips=flaps.flips)
        visibility = known.visibility if known is not None else arrival.source.visibility
        attached = self._candidates.by_id.get(known.incident_id) if (
            known is not None and known.incident_id is not None
        ) else None  # fmt: skip
        stays = grouping.stay(incoming, change, self._now, attached=attached, window=self._window)
        if stays is not None:
            return self._stays(stays, change, standing, visibility)
        steady = old.flapping and not flaps.flapping
        waits = old.disposition == "waiting" and old.decide_at is not None
        if known is not None and attached is None and not (change.begins or again or steady):
            due = waits and old.decide_at is not None and old.decide_at <= self._now
            if old.disposition in _KEPT_OUT or (waits and not due):
                return Placed(None, "", change, standing, visibility)
        return await self._decide(arrival, change, standing, visibility, attached)

    def _stays(
        self, stays: Placement, change: AlertChange, standing: Standing, visibility: str
    ) -> Placed:
        incident = stays.incident
        if incident is None:
            kept = standing.disposition or "recorded"
            return Placed(
                None, stays.say(), change, replace(standing, disposition=kept), visibility
            )
        self._raise(incident, stays.raise_to)
        # Why it is there is worth more than that it stays.
        said = "" if is_open(incident.status) else stays.say()
        return Placed(incident.id, said, change, standing, incident.visibility)

    async def _decide(
        self,
        arrival: Arrival,
        change: AlertChange,
        standing: Standing,
        visibility: str,
        attached: Candidate | None,
    ) -> Placed:
        """Decide of an alert that no open incident has."""
        subject = arrival.subject()
        weight = priority(arrival.service.impact, subject.get("environment"))
        standing = replace(standing, priority=weight.level, priority_reason=weight.reason)
        # The end of a silence is no moment that a rule has set.
        old_due = standing.decide_at if standing.disposition != "suppressed" else None
        standing = replace(standing, decide_at=None)

        def out(disposition: str, why: str, due: datetime | None = None, asks: str = "") -> Placed:
            kept = replace(standing, disposition=disposition, decide_at=due)
            return Placed(None, why, change, kept, visibility, asks)

        rule = self._book.first(RuleKind.DECLARE, subject)
        declaration = rule.declaration if rule is not None else None
        if declaration is not None and declaration.classification is Classification.SECURITY:
            visibility = "security"
        held = await self._silenced(arrival, visibility)
        if held is not None:
            # A tool that does not repeat itself would never be heard: it is decided when that ends.
            return out("suppressed", *held)
        if standing.flapping:
            many = len(standing.flips)
            said = f"recorded only: it flaps, {many} changes in {say_duration(flapping.WINDOW)}"
            return out("recorded", said, flapping.steady_at(standing.flips, self._now))
        if rule is not None and declaration is not None:
            known = arrival.known
            over = known is not None and known.stored.state is AlertState.RESOLVED
            ended = known.stored.changed_at if known is not None and over else None
            due = held_until(declaration, self._now, old_due, ended)
            if old_due is not None and not change.begins:
                due = old_due
            verdict = decide(
                declaration,
                rule.key,
                self._now,
                due,
                self._rate(arrival, declaration, fresh=change.begins),
            )
            if verdict.outcome is Outcome.RECORD:
                # The moment is kept: a short gap does not begin the time anew.
                return out("recorded", verdict.sentence)
            if verdict.outcome is Outcome.WAIT:
                return out("waiting", verdict.sentence, verdict.due)
            if verdict.outcome is Outcome.TRIAGE:
                return out("triage", verdict.sentence, asks=verdict.sentence)
        standing = replace(standing, disposition="declared")
        return await self._join(
            arrival, change, standing, visibility, attached, subject, declaration
        )

    async def _join(
        self,
        arrival: Arrival,
        change: AlertChange,
        standing: Standing,
        visibility: str,
        attached: Candidate | None,
        subject: Subject,
        declaration: Declaration | None,
    ) -> Placed:
        """Let an alert join an incident, or open one."""
        service, incoming = arrival.service, arrival.incoming
        rule = self._book.first(RuleKind.GROUP, subject)
        group = group_key(rule, subject)
        window = self._window if rule is None or rule.grouping.window is None else (
            rule.grouping.window
        )  # fmt: skip
        # What breaks outside production is no consequence of what fails in it.
        live = subject.get("environment").casefold() in PRODUCTION
        shelf: UUID | str = service.id if group is None else f"{service.unit} {group}"
        own = self._candidates.of(shelf, visibility)
        failed = self._failed(service, visibility, window) if group is None and live else None
        placement = grouping.join_or_open(
            incoming, change, own, self._now,
            attached=attached, window=window, what="" if group is None or rule is None else
            f"{group.removeprefix(rule.key + ': ')} (rule {rule.key})",
            failed=failed,
        )  # fmt: skip
        incident = placement.incident
        if placement.kind is PlacementKind.OPEN or incident is None:
            policy = self._policies.get(declaration.policy) if declaration is not None else None
            silent = visibility == "security" and policy is None and (
                visibility != arrival.source.visibility
            )  # fmt: skip
            severity = begins_with(incoming.severity, standing.priority)
            incident = await self._number(severity, visibility)
            self._candidates.add(service.id, visibility, incident)
            if group is not None:
                self._candidates.add(shelf, visibility, incident)
            self.opened[incident.id] = OpenedIncident(
                incident.id, incident.number, service, visibility, arrival.source.principal_id,
                [incoming], placement.say(incident.number), severity, group, policy,
                silent,
            )  # fmt: skip
            self._candidates.attach(incident.id, service.id, self._now)
        else:
            self._joined(incident, arrival, standing, placement)
            # What only follows is impact: as a service it would count as suspected, not as down.
            follows = failed is not None and incident is failed.incident and incident not in own
            if not follows and not self._candidates.has(incident.id, service.id):
                self._candidates.attach(incident.id, service.id, self._now)
                self._candidates.add(service.id, incident.visibility, incident)
                self.attached.add((incident.id, service.id))
        return Placed(
            incident.id, placement.say(incident.number), change, standing, incident.visibility
        )

    async def _number(self, severity: int, visibility: str) -> Candidate:
        """Return an incident that is about to be opened, with its id and number.

        One is asked for at a time, so that none is missing afterwards; in a storm several.

        Raises:
            Raced: nothing is locked, because nothing but repeats seemed to have come.
        """
        if not self._locked:
            raise Raced
        if not self._spare:
            many = STORM if len(self.opened) >= STORM else 1
            self._spare = await alert_incidents.reserve(self._work, many)
        identifier, number = self._spare.pop(0)
        return Candidate(
            identifier, number, Status.TRIGGERED, severity, self._now, visibility=visibility
        )

    def _joined(
        self, incident: Candidate, arrival: Arrival, standing: Standing, placement: Placement
    ) -> None:
        opened = self.opened.get(incident.id)
        if opened is not None:
            # It is called after what it was opened for, and as severe as the worst of all.
            if arrival.service.id == opened.service.id:
                opened.alerts.append(arrival.incoming)
            opened.worst = min(
                opened.worst, begins_with(arrival.incoming.severity, standing.priority)
            )
        self._raise(incident, placement.raise_to)

    def _raise(self, incident: Candidate, severity: int | None) -> None:
        if severity is not None:
            self.raised[incident.id] = severity
            self._candidates.replace(replace(incident, severity=severity))

    def _rate(self, arrival: Arrival, declaration: Declaration, *, fresh: bool) -> Rate:
        """Return how often such alerts come; a fresh one, and those before it here, count."""
        if not declaration.counts:
            return Rate()
        key = (arrival.source.id, arrival.service.id, arrival.incoming.name)
        before = self._rates.get(key, Rate())
        self._rates[key] = Rate(before.recent + fresh, before.before)
        return self._rates[key]

    def _failed(self, service: ServiceRow, visibility: str, window: timedelta) -> Failed | None:
        """Return the failed hard dependency whose incident takes in alerts of a service.

        The worst-hit first, then the oldest incident, and of its services the one that rests on
        least: the cause and not what it took down.
        """
        roots = self._roots.get(service.unit)
        if roots is None:
            return None
        found: list[tuple[tuple[int, int, int], UUID, Candidate, str, datetime]] = []
        for dependency in roots.of(service.id):
            for failing in self._candidates.failing.get(dependency, ()):
                incident = self._candidates.by_id[failing.incident_id]
                if incident.visibility != visibility:
                    continue
                if not grouping.takes_in(incident, self._now, window):
                    continue
                if failing.state == "suspected" and incident.severity > alert_incidents.WEIGHTY:
                    continue
                order = (_WORSE[failing.state], incident.number, len(roots.of(dependency)))
                found.append((order, dependency, incident, failing.state, failing.since))
        if not found:
            return None
        _, dependency, incident, state, since = min(found, key=lambda f: (f[0], str(f[1])))
        return Failed(
            incident, roots.key(dependency), state, since, roots.through(service.id, dependency)
        )
