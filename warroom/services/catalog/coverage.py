"""What the map does not know: services without alerts, owner, runbook or heartbeat."""

from __future__ import annotations

from typing import Any, Final

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.principal import CommandContext, Scope
from warroom.services.access import require

Json = dict[str, Any]
DEADLINE_S: Final = 30.0
MISSING: Final = ("alerts", "owner", "runbook", "heartbeat")
# A heartbeat is one of our own, or an alert that always fires: by custom that is called one of
# these, or says so.
HEARTBEATS: Final = ("watchdog", "heartbeat", "deadmansswitch", "deadmanssnitch")
_COVERAGE = """
with seen as (
  select a.service_id, max(a.last_seen_at) as last,
    bool_or(lower(a.name) = any(cast(:beats as text[])) or a.labels ->> 'heartbeat' = 'true')
      as beats
  from warroom.alert a
  where a.service_id is not null and a.last_seen_at > now() - make_interval(days => :days)
  group by a.service_id),
watched as (
  select distinct service_key as key from warroom.heartbeat
  where removed_at is null and paused_at is null)
select s.id, s.key, s.name, s.kind, s.tier, t.key as team, n.last as last_alert_at,
  array_remove(array[
    case when n.service_id is null then 'alerts' end,
    case when t.key = 'unassigned' then 'owner' end,
    case when s.runbook_url is null and not coalesce(s.links @> '[{"kind": "runbook"}]', false)
         then 'runbook' end,
    case when n.beats is not true and w.key is null then 'heartbeat' end], null) as missing
from warroom.service s join warroom.team t on t.id = s.team_id
left join seen n on n.service_id = s.id left join watched w on w.key = s.key
where s.expires_at is null
order by s.tier, s.key
"""


async def coverage(db: Database, ctx: CommandContext, *, days: int, limit: int) -> Json:
    """Return the services that lack something, the most important first.

    Args:
        db: the database of the API.
        ctx: who asks; alerts that this principal may not see do not count.
        days: how long ago the last alert may have been seen.
        limit: how many services are named; the counts are of all.

    Returns:
        ``{days, services, covered, missing: {alerts, owner, runbook, heartbeat}, items}``.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        rows = await work.rows(_COVERAGE, {"beats": list(HEARTBEATS), "days": days})
        lacking = [r for r in rows if r["missing"]]
        return {
            "days": days,
            "services": len(rows),
            "covered": len(rows) - len(lacking),
            "missing": {what: sum(what in r["missing"] for r in rows) for what in MISSING},
            "items": [
                {
                    "key": r["key"], "name": r["name"], "kind": r["kind"], "tier": r["tier"],
                    "team": r["team"], "last_alert_at": r["last_alert_at"],
                    "missing": list(r["missing"]),
                }
                for r in lacking[:limit]
            ],
        }  # fmt: skip

    return await read(db, ctx, handler, deadline_s=DEADLINE_S)
