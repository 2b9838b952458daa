"""The bound that HTTP sets: the server that war room runs on, which reads a body and answers.

No token, no database, no alert: what is left is uvicorn, uvloop and reading JSON.  Run by
``bench.ingest_bounds``.
"""

from __future__ import annotations

import sys
from typing import Any

import orjson
import uvicorn

Message = dict[str, Any]


async def app(scope: Message, receive: Any, send: Any) -> None:
    """Answer one request, as ASGI has it."""
    if scope["type"] != "http":
        return
    body = bytearray()
    while True:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
    answer = orjson.dumps({"alerts": len(orjson.loads(body))})
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning",
                access_log=False, lifespan="off")  # fmt: skip
