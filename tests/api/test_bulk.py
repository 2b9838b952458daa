"""Alerts by the thousand: streams, files, loads that broke off, and who may not."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_doors import source
from tests.typist import warroom
from warroom.embedded.paths import DataPaths
from warroom.embedded.processes import process_ref
from warroom.embedded.runtime import Runtime
from warroom.embedded.runtime import write as write_runtime
from warroom.ingest.ndjson import PART_LINES

BULK = "/v1/ingest/bulk"


def lines(numbers: Iterable[int]) -> bytes:
    return b"".join(
        json.dumps({"labels": {"alertname": f"A{n}", "service": f"s{n % 3}"}}).encode() + b"\n"
        for n in numbers
    )


async def send(
    api: Api,
    token: str,
    body: bytes | AsyncIterator[bytes],
    load: str = "one",
    first: int = 1,
    encoding: str = "identity",
) -> tuple[int, dict[str, Any]]:
    async with httpx.AsyncClient(base_url=api.url, timeout=60) as http:
        answer = await http.post(
            BULK, params={"load": load, "first": first}, content=body,
            headers={"Authorization": f"Bearer {token}", "Content-Encoding": encoding},
        )  # fmt: skip
    return answer.status_code, answer.json()


def exact(api: Api, alerts: int) -> bool:
    counted = api.count("alert", "count = 1")
    return (api.count("alert"), counted, api.count("alert_event")) == (alerts, alerts, alerts)


async def test_a_stream_is_stored_once_however_often_it_comes(api18: Api) -> None:
    token = await source(api18)
    body = lines(range(PART_LINES + 20))
    first = await send(api18, token, body)
    assert first == (200, {"through": PART_LINES + 20, "alerts": 520, "new": 520})
    assert await send(api18, token, body) == first
    assert exact(api18, 520)
    assert api18.count("delivery", "dialect = 'bulk'") == 2
    # Under another name it is another file: the same alerts fire on.
    assert (await send(api18, token, body, load="two"))[1]["new"] == 0
    assert api18.count("alert", "count = 2") == 520
    verdict = await api18.client().verify_audit()
    assert verdict["verified"] is True, verdict["problems"]


async def test_a_stream_that_breaks_off_keeps_its_whole_parts_and_goes_on(api18: Api) -> None:
    token = await source(api18)
    body = lines(range(3 * PART_LINES))
    half = body[: len(body) // 2]

    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=api18.url, headers=headers) as http:

        async def through() -> int:
            return int((await http.get(BULK, params={"load": "one"})).json()["through"])

        async def broken() -> AsyncIterator[bytes]:
            yield half
            while not await through():
                await asyncio.sleep(0.02)
            raise ConnectionError("the line is dead")

        with pytest.raises(ConnectionError):
            await send(api18, token, broken())
        assert await through() == PART_LINES
    rest = body.split(b"\n", PART_LINES)[PART_LINES]
    status, answer = await send(api18, token, rest, first=PART_LINES + 1)
    assert (status, answer["through"]) == (200, 3 * PART_LINES)
    assert exact(api18, 3 * PART_LINES)


async def test_a_wrong_line_stops_the_stream_and_is_named(api18: Api) -> None:
    token = await source(api18)
    body = lines(range(PART_LINES)) + lines([1]) + b"{\n" + lines(range(9))
    status, answer = await send(api18, token, body)
    assert (status, answer["field"]) == (400, f"line {PART_LINES + 2}")
    assert exact(api18, PART_LINES)


async def test_the_same_name_for_another_file_is_refused(api18: Api) -> None:
    token = await source(api18)
    assert (await send(api18, token, lines([1])))[0] == 200
    assert (await send(api18, token, lines([2])))[0] == 422
    assert exact(api18, 1)


@pytest.mark.parametrize("load", ["", "a_b", "a%25", "x" * 65])
async def test_names_that_are_none(api18: Api, load: str) -> None:
    token = await source(api18)
    assert (await send(api18, token, lines([1]), load=load))[0] == 400


async def test_only_sources_load_and_other_encodings_are_refused(api18: Api) -> None:
    assert (await send(api18, api18.admin_token, lines([1])))[0] == 403
    token = await source(api18)
    status, answer = await send(api18, token, lines([1]), encoding="br")
    assert (status, answer["field"]) == (400, "Content-Encoding")


async def test_a_packed_stream_is_the_same_as_a_plain_one(api18: Api) -> None:
    token = await source(api18)
    body = lines(range(2 * PART_LINES + 7))
    first = await send(api18, token, gzip.compress(body), encoding="gzip")
    assert first == (200, {"through": 1007, "alerts": 1007, "new": 1007})
    assert await send(api18, token, body) == first
    assert exact(api18, 1007)


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        (lambda packed: packed[:-20], 400, "ends before its end"),
        (lambda packed: packed + b"more", 400, "behind the end"),
        (lambda packed: b"plain" + packed, 400, "does not decompress"),
        (lambda packed: packed[:10] + b"\xff" * 40, 400, "does not decompress"),
        (lambda _: gzip.compress(lines([1]) + b"\n" * (64 << 20)), 413, "100 times its size"),
        (lambda _: gzip.compress(b"x" * (8 << 20)), 413, "Line 1 is over"),
    ],
    ids=["cut", "more", "plain", "spoiled", "bomb", "one-line"],
)
async def test_a_packed_stream_that_is_none_is_refused(
    api18: Api, change: Callable[[bytes], bytes], status: int, said: str
) -> None:
    token = await source(api18)
    answer = await send(api18, token, change(gzip.compress(lines([1, 2]))), encoding="gzip")
    assert (answer[0], said in answer[1]["detail"]) == (status, True), answer
    # A whole file behind it is loaded as if nothing had been.
    assert (await send(api18, token, lines([1, 2]), load="two"))[0] == 200


async def test_a_packed_file_is_known_by_what_is_in_it(api18: Api, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(await source(api18), encoding="utf-8")
    token.chmod(0o600)
    plain, packed = tmp_path / "a.ndjson", tmp_path / "a.ndjson.gz"
    plain.write_bytes(lines(range(30)))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    env = {"WARROOM_API_URL": api18.url, "WARROOM_TOKEN_FILE": str(token)}
    code, out, err = await warroom("ingest", "load", str(packed), **env)
    assert (code, out) == (0, "30 alerts of 30 lines are stored, 30 of them new\n"), err
    code, out, _ = await warroom("ingest", "load", str(plain), **env)
    assert (code, out) == (0, "all 30 lines were stored before\n")
    assert exact(api18, 30)
    packed.write_bytes(packed.read_bytes()[:-9])
    code, _, err = await warroom("ingest", "load", str(packed), **env)
    assert (code, "no whole gzip file" in err) == (2, True)


async def test_the_command_loads_a_file_and_knows_it_again(api18: Api, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(await source(api18), encoding="utf-8")
    token.chmod(0o600)
    file = tmp_path / "alerts.ndjson"
    file.write_bytes(lines(range(30)))
    env = {"WARROOM_API_URL": api18.url}
    words = ("ingest", "load", str(file), "--token-file", str(token))
    code, out, err = await warroom(*words, **env)
    assert (code, out) == (0, "30 alerts of 30 lines are stored, 30 of them new\n"), err
    assert "30 of 30 lines" in err
    code, out, _ = await warroom(*words, **env)
    assert (code, out) == (0, "all 30 lines were stored before\n")
    code, out, _ = await warroom(*words, "--json", **env)
    assert json.loads(out)["skipped"] == 30
    assert exact(api18, 30)
    code, _, err = await warroom("ingest", "load", str(tmp_path / "none"), **env)
    assert (code, "cannot be read" in err) == (2, True)


async def test_a_given_token_goes_to_what_runs_here_unless_an_address_is_set(
    api18: Api, tmp_path: Path
) -> None:
    token, file, data = tmp_path / "token", tmp_path / "alerts.ndjson", tmp_path / "data"
    token.write_text(await source(api18), encoding="utf-8")
    token.chmod(0o600)
    file.write_bytes(lines(range(3)))
    data.mkdir(mode=0o700)
    me = process_ref(os.getpid())
    assert me is not None

    def runs_at(url: str) -> None:
        found = Runtime(me.pid, me.started, url, "", "", "18", "", str(token))
        write_runtime(DataPaths(data), found)

    env = {"WARROOM_DATA_DIR": str(data)}
    runs_at(api18.url)
    code, out, err = await warroom(
        "ingest", "load", str(file), "--token-file", str(token), **env
    )  # fmt: skip
    assert (code, out) == (0, "3 alerts of 3 lines are stored, 3 of them new\n"), err
    for named in ({"WARROOM_TOKEN_FILE": str(token)}, {"WARROOM_TOKEN": token.read_text()}):
        code, out, err = await warroom("ingest", "load", str(file), **env, **named)
        assert (code, out) == (0, "all 3 lines were stored before\n"), err
    # An address that somebody has set is the one that is meant.
    runs_at("http://127.0.0.1:9")
    env |= {"WARROOM_API_URL": api18.url, "WARROOM_TOKEN_FILE": str(token)}
    code, out, err = await warroom("ingest", "load", str(file), **env)
    assert (code, out) == (0, "all 3 lines were stored before\n"), err
