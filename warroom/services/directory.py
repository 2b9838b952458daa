"""The directory: people, teams, services, dependencies, policies, tokens and alert sources.

All of it is small and written by administrators, one row or a handful at a time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.domain.validate import check_text
from warroom.errors import AlreadyExists, InvalidInput, NotFound
from warroom.services.access import require

Json = dict[str, Any]
KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def new_token(scope: str) -> tuple[str, bytes]:
    """Return a bearer token and the hash that is stored of it."""
    token = f"wr_{scope[0]}_{secrets.token_urlsafe(32)}"
    return token, hashlib.sha256(token.encode()).digest()


def new_role(name: str) -> str:
    """Return a new personal database role's name."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "person"
    return f"wr_{slug}_{secrets.token_hex(4)}"


def check_key(value: object, field: str = "key") -> str:
    """Return a key: small letters, digits, dot, dash, underscore; up to 63."""
    text = check_text(value, field, longest=63, shortest=1)
    if not KEY.fullmatch(text):
        raise InvalidInput(
            f"{field} must be small letters, digits, '.', '-' or '_' and begin with a letter or"
            " digit.",
            field=field,
            remedy="For example: payments-db",
        )
    return text


def _with_token(answer: Answer, made: Sequence[str]) -> Answer:
    """Tell the token once: it is never stored, so a repeated request gets null instead."""
    return Answer(answer.status, answer.body | {"token": made[0] if made else None})


async def _insert(work: Work, table: sa.Table, values: Mapping[str, Any], taken: str) -> Any:
    try:
        return await work.scalar(sa.insert(table).values(**values).returning(table.c.id))
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", "") == "23505":
            raise AlreadyExists(f"{taken} exists already; nothing was changed.") from error
        raise


async def _id_of(work: Work, table: sa.Table, key: str, field: str) -> Any:
    column = table.c.name if table is tables.principal else table.c.key
    found = await work.scalar(sa.select(table.c.id).where(column == key))
    if found is None:
        raise NotFound(f"There is no {table.name} {key!r}; nothing was changed.", field=field)
    return found


async def add_person(
    db: Database,
    ctx: CommandContext,
    *,
    name: object,
    email: str | None = None,
    units: Sequence[str] = ("main",),
    teams: Sequence[str] = (),
    scopes: Sequence[str] = ("read", "respond"),
    auditor: bool = False,
    sees_security: bool = False,
) -> Answer:
    """Make a person with an own database role and a token, in one step; the token is told once."""
    require(ctx, Scope.ADMIN)
    called = check_text(name, "name", longest=100, shortest=1)
    token, hashed = new_token("person")
    body = {"name": called, "email": email, "units": list(units), "teams": list(teams),
            "scopes": list(scopes), "auditor": auditor, "security": sees_security}  # fmt: skip

    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [token]
        role = new_role(called)
        person = await _insert(
            work, tables.principal,
            {"name": called, "kind": "person", "email": email, "units": list(units),
             "db_role": role, "auditor": auditor, "sees_security": sees_security},
            f"A principal named {called!r}",
        )  # fmt: skip
        for team in teams:
            team_id = await _id_of(work, tables.team, team, "teams")
            await _insert(
                work,
                tables.team_member,
                {"team_id": team_id, "principal_id": person},
                "The membership",
            )
        await _insert(
            work, tables.api_token,
            {"principal_id": person, "name": "first token", "token_hash": hashed,
             "scopes": list(scopes)},
            "The token",
        )  # fmt: skip
        return Answer(201, {"id": str(person), "name": called, "db_role": role})

    answer = await run_command(db, ctx, "person.add", body, handler)
    return _with_token(answer, made)


async def add_team(
    db: Database, ctx: CommandContext, *, key: object, name: object, unit: str = "main"
) -> Answer:
    """Make a team."""
    require(ctx, Scope.ADMIN)
    values = {"key": check_key(key), "name": check_text(name, "name", longest=200, shortest=1),
              "unit": check_text(unit, "unit", longest=63, shortest=1)}  # fmt: skip

    async def handler(work: Work) -> Answer:
        found = await _insert(work, tables.team, values, f"The team {values['key']!r}")
        return Answer(201, {"id": str(found), **values})

    return await run_command(db, ctx, "team.add", values, handler)


