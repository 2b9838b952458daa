"""Bearer tokens: from the header to a principal, before anything of the body is read."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asgi

from warroom.api.buckets import Pace
from warroom.api.head import first_text
from warroom.api.problems import answer_to
from warroom.api.said import Said
from warroom.api.state import AppState, state_for, state_of
from warroom.api.token_lookup import NOBODY
from warroom.api.unread import body_is_coming, closing, without_body
from warroom.db.uow import Work, read
from warroom.domain.principal import CommandContext, Principal
from warroom.domain.validate import say_time
from warroom.errors import (
    InvalidInput,
    Overloaded,
    PayloadTooLarge,
    Unauthenticated,
    WarRoomError,
)
from warroom.services.token_proof import Proof

OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
"""The addresses that need no token."""
BEAT = re.compile(r"/heartbeat/[^/]+")
"""Addresses that hold a key of their own; what is sent along is not read."""
BODY_PROVES = re.compile(
    r"/v1/ingest/changes/github/[a-z0-9][a-z0-9._-]{0,62}|/v2/(?:change/)?enqueue"
)
"""The addresses whose body proves its sender, where no token does (``warroom.api.proof``)."""
PROOF_BYTES = 1 << 20
SMALLER = {"/v2/enqueue": 512 * 1024, "/v2/change/enqueue": 512 * 1024}
"""The addresses whose dialect has a limit of its own, with a token as well: PagerDuty's."""
GENIE_KEY = re.compile(r"/v2/alerts(?:/.*)?", re.DOTALL)
"""The addresses where Opsgenie's clients send the token as ``Authorization: GenieKey``."""
PROVEN_WHEN_STORED = frozenset({"/api/v2/alerts", "/v1/ingest/alertmanager"})
"""The doors that let in what a token brings that was good a moment ago; see ``prove``."""
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
GITLAB = "/v1/ingest/changes/gitlab"
_KEY = re.compile(r"[!-~]{1,200}")
_TOKEN = re.compile(r"[!-~]{1,500}")
MAKES_ONE = "`warroom token add PERSON` makes a person's, `warroom source token SOURCE` a source's."
BEARER = HTTPBearer(auto_error=False, description="A person's or a source's token.")


class Gate:
    """The layer in front of the body: who has no usable token is answered before sending one.

    Every address but ``OPEN`` needs a token, those that do not exist included: a route that
    somebody adds is closed until it is listed.  The open ones take no body, so none is read.
    Where the body itself is the proof, one of a small declared size is let through to it.

    Args:
        app: what is behind.
        forms: addresses that take a small form from anybody, or say that they take none.
    """

    def __init__(self, app: ASGIApp, forms: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._forms = forms

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] in OPEN or BEAT.fullmatch(scope["path"]):
            unread = _unread(scope, receive, send)
            await self._app(scope, without_body(scope, receive), unread)
            return
        if scope["path"] in self._forms:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            if not _proves_itself(request):
                scope["state"]["principal"] = await _principal(request)
        except WarRoomError as error:
            await answer_to(request, error)(scope, receive, _unread(scope, receive, send))
            return
        await self._app(scope, receive, send)


def _unread(scope: Asgi, receive: Receive, send: Send) -> Send:
    """Return what answers a request whose body, if it has one, nobody reads."""
    return closing(receive, send) if body_is_coming(scope) else send


