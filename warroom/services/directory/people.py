"""People: an own database role and a first token come with each."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from warroom.db import tables
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import CommandContext, Scope, personal_role
from warroom.domain.validate import check_text
from warroom.services.access import require
from warroom.services.directory.common import (
    Json,
    as_text,
    ends_at,
    id_of,
    insert,
    listing,
    new_token,
    with_token,
)


async def add(
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
    expires_in_s: int | None = None,
) -> Answer:
    """Make a person with an own database role and a token, in one step; the token is told once.

    ``expires_in_s`` is how long the token lasts, None for ever.
    """
    require(ctx, Scope.ADMIN)
    called = check_text(name, "name", longest=100, shortest=1)
    token, hashed = new_token("person")
    body: dict[str, Any] = {
        "name": called, "email": email, "units": list(units), "teams": list(teams),
        "scopes": list(scopes), "auditor": auditor, "security": sees_security,
    }  # fmt: skip
    if expires_in_s is not None:  # a request without it stays what it was before there was one
        body["expires_in_s"] = expires_in_s

    made: list[str] = []

    async def handler(work: Work) -> Answer:
        made[:] = [token]
        role = personal_role(called, secrets.token_hex(4))
        person = await insert(
            work, tables.principal,
            {"name": called, "kind": "person", "email": email, "units": list(units),
             "db_role": role, "auditor": auditor, "sees_security": sees_security},
            f"A principal named {called!r}",
        )  # fmt: skip
        for team in teams:
            team_id = await id_of(work, tables.team, team, "teams")
            await insert(
                work,
                tables.team_member,
                {"team_id": team_id, "principal_id": person},
                "The membership",
            )
        ends = await ends_at(work, expires_in_s)
        await insert(
            work, tables.api_token,
            {"principal_id": person, "name": "first token", "token_hash": hashed,
             "scopes": list(scopes), "expires_at": ends},
            "The token",
        )  # fmt: skip
        return Answer(201, {"id": str(person), "name": called, "db_role": role,
                            "expires_at": as_text(ends)})  # fmt: skip

    answer = await run_command(db, ctx, "person.add", body, handler)
    return with_token(answer, made)


_LIST = (
    "select p.id, p.name, p.kind, p.db_role::text as db_role, p.units, p.disabled_at"
    " from warroom.principal p where p.name > :after order by p.name limit :limit"
)


async def list_all(
    db: Database, ctx: CommandContext, *, after: str = "", limit: int = 100
) -> list[Json]:
    """Return the principals behind the name ``after``, automations and sources included."""
    return await listing(db, ctx, _LIST, after=after, limit=limit)
