"""Body limit and decompression, as plain ASGI: before anything else reads the body."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warroom.api.problems import problem
from warroom.api.unread import FRAMING, closing

BODY_SECONDS = 60.0
_WINDOWS = {b"gzip": 31, b"deflate": 15}


class TooLarge(Exception):
    """The body is over the limit."""


class BadEncoding(Exception):
    """The body does not decompress."""


class Door:
    """The layer that reads bodies; only those behind it have one in memory.

    Args:
        app: what is behind.
        limit: bytes of a body, as sent and as decompressed.
        body_seconds: a body must have come within this time.
        own: the limits of those addresses that take more, or less.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        body_seconds: float = BODY_SECONDS,
        own: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._usual = limit
        self._own = own or {}
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ended = False
        limit = self._own.get(scope.get("path", ""), self._usual)

        async def watched() -> Message:
            nonlocal ended
            message = await receive()
            ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        refusal: tuple[int, str, str, str, str]
        slow = False
        try:
            async with asyncio.timeout(self._body_seconds):
                headers = {k.lower(): v for k, v in scope["headers"]}
                body = await self._read(headers, watched, limit)
        except TooLarge:
            refusal = (
                413, "payload-too-large", "Payload too large",
                f"The body is over {limit} bytes, sent or unpacked; nothing was stored.",
                "Send it in several parts.",
            )  # fmt: skip
        except BadEncoding:
            refusal = (
                400, "invalid-input", "Invalid input",
                "The body does not decompress as its Content-Encoding says.",
                "Send one gzip member, deflate or no Content-Encoding.",
            )  # fmt: skip
        except TimeoutError:
            refusal = (
                408, "request-timeout", "Request timeout",
                f"The body did not come within {self._body_seconds:g} s; nothing was stored.",
                "Send it again.",
            )  # fmt: skip
            slow = True
        else:
            if body is not None:
                await self._pass_on(scope, receive, send, body)
            return
        status, code, title, detail, remedy = refusal
        answer = problem(
            Request(scope), status, code, title, detail, field="body", remedy=remedy
        )  # fmt: skip
        if slow:  # whoever is that slow is not waited for any longer
            answer.headers["connection"] = "close"
        elif not ended:
            send = closing(watched, send)
        await answer(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        scope["headers"] = [
            *((k, v) for k, v in scope["headers"] if k.lower() not in FRAMING),
            (b"content-length", str(len(body)).encode()),
        ]
        # How long we took does not depend on how slowly it came.
        scope.setdefault("state", {})["body_came"] = time.perf_counter()
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        await self._app(scope, replay, send)

    async def _read(
        self, headers: dict[bytes, bytes], receive: Receive, limit: int
    ) -> bytes | None:
        """Return the whole body, decompressed; None when the sender went away."""
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            raise TooLarge
        encoding = headers.get(b"content-encoding", b"").strip().lower()
        inflate: Any = None
        if encoding in _WINDOWS:
            inflate = zlib.decompressobj(_WINDOWS[encoding])
        elif encoding not in (b"", b"identity"):
            raise BadEncoding
        received = 0
        out = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            received += len(chunk)
            if received > limit:
                raise TooLarge
            _take(out, chunk, inflate, limit)
            if not message.get("more_body", False):
                break
        if inflate is not None and received and not inflate.eof:
            raise BadEncoding
        return bytes(out)


def _take(out: bytearray, chunk: bytes, inflate: Any, limit: int) -> None:
    if inflate is None:
        out += chunk
        return
    try:
        # Never more than one byte over the limit is ever unpacked.
        out += inflate.decompress(chunk, limit - len(out) + 1)
    except zlib.error as error:
        raise BadEncoding from error
    if len(out) > limit or inflate.unconsumed_tail:
        raise TooLarge
    if inflate.unused_data:
        # Bytes behind the end: dropping them silently would be storing half of what was sent.
        raise BadEncoding
