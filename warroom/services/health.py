"""Sampling the database's health: one row a node a second, judged against the thresholds.

The sample itself is the heartbeat: a write a second keeps the replay age of a standby honest on a
primary where nothing else happens.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_automation
from warroom.domain.health import (
    GONE_FOR,
    Limits,
    Standing,
    judge,
    node_sentence,
    replay_age,
    stand,
)
from warroom.domain.health_readings import figures, sentence_of
from warroom.domain.panes import Verdict
from warroom.domain.principal import CommandContext
from warroom.services.health_promotion import Promotion

STORAGE_EVERY_S: Final = 30.0
MARKS: Final = 3600
_GAP: Final = timedelta(seconds=5)
_NODES_MAX: Final = 32
_MINUTE: Final = timedelta(seconds=60)
HELD: Final = frozenset({"connections", "intake", "pool", "slow", "wal"})
"""Readings of a moment: every connection may be lent for one, which hurts nobody."""
HELD_FOR: Final = timedelta(seconds=10)
"""How long these must be bad before anybody is told."""
Detail = dict[str, Any]


@dataclass(slots=True)
class Sample:
    """One node's row."""

    node: str
    role: str
    state: str
    detail: Detail
    sync: str | None = None
    timeline: int | None = None
    lag_bytes: int | None = None
    lag_s: float | None = None
    slot: str | None = None
    retained: int | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """A reading of a node that became bad, or is so no more; to be alerted."""

    node: str
    reading: str
    standing: Standing
    value: float | None
    at: datetime
    sentence: str


