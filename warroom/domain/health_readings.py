"""The primary's readings: what is measured, what it is judged by, and how it is said.

Everything here takes a sample's detail: what the server's functions returned, as it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from warroom.domain.health import Limits, Standing, over_sentence, seconds_beside, size, span
from warroom.domain.panes import Reading, Verdict

Detail = Mapping[str, Any]
Figure = tuple[float | None, float, float]
"""What was measured (None: it could not be), from where on it is bad, and the part that warns."""


def figures(d: Detail, limits: Limits) -> dict[str, Figure]:
    """Return what is judged of a sample, by the name that its standing is stored under."""
    slots = d.get("slots") or []
    slow = min(limits.slow_ms / max(limits.slow_alert_ms, 1), 1.0)
    pool = d.get("pool") or {}
    due = _due(d)
    return {
        "connections": (_percent(d), limits.connections_percent, 0.8),
        "pool": (100.0 * pool["used"] / max(pool["size"], 1) if pool else None,
                 limits.connections_percent, 0.8),
        "transaction": (float((d.get("longest") or {}).get("seconds") or 0.0),
                        limits.transaction_s, 0.5),
        "intake": (None if d.get("intake") is None else float(d["intake"]["age_s"]),
                   limits.intake_s, 0.5),
        "wal": (d.get("wal_mean"), float(limits.wal_bytes), 0.5),
        "retained": (max((_kept(s) for s in slots), default=0.0),
                     float(limits.retained_bytes), 0.5),
        "lost": (float(sum(s.get("wal_status") == "lost" for s in slots)), 0.0, 1.0),
        "dead": (float(_bloated(d).get("dead", 0)), float(limits.dead_rows), 0.1),
        "vacuum": (float(due.get("vacuum_age_s") or 0.0), limits.vacuum_s, 0.5),
        "size": (d.get("size"), float(limits.size_bytes), 0.8),
        "growth": (d.get("grown"), float(limits.growth_bytes), 0.5),
        "slow": (float(_first(d, "slow_now").get("ms", 0)), float(limits.slow_alert_ms), slow),
        "statements": (None if d.get("statements") is None
                       else float(_first(d, "statements").get("mean_ms", 0)),
                       float(limits.slow_alert_ms), slow),
    }  # fmt: skip


def readings(d: Detail) -> tuple[Reading, ...]:
    """Return the primary's readings, each with its verdict and its sentence."""
    return tuple(reading for say in _SAID.values() if (reading := say(d)) is not None)


def sentence_of(name: str, d: Detail) -> str:
    """Return the sentence of one reading, by the name of its standing."""
    say = _SAID.get("retained" if name == "lost" else name)
    reading = say(d) if say is not None else None
    return reading.sentence if reading is not None else ""


# -------------------------------------------------------------------- what is measured


def _standing(d: Detail, name: str) -> Standing:
    return Standing.from_json(d.get("standing", {}).get(name))


def _first(d: Detail, name: str) -> Mapping[str, Any]:
    found = d.get(name) or [{}]
    return dict(found[0])


def _percent(d: Detail) -> float:
    return 100.0 * float(d.get("used", 0)) / max(float(d.get("max", 0)), 1.0)


def _kept(slot: Mapping[str, Any]) -> float:
    return float(slot.get("retained_bytes") or 0)


def _bloated(d: Detail) -> Mapping[str, Any]:
    """Return the table that has most dead rows, of those with more dead ones than live."""
    found = [t for t in d.get("tables") or [] if t["dead"] > t["live"]]
    return max(found, key=lambda t: int(t["dead"]), default={})


def _due(d: Detail) -> Mapping[str, Any]:
    """Return the table that waits longest for a vacuum by autovacuum's own default rule."""
    found = [t for t in d.get("tables") or [] if t["dead"] > 50 + 0.2 * t["live"]]
    return max(found, key=lambda t: float(t.get("vacuum_age_s") or 0.0), default={})


# -------------------------------------------------------------------- how it is said


def _connections(d: Detail) -> Reading:
    standing = _standing(d, "connections")
    text = f"{d.get('used', 0)} of {d.get('max', 0)}"
    states = ", ".join(f"{n} {state}" for state, n in sorted((d.get("states") or {}).items()))
    what = f"{text} connections used" + (f" ({states})" if states else "")
    return Reading(
        "connections", text, standing.verdict,
        over_sentence(what, standing, f"{standing.target or 0:g} %", _percent(d)),
        float(d.get("used", 0)), "connections", standing.since,
    )  # fmt: skip


