"""Bodies that are meant to hurt, at every door that takes alerts or changes in: 4xx, little memory.

A new door is one line of ``DOORS``.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import psutil

from tests.ha.ingest_api import api_processes, number, source_token
from tests.pgfixtures import TestDatabase

MB = 1 << 20
ALERT = '{"labels": {"alertname": "A", "service": "s"}, "annotations": {"x": %s}}'
V2 = f"[{ALERT}]"
FIRING = ALERT.replace("{", '{"status": "firing", ', 1)
WEBHOOK = (
    '{"version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "groupLabels": {},'
    ' "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0,'
    f' "alerts": [{FIRING}]}}'
)
CHANGE = '{"service": "s", "title": "t", "kind": "deploy", "note": %s}'
# The address, and a body that would be good but for the value inside.
DOORS = {
    "/v1/ingest/alertmanager": WEBHOOK,
    "/api/v2/alerts": V2,
    "/v1/ingest/bulk?load=hostile": ALERT,
    "/v1/ingest/changes": CHANGE,
    "/v1/ingest/changes/github": CHANGE,
    "/v1/ingest/changes/gitlab": CHANGE,
    "/v1/ingest/changes/argocd": CHANGE,
    "/v2/change/enqueue": CHANGE,
}
VALUES = {
    "a depth bomb": "[" * 100_000,
    "a closed depth bomb": "[" * 5_000 + "]" * 5_000,
    "a deep object": '{"a":' * 500 + "1" + "}" * 500,
    "NUL": '"\\u0000"',
    "half a surrogate pair": '"\\ud83d"',
    "the other half": '"\\udd25 x"',
    "NaN": "NaN",
    "minus infinity": "-Infinity",
    "a number beyond floats": "1e999",
    "5,000 digits": "1" * 5_000,
    "5,000 decimals": "0." + "1" * 5_000,
    "a key twice": '{"k": "1", "k": "2"}',
    "a million empty lists": "[" + "[]," * 1_000_000 + "[]]",
}


def encoded(template: str) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Return bodies whose bytes are wrong, with their headers."""
    good = (template % '"x"').encode()
    packed = gzip.compress(good)
    bomb = gzip.compress(b" " * (256 * MB))
    gz = {"Content-Encoding": "gzip"}
    return {
        "UTF-16": ((template % '"x"').encode("utf-16"), {}),
        "Latin-1": ((template % '"café"').encode("latin-1"), {}),
        "a byte order mark": (b"\xef\xbb\xbf" + good, {}),
        "a raw NUL": (good.replace(b"x", b"\x00"), {}),
        "an overlong sequence": (good.replace(b'"x"', b'"\xc0\x80"'), {}),
        "half a body": (good[: len(good) // 2], {}),
        "nothing": (b"", {}),
        "a gzip bomb": (bomb, gz),
        "a bomb in a bomb": (gzip.compress(bomb), gz),
        "half a gzip": (packed[: len(packed) // 2], gz),
        "gzip and a tail": (packed + b"tail", gz),
        "no gzip at all": (good, gz),
        "an unknown coding": (good, {"Content-Encoding": "br"}),
    }


async def test_every_door_refuses_what_hurts(pg18: TestDatabase, tmp_path: Path) -> None:
    answers: dict[tuple[str, str], int] = {}
    async with api_processes(pg18, tmp_path) as (api,):
        headers = {"Authorization": f"Bearer {await source_token(api)}"}
        process = psutil.Process(api.pid)
        async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=60) as http:
            before = process.memory_info().rss
            for door, template in DOORS.items():
                bodies = {n: ((template % v).encode(), dict[str, str]()) for n, v in VALUES.items()}
                for name, (body, more) in {**bodies, **encoded(template)}.items():
                    if (door, name) == ("/v1/ingest/bulk?load=hostile", "nothing"):
                        continue  # an empty file is a file
                    answer = await http.post(door, content=body, headers=more)
                    answers[door, name] = answer.status_code
                assert (await http.get("/readyz")).status_code == 200
            after = process.memory_info().rss
    assert {k: s for k, s in answers.items() if not 400 <= s < 500} == {}
    assert after - before < 96 * MB, f"{(after - before) / MB:.0f} MB more"
    assert number(pg18, "select count(*) from warroom.alert") == 0
    assert number(pg18, "select count(*) from warroom.change_event") == 0
