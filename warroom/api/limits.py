"""Body limit, decompression and request ids, as plain ASGI: before anything reads the body."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import uuid
import zlib
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,100}")
BODY_SECONDS = 60.0
DRAIN_SECONDS = 5.0
DRAINED_MOST = 64 << 20
_WINDOWS = {b"gzip": 31, b"deflate": 15}


class TooLarge(Exception):
    """The body is over the limit."""


class BadEncoding(Exception):
    """The body does not decompress."""


class Door:
    """The outermost layer.

    Args:
        app: what is behind.
        limit: bytes of a body, as sent and as decompressed.
        body_seconds: a body must have come within this time.
    """

    def __init__(self, app: ASGIApp, limit: int, body_seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._limit = limit
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {k.lower(): v for k, v in scope["headers"]}
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._serve(scope, receive, send, headers, request_id)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[bytes, bytes],
        request_id: str,
    ) -> None:
        ended = False

        async def watched() -> Message:
            nonlocal ended
            message = await receive()
            ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        refusal: tuple[int, str, str, str, str]
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await self._read(headers, watched)
        except TooLarge:
            refusal = (
                413, "payload-too-large", "Payload too large",
                f"The body is over {self._limit} bytes, sent or unpacked; nothing was stored.",
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
            ended = True  # whoever is that slow is not waited for any longer
        else:
            if body is not None:
                await self._pass_on(scope, receive, tagged, body)
            return
        if not ended:
            await self._drain(watched)
        await self._refuse(tagged, request_id, *refusal)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        scope["headers"] = [
            (k, v) for k, v in scope["headers"]
            if k.lower() not in (b"content-encoding", b"content-length", b"transfer-encoding")
        ] + [(b"content-length", str(len(body)).encode())]  # fmt: skip
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        await self._app(scope, replay, send)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
        """Return the whole body, decompressed; None when the sender went away."""
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._limit:
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
            if received > self._limit:
                raise TooLarge
            self._take(out, chunk, inflate)
            if not message.get("more_body", False):
                break
        if inflate is not None and received and not inflate.eof:
            raise BadEncoding
        return bytes(out)

    async def _drain(self, receive: Receive) -> None:
        """Read on for a while: a sender that still writes would never see our answer."""
        thrown_away = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while thrown_away < DRAINED_MOST:
                    message = await receive()
                    thrown_away += len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return

    def _take(self, out: bytearray, chunk: bytes, inflate: Any) -> None:
        if inflate is None:
            out += chunk
            return
        try:
            # Never more than one byte over the limit is ever unpacked.
            out += inflate.decompress(chunk, self._limit - len(out) + 1)
        except zlib.error as error:
            raise BadEncoding from error
        if len(out) > self._limit or inflate.unconsumed_tail:
            raise TooLarge
        if inflate.unused_data:
            # Bytes behind the end: dropping them silently would be storing half of what was sent.
            raise BadEncoding

    @staticmethod
    async def _refuse(
        send: Send, request_id: str, status: int, code: str, title: str, detail: str, remedy: str
    ) -> None:
        body = json.dumps(
            {"type": f"urn:warroom:problem:{code}", "title": title, "status": status,
             "detail": detail, "field": "body", "remedy": remedy, "request_id": request_id}
        ).encode()  # fmt: skip
        await send(
            {"type": "http.response.start", "status": status,
             "headers": [(b"content-type", b"application/problem+json"),
                         (b"content-length", str(len(body)).encode()),
                         (b"connection", b"close")]}
        )  # fmt: skip
        await send({"type": "http.response.body", "body": body})
