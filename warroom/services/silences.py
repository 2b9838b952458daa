"""Silences: made, changed and ended, each on the record; over-broad ones are refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.silence import (
    MAX_AUTHOR,
    Breadth,
    Matcher,
    SilenceCommand,
    SilenceState,
    check_breadth,
    check_comment,
    check_matchers,
    check_span,
    completed,
    digest_of,
    from_json,
    state_of,
)
from warroom.domain.validate import shorten
from warroom.errors import Forbidden, InvalidInput, NotFound
from warroom.services.access import require
from warroom.services.matching import matches_anything, matches_everything, stored_pairs, test_of
from warroom.services.silence_end import wake

Json = dict[str, Any]
KEPT: Final = "120 hours"
"""How long one that is over is still listed, as in Alertmanager; the record keeps it for ever."""
LOOKED_AT: Final = 5000
"""Firing alerts that are held against a silence before it is made; beyond, it is an estimate."""

_ONE: Final = """
select s.id, s.matchers, s.comment, s.author, s.starts_at, s.ends_at, s.created_by as maker_id,
  p.name as created_by, s.created_at, s.updated_at, s.expired_at, e.name as expired_by, s.version,
  now() as now
from warroom.silence s join warroom.principal p on p.id = s.created_by
left join warroom.principal e on e.id = s.expired_by
"""
_FIRING: Final = (
    "select a.labels, a.labels @> cast(:pairs as jsonb) as near, a.name, coalesce(s.key, '')"
    " as service from (select * from warroom.alert where state = 'firing' limit :limit) a"
    " left join warroom.service s on s.id = a.service_id"
)
_INSERT: Final = """
insert into warroom.silence (matchers, comment, author, starts_at, ends_at, created_by, units,
  security, digest)
select cast(:matchers as jsonb), :comment, :author, :starts, :ends, p.id, p.units,
  p.sees_security, :digest