def _proves_itself(request: Request) -> bool:
    """Say whether the body is to prove who sent it; it must be small, and look as if it could.

    Raises:
        Unauthenticated: GitHub's address, and no signature.
        InvalidInput: the size is not declared, or the body is compressed.
        PayloadTooLarge: it is over what such a body may have.
    """
    headers, path = request.headers, request.scope["path"]
    if request.method != "POST" or not BODY_PROVES.fullmatch(path) or "Authorization" in headers:
        return False
    if not path.startswith("/v2/"):
        signature = headers.get("X-Hub-Signature-256", "")
        if not _SIGNATURE.fullmatch(signature):
            raise Unauthenticated(
                "This needs GitHub's X-Hub-Signature-256, or a bearer token.",
                field="X-Hub-Signature-256",
                remedy="Give the webhook the secret of its source.",
            )
    # Neither a length nor chunks: there is no body, which its route will say.
    length = headers.get("Content-Length", "" if "Transfer-Encoding" in headers else "0")
    if not re.fullmatch(r"[0-9]{1,12}", length) or "Content-Encoding" in headers:
        raise InvalidInput(
            "A body that proves its sender must be sent plain, with its length.",
            field="Content-Length",
            remedy="Send Content-Length and no Content-Encoding, or use a bearer token.",
        )
    most = SMALLER.get(path, PROOF_BYTES)
    if int(length) > most:
        raise PayloadTooLarge(
            f"A body that proves its sender may have {most} bytes here; nothing was stored.",
            field="body",
            remedy="Use a bearer token for larger ones."
            if most == PROOF_BYTES
            else "Leave out what is large.",
        )
    return True


async def _principal(request: Request) -> Principal:
    """Return the principal of the request's token, by one question to the database.

    Raises:
        Unauthenticated: no token, or one that is malformed, unknown, expired or revoked.
        DatabaseUnavailable: nobody can say whose it is.
    """
    header = first_text(request.scope, b"authorization")
    path = request.scope["path"]
    if not header.strip() and path == GITLAB and "X-Gitlab-Token" in request.headers:
        return await principal_of(
            request, request.headers["X-Gitlab-Token"], field="X-Gitlab-Token"
        )
    if not header.strip():
        raise Unauthenticated(
            "This needs a bearer token.",
            field="Authorization",
            remedy=f"Send 'Authorization: Bearer …'. {MAKES_ONE}",
        )
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    named = scheme.lower()
    genie = named == "geniekey" and GENIE_KEY.fullmatch(path) is not None
    if not (named == "bearer" or genie) or not _TOKEN.fullmatch(token):
        raise Unauthenticated(
            "The header Authorization is not 'Bearer' and one token.",
            field="Authorization",
            remedy=f"Send 'Authorization: Bearer …'. {MAKES_ONE}",
        )
    return await principal_of(request, token)


def stranger(request: Request) -> CommandContext:
    """Return the context in which somebody is looked up who is not known yet."""
    return CommandContext(NOBODY, request.state.request_id, origin(request))


async def principal_of(request: Request, token: str, *, field: str = "Authorization") -> Principal:
    """Return whose token it is; ``field`` names where it stood.

    Raises:
        Unauthenticated: it is malformed, unknown, expired or revoked.
        DatabaseUnavailable: nobody can say whose it is.
    """
    if not _TOKEN.fullmatch(token):
        raise Unauthenticated(
            "This needs the token of a source.", field=field,
            remedy="`warroom source token SOURCE` makes one.",
        )  # fmt: skip
    digest = hashlib.sha256(token.encode("ascii")).digest()

    state = state_of(request)
    said = _recent(request, state, digest)
    if said is not None:
        request.scope["state"]["proof"] = said.holder.proof
    else:
        known = state.buckets.brings_alerts(request.method, request.scope["path"], digest)
        if known is not None:
            _check_room(state, known)
        said = await state.tokens.find(digest)
    if said is None:

        async def why(work: Work) -> Unauthenticated:
            return await _refusal(work, digest, field)

        raise await read(state.db, stranger(request), why)
    holder = said.holder
    request.scope["state"] |= {"said": said, "mapping": said.row["mapping"]}
    if holder.pace is not None:
        request.scope["state"]["pace"] = holder.pace
        _admit(request, state, holder.pace, digest)
    return holder.principal