class Sampler:
    """Remembers what a sample is judged against: positions, nodes, standings.

    Args:
        db: the engine's database.
        ctx: the engine's context.
        limits: the thresholds.
        standby: the conninfo of a standby, which is asked whether it was promoted when it is gone.
    """

    def __init__(
        self, db: Database, ctx: CommandContext, limits: Limits, standby: str | None = None
    ) -> None:
        self._promotion = Promotion(standby)
        self._db = db
        self._ctx = ctx
        self._limits = limits
        self._marks: deque[tuple[int, datetime]] = deque(maxlen=MARKS)
        self._last: dict[str, Sample] = {}
        self._storage: Detail = {}
        self._storage_at: datetime | None = None
        self._sizes: deque[tuple[datetime, int]] = deque(maxlen=120)

    async def sample(self) -> tuple[str, list[Crossing]]:
        """Take one sample; return the sentence, and what is to be alerted.

        Raises:
            WarRoomError: the database did not answer; the next second is another chance.
        """
        taken: list[Sample] = []
        moment: list[datetime] = []
        if any(s.role == "gone" and s.state != "promoted" for s in self._last.values()):
            await self._promotion.ask()

        async def handler(work: Work) -> Answer:
            taken.clear()
            now: datetime = await work.scalar("select clock_timestamp()")
            if not self._marks or now - self._marks[-1][1] > _GAP:
                await self._recall(work)
            nodes = await work.scalar("select warroom.health_nodes()")
            if nodes is None:
                return Answer(200, {})
            activity = await work.scalar(
                "select warroom.health_activity(:ms)", {"ms": self._limits.slow_ms}
            )
            if self._storage_at is None or (now - self._storage_at).total_seconds() >= (
                STORAGE_EVERY_S
            ):
                self._storage = await work.scalar(
                    "select warroom.health_storage(:ms)", {"ms": self._limits.slow_ms}
                )
                self._storage_at = now
                self._sizes.append((now, int(self._storage["size"])))
            activity = {**activity, "intake": await _waiting(work)}
            moment[:] = [now]
            taken.extend(self._judge(nodes, activity, now))
            await _write(work, taken, now)
            return Answer(200, {})

        await run_automation(self._db, self._ctx, "health.sample", handler)
        if not taken:
            return "this database is a standby: nothing to sample", []
        now = moment[0]
        self._marks.append((int(taken[0].detail["wal_bytes"]), now))
        self._last = {s.node: s for s in taken}
        return _sentence(taken), self._crossings(now)

    def alerted(self, crossing: Crossing, firing: bool) -> None:
        """Note that an alert was raised (or ended); a crossing that was not noted comes again."""
        found = self._last.get(crossing.node)
        standings = found.detail["standing"] if found is not None else {}
        if crossing.reading in standings:
            known = Standing.from_json(standings[crossing.reading])
            standings[crossing.reading] = replace(known, alerted=firing).as_json()

    # ------------------------------------------------------------------ inside

    async def _recall(self, work: Work) -> None:
        """Read what an engine before us knew: positions of an hour, nodes of a day."""
        rows = await work.rows(
            "select sampled_at, detail ->> 'wal_bytes' as position from warroom.replication_sample"
            " where role = 'primary' and id >= warroom.uuid7_floor(now() - interval '1 hour')"
            " order by id"
        )
        self._marks.clear()
        self._marks.extend((int(r["position"]), r["sampled_at"]) for r in rows if r["position"])
        rows = await work.rows(
            "select node, role, state, detail, slot from ("
            " select distinct on (node) * from warroom.replication_sample"
            " where id >= warroom.uuid7_floor(now() - interval '24 hours')"
            " order by node, id desc) s order by sampled_at desc limit 64"
        )
        self._last = {
            r["node"]: Sample(r["node"], r["role"], r["state"] or "", dict(r["detail"]),
                              slot=r["slot"])
            for r in rows
        }  # fmt: skip

    def _before(self, node: str, reading: str) -> Standing | None:
        found = self._last.get(node)
        stored = found.detail.get("standing", {}).get(reading) if found is not None else None
        return Standing.from_json(stored) if stored else None

    def _judge(self, nodes: Detail, activity: Detail, now: datetime) -> list[Sample]:
        slots = {s["slot"]: s for s in nodes["slots"]}
        result = [self._primary(nodes, activity, now)]
        seen: set[str] = {result[0].node}
        for found in nodes["standbys"][:_NODES_MAX]:
            name = found["node"]
            number = 1
            while name in seen:  # two standbys of one name are two
                number += 1
                name = f"{found['node']}#{number}"
            seen.add(name)
            result.append(self._standby(name, found, slots.get(found["slot"]), now))
        for name, last in self._last.items():
            if name in seen or last.role == "primary" or len(result) > _NODES_MAX:
                continue
            standing = stand(Verdict.BAD, self._before(name, "gone"), now)
            if now - (standing.since or now) > GONE_FOR:
                continue
            result.append(self._gone(last, standing, slots, nodes["timeline"]))
        return result

    def _primary(self, nodes: Detail, activity: Detail, now: datetime) -> Sample:
        name = nodes["node"]
        grown, seconds = self._grown()
        detail: Detail = {
            "lsn": nodes["lsn"],
            "wal_bytes": int(nodes["wal_bytes"]),
            "wal_rate": self._wal_rate(int(nodes["wal_bytes"]), now, timedelta()),
            "wal_mean": self._wal_rate(int(nodes["wal_bytes"]), now, _MINUTE),
            "slots": nodes["slots"],
            "slow_ms": self._limits.slow_ms,
            **activity,
            **self._storage,
            "growth": round(grown / seconds, 1) if grown is not None else None,
            "grown": grown,
            "grown_s": seconds,
            "pool": self._db.pool_use(),
        }
        judged = figures(detail, self._limits)
        detail["values"] = {reading: value for reading, (value, _, _) in judged.items()}
        detail["standing"] = {
            reading: judge(value, bad, self._before(name, reading), now, warn=warn).as_json()
            for reading, (value, bad, warn) in judged.items()
        }
        return Sample(name, "primary", "running", detail, timeline=nodes["timeline"])

    def _gone(
        self, last: Sample, standing: Standing, slots: Mapping[str, Detail], timeline: int
    ) -> Sample:
        """Return the row of a standby that the primary sees no more."""
        slot = slots.get(last.slot or "")
        promoted = last.detail.get("promoted_timeline") if last.state == "promoted" else None
        if promoted is None:
            promoted = self._promotion.timeline_of(last.node, beyond=timeline)
            if promoted is not None:  # told as gone before: it is told again as what it is
                standing = replace(standing, alerted=False)
        standings = {"gone": standing.as_json()}
        lag = self._before(last.node, "lag")
        if lag is not None and lag.alerted:  # it is gone now, which has its own alert
            standings["lag"] = replace(lag, verdict=Verdict.OK).as_json()
        detail: Detail = {"standing": standings, "slot": slot}
        if promoted is not None:
            detail["promoted_timeline"] = promoted
        retained = slot["retained_bytes"] if slot else None
        return Sample(
            last.node, "gone", "gone" if promoted is None else "promoted", detail,
            slot=last.slot, retained=None if retained is None else int(retained),
        )  # fmt: skip

    def _standby(self, name: str, found: Detail, slot: Detail | None, now: datetime) -> Sample:
        position = found["replay_bytes"]
        lag = replay_age(
            list(self._marks), None if position is None else int(position), now,
            found["replay_lag_s"],
        )  # fmt: skip
        standing = judge(lag, self._limits.lag_s, self._before(name, "lag"), now)
        standings = {"lag": standing.as_json()}
        gone = self._before(name, "gone")
        if gone is not None and (gone.alerted or gone.verdict is not Verdict.OK):
            standings["gone"] = stand(Verdict.OK, gone, now).as_json()
        behind, flushed = found["lag_bytes"], found["flush_lag_bytes"]
        silent = found["silent_s"]
        stuck = (
            standing.verdict is Verdict.BAD
            and behind is not None
            and flushed is not None
            and flushed < behind
            and (silent or 0.0) < 3.0
        )
        retained = slot["retained_bytes"] if slot else None
        return Sample(
            name, "standby", found["state"] or "unknown",
            {"standing": standings, "silent_s": silent, "stuck": stuck, "slot": slot},
            sync=found["sync"], lag_bytes=None if behind is None else int(behind), lag_s=lag,
            slot=found["slot"], retained=None if retained is None else int(retained),
        )  # fmt: skip

    def _wal_rate(self, position: int, now: datetime, over: timedelta) -> float | None:
        """Return bytes a second since the last mark, or since the oldest within ``over``."""
        if not self._marks:
            return None
        before, when = self._marks[-1]
        for mark in reversed(self._marks):
            if now - mark[1] > over:
                break
            before, when = mark
        seconds = (now - when).total_seconds()
        return round(max(position - before, 0) / seconds, 1) if seconds > 0.05 else None

    def _grown(self) -> tuple[int | None, float]:
        """Return by how many bytes the database grew, and in how many seconds: an hour at most."""
        if len(self._sizes) < 2:
            return None, 0.0
        (first_at, first), (last_at, last) = self._sizes[0], self._sizes[-1]
        return last - first, max(round((last_at - first_at).total_seconds(), 1), 1.0)

    def _crossings(self, now: datetime) -> list[Crossing]:
        found: list[Crossing] = []
        for sample in self._last.values():
            for reading, stored in sample.detail.get("standing", {}).items():
                standing = Standing.from_json(stored)
                if reading in HELD and now - (standing.since or now) < HELD_FOR:
                    continue
                if (standing.verdict is Verdict.BAD) != standing.alerted and (
                    standing.verdict in (Verdict.BAD, Verdict.OK)
                ):
                    value = sample.lag_s if reading == "lag" else (
                        sample.detail.get("values", {}).get(reading))  # fmt: skip
                    said = _told(sample, reading, standing)
                    found.append(Crossing(sample.node, reading, standing, value, now, said))
        return found


