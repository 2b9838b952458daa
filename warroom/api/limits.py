"""Body limit and decompression, as plain ASGI: before anything else reads the body."""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warroom.api.at_once import within
from warroom.api.buckets import Pace
from warroom.api.problems import from_error, problem
from warroom.api.unread import FRAMING, body_is_coming, closing
from warroom.domain.source import Lane
from warroom.errors import Overloaded

BODY_SECONDS = 60.0
Header = tuple[bytes, bytes]
_WINDOWS = {b"gzip": 31, b"deflate": 15}


class TooLarge(Exception):
    """The body is over the limit."""


class BadEncoding(Exception):
    """The body does not decompress."""


class NoRoom(Exception):
    """As many bytes of bodies are in memory as may be."""


class Bodies:
    """How many bytes of bodies are in memory, from their first byte to their answer.

    Critical sources have a fourth of the room on top, which a storm from others cannot take.

    Args:
        most: bytes; one body alone always has room.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def hold(self, more: int, *, critical: bool) -> None:
        """Count bytes that are about to come.

        Raises:
            NoRoom: there is none for them.
        """
        most = self._most + self._most // 4 if critical else self._most
        if more > 0 and self.held and self.held + more > most:
            raise NoRoom
        self.held += more

    def give_back(self, bytes_: int) -> None:
        """These are answered."""
        self.held -= bytes_


class Holding:
    """One body's share: it grows while the body comes, and is given back in one."""

    def __init__(self, bodies: Bodies, *, critical: bool) -> None:
        self._bodies = bodies
        self._critical = critical
        self._held = 0

    def reach(self, size: int) -> None:
        """Hold as much as the body has by now.

        Raises:
            NoRoom: there is none for it.
        """
        if size > self._held:
            self._bodies.hold(size - self._held, critical=self._critical)
            self._held = size

    def give_back(self) -> None:
        """Give it back."""
        self._bodies.give_back(self._held)
        self._held = 0


class Door:
    """The layer that reads bodies; only those behind it have one in memory.

    Args:
        app: what is behind.
        limit: bytes of a body, as sent and as decompressed.
        body_seconds: a body must have come within this time.
        own: the limits of those addresses that take more, or less.
        streamed: the addresses whose routes read the body themselves, piece by piece.
        bodies_max: bytes of all bodies that may be in memory at once; no limit if not given.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        body_seconds: float = BODY_SECONDS,
        own: Mapping[str, int] | None = None,
        streamed: Collection[str] = (),
        bodies_max: int | None = None,
    ) -> None:
        self._app = app
        self._usual = limit
        self._own = own or {}
        self._streamed = frozenset(streamed)
        self._body_seconds = body_seconds
        self._bodies = Bodies(sys.maxsize if bodies_max is None else bodies_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope.get("path", "") in self._streamed:
            await self._stream(scope, receive, send)
        else:
            await self._whole(scope, receive, send)

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then let the route have it in one."""
        ended = False
        limit = self._own.get(scope.get("path", ""), self._usual)

        async def watched() -> Message:
            nonlocal ended
            message = await receive()
            ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        pace: Pace | None = scope.get("state", {}).get("pace")
        holding = Holding(self._bodies, critical=pace is not None and pace.lane is Lane.CRITICAL)
        refusal: tuple[int, str, str, str, str]
        slow = False
        try:
            framing = [(k, v) for k, v in scope["headers"] if k.lower() in FRAMING]
            reading = self._read(framing, watched, limit, holding)
            body = await within(self._body_seconds, reading)
        except NoRoom:
            holding.give_back()
            if pace is not None:
                scope["app"].state.parts.buckets.count(pace.source_id, "full")
            full = from_error(Request(scope), Overloaded(
                "Too many bodies are being worked on; nothing of this one was stored.",
                remedy="Send it again in a moment.",
            ))  # fmt: skip
            await full(scope, receive, send if ended else closing(watched, send))
            return
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
            try:
                if body is not None:
                    await self._pass_on(scope, receive, send, body, framing)
            finally:
                holding.give_back()
            return
        holding.give_back()
        status, code, title, detail, remedy = refusal
        answer = problem(
            Request(scope), status, code, title, detail, field="body", remedy=remedy
        )  # fmt: skip
        if slow:  # whoever is that slow is not waited for any longer
            answer.headers["connection"] = "close"
        elif not ended:
            send = closing(watched, send)
        await answer(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route read; an answer before the body's end closes the connection behind it."""
        ended = not body_is_coming(scope)

        async def watched() -> Message:
            nonlocal ended
            message = await receive()
            ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        early = closing(watched, send)
        chosen = send

        async def answered(message: Message) -> None:
            nonlocal chosen
            if message["type"] == "http.response.start":
                chosen = send if ended else early
            await chosen(message)

        await self._app(scope, watched, answered)

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, body: bytes, framing: Sequence[Header]
    ) -> None:
        length = (b"content-length", b"%d" % len(body))
        if framing != [length]:
            others = ((k, v) for k, v in scope["headers"] if k.lower() not in FRAMING)
            scope["headers"] = [*others, length]
        state = scope.setdefault("state", {})
        state["body"] = body
        # How long we took does not depend on how slowly it came.
        state["body_came"] = time.perf_counter()
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        try:
            await self._app(scope, replay, send)
        finally:
            # The server keeps the scope until the connection's next request.
            del state["body"]

    async def _read(
        self, framing: Sequence[Header], receive: Receive, limit: int, holding: Holding
    ) -> bytes | None:
        """Return the whole body, decompressed; None when the sender went away."""
        headers = {k.lower(): v for k, v in framing}
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            raise TooLarge
        if declared.isdigit():
            holding.reach(int(declared))
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
            holding.reach(len(out))
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
