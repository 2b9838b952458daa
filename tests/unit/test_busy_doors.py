"""What the busiest doors leave out for every request must not be missing where it matters."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
import structlog
from sqlalchemy import RowMapping
from structlog.testing import capture_logs

from warroom.api.buckets import Buckets, Pace
from warroom.api.limits import Door
from warroom.api.ops import Measured, Metrics, Tagged
from warroom.api.said import Said
from warroom.domain.source import Lane
from warroom.errors import SourcePaused
from warroom.settings import Settings

Message = MutableMapping[str, Any]
SOURCE = UUID(int=7)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROW = {
    "hash": b"h", "principal_id": UUID(int=1), "name": "am", "kind": "service",
    "scopes": ["ingest"], "source_id": SOURCE, "service_label": "shelf",
    "severity_map": {"BAD": 1}, "mapping": None, "source_key": "am", "rate_per_s": None,
    "burst": None, "lane": None, "paused_at": None, "asked_at": NOW,
}  # fmt: skip


def post(path: str = "/api/v2/alerts", *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http", "method": "POST", "path": path, "headers": list(headers)}


async def nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def answer(status: int, send: Any) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_a_body_is_let_go_with_its_answer() -> None:
    seen: list[tuple[bytes, list[tuple[bytes, bytes]]]] = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == scope["state"]["body"]
        seen.append((scope["state"]["body"], scope["headers"]))
        if len(seen) > 1:
            raise ValueError("after the first")

    async def receive() -> Message:
        return {"type": "http.request", "body": b"[{}]", "more_body": False}

    async def send(_: Message) -> None:
        raise AssertionError("nobody answers")

    door = Door(app, 100)
    plain = post("/", (b"content-length", b"4"), (b"x", b"y"))
    chunked = post("/", (b"transfer-encoding", b"chunked"), (b"x", b"y"))
    await door(plain, receive, send)
    with pytest.raises(ValueError, match="after the first"):
        await door(chunked, receive, send)
    assert "body" not in plain["state"]
    assert "body" not in chunked["state"]
    assert seen == [
        (b"[{}]", [(b"content-length", b"4"), (b"x", b"y")]),
        (b"[{}]", [(b"x", b"y"), (b"content-length", b"4")]),
    ]


@pytest.mark.parametrize("path", ["/v2/alerts/a\nb/close", "/v1/ingest/some\nthing"])
def test_a_line_break_in_an_address_lets_no_paused_source_in(path: str) -> None:
    paused = Pace(SOURCE, "am", None, None, Lane.ORDINARY, NOW, NOW)
    with pytest.raises(SourcePaused):
        Buckets().admit("POST", path, paused)


def test_what_follows_from_an_answer_is_worked_out_once() -> None:
    said = Said(5.0, cast(RowMapping, ROW))
    holder = said.holder
    assert said.holder is holder
    assert holder.pace is not None
    assert holder.pace.heard_at == 5.0
    assert (holder.principal.source_id, holder.proof.token) == (SOURCE, b"h")
    assert NOW not in holder.proof.said
    mine, other = Settings(), Settings(severity_label="level")
    options = said.options(mine)
    assert said.options(mine) is options
    assert (options.service_labels[0], dict(options.severities)) == ("shelf", {"bad": 1})
    assert said.options(other).severity_label == "level"


@pytest.mark.parametrize(("level", "lines"), [(logging.INFO, 1), (logging.DEBUG, 3)])
async def test_a_busy_door_is_logged_when_that_is_asked_for(level: int, lines: int) -> None:
    before = structlog.get_config()
    metrics = Metrics()
    statuses = iter([200, 200, 503])
    sent: list[Message] = []

    async def app(_scope: Message, _receive: Any, send: Any) -> None:
        await answer(next(statuses), send)

    async def send(message: Message) -> None:
        sent.append(message)

    layers = Tagged(Measured(app, metrics))
    try:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
        with capture_logs() as said:
            await layers(post(), nothing, send)
            await layers(post("/api/v2/alerts", (b"x-request-id", b"mine")), nothing, send)
            await layers(post(), nothing, send)
    finally:
        structlog.configure(**before)
    assert [line["event"] for line in said] == ["request"] * lines
    assert (said[-1]["log_level"], said[-1]["status"]) == ("info", 503)
    ids = [dict(m["headers"])[b"x-request-id"] for m in sent if "headers" in m]
    assert [len(one) for one in ids] == [32, 4, 32]
    assert len(set(ids)) == 3
    assert metrics.registry.get_sample_value(
        "warroom_http_requests_total", {"method": "POST", "status": "200"}
    ) == 2  # fmt: skip
    assert metrics.registry.get_sample_value("warroom_http_request_seconds_count") == 3
    assert "request_id" not in structlog.contextvars.get_contextvars()
