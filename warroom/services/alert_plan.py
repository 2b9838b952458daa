"""What the desk needs to know to decide a batch, read for the whole batch at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.uow import Work
from warroom.domain.alert_rule import Rule, RuleBook, RuleKind, group_key
from warroom.domain.declaration import Rate
from warroom.services import alert_incidents, rule_book, suppression
from warroom.services.alert_arrival import Arrival
from warroom.services.alert_desk import Desk
from warroom.services.alert_roots import Roots, roots_since


@dataclass(frozen=True, slots=True)
class Plan:
    """What a desk needs besides the incidents, which may have to be locked first."""

    wanted: alert_incidents.Wanted
    book: RuleBook
    roots: Mapping[str, Roots]
    rates: Mapping[rule_book.RateKey, Rate]
    policies: Mapping[str, UUID]

    def desk(
        self,
        work: Work,
        now: datetime,
        window: timedelta,
        incidents: Sequence[RowMapping],
        *,
        silences: suppression.Suppressions | None = None,
        locked: bool = True,
    ) -> Desk:
        """Return the desk, with the incidents that ``wanted`` found."""
        return Desk(
            work, now, window, alert_incidents.candidates(incidents, self.wanted.groups),
            book=self.book, roots=self.roots, rates=self.rates, policies=self.policies,
            silences=silences, locked=locked,
        )  # fmt: skip


async def plan_desk(
    work: Work,
    now: datetime,
    arrivals: Sequence[Arrival],
    book: RuleBook,
    newest: datetime | None,
    *,
    beginning_only: bool = False,
) -> Plan:
    """Find out what the alerts of a batch need.

    Args:
        work: the transaction.
        now: our clock.
        arrivals: the alerts, as they are known by now.
        book: the rules in force.
        newest: when the catalogue was written last.
        beginning_only: leave out the incidents of services whose alerts all stay where they are.
    """
    attached = {a.known.incident_id for a in arrivals
                if a.known is not None and a.known.incident_id is not None}  # fmt: skip
    beginning = [a for a in arrivals if a.may_begin]
    subjects = [(a, a.subject()) for a in arrivals] if book.rules else []
    groups: set[str] = set()
    counted: set[tuple[rule_book.RateKey, float]] = set()
    policies: set[str] = set()
    for arrival, subject in subjects:
        group = group_key(book.first(RuleKind.GROUP, subject), subject)
        if group is not None:
            groups.add(group)
        rule: Rule | None = book.first(RuleKind.DECLARE, subject)
        if rule is not None and rule.declaration is not None:
            policies.add(rule.declaration.policy)
            if rule.declaration.counts and arrival.may_begin:
                key = (arrival.source.id, arrival.service.id, arrival.incoming.name)
                counted.add((key, rule.declaration.within.total_seconds()))
    units = {a.service.unit for a in beginning}
    roots = await roots_since(work, units, newest) if beginning else {}
    near = {
        root
        for a in beginning
        if a.service.unit in roots
        for root in roots[a.service.unit].of(a.service.id)
    }
    wanted = alert_incidents.Wanted(
        frozenset(a.service.id for a in (beginning if beginning_only else arrivals)),
        frozenset(attached), frozenset(near), frozenset(groups),
    )  # fmt: skip
    return Plan(
        wanted, book, roots, await rule_book.rates(work, counted, now),
        await _policies(work, policies - {""}),
    )  # fmt: skip


async def _policies(work: Work, keys: Collection[str]) -> dict[str, UUID]:
    if not keys:
        return {}
    rows = await work.rows(
        "select key, id from warroom.escalation_policy where key = any(:keys)",
        {"keys": sorted(keys)},
    )
    return {r["key"]: r["id"] for r in rows}
