"""Senders that cannot send our bearer token: what stands in its place, and what it may cost.

GitLab sends a header of its own: it holds the token.  GitHub signs its bodies, and PagerDuty's
clients put their key into them: there the body is the proof, so it has to be read first.  For just
these three addresses the gate lets a body of a declared, small, uncompressed size through, and the
route asks ``proven`` before it looks at anything else.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials

from warroom.api.auth import BEARER, admit, origin, principal_of, stranger
from warroom.api.buckets import Pace, pace_of
from warroom.api.state import state_of
from warroom.db.uow import Work, read
from warroom.domain.principal import CommandContext, Principal, PrincipalKind, Scope
from warroom.errors import Unauthenticated
from warroom.ingest import change_github, change_pagerduty
from warroom.services.token_proof import PACE

_REFUSED = "This body is signed by no source that is known here; nothing was stored."
_SOURCE = re.compile(r"/v1/ingest/changes/github/([a-z0-9][a-z0-9._-]{0,62})")

_SIGNER = (
    "select s.id, p.id as principal_id, p.name, p.kind, array[s.secret] || array("
    " select o.secret from warroom.source_secret o where o.source_id = s.id"
    " and o.expires_at > now() order by o.expires_at desc limit 3) as secrets, {pace}"
    " from warroom.source s join warroom.principal p on p.id = s.principal_id"
    " where s.key = :key and s.secret is not null and p.disabled_at is null"
).replace("{pace}", PACE)


async def proven(
    request: Request,
    _described: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)] = None,
) -> CommandContext:
    """Return who sent it: by the gate's token, else by the signature or key of the body.

    Raises:
        Unauthenticated: neither proves anything.
        InvalidInput: PagerDuty's address, and no JSON object.
    """
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        principal = await _by_body(request)
    return CommandContext(principal, request.state.request_id, origin(request))


Proven = Annotated[CommandContext, Depends(proven)]


async def _by_body(request: Request) -> Principal:
    body = await request.body()
    if match := _SOURCE.fullmatch(request.url.path):
        return await _signed(request, match[1], body)
    return await principal_of(request, change_pagerduty.routing_key(body), field="routing_key")


async def _signed(request: Request, source: str, body: bytes) -> Principal:
    """Return the principal of a source whose secret has signed the body."""

    async def handler(work: Work) -> tuple[list[str], Principal, Pace] | None:
        row = await work.row(_SIGNER, {"key": source})
        if row is None:
            return None
        scopes = frozenset({Scope.INGEST})
        kind = PrincipalKind(row["kind"])
        known = Principal(row["principal_id"], row["name"], kind, scopes, row["id"])
        return row["secrets"], known, pace_of(row["id"], row)

    found = await read(state_of(request).db, stranger(request), handler)
    # An unknown source costs the same work and is told the same.
    secrets = found[0] if found else ["no such source"]
    signature = request.headers.get("X-Hub-Signature-256", "")
    good = [change_github.signed(secret, body, signature) for secret in secrets]
    if not any(good) or found is None:
        raise Unauthenticated(
            _REFUSED,
            field="X-Hub-Signature-256",
            remedy="Put the secret that `warroom source add --dialect github` told into the"
            " webhook's settings.",
        )
    request.state.pace = found[2]
    admit(request)
    return found[1]
