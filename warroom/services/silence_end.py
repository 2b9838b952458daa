"""What a silence held back is decided anew, once the silence is over, shorter or another.

An alert that a silence holds back waits for the end of that silence (``alert.decide_at``); the
engine decides it then, and puts it off again where another silence holds it.  Where a silence is
changed, that moment becomes now, in the transaction of the change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from warroom.db.uow import Work
from warroom.domain.silence import Matcher, completed
from warroom.services.eyes import all_eyes
from warroom.services.matching import test_of

_HELD: Final = """
select a.id, a.labels, a.name, s.key as service
from warroom.alert a join warroom.service s on s.id = a.service_id
where a.state = 'firing' and a.incident_id is null and a.disposition = 'suppressed'
"""
# Locked in the order of the key, like everywhere.  The version tells a batch that read before.
_WAKE: Final = """
with mine as materialized (
  select a.id from warroom.alert a where a.id = any(cast(:ids as uuid[]))
    and a.state = 'firing' and a.incident_id is null and a.disposition = 'suppressed'
  order by a.source_id, a.fingerprint for no key update of a)
update warroom.alert a set decide_at = now(), version = a.version + 1 from mine where a.id = mine.id
"""


async def wake(work: Work, matchers: Iterable[Matcher]) -> None:
    """Let what fires and fulfils the matchers of a silence be decided anew.

    Whoever ends a silence need not see all that it held back.
    """
    test = test_of(matchers)
    async with all_eyes(work):
        found = [
            r["id"] for r in await work.rows(_HELD)
            if test(completed(r["labels"], r["name"], r["service"]))
        ]  # fmt: skip
        if found:
            await work.execute(_WAKE, {"ids": found})
