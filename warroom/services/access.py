"""Whether a token is for what is asked."""

from __future__ import annotations

from warroom.domain.principal import CommandContext, Scope
from warroom.errors import Forbidden


def require(ctx: CommandContext, scope: Scope) -> None:
    """Refuse a principal whose token lacks ``scope``; admin includes read and respond.

    Raises:
        Forbidden: names the scope and how to get it.
    """
    scopes = ctx.principal.scopes
    if scope in scopes or (Scope.ADMIN in scopes and scope is not Scope.INGEST):
        return
    if scope is Scope.READ and Scope.RESPOND in scopes:
        return
    raise Forbidden(
        f"This token may not {scope.value}; nothing was changed.",
        field="Authorization",
        remedy=f"Use a token with that scope: `warroom token add --scope {scope.value}`.",
    )
