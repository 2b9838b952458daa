"""Hooks of schemathesis: each request meets an incident as it is, so that rules are met too.

Loaded by schemathesis itself (SCHEMATHESIS_HOOKS); the test beside it says where the API is and
where to write down what was answered.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import schemathesis

URL, TOKEN = os.environ["ROOM_URL"], os.environ["ROOM_TOKEN"]
ANSWERS = Path(os.environ["ROOM_ANSWERS"])
# What a request must name to get past the question whether there is such a thing.
KNOWN = {"to": "luc", "owner": "luc", "service": "pg-main", "services": ["orders"],
         "field": "brand", "people": ["luc"], "url": "https://t.example/1"}  # fmt: skip
_http = httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
_turn = 0


def _key() -> str:
    return os.urandom(8).hex()


def _two_open() -> list[dict[str, Any]]:
    """Return two incidents that are still open, new ones where there are none."""
    items: list[dict[str, Any]] = _http.get("/v1/incidents", params={"limit": 2}).json()["items"]
    while len(items) < 2:  # one to command, and one to merge into
        body = {"title": "Checkout fails", "severity": 3, "services": ["pg-main", "orders"]}
        made = _http.post("/v1/incidents", json=body, headers={"Idempotency-Key": _key()}).json()
        _http.post(
            f"/v1/incidents/{made['ref']}/entries",
            json={"kind": "hypothesis", "text": "Pool leak"},
            headers={"Idempotency-Key": _key()},
        )
        items.append(made)
    return items


def _change() -> str:
    """Return the id of a change, a new one where there is none."""
    found = _http.get("/v1/changes", params={"limit": 1}).json()["items"]
    if found:
        return str(found[0]["id"])
    body = {"title": "Raise the pool", "services": ["pg-main"]}
    made = _http.post("/v1/changes", json=body, headers={"Idempotency-Key": _key()})
    return str(made.json()["id"])


def _whole(value: Any) -> Any:
    """Return 3 for 3.0: to JSON Schema both are integers, to the API only one is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Turn the request to what there is; everything else stays as it was made up."""
    global _turn
    _turn += 1
    case.headers["Idempotency-Key"] = _key()
    incident, other = _two_open()
    case.path_parameters["ref"] = incident["ref"]
    if "entry_id" in case.path_parameters:
        page = _http.get(f"/v1/incidents/{incident['ref']}/timeline", params={"limit": 500}).json()
        said = [e["id"] for e in page["items"] if e["kind"] != "status"]
        case.path_parameters["entry_id"] = said[_turn % len(said)]
    if isinstance(case.body, dict):
        known = {**KNOWN, "version": incident["version"], "into": other["ref"]}
        if "change" in case.body:
            known["change"] = _change()
        case.body = {k: known.get(k, _whole(v)) for k, v in case.body.items()}


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Write down which route answered what."""
    answer = {"route": case.operation.path, "status": response.status_code}
    with ANSWERS.open("a", encoding="utf-8") as out:
        out.write(json.dumps(answer) + "\n")