async def add_service(db: Database, ctx: CommandContext, values: Mapping[str, Any]) -> Answer:
    """Make a service, or make a provisional one of the same key a full one.

    ``values``: key, name, kind, tier, team, policy, region, customers, user_share, runbook_url.
    """
    require(ctx, Scope.ADMIN)
    key = check_text(values.get("key"), "key", longest=200, shortest=1)
    name = check_text(values.get("name") or key, "name", longest=200, shortest=1)

    async def handler(work: Work) -> Answer:
        team = await _id_of(work, tables.team, values.get("team") or "unassigned", "team")
        policy = values.get("policy")
        columns = {
            "name": name, "kind": values.get("kind") or "service", "tier": values.get("tier", 3),
            "team_id": team, "region": values.get("region"),
            "policy_id": await _id_of(work, tables.escalation_policy, policy, "policy")
            if policy else None,
            "customers": values.get("customers"), "user_share": values.get("user_share"),
            "runbook_url": values.get("runbook_url"), "provisional": False,
        }  # fmt: skip
        service = tables.service
        found = await work.scalar(
            sa.update(service)
            .where(service.c.key == key, service.c.provisional)
            .values(**columns, version=service.c.version + 1)
            .returning(service.c.id)
        )
        if found is None:
            found = await _insert(work, service, {"key": key, **columns}, f"The service {key!r}")
        return Answer(201, {"id": str(found), "key": key, "name": name})

    return await run_command(db, ctx, "service.add", dict(values), handler)


async def add_dependency(
    db: Database,
    ctx: CommandContext,
    *,
    service: str,
    depends_on: str,
    hardness: str = "hard",
    redundancy_group: str | None = None,
) -> Answer:
    """Say that a service depends on another, hard or soft."""
    require(ctx, Scope.ADMIN)
    if hardness not in ("hard", "soft"):
        raise InvalidInput("hardness must be hard or soft.", field="hardness")
    if service == depends_on:
        raise InvalidInput("A service does not depend on itself.", field="depends_on")
    body = {"service": service, "depends_on": depends_on, "hardness": hardness,
            "redundancy_group": redundancy_group}  # fmt: skip

    async def handler(work: Work) -> Answer:
        values = {
            "service_id": await _id_of(work, tables.service, service, "service"),
            "depends_on_id": await _id_of(work, tables.service, depends_on, "depends_on"),
            "hardness": hardness, "redundancy_group": redundancy_group,
        }  # fmt: skip
        found = await _insert(work, tables.dependency, values, "This dependency")
        return Answer(201, {"id": str(found), **body})

    return await run_command(db, ctx, "dependency.add", body, handler)


async def add_policy(
    db: Database,
    ctx: CommandContext,
    *,
    key: object,
    name: object,
    steps: Sequence[Mapping[str, Any]],
    repeat: int = 0,
) -> Answer:
    """Make an escalation policy; ``steps`` are ``{delay_s, target_kind, target}`` in order."""
    from warroom.domain.escalation import Step, Target, TargetKind, new_policy

    require(ctx, Scope.ADMIN)
    policy = new_policy(
        check_key(key), name,
        [Step(i + 1, s["delay_s"], Target(TargetKind(s["target_kind"]), s["target"]))
         for i, s in enumerate(steps)],
        repeat,
    )  # fmt: skip
    body = {"key": policy.key, "name": policy.name, "repeat": repeat, "steps": list(steps)}

    async def handler(work: Work) -> Answer:
        found = await _insert(
            work, tables.escalation_policy,
            {"key": policy.key, "name": policy.name, "repeat_count": policy.repeat},
            f"The policy {policy.key!r}",
        )  # fmt: skip
        for step in policy.steps:
            await _insert(
                work, tables.escalation_step,
                {"policy_id": found, "step": step.number, "delay_s": step.delay_s,
                 "target_kind": step.target.kind.value, "target": step.target.name},
                "The step",
            )  # fmt: skip
        return Answer(201, {"id": str(found), **body})

    return await run_command(db, ctx, "policy.add", body, handler)


async def add_token(
    db: Database, ctx: CommandContext, *, person: str, name: object, scopes: Sequence[str]
) -> Answer:
    """Make another token for a principal; it is told once."""
    require(ctx, Scope.ADMIN)
    called = check_text(name, "name", longest=200, shortest=1)
    token, hashed = new_token("token")
    body = {"person": person, "name": called, "scopes": list(scopes)}

    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [token]
        principal = await _id_of(work, tables.principal, person, "person")
        found = await _insert(
            work, tables.api_token,
            {"principal_id": principal, "name": called, "token_hash": hashed,
             "scopes": list(scopes)},
            "The token",
        )  # fmt: skip
        return Answer(201, {"id": str(found), **body})

    answer = await run_command(db, ctx, "token.add", body, handler)
    return _with_token(answer, made)