def _pool(d: Detail) -> Reading | None:
    pool = d.get("pool")
    if not pool:
        return None
    standing = _standing(d, "pool")
    text = f"{pool['used']} of {pool['size']}"
    return Reading(
        "engine's pool", text, standing.verdict,
        over_sentence(f"{text} connections of the engine's own pool are lent", standing,
                      f"{standing.target or 0:g} %", 100.0 * pool["used"] / max(pool["size"], 1)),
        float(pool["used"]), "connections", standing.since,
    )  # fmt: skip


def _transaction(d: Detail) -> Reading:
    standing = _standing(d, "transaction")
    longest = d.get("longest")
    if not longest:
        return Reading("longest transaction", "none", standing.verdict, "no transaction is open")
    seconds = float(longest["seconds"])
    who = longest.get("application") or longest.get("role") or "?"
    what = f"a transaction of {who} (process {longest['pid']}) is open for {span(seconds)}"
    return Reading(
        "longest transaction", span(seconds), standing.verdict,
        over_sentence(what, standing, f"{standing.target or 0:g} s", seconds), seconds, "s",
        standing.since,
    )  # fmt: skip


def _intake(d: Detail) -> Reading | None:
    """Say how far the board is behind what senders were told; None of an older engine's sample."""
    waits = d.get("intake")
    if waits is None:
        return None
    standing = _standing(d, "intake")
    bodies, alerts, seconds = int(waits["bodies"]), int(waits["alerts"]), float(waits["age_s"])
    if not bodies:
        return Reading("alerts waiting", "none", standing.verdict,
                       "every alert that was taken is on the board")  # fmt: skip
    if alerts:
        which = "1 alert is" if alerts == 1 else f"{alerts:,} alerts are"
        which += " taken and not on the board yet"
    else:  # what a tool sends may hold none
        which = "1 delivery" if bodies == 1 else f"{bodies:,} deliveries"
        which += " without alerts taken and not stored yet"
    waited = seconds_beside(seconds, standing.target) if seconds < 90 else span(seconds)
    what = f"{which}; the oldest waits for {waited}"
    return Reading(
        "alerts waiting", f"{alerts:,} for {span(seconds)}", standing.verdict,
        over_sentence(what, standing, f"{standing.target or 0:g} s", seconds), seconds, "s",
        standing.since,
    )  # fmt: skip


def _wal(d: Detail) -> Reading:
    rate, mean = d.get("wal_rate"), d.get("wal_mean")
    if rate is None or mean is None:
        return Reading("WAL rate", "not yet", Verdict.UNKNOWN, "two samples are needed for a rate")
    standing = _standing(d, "wal")
    what = f"{size(mean)} of WAL a second, on average of the last minute"
    return Reading(
        "WAL rate", f"{size(rate)}/s", standing.verdict,
        over_sentence(what, standing, f"{size(standing.target or 0)}/s", mean), float(rate), "B/s",
        standing.since,
    )  # fmt: skip


def _slots(d: Detail) -> Reading:
    slots = d.get("slots") or []
    if not slots:
        return Reading("slots", "none", Verdict.OK, "no replication slot keeps WAL")
    standing = _standing(d, "retained")
    worst = max(slots, key=_kept)
    kept = _kept(worst)
    lost = [s["slot"] for s in slots if s.get("wal_status") == "lost"]
    if lost:
        return Reading(
            "slots", "lost", Verdict.BAD,
            f"slot {lost[0]} has lost its WAL: its standby must be made anew", kept, "B",
            _standing(d, "lost").since,
        )  # fmt: skip
    what = f"slot {worst['slot']} keeps {size(kept)} of WAL ({worst.get('wal_status')})"
    if not worst.get("active"):
        what += ", nobody reads it"
    return Reading(
        "slots", size(kept), standing.verdict,
        over_sentence(what, standing, size(standing.target or 0), kept), kept, "B", standing.since,
    )  # fmt: skip


def _dead(d: Detail) -> Reading:
    standing = _standing(d, "dead")
    worst = _bloated(d) or _first(d, "tables")
    if not worst:
        return Reading("dead rows", "0", standing.verdict, "no table has dead rows")
    dead = int(worst["dead"])
    what = f"{worst['name']} has {dead} dead rows beside {worst['live']} live ones"
    target = f"{standing.target or 0:,.0f}".replace(",", " ")
    return Reading(
        "dead rows", f"{dead}", standing.verdict,
        over_sentence(what, standing, f"{target} dead rows", float(dead),
                      near="more dead than live"),
        float(dead), "rows", standing.since,
    )  # fmt: skip


