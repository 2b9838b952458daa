"""Who answers for each alert type, and how much noise it makes: what to fix first."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.alert_noise import TypeCounts, fix_first
from warroom.domain.catalogue import check_address
from warroom.domain.flapping import START
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.services.access import require
from warroom.services.directory.common import Json, id_of

TYPES_MAX: Final = 500
# The events of the time alone: their partitions, and of each alert one line.  Acted on is what
# somebody acknowledged or took out of triage; a false alarm was looked at for nothing.
_NOISE = """
with heard as materialized (
  select e.alert_id, count(*) as messages,
    count(*) filter (where e.change in ('new', 'refired')) as episodes,
    count(*) filter (where e.change in ('new', 'refired', 'resolved', 'expired')) as changes,
    array_agg(distinct e.incident_id) filter (where e.incident_id is not null) as incidents
  from warroom.alert_event e where e.id >= warroom.uuid7_floor(now() - make_interval(secs => :last))
  group by e.alert_id),
judged as (
  select h.*, a.source_id, a.name, a.service_id, a.disposition, a.annotations, a.flapping,
    exists (select from warroom.incident i where i.id = any(h.incidents)
      and (i.acknowledged_at is not null or i.resolved_by is not null)
      and coalesce(i.resolution, '') not in ('false-alarm', 'merged'))
    or exists (select from warroom.incident i join warroom.incident_relation r
        on r.incident_id = i.id and r.kind = 'merged-into' join warroom.incident t
        on t.id = r.other_id where i.id = any(h.incidents) and t.acknowledged_at is not null)
    or exists (select from warroom.triage_item t where t.alert_id = a.id
      and t.state in ('accepted', 'merged')) as acted
  from heard h join warroom.alert a on a.id = h.alert_id)
select o.key as source, j.name, count(*) as alerts, sum(j.episodes) as episodes,
  sum(j.messages) as messages, count(*) filter (where j.acted) as acted,
  count(*) filter (where j.flapping or j.changes >= :flips) as flapped,
  count(*) filter (where not j.acted) as ignored,
  (select t.key from warroom.team t where t.id = coalesce(y.team_id, min(s.team_id::text)::uuid)
    and t.key <> 'unassigned') as owner,
  coalesce(case when y.runbook_url ~* '^https?://' then y.runbook_url end,
    min(j.annotations ->> 'runbook_url') filter (where j.annotations ->> 'runbook_url'
      ~* '^https?://'),
    min(s.runbook_url), '') as runbook,
  coalesce(y.response, '') as response
from judged j join warroom.source o on o.id = j.source_id
join warroom.service s on s.id = j.service_id
left join warroom.alert_type y on y.source_id = j.source_id and y.name = j.name
group by o.key, j.name, y.team_id, y.runbook_url, y.response
order by sum(j.episodes) filter (where not j.acted) desc nulls last, sum(j.messages) desc, 1, 2
limit :limit
"""
_SET = """
insert into warroom.alert_type (source_id, name, team_id, runbook_url, response)
values (:source, :name, :team, coalesce(:runbook, ''), coalesce(:response, ''))
on conflict (source_id, name) do update set
  team_id = case when :same_team then alert_type.team_id else :team end,
  runbook_url = coalesce(:runbook, alert_type.runbook_url),
  response = coalesce(:response, alert_type.response), version = alert_type.version + 1
returning id, (select t.key from warroom.team t where t.id = team_id) as team,
  runbook_url as runbook, response, version
"""


async def report(db: Database, ctx: CommandContext, *, last_s: int, limit: int = 50) -> list[Json]:
    """Return the alert types of the last ``last_s`` seconds, what to fix first above.

    Counted are alerts, not messages; an episode is one time from its start to its end.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(_NOISE, {"last": float(last_s), "flips": START, "limit": TYPES_MAX})
        found = [_line(r) for r in rows]
        found.sort(key=lambda line: (-line["score"], line["source"], line["name"]))
        return found[:limit]

    return await read(db, ctx, handler, deadline_s=30.0)


async def set_type(
    db: Database,
    ctx: CommandContext,
    *,
    source: str,
    name: str,
    team: str | None = None,
    runbook: str | None = None,
    response: str | None = None,
) -> Answer:
    """Say who answers for the alerts of a source that have a name, and how.

    Args:
        db: the database of the API.
        ctx: an administrator's.
        source: the key of the source.
        name: of the alerts.
        team: the key of who answers; as with the others None leaves it as it is, empty takes it
            away.
        runbook: an address that begins with http:// or https://.
        response: what is expected of whoever is called.

    Raises:
        NotFound: there is no such source or team.
        InvalidInput: a field cannot be used.
    """
    require(ctx, Scope.ADMIN)
    body: Json = {
        "source": source,
        "name": check_text(name, "name", longest=500, shortest=1),
        "team": team,
        "runbook": check_address(runbook, "runbook") if runbook else runbook,
        "response": response and check_text(response, "response", longest=500),
    }

    async def handler(work: Work) -> Answer:
        of: UUID = await id_of(work, tables.source, source, "source")
        who = await id_of(work, tables.team, team, "team") if team else None
        row = await work.row(
            _SET,
            {"source": of, "name": body["name"], "team": who, "same_team": team is None,
             "runbook": body["runbook"], "response": body["response"]},
        )  # fmt: skip
        assert row is not None
        return Answer(200, {**body, **row, "id": str(row["id"])})

    return await run_command(db, ctx, "alert-type.set", body, handler)


def _line(r: RowMapping) -> Json:
    counts = TypeCounts(
        int(r["alerts"]), int(r["episodes"]), int(r["messages"]), int(r["acted"]),
        int(r["flapped"]), int(r["ignored"]),
    )  # fmt: skip
    lacks = tuple(
        word for word, value in (("owner", r["owner"]), ("runbook", r["runbook"]),
                                 ("response", r["response"])) if not value
    )  # fmt: skip
    advice = fix_first(counts, lacks)
    return {
        "source": r["source"], "name": r["name"], "alerts": counts.alerts,
        "episodes": counts.episodes, "messages": counts.messages, "acted": counts.acted,
        "flapped": counts.flapped, "ignored": counts.ignored, "owner": r["owner"],
        "runbook": r["runbook"], "response": r["response"], "lacks": list(lacks),
        "score": advice.score, "fix": advice.sentence,
    }  # fmt: skip
