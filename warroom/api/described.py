"""What the API says of itself: ``/openapi.json``."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from warroom.api import models

ADDRESS = "/openapi.json"


def describe(app: FastAPI) -> None:
    """Serve the document, with our problems instead of the framework's own 422.

    Working it out takes longer than a request may be held up (0.5–1.5 s): it is done once, when
    it is first asked for, and beside the loop that answers everybody else.
    """
    one_at_a_time = asyncio.Lock()
    document: list[bytes] = []

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes)
            parts = made.setdefault("components", {}).setdefault("schemas", {})
            parts["Problem"] = models.Problem.model_json_schema(
                ref_template="#/components/schemas/{model}"
            )
            parts.pop("HTTPValidationError", None)
            parts.pop("ValidationError", None)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign]  # FastAPI's documented way

    async def serve(_request: Request) -> Response:
        async with one_at_a_time:
            if not document:
                document.append(await asyncio.to_thread(lambda: orjson.dumps(schema())))
        return Response(document[0], media_type="application/json")

    app.add_route(ADDRESS, serve, methods=["GET"], include_in_schema=False)