async def _waiting(work: Work) -> Detail:
    """Return what its senders were told is taken, and what is not stored yet."""
    (found,) = await work.rows(
        "select count(*) as bodies, coalesce(sum(alerts), 0) as alerts,"
        " extract(epoch from clock_timestamp() - min(received_at)) as age_s from warroom.intake"
    )
    age = found["age_s"]
    return {
        "bodies": int(found["bodies"]),
        "alerts": int(found["alerts"]),
        # A clock may have been set back.
        "age_s": 0.0 if age is None else max(round(float(age), 3), 0.0),
    }


async def _write(work: Work, samples: list[Sample], now: datetime) -> None:
    await work.execute(
        "insert into warroom.replication_sample (sampled_at, node, role, state, sync_state,"
        " timeline_id, lag_bytes, lag_s, slot, retained_wal_bytes, detail)"
        " select :now, r.* from jsonb_to_recordset(cast(:rows as jsonb)) as r(node text,"
        " role text, state text, sync text, timeline integer, lag_bytes bigint,"
        " lag_s double precision, slot text, retained bigint, detail jsonb)",
        {
            "now": now,
            "rows": json.dumps([
                {"node": s.node, "role": s.role, "state": s.state, "sync": s.sync,
                 "timeline": s.timeline, "lag_bytes": s.lag_bytes, "lag_s": s.lag_s,
                 "slot": s.slot, "retained": s.retained, "detail": s.detail}
                for s in samples
            ]),
        },
    )  # fmt: skip


def _told(sample: Sample, reading: str, standing: Standing) -> str:
    """Return what an alert says: the sentence of the health pane."""
    if reading == "gone" and standing.verdict is not Verdict.BAD:
        return f"standby {sample.node} is back ({sample.state})"
    if reading == "lag" and sample.role == "gone":
        return f"standby {sample.node} is gone: how far it is behind is not known any more"
    if reading in {"gone", "lag"}:
        return node_sentence(
            sample.node, sample.role, sample.state, sample.lag_s, standing, sample.detail
        )
    return sentence_of(reading, sample.detail)


def _sentence(samples: list[Sample]) -> str:
    standbys = [s for s in samples if s.role == "standby"]
    gone = sum(s.role == "gone" for s in samples)
    worst = max((s.lag_s or 0.0 for s in standbys), default=0.0)
    said = f"{len(standbys)} standbys"
    said += ", some over the target" if worst > 2.0 else ""
    return said + (f", {gone} gone" if gone else "")
