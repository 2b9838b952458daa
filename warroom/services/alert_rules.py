"""The rules on alerts: read and changed at run time, on the record; and what they would do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain import grouping
from warroom.domain.alert_rule import (
    Rule,
    RuleKind,
    Subject,
    check_rule,
    environment_of,
    group_key,
    spec_of,
)
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.priority import Impact, begins_with, priority
from warroom.domain.validate import check_text
from warroom.errors import AlreadyExists, InvalidInput, NotFound, VersionConflict
from warroom.services import rule_book
from warroom.services.access import require
from warroom.services.directory.common import Json, check_key, listing

POSITION_MAX: Final = 10_000
_LIST = (
    "select id, key, kind, position, matches, spec, note, enabled, version, sys_from as changed_at"
    " from warroom.alert_rule where key > :after order by key limit :limit"
)
_ONE = (
    "select id, key, kind, position, matches, spec, note, enabled, version, sys_from as changed_at"
    " from warroom.alert_rule where key = :key"
)
_INSERT = (
    "insert into warroom.alert_rule (key, kind, position, matches, spec, note) values (:key,"
    " :kind, :position, cast(:matches as jsonb), cast(:spec as jsonb), :note)"
)
_UPDATE = (
    "update warroom.alert_rule set position = :position, matches = cast(:matches as jsonb),"
    " spec = cast(:spec as jsonb), note = :note, enabled = :enabled, version = version + 1"
    " where key = :key and version = :version returning id"
)
_SERVICE = (
    "select s.key, s.kind, s.tier, s.region, s.zone, s.host, s.provider, s.customers,"
    " cast(s.user_share as float8) as user_share, t.key as team from warroom.service s"
    " join warroom.team t on t.id = s.team_id where s.key = :key"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the rules behind the key ``after``."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)


async def add(
    db: Database,
    ctx: CommandContext,
    *,
    key: object,
    kind: object,
    position: int = 100,
    matches: Mapping[str, Any] | None = None,
    spec: Mapping[str, Any] | None = None,
    note: str = "",
) -> Answer:
    """Make a rule; it holds for the next alert.

    Raises:
        InvalidInput: a field cannot be used.
        AlreadyExists: its key is taken.
        NotFound: there is no such escalation policy.
    """
    require(ctx, Scope.ADMIN)
    rule = check_rule(check_key(key), kind, _position(position), matches or {}, spec or {},
                      check_text(note, "note", longest=500))  # fmt: skip
    body = _body(rule)

    async def handler(work: Work) -> Answer:
        await _check_policy(work, rule)
        try:
            await work.execute(_INSERT, _columns(rule))
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", "") == "23505":
                raise AlreadyExists(
                    f"The rule {rule.key!r} exists already; nothing was changed.", field="key"
                ) from error
            raise
        return Answer(201, _json(await _load(work, rule.key)))

    return await run_command(db, ctx, "rule.add", body, handler)


async def change(
    db: Database,
    ctx: CommandContext,
    key: str,
    *,
    version: int,
    position: int | None = None,
    matches: Mapping[str, Any] | None = None,
    spec: Mapping[str, Any] | None = None,
    note: str | None = None,
    enabled: bool | None = None,
) -> Answer:
    """Change a rule that the caller saw at ``version``; what is None stays.

    Raises:
        NotFound: there is none of that key.
        VersionConflict: somebody else was faster; carries the rule as it is.
        InvalidInput: a field cannot be used.
    """
    require(ctx, Scope.ADMIN)
    body = {"key": key, "version": version, "position": position, "matches": matches, "spec": spec,
            "note": note, "enabled": enabled}  # fmt: skip

    async def handler(work: Work) -> Answer:
        row = await _load(work, key)
        rule = check_rule(
            key, row["kind"], _position(row["position"] if position is None else position),
            row["matches"] if matches is None else matches,
            row["spec"] if spec is None else spec,
            row["note"] if note is None else check_text(note, "note", longest=500),
        )  # fmt: skip
        await _check_policy(work, rule)
        on = row["enabled"] if enabled is None else enabled
        done = await work.row(_UPDATE, _columns(rule) | {"enabled": on, "version": version})
        after = _json(await _load(work, key))
        if done is None:
            raise _changed(key, version, after)
        return Answer(200, after)

    return await run_command(db, ctx, "rule.set", body, handler)


async def remove(db: Database, ctx: CommandContext, key: str, *, version: int) -> Answer:
    """Take a rule away; its history stays.

    Raises:
        NotFound: there is none of that key.
        VersionConflict: somebody else was faster; carries the rule as it is.
    """
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Answer:
        row = await _load(work, key)
        gone = await work.execute(
            "delete from warroom.alert_rule where key = :key and version = :version",
            {"key": key, "version": version},
        )
        if not gone:
            raise _changed(key, version, _json(row))
        return Answer(200, _json(row))

    return await run_command(db, ctx, "rule.remove", {"key": key, "version": version}, handler)


async def try_out(
    db: Database,
    ctx: CommandContext,
    *,
    service: str | None,
    source: str,
    name: str,
    severity: int,
    labels: Mapping[str, str],
) -> Json:
    """Say what the rules would do to an alert; nothing is stored."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        key = service or grouping.UNASSIGNED_SERVICE
        row = await work.row(_SERVICE, {"key": key})
        where = environment_of(labels)
        weight = priority(_impact(row), where)
        facts = {n: str(row[n]) for n in ("kind", "tier", "region", "zone", "host", "provider",
                 "team") if row is not None and row[n] is not None}  # fmt: skip
        facts |= {"service": key, "source": source, "name": name, "environment": where,
                  "severity": str(severity), "priority": str(weight.level)}  # fmt: skip
        subject = Subject(facts, labels)
        book = await rule_book.load(work)
        declare = book.first(RuleKind.DECLARE, subject)
        group = book.first(RuleKind.GROUP, subject)
        return {
            "service_known": row is not None,
            "priority": weight.level,
            "priority_reason": weight.reason,
            "begins_with": begins_with(severity, weight.level),
            "declare": declare.key if declare is not None else None,
            "outcome": spec_of(declare) if declare is not None else {"outcome": "declare"},
            "group": group.key if group is not None else None,
            "grouped_by": group_key(group, subject) or f"service={key}",
        }

    return await read(db, ctx, handler)