def _recent(request: Request, state: AppState, digest: bytes) -> Said | None:
    """Return what was said of a token a moment ago, where that is enough for now.

    It is for a source's token at a door that looks at it again in the transaction that stores what
    it brings; and only to let in.  Who is refused is refused for what holds now.
    """
    if (
        request.method != "POST"
        or request.scope["path"] not in PROVEN_WHEN_STORED
        or request.scope["state"].get("asks", False)
    ):
        return None
    said = state.tokens.recent(digest)
    pace = None if said is None else said.holder.pace
    return None if pace is None or not state.buckets.lets_in(pace) else said


async def prove(request: Request) -> None:
    """Ask whose the token is after all, where what was said of it a moment ago was taken so far.

    Raises:
        Unauthenticated: it is nobody's any more.
        SourcePaused, Throttled, Overloaded: its source may not send now.
    """
    proof: Proof | None = getattr(request.state, "proof", None)
    if proof is not None:
        request.state.proof, request.state.asks = None, True
        state_of(request).tokens.forget(proof.token)
        request.state.principal = await _principal(request)


def admit(request: Request) -> None:
    """Look whether the source of a request may send now.

    Raises:
        SourcePaused, Throttled, Overloaded: it may not; each is told as its senders understand.
    """
    pace: Pace | None = request.scope["state"].get("pace")
    if pace is not None:
        _admit(request, state_of(request), pace)


def _admit(request: Request, state: AppState, pace: Pace, token: bytes | None = None) -> None:
    """Do the same for a source that is known; ``token`` is the hash of what it showed."""
    state.buckets.meet(pace, token)
    if state.buckets.admit(request.method, request.scope["path"], pace):
        _check_room(state, pace.source_id)


def _check_room(state: AppState, source_id: UUID) -> None:
    try:
        state.batcher.check_room(source_id)
    except Overloaded:
        state.buckets.count(source_id, "full")
        raise


async def _refusal(work: Work, digest: bytes, field: str) -> Unauthenticated:
    """Return why a token is refused; only its holder can ask, so the reason is no secret."""
    row = await work.row(
        "select t.expires_at, t.revoked_at, p.disabled_at, now() as now, s.key as source,"
        " p.name as person"
        " from warroom.api_token t join warroom.principal p on p.id = t.principal_id"
        " left join warroom.source s on s.principal_id = p.id"
        " where t.token_hash = :hash",
        {"hash": digest},
    )
    said = "This token is unknown."
    if row is not None and row["revoked_at"] is not None:
        said = f"This token was revoked {say_time(row['revoked_at'], row['now'])}."
    elif row is not None and row["disabled_at"] is not None:
        said = "Whoever this token belongs to is disabled."
    elif row is not None and row["expires_at"] is not None:
        said = f"This token expired {say_time(row['expires_at'], row['now'])}."
    remedy = MAKES_ONE
    if row is not None and row["source"] is not None:
        remedy = f"`warroom source token {row['source']}` makes a new one."
    elif row is not None:
        remedy = f"`warroom token add {row['person']}` makes a new one."
    return Unauthenticated(said, field=field, remedy=remedy)


async def authenticate(
    request: Request,
    _described: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)] = None,
) -> Principal:
    """Return the principal that the gate has found; the parameter is for the description.

    Raises:
        Unauthenticated: this route stands among the open ones, and must not.
    """
    found: Principal | None = getattr(request.state, "principal", None)
    if found is None:
        raise Unauthenticated("This needs a bearer token.", field="Authorization")
    return found


def origin(request: Request) -> str:
    """Return the address that the request came from."""
    return request.client.host if request.client else "unknown"


def here(request: Request) -> CommandContext:
    """Return the context of a request that the gate has let in."""
    known = request.scope["state"]
    return CommandContext(known["principal"], known["request_id"], origin(request))


async def reader(
    request: Request,
    _principal: Annotated[Principal, Depends(authenticate)],
) -> CommandContext:
    """Return the context of a request that changes nothing."""
    return here(request)


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
State = Annotated[AppState, Depends(state_for)]
