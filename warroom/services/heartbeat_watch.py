"""The watch over heartbeats: absence raises one alert, a beat ends it.

Any number of engines watch together: whoever has locked a heartbeat's working row decides, and the
decision and its alert are one commit.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import ENGINE_PRINCIPAL, CommandContext
from warroom.domain.validate import say_duration, say_since
from warroom.services import own_alerts
from warroom.services.alerts import ENGINE
from warroom.services.own_alerts import Own

BATCH = 200
_DUE = """
select h.id, h.key, h.service_key, h.severity, h.window_s, h.grace_s, h.paused_at, h.removed_at,
  s.last_beat_at, s.beats, greatest(s.last_beat_at, h.resumed_at) as waited_since, s.alerted_at,
  clock_timestamp() as now
from warroom.heartbeat_state s join warroom.heartbeat h on h.id = s.heartbeat_id
where (s.alerted_at is null and h.paused_at is null and h.removed_at is null
       and greatest(s.last_beat_at, h.resumed_at)
           + make_interval(secs => h.window_s + h.grace_s) < now())
   or (s.alerted_at is not null
       and (h.paused_at is not null or h.removed_at is not null or s.last_beat_at > s.alerted_at))
order by s.heartbeat_id limit :limit for update of s skip locked
"""


async def follow(db: Database, ctx: CommandContext) -> str:
    """Raise what is missing, end what came back; return the sentence."""
    missing: list[str] = []
    back: list[str] = []

    async def handler(work: Work) -> Answer:
        missing.clear()
        back.clear()
        rows = await work.rows(_DUE, {"limit": BATCH})
        if not rows:
            return Answer(200, {})
        for row in rows:
            (missing if row["alerted_at"] is None else back).append(row["key"])
        await work.execute(
            "update warroom.heartbeat_state set alerted_at ="
            " case when alerted_at is null then clock_timestamp() end"
            " where heartbeat_id = any(:ids)",
            {"ids": [row["id"] for row in rows]},
        )
        await own_alerts.tell(work, [_own(row) for row in rows])
        return Answer(200, {})

    inner = replace(ctx, principal=ENGINE, idempotency_key=None)
    await run_command(db, inner, "heartbeats.watch", {}, handler, eyes=ENGINE_PRINCIPAL)
    said = [f"{', '.join(names)} {verb}" for names, verb in ((missing, "missing"), (back, "back"))
            if names]  # fmt: skip
    return "; ".join(said)[:500] or "no heartbeat is overdue"


def _own(row: RowMapping) -> Own:
    now, key = row["now"], row["key"]
    if row["alerted_at"] is None:
        window = say_duration(timedelta(seconds=row["window_s"]))
        silent = (
            say_since(row["last_beat_at"], now) if row["beats"]
            else f"yet, waited for {say_since(row['waited_since'], now)}"
        )  # fmt: skip
        text = f"No heartbeat of {key} {silent}: one is due every {window}"
    elif row["removed_at"] is not None:
        text = f"The heartbeat {key} was removed: nobody waits for it"
    elif row["paused_at"] is not None:
        text = f"The heartbeat {key} is paused: nobody waits for it"
    else:
        text = f"The heartbeat of {key} is back"
    return Own(
        "HeartbeatMissing", row["service_key"], {"heartbeat": key}, text, row["severity"],
        row["alerted_at"] is None, now,
    )  # fmt: skip
