"""Answers to requests whose body nobody reads: at once, and the connection ends behind them."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import Message, Receive, Scope, Send

LINGER_SECONDS = 5.0
LINGER_BYTES = 64 << 20
FRAMING = (b"content-encoding", b"content-length", b"transfer-encoding")


def body_is_coming(scope: Scope) -> bool:
    """Tell whether the request has a body, by its headers alone (RFC 9112, 6.3)."""
    for name, value in scope["headers"]:
        lower = name.lower()
        if lower == b"transfer-encoding" or (lower == b"content-length" and value.strip(b" 0")):
            return True
    return False


def without_body(scope: Scope, receive: Receive) -> Receive:
    """Make the request one without a body; whoever calls the result never reads what was sent."""
    scope["headers"] = [(k, v) for k, v in scope["headers"] if k.lower() not in FRAMING]
    told = False

    async def nothing() -> Message:
        nonlocal told
        if not told:
            told = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return await receive()

    return nothing


def closing(receive: Receive, send: Send, linger_s: float = LINGER_SECONDS) -> Send:
    """Return a ``send`` that ends the connection behind its answer.

    The answer goes out whole before anything more is read.  Then what still comes is thrown away
    for a while: closed over bytes that nobody has read, TCP would reset the connection, and a
    sender that is still writing would never see the answer (RFC 9112, 9.6).

    Args:
        receive: the request's own.
        send: the request's own.
        linger_s: seconds to read on at the most; 0 ends it at once.
    """

    async def closed(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(k, v) for k, v in message.get("headers", []) if k.lower() != b"connection"]
            await send({**message, "headers": [*kept, (b"connection", b"close")]})
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            await send({**message, "more_body": True})
            await _throw_away(receive, linger_s)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await send(message)

    return closed


async def _throw_away(receive: Receive, seconds: float) -> None:
    """Read on until the body or the sender has ended, or it is enough."""
    thrown_away = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while thrown_away < LINGER_BYTES:
                message = await receive()
                thrown_away += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
