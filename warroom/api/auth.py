"""Bearer tokens: from the header to a principal, through one definer function."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from warroom.api.state import AppState, state_of
from warroom.db.uow import Work, read
from warroom.domain.principal import (
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
    Scope,
)
from warroom.errors import InvalidInput, Unauthenticated

_KEY = re.compile(r"[!-~]{1,200}")
_bearer = HTTPBearer(auto_error=False, description="A token of `warroom token add`.")
_NOBODY = Principal(INGEST_PRINCIPAL, "nobody", PrincipalKind.AUTOMATION)


async def authenticate(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
) -> Principal:
    """Return the principal of the request's token.

    Raises:
        Unauthenticated: no token, or one that is unknown, expired or revoked.
    """
    if given is None or not given.credentials:
        raise Unauthenticated(
            "This needs a bearer token.",
            field="Authorization",
            remedy="Send 'Authorization: Bearer …'; `warroom token add` makes one.",
        )
    digest = hashlib.sha256(given.credentials.encode("utf-8", "surrogatepass")).digest()
    ctx = CommandContext(_NOBODY, request.state.request_id, origin(request))

    async def handler(work: Work) -> Principal | None:
        row = await work.row(
            "select a.principal_id, a.name, a.kind, a.scopes, a.source_id, s.service_label"
            " from warroom.authenticate(:hash) a left join warroom.source s on s.id = a.source_id",
            {"hash": digest},
        )
        if row is None:
            return None
        request.state.service_label = row["service_label"]
        return Principal(
            row["principal_id"], row["name"], PrincipalKind(row["kind"]),
            frozenset(Scope(s) for s in row["scopes"]), row["source_id"],
        )  # fmt: skip

    found = await read(state_of(request).db, ctx, handler)
    if found is None:
        raise Unauthenticated(
            "This token is unknown, expired or revoked.",
            field="Authorization",
            remedy="`warroom token add` makes a new one.",
        )
    return found


def origin(request: Request) -> str:
    """Return the address that the request came from."""
    return request.client.host if request.client else "unknown"


async def reader(
    request: Request, principal: Annotated[Principal, Depends(authenticate)]
) -> CommandContext:
    """Return the context of a request that changes nothing."""
    return CommandContext(principal, request.state.request_id, origin(request))


async def commander(
    request: Request,
    principal: Annotated[Principal, Depends(authenticate)],
    idempotency_key: Annotated[
        str | None, Header(description="1 to 200 visible characters; the same on every retry")
    ] = None,
) -> CommandContext:
    """Return the context of a command.

    Raises:
        InvalidInput: no usable Idempotency-Key.
    """
    if idempotency_key is None or not _KEY.fullmatch(idempotency_key):
        raise InvalidInput(
            "A command needs the header Idempotency-Key with 1 to 200 visible ASCII characters;"
            " nothing was changed.",
            field="Idempotency-Key",
            remedy="Send a new UUID for each command, and the same one when you ask again.",
        )
    return CommandContext(principal, request.state.request_id, origin(request), idempotency_key)


Reader = Annotated[CommandContext, Depends(reader)]
Commander = Annotated[CommandContext, Depends(commander)]
State = Annotated[AppState, Depends(state_of)]