async def revoke_token(db: Database, ctx: CommandContext, token_id: str) -> Answer:
    """Revoke a token at once."""
    require(ctx, Scope.ADMIN)

    async def handler(work: Work) -> Answer:
        table = tables.api_token
        done = await work.scalar(
            sa.update(table)
            .where(table.c.id == token_id, table.c.revoked_at.is_(None))
            .values(revoked_at=sa.func.now(), version=table.c.version + 1)
            .returning(table.c.id)
        )
        if done is None:
            raise NotFound("There is no such token in use.", field="token_id")
        return Answer(200, {"id": token_id, "revoked": True})

    return await run_command(db, ctx, "token.revoke", {"id": token_id}, handler)


async def add_source(
    db: Database,
    ctx: CommandContext,
    *,
    key: object,
    name: str | None = None,
    team: str | None = None,
    service_label: str | None = None,
) -> Answer:
    """Make an alert source with its own principal and an ingest token, which is told once."""
    require(ctx, Scope.ADMIN)
    checked = check_key(key)
    called = check_text(name or checked, "name", longest=200, shortest=1)
    token, hashed = new_token("source")
    body = {"key": checked, "name": called, "team": team, "service_label": service_label}

    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [token]
        principal = await _insert(
            work, tables.principal, {"name": f"source {checked}", "kind": "service"},
            f"A principal for the source {checked!r}",
        )  # fmt: skip
        source = await _insert(
            work, tables.source,
            {"key": checked, "name": called, "principal_id": principal,
             "service_label": service_label,
             "team_id": await _id_of(work, tables.team, team, "team") if team else None},
            f"The source {checked!r}",
        )  # fmt: skip
        await _insert(
            work, tables.api_token,
            {"principal_id": principal, "source_id": source, "name": "ingest",
             "token_hash": hashed, "scopes": ["ingest"]},
            "The token",
        )  # fmt: skip
        return Answer(201, {"id": str(source), **body})

    answer = await run_command(db, ctx, "source.add", body, handler)
    return _with_token(answer, made)


_LISTS: Mapping[str, str] = {
    "people": "select p.id, p.name, p.kind, p.db_role::text as db_role, p.units, p.disabled_at"
    " from warroom.principal p order by p.name",
    "teams": "select id, key, name, unit from warroom.team order by key",
    "services": "select s.id, s.key, s.name, s.kind, s.tier, t.key as team, s.region, s.health,"
    " s.provisional from warroom.service s join warroom.team t on t.id = s.team_id order by s.key",
    "policies": "select p.id, p.key, p.name, p.repeat_count, (select count(*) from"
    " warroom.escalation_step x where x.policy_id = p.id) as steps"
    " from warroom.escalation_policy p order by p.key",
    "tokens": "select t.id, p.name as person, t.name, t.scopes, t.created_at, t.expires_at,"
    " t.revoked_at from warroom.api_token t join warroom.principal p on p.id = t.principal_id"
    " order by t.created_at",
    "sources": "select id, key, name, dialect, paused_at, last_seen_at from warroom.source"
    " order by key",
}


async def list_all(db: Database, ctx: CommandContext, noun: str) -> list[Json]:
    """Return the directory's rows of one noun; tokens without their hashes, for admins only."""
    require(ctx, Scope.ADMIN if noun == "tokens" else Scope.READ)

    async def handler(work: Work) -> list[Json]:
        return [dict(r) for r in await work.rows(_LISTS[noun])]

    return await read(db, ctx, handler)


async def mint_login(db: Database, ctx: CommandContext, *, verifier: str, hours: float) -> Json:
    """Give the principal's personal database role a password (as verifier) for up to 12 hours."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Answer:
        try:
            row = await work.row(
                "select role_name::text as role, valid_until from"
                " warroom.mint_login(:v, cast(:h as numeric))",
                {"v": verifier, "h": hours},
            )
        except sa.exc.DBAPIError as error:
            state = getattr(error.orig, "sqlstate", "")
            if state in ("22023", "42501"):
                raise InvalidInput(
                    "The login was not made: the verifier is no SCRAM-SHA-256 verifier, or this"
                    " principal has no personal database role.",
                    field="verifier",
                ) from error
            raise
        if row is None:
            raise RuntimeError("mint_login returned nothing")
        return Answer(200, {"role": row["role"], "valid_until": row["valid_until"].isoformat()})

    answer = await run_command(db, ctx, "login.mint", {}, handler)
    return answer.body
