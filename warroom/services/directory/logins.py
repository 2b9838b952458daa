"""Personal logins at the database."""

from __future__ import annotations

import sqlalchemy as sa

from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import CommandContext, Scope
from warroom.errors import InvalidInput
from warroom.services.access import require
from warroom.services.directory.common import Json


async def mint(db: Database, ctx: CommandContext, *, verifier: str, hours: float) -> Json:
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
