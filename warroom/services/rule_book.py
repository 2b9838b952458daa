"""What one batch of alerts needs of the rules: all of them at once, and how often alerts come."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import RowMapping

from warroom.db.uow import Asked, Work
from warroom.domain.alert_rule import Rule, RuleBook, check_rule
from warroom.domain.declaration import BASELINE, Rate
from warroom.errors import InvalidInput
from warroom.services.alert_rows import as_json

Mark = tuple[tuple[UUID, int], ...]
RateKey = tuple[UUID, UUID, str]
"""Source, service and name: what an alert is one more of."""
_BOOKS: Final[WeakKeyDictionary[Any, tuple[Mark, RuleBook]]] = WeakKeyDictionary()
_LOAD = (
    "select id, key, kind, position, matches, spec, note, version from warroom.alert_rule"
    " where enabled order by position, key"
)
RULES: Final[Asked] = (_LOAD, {})
"""Asks for the rules in force."""
# Through the index by service: the events of the last days, of those alerts alone.
_RATES = """
select k.source_id, k.service_id, k.name,
  count(*) filter (where e.recorded_at > :now - make_interval(secs => k.within_s)) as recent,
  count(*) filter (where e.recorded_at <= :now - make_interval(secs => k.within_s)) as before
from jsonb_to_recordset(cast(:rows as jsonb)) as k(source_id uuid, service_id uuid, name text,
  within_s float8)
join warroom.alert a on a.service_id = k.service_id and a.last_seen_at > :since
  and a.source_id = k.source_id and a.name = k.name
join warroom.alert_event e on e.alert_id = a.id and e.id >= warroom.uuid7_floor(:since)
  and e.change in ('new', 'refired')
group by 1, 2, 3
"""


async def load(work: Work) -> RuleBook:
    """Return the rules in force."""
    return book_of(work, await work.rows(*RULES))


def book_of(work: Work, rows: Sequence[RowMapping]) -> RuleBook:
    """Return the rules that ``RULES`` found; what has not changed is not read from JSON again."""
    mark: Mark = tuple((r["id"], r["version"]) for r in rows)
    kept = _BOOKS.get(work.pool)
    if kept is not None and kept[0] == mark:
        return kept[1]
    book = RuleBook(tuple(rule for r in rows if (rule := _rule(r)) is not None))
    _BOOKS[work.pool] = (mark, book)
    return book


def _rule(r: RowMapping) -> Rule | None:
    """Return a stored rule; None for one that a newer war room wrote and we do not understand."""
    try:
        return check_rule(r["key"], r["kind"], r["position"], r["matches"], r["spec"], r["note"])
    except InvalidInput:
        return None


async def rates(
    work: Work, keys: Collection[tuple[RateKey, float]], now: datetime
) -> dict[RateKey, Rate]:
    """Return how often such alerts came, for every key with its window in seconds."""
    if not keys:
        return {}
    rows = [
        {"source_id": source, "service_id": service, "name": name, "within_s": within}
        for (source, service, name), within in sorted(keys, key=str)
    ]
    found = await work.rows(_RATES, {"rows": as_json(rows), "now": now, "since": now - BASELINE})
    return {
        (r["source_id"], r["service_id"], r["name"]): Rate(r["recent"], r["before"]) for r in found
    }