def _vacuum(d: Detail) -> Reading:
    standing = _standing(d, "vacuum")
    due = _due(d)
    worst = due or _first(d, "tables")
    if not worst:
        return Reading("vacuum age", "none due", standing.verdict, "no table has dead rows")
    age = worst.get("vacuum_age_s")
    if age is None:
        return Reading("vacuum age", "never", standing.verdict,
                       f"{worst['name']} was never vacuumed")  # fmt: skip
    what = f"{worst['name']} was vacuumed {span(float(age))} ago"
    if due:
        target = span(standing.target or 0)
        what = over_sentence(f"{what} and is due for it", standing, target, float(age))
    return Reading("vacuum age", span(float(age)), standing.verdict, what, float(age), "s",
                   standing.since)  # fmt: skip


def _size(d: Detail) -> Reading:
    if d.get("size") is None:
        return Reading("database size", "not available", Verdict.UNKNOWN, "not sampled yet")
    standing, value = _standing(d, "size"), float(d["size"])
    return Reading(
        "database size", size(value), standing.verdict,
        over_sentence(f"the database takes {size(value)}", standing, size(standing.target or 0),
                      value), value, "B", standing.since,
    )  # fmt: skip


def _growth(d: Detail) -> Reading:
    grown, seconds = d.get("grown"), float(d.get("grown_s") or 0.0)
    if grown is None:
        return Reading("growth", "not yet", Verdict.UNKNOWN, "two samples are needed")
    standing = _standing(d, "growth")
    text = f"{size(grown)}/h" if seconds > 3500 else f"{size(grown)} in {span(seconds)}"
    what = f"the database grew by {size(grown)} within {span(seconds)}"
    return Reading(
        "growth", text, standing.verdict,
        over_sentence(what, standing, f"{size(standing.target or 0)} an hour", float(grown)),
        float(grown), "B", standing.since,
    )  # fmt: skip


def _slow(d: Detail) -> Reading:
    slow, limit = d.get("slow_now") or [], d.get("slow_ms", 500)
    standing = _standing(d, "slow")
    if not slow:
        return Reading("slow now", "none", standing.verdict,
                       f"no statement runs longer than {limit} ms")  # fmt: skip
    worst = slow[0]
    seconds = float(worst["ms"]) / 1000.0
    who = worst.get("application") or "somebody without a name"
    said = over_sentence(
        f"{who} runs a statement for {span(seconds)}", standing,
        span((standing.target or 0) / 1000.0), float(worst["ms"]), near=f"over {limit} ms",
    )  # fmt: skip
    return Reading(
        "slow now", f"{len(slow)}, {span(seconds)}", standing.verdict, f"{said}: {worst['query']}",
        float(worst["ms"]), "ms", standing.since,
    )  # fmt: skip


def _statements(d: Detail) -> Reading:
    found, limit = d.get("statements"), d.get("slow_ms", 500)
    if found is None:
        why = d.get("statements_why") or "not sampled yet"
        return Reading("slow statements", "not available", Verdict.UNKNOWN, str(why))
    standing = _standing(d, "statements")
    if not found:
        return Reading("slow statements", "none", standing.verdict, f"none takes over {limit} ms")
    worst = found[0]
    mean = float(worst["mean_ms"])
    said = over_sentence(
        f"{worst['calls']} calls of {mean:.0f} ms each", standing,
        f"{standing.target or 0:.0f} ms", mean, near=f"over {limit} ms",
    )  # fmt: skip
    return Reading(
        "slow statements", f"{len(found)}, {mean:.0f} ms", standing.verdict,
        f"{said}: {worst['query']}", mean, "ms", standing.since,
    )  # fmt: skip


_SAID: Final[dict[str, Callable[[Detail], Reading | None]]] = {
    "intake": _intake,
    "connections": _connections,
    "pool": _pool,
    "transaction": _transaction,
    "wal": _wal,
    "retained": _slots,
    "dead": _dead,
    "vacuum": _vacuum,
    "size": _size,
    "growth": _growth,
    "slow": _slow,
    "statements": _statements,
}