def _impact(row: RowMapping | None) -> Impact:
    return Impact(3) if row is None else Impact(row["tier"], row["customers"], row["user_share"])


def _position(value: int) -> int:
    if not 1 <= value <= POSITION_MAX:
        raise InvalidInput(
            f"position must be from 1 to {POSITION_MAX}; lower comes first.", field="position"
        )
    return value


async def _check_policy(work: Work, rule: Rule) -> None:
    named = rule.declaration.policy if rule.declaration is not None else ""
    if named and not await work.scalar(
        "select 1 from warroom.escalation_policy where key = :key", {"key": named}
    ):
        raise NotFound(
            f"There is no escalation policy {named!r}; nothing was changed.", field="spec.policy"
        )


async def _load(work: Work, key: str) -> RowMapping:
    row = await work.row(_ONE, {"key": key})
    if row is None:
        raise NotFound(
            f"There is no rule {key[:80]!r}; nothing was changed.", field="key",
            remedy="`warroom rule list`",
        )  # fmt: skip
    return row


def _changed(key: str, version: int, current: Json) -> VersionConflict:
    return VersionConflict(
        f"The rule {key} changed meanwhile: you saw version {version}, it is"
        f" {current['version']}; nothing was changed.",
        field="version", remedy="Look at it again and repeat the command.", current=current,
    )  # fmt: skip


def _body(rule: Rule) -> Json:
    return {
        "key": rule.key, "kind": rule.kind.value, "position": rule.position,
        "matches": {n: list(v) for n, v in rule.matches.items()}, "spec": spec_of(rule),
        "note": rule.note,
    }  # fmt: skip


def _columns(rule: Rule) -> Json:
    body = _body(rule)
    return body | {"matches": json.dumps(body["matches"]), "spec": json.dumps(body["spec"])}


def _json(row: RowMapping) -> Json:
    return {**row, "id": str(row["id"]), "changed_at": row["changed_at"].isoformat()}
