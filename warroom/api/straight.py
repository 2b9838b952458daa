"""The busiest doors, answered without the framework's routing.

For one alert a post, finding the route, its dependencies and its answer's model cost more than all
the rest of the request.  The routes themselves stay where they are described (``/openapi.json``);
what they do and what is answered is the same.
"""

from __future__ import annotations

import orjson
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from warroom.api.auth import here
from warroom.api.ingest import DOORS, take_at
from warroom.api.problems import answer_to
from warroom.api.state import state_of
from warroom.errors import WarRoomError


class Straight:
    """The layer behind the one that reads bodies.

    Args:
        app: what answers everything else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] not in DOORS or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            taken = await take_at(request, here(request), state_of(request))
        except WarRoomError as error:
            await answer_to(request, error)(scope, receive, send)
            return
        body = orjson.dumps(taken)
        head = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})
