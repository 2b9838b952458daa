"""Whether a token is for what is asked."""

from __future__ import annotations

from typing import Final

from warroom.domain.principal import CommandContext, Scope
from warroom.errors import Forbidden

OF_A_SOURCE: Final = (
    "Use the token of a source: `warroom source add SOURCE` makes the source and its first one,"
    " `warroom source token SOURCE` another. A person's may name one as well: `warroom token add"
    " PERSON --scope ingest --source SOURCE`."
)
OF_A_PERSON: Final = (
    "Use a person's token with that scope: `warroom token add PERSON --scope {scope}`."
)


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
        remedy=OF_A_SOURCE if scope is Scope.INGEST else OF_A_PERSON.format(scope=scope.value),
    )