from warroom.principal p where p.id = :who
on conflict (created_by, digest) where expired_at is null do nothing returning id
"""
_UPDATE: Final = (
    "update warroom.silence set comment = :comment, starts_at = :starts, ends_at = :ends,"
    " digest = :digest, updated_at = now(), version = version + 1 where id = :id"
)
_REACH: Final = (
    "select s.units <@ p.units and (p.sees_security or not s.security) from warroom.silence s,"
    " warroom.principal p where s.id = :id and p.id = :who"
)
_EXPIRE: Final = (
    "update warroom.silence set expired_at = now(), expired_by = :who, updated_at = now(),"
    " version = version + 1 where id = :id"
)


async def put(
    db: Database,
    ctx: CommandContext,
    *,
    matchers: Sequence[Matcher],
    starts_at: datetime | None,
    ends_at: datetime | None,
    comment: object,
    author: str = "",
    silence: UUID | None = None,
    for_s: float | None = None,
) -> Answer:
    """Make a silence, or change one.

    The same silence asked for again (by the same principal, to the same end) is the one that is
    there.  One that is changed stays itself while its matchers and its beginning stay; otherwise
    it ends, and another one takes its place.

    Args:
        db: the database of the API.
        ctx: who asks; a person or service with the scope ``respond``.
        matchers: all of them must hold.
        starts_at: None or the past for now.
        ends_at: until when.
        comment: why.
        author: what the sender's tool calls its user; kept beside who it really was.
        silence: the one to change, None for a new one.
        for_s: seconds from its beginning, in place of ``ends_at``.

    Raises:
        InvalidInput: a field cannot be used.
        Refused: it is too broad for the reason given.
        NotFound: there is no such silence.
        Forbidden: it is another's, and reaches alerts that this one may not see.
    """
    require(ctx, Scope.RESPOND)
    checked = check_matchers(matchers)
    test = test_of(checked)
    text = check_comment(comment)
    body = {
        "silence": str(silence) if silence else None, "matchers": [m.as_json() for m in checked],
        "starts_at": starts_at, "ends_at": ends_at, "for_s": for_s, "comment": text,
        "author": author,
    }  # fmt: skip

    async def handler(work: Work) -> Answer:
        before = await _changeable(work, silence) if silence is not None else None
        now: datetime = await work.scalar("select now()")
        until = ends_at
        if for_s is not None:
            until = max(starts_at or now, now) + timedelta(seconds=for_s)
        begins, ends = check_span(starts_at, until, now)
        breadth = Breadth(
            matches_everything(checked),
            ends - begins,
            *await _hits(work, checked, test),
            anything=matches_anything(checked),
        )
        check_breadth(breadth, text)
        values = {"comment": text, "starts": begins, "ends": ends, "who": ctx.principal.id}
        if before is not None and _stays(before, checked, starts_at, now):
            same = (before["comment"], before["ends_at"]) == (text, ends)
            if not same:
                kept = before["starts_at"] <= now
                await work.execute(
                    _UPDATE,
                    values | {"id": silence, "starts": before["starts_at"] if kept else begins,
                              "digest": digest_of(checked, ends, text, str(silence))},
                )  # fmt: skip
                await wake(work, checked)
            return Answer(200, await _shown(work, before["id"], breadth))
        if before is not None and _state(before, now) is not SilenceState.EXPIRED:
            await _end(work, before)
        return await _made(work, ctx, checked, values | {"author": author}, breadth)

    return await run_command(db, ctx, SilenceCommand.PUT.value, body, handler)


async def _made(
    work: Work, ctx: CommandContext, matchers: Sequence[Matcher], values: Json, breadth: Breadth
) -> Answer:
    digest = digest_of(matchers, values["ends"], values["comment"])
    if not await work.scalar(
        "select cardinality(units) > 0 from warroom.principal where id = :who", values
    ):
        raise InvalidInput("You belong to no unit, so there is no alert of yours to silence.")
    author = shorten(values["author"], MAX_AUTHOR)
    found = await work.scalar(
        _INSERT,
        values | {"matchers": json.dumps([m.as_json() for m in matchers]), "digest": digest,
                  "author": "" if author == ctx.principal.name else author},
    )  # fmt: skip
    if found is not None:
        return Answer(201, await _shown(work, found, breadth))
    there = await work.scalar(
        "select id from warroom.silence where created_by = :who and digest = :digest"
        " and expired_at is null",
        {"who": ctx.principal.id, "digest": digest},
    )
    return Answer(200, await _shown(work, there, breadth))


async def expire(db: Database, ctx: CommandContext, silence: UUID) -> Answer:
    """End a silence now; one that is over already stays as it is.

    What it held back and still fires is decided anew, by the engine within a second.

    Raises:
        NotFound: there is no such silence.
    """
    require(ctx, Scope.RESPOND)

    async def handler(work: Work) -> Answer:
        row = await _locked(work, silence)
        if _state(row, row["now"]) is not SilenceState.EXPIRED:
            await _end(work, row)
        return Answer(200, await _shown(work, silence))

    body = {"silence": str(silence)}
    return await run_command(db, ctx, SilenceCommand.EXPIRE.value, body, handler)


async def one(db: Database, ctx: CommandContext, silence: UUID) -> Json:
    """Return one silence.

    Raises:
        NotFound: there is no such silence.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        row = await work.row(f"{_ONE} where s.id = :id", {"id": silence})
        if row is None:
            raise _unknown(silence)
        return _json(row)

    return await read(db, ctx, handler)


async def list_all(
    db: Database, ctx: CommandContext, filters: Sequence[Matcher] = ()
) -> list[Json]:
    """Return the silences in force, those to come, and those that ended in the last five days.

    Args:
        db: the database of the API.
        ctx: who asks.
        filters: each must hold for what a silence wants of the label (Alertmanager's meaning).
    """
    require(ctx, Scope.READ)
    test = test_of(filters)

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(
            f"{_ONE} where s.ends_at > now() - cast('{KEPT}' as interval)"
            f" and (s.expired_at is null or s.expired_at > now() - cast('{KEPT}' as interval))"
            " order by (s.expired_at is not null or s.ends_at <= now()), s.ends_at, s.id"
            " limit 10000"
        )
        return [
            _json(row) for row in rows
            if not filters or test({m["name"]: m["value"] for m in row["matchers"]})
        ]  # fmt: skip

    return await read(db, ctx, handler)


