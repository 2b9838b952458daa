"""What the board and the timers pane say alike of a clock: to whom it speaks, what is still owed.

SQL over the relations that both name (``incident_service``, ``service``, ``team``, ``role_held``,
``person``, ``timeline``); ``t`` is the clock and ``o`` the incident's owner.
"""

from __future__ import annotations

from typing import LiteralString

# The engine's own order: whoever owns the worst-hit service.
_TEAM: LiteralString = """(
      select 'team ' || m.key from incident_service l
      join service s on s.id = l.service_id join team m on m.id = s.team_id
      where l.incident_id = t.incident_id order by s.tier, l.attached_at, s.key limit 1)"""
# Who owes an update changes with roles and owner after the clock was set; the engine asks at zero
# and so does this.  A step for the "team owner" speaks to that team: here it gets its name.
TARGET: LiteralString = f"""
  case when t.kind in ('update-due', 'snooze') then coalesce((
      select h.name from (select r.role, p.name from role_held r
        join person p on p.id = r.principal_id
        where r.incident_id = t.incident_id and r.released_at is null
          and r.role in ('communications', 'commander')) h
      order by h.role = 'commander' limit 1), o.name, {_TEAM}, 'nobody')
    else coalesce(case when t.target = 'team owner' then {_TEAM} end,
      nullif(t.target, ''), o.name, 'nobody') end
  """  # noqa: S608 - constants of ours
# An update that was due is told once and its clock ends; it is owed until somebody gives it, says
# when the next one is due, or that none is.
OWED: LiteralString = """t.kind = 'update-due' and t.state = 'fired' and not exists (
      select from timeline e where e.incident_id = t.incident_id and e.id >= t.incident_id
        and e.kind = 'communication' and e.recorded_at >= t.due_at)"""
