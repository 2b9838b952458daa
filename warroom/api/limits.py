"""Body limit, decompression and request ids, as plain ASGI: before anything reads the body."""

from __future__ import annotations

import json
import re
import uuid
import zlib
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,100}")
DRAINED_MOST = 64 << 20
_WINDOWS = {b"gzip": 31, b"deflate": 15}


class TooLarge(Exception):
    """The body is over the limit; ``ended`` says that all of it has been read."""

    def __init__(self, *, ended: bool = False) -> None:
        super().__init__()
        self.ended = ended


class BadEncoding(Exception):
    """The body does not decompress."""


class Door:
    """The outermost layer.

    Args:
        app: what is behind.
        limit: bytes of a body, as sent and as decompressed.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {k.lower(): v for k, v in scope["headers"]}
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            body = await self._read(headers, receive)
        except TooLarge as over:
            if not over.ended:
                await self._drain(receive)
            await self._refuse(tagged, request_id, 413, "payload-too-large", "Payload too large",
                               f"The body is over {self._limit} bytes, as sent or as "
                               "decompressed; nothing was stored.",
                               "Send it in several parts.")  # fmt: skip
            return
        except BadEncoding:
            await self._refuse(tagged, request_id, 400, "invalid-input", "Invalid input",
                               "The body does not decompress as its Content-Encoding says.",
                               "Send gzip, deflate or no Content-Encoding.")  # fmt: skip
            return
        if body is None:
            return
        scope["headers"] = [
            (k, v) for k, v in scope["headers"]
            if k.lower() not in (b"content-encoding", b"content-length")
        ] + [(b"content-length", str(len(body)).encode())]  # fmt: skip
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        await self._app(scope, replay, tagged)

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
                raise TooLarge(ended=not message.get("more_body", False))
            last = not message.get("more_body", False)
            self._take(out, chunk, inflate, last=last)
            if last:
                break
        if inflate is not None and received and not inflate.eof:
            raise BadEncoding
        return bytes(out)

    async def _drain(self, receive: Receive) -> None:
        """Read on for a while: a sender that still writes would never see our answer."""
        thrown_away = 0
        while thrown_away < DRAINED_MOST:
            message = await receive()
            thrown_away += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return

    def _take(self, out: bytearray, chunk: bytes, inflate: Any, *, last: bool) -> None:
        if inflate is None:
            out += chunk
            return
        try:
            # Never more than one byte over the limit is ever unpacked.
            out += inflate.decompress(chunk, self._limit - len(out) + 1)
        except zlib.error as error:
            raise BadEncoding from error
        if len(out) > self._limit or inflate.unconsumed_tail:
            raise TooLarge(ended=last)

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