async def list_page(
    db: Database, ctx: CommandContext, *, every: bool, after: UUID | None, limit: int
) -> list[Json]:
    """Return the silences, the last made first; only those that are not over unless ``every``."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(
            f"{_ONE} where (cast(:after as uuid) is null or s.id < :after)"
            " and (:every or (s.expired_at is null and s.ends_at > now()))"
            " order by s.id desc limit :limit",
            {"after": after, "every": every, "limit": limit},
        )
        return [_json(row) for row in rows]

    return await read(db, ctx, handler)


async def _hits(work: Work, matchers: Sequence[Matcher], test: Any) -> tuple[int, int]:
    """Return how many of the firing alerts that were looked at match, and how many those are."""
    rows = await work.rows(
        _FIRING, {"pairs": json.dumps(stored_pairs(matchers)), "limit": LOOKED_AT}
    )
    hits = (test(completed(r["labels"], r["name"], r["service"])) for r in rows if r["near"])
    return sum(hits), len(rows)


async def _end(work: Work, row: RowMapping) -> None:
    await work.execute(_EXPIRE, {"id": row["id"], "who": work.ctx.principal.id})
    await wake(work, from_json(row["matchers"]))


async def _locked(work: Work, silence: UUID) -> RowMapping:
    row = await work.row(f"{_ONE} where s.id = :id for no key update of s", {"id": silence})
    if row is None:
        raise _unknown(silence)
    return row


async def _changeable(work: Work, silence: UUID) -> RowMapping:
    """Lock a silence that is to be changed: whoever prolongs it must see all that it reaches."""
    row = await _locked(work, silence)
    if not await work.scalar(_REACH, {"id": silence, "who": work.ctx.principal.id}):
        raise Forbidden(
            "This silence reaches alerts that you may not see; nothing was changed.", field="id",
            remedy="End it, or make one of your own.",
        )  # fmt: skip
    return row


async def _shown(work: Work, silence: UUID, breadth: Breadth | None = None) -> Json:
    row = await work.row(f"{_ONE} where s.id = :id", {"id": silence})
    assert row is not None
    return _json(row) | ({"matching": breadth.hits} if breadth else {})


def _state(row: RowMapping, now: datetime) -> SilenceState:
    return state_of(row["starts_at"], row["ends_at"], row["expired_at"], now)


def _stays(
    row: RowMapping, matchers: Sequence[Matcher], starts_at: datetime | None, now: datetime
) -> bool:
    """Say whether a change leaves a silence the same one, as Alertmanager decides it."""
    if from_json(row["matchers"]) != tuple(matchers):
        return False
    state = _state(row, now)
    if state is SilenceState.ACTIVE:
        # Whoever sends it back has read its beginning with fewer digits than we keep.
        return starts_at is None or abs((starts_at - row["starts_at"]).total_seconds()) < 1
    return state is SilenceState.PENDING and starts_at is not None and starts_at > now


def _json(row: RowMapping) -> Json:
    over = row["expired_at"]
    return {
        "id": str(row["id"]),
        "state": _state(row, row["now"]).value,
        "matchers": list(row["matchers"]),
        "starts_at": min(row["starts_at"], over or row["starts_at"]).isoformat(),
        "ends_at": (over or row["ends_at"]).isoformat(),
        "comment": row["comment"],
        "created_by": row["created_by"],
        "author": row["author"],
        "created_at": row["created_at"].isoformat(),
        "updated_at": row["updated_at"].isoformat(),
        "expired_by": row["expired_by"],
        "version": row["version"],
    }


def _unknown(silence: UUID) -> NotFound:
    return NotFound(f"There is no silence {silence}; nothing was changed.", field="id")
