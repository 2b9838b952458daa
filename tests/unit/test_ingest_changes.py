"""The dialects of changes: real-shaped bodies, hostile ones, and messages in any order."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.domain.change import (
    ENDS,
    ChangeKind,
    ChangeStatus,
    IncomingChange,
    is_production,
    merge,
)
from warroom.errors import InvalidInput
from warroom.ingest import (
    change_argocd,
    change_generic,
    change_github,
    change_gitlab,
    change_pagerduty,
)
from warroom.ingest.change_fields import MAX_LABELS, MAX_SERVICES, ChangeParser, http_link

DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NONE: Mapping[str, str] = {}
DEPLOYMENT = {"x-github-event": "deployment"}
STATUS = {"x-github-event": "deployment_status"}
DOORS: dict[str, tuple[ChangeParser, str, Mapping[str, str]]] = {
    "deployment": (change_github.parse, "github_deployment.json", DEPLOYMENT),
    "deployment status": (change_github.parse, "github_deployment_status.json", STATUS),
    "gitlab": (change_gitlab.parse, "gitlab_deployment.json", NONE),
    "argocd": (change_argocd.parse, "argocd_sync.json", NONE),
    "pagerduty": (change_pagerduty.parse, "pagerduty_change.json", NONE),
    "generic": (change_generic.parse, "generic_change.json", NONE),
}


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / name).read_text("utf-8"))
    return found


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=UTC)


def read(door: str, **changed: Any) -> IncomingChange:
    parse, name, headers = DOORS[door]
    (change,) = parse(json.dumps(document(name) | changed).encode(), headers, NOW)
    return change


def test_github_a_deployment_and_its_status_are_one_change() -> None:
    begun, done = read("deployment"), read("deployment status")
    assert begun.dedup_key == done.dedup_key == "github:shop/checkout:145988746"
    assert (begun.status, done.status) == (ChangeStatus.PLANNED, ChangeStatus.SUCCEEDED)
    both = merge(merge(None, begun), done)
    assert both == merge(merge(None, done), begun)
    assert both.services == ("checkout",)
    assert (both.at, both.status_at, both.ended_at) == (at(9, 14), at(9, 19, 30), at(9, 19, 30))
    assert (both.kind, both.title, both.release) == (ChangeKind.DEPLOY, "Release 4.12.0", "v4.12.0")
    assert (both.by, both.region, both.environment) == ("jonas", "eu-west", "production")
    assert (both.approved_by, both.approval_ref) == ("mira", "CHG-1042")
    assert both.link == "https://github.com/shop/checkout/actions/runs/77/job/1"
    assert both.reaches_users()


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"task": "deploy:migrations"}, ChangeKind.MIGRATION),
        ({"task": "rollback"}, ChangeKind.ROLLBACK),
        ({"payload": {"kind": "config"}}, ChangeKind.CONFIG),
        ({"payload": '{"kind": "flag", "service": "a, b"}'}, ChangeKind.FLAG),
        ({"payload": "not json"}, ChangeKind.DEPLOY),
        ({"payload": None}, ChangeKind.DEPLOY),
    ],
)
def test_github_the_deployers_own_words_count(changes: dict[str, Any], kind: ChangeKind) -> None:
    body = document("github_deployment.json")
    found = read("deployment", deployment=body["deployment"] | changes)
    assert found.kind is kind
    assert found.services == (("a", "b") if kind is ChangeKind.FLAG else ("checkout",))


def test_github_ping_and_superseded_tell_of_no_change_and_other_events_are_refused() -> None:
    assert change_github.parse(b'{"zen": "x"}', {"x-github-event": "ping"}, NOW) == ()
    body = document("github_deployment_status.json")
    body["deployment_status"]["state"] = "inactive"
    assert change_github.parse(json.dumps(body).encode(), STATUS, NOW) == ()
    with pytest.raises(InvalidInput) as caught:
        change_github.parse(json.dumps(body).encode(), {"x-github-event": "push"}, NOW)
    assert caught.value.field == "X-GitHub-Event"


def test_github_only_the_signature_of_just_this_body_is_good() -> None:
    body, secret = b'{"zen": "x"}', "s" * 32
    good = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert change_github.signed(secret, body, good)
    for wrong in (
        "",
        "sha256=",
        good[:-1],
        good.upper(),
        good.replace("sha256", "sha1"),
        "é" + good,
    ):
        assert not change_github.signed(secret, body, wrong), wrong
    assert not change_github.signed(secret, body + b" ", good)
    assert not change_github.signed(secret + "x", body, good)


def test_gitlab_argocd_pagerduty_and_our_own() -> None:
    gitlab = read("gitlab")
    assert (gitlab.dedup_key, gitlab.services) == ("gitlab:shop/payments:15", ("payments",))
    assert (gitlab.at, gitlab.status, gitlab.by) == (at(9, 20, 5), ChangeStatus.SUCCEEDED, "mira")
    assert (gitlab.production, gitlab.release) == (True, "279484c0")
    argo = read("argocd")
    assert (argo.services, argo.by, argo.region) == (("orders-api",), "ola", "eu-central")
    assert (argo.at, argo.ended_at, argo.release) == (at(9, 30), at(9, 30, 42), "5bfd0ad2d8b8")
    duty = read("pagerduty")
    assert (duty.services, duty.at, duty.release) == (("search",), at(9, 40), "220")
    assert duty.link == "https://ci.example/search/builds/220"
    assert "R0000" not in str(duty)
    assert duty.dedup_key == read("pagerduty").dedup_key
    own = read("generic")
    assert (own.dedup_key, own.kind, own.services) == ("flag-77", ChangeKind.FLAG, ("checkout",))
    assert own.labels == {"share": "50"}


def test_argocd_a_running_sync_and_its_end_are_one_change_and_the_next_is_another() -> None:
    body = document("argocd_sync.json")
    operation = body["app"]["status"]["operationState"]
    running = json.loads(json.dumps(body))
    state = running["app"]["status"]["operationState"]
    state["phase"] = "Running"
    del state["finishedAt"]
    (begun,) = change_argocd.parse(json.dumps(running).encode(), NONE, NOW)
    done = read("argocd")
    assert merge(begun, done).status is ChangeStatus.SUCCEEDED
    assert begun.dedup_key == done.dedup_key
    assert begun.ended_at is None
    operation["startedAt"] = "2026-03-02T10:30:00Z"
    (again,) = change_argocd.parse(json.dumps(body).encode(), NONE, NOW)
    assert again.dedup_key != done.dedup_key


@pytest.mark.parametrize(
    ("door", "changed", "field"),
    [
        ("deployment", {"deployment": []}, "deployment"),
        ("deployment", {"repository": {"name": 5}}, "repository.name"),
        ("deployment status", {"deployment_status": {"state": "odd"}}, "deployment_status.state"),
        ("gitlab", {"object_kind": "push"}, "object_kind"),
        ("gitlab", {"status": "odd"}, "status"),
        ("gitlab", {"status_changed_at": "yesterday"}, "status_changed_at"),
        ("gitlab", {"deployment_id": None}, "id"),
        ("argocd", {"app": {"metadata": {}}}, "app.status.operationState"),
        ("pagerduty", {"payload": {"summary": " "}}, "payload.summary"),
        ("pagerduty", {"payload": {"summary": "x"}}, "service"),
        ("pagerduty", {"links": "x"}, "links"),
        ("generic", {"titel": "x"}, "titel"),
        ("generic", {"title": ""}, "title"),
        ("generic", {"service": ""}, "service"),
        ("generic", {"kind": "x"}, "kind"),
        ("generic", {"status": 5}, "status"),
        ("generic", {"production": "yes"}, "production"),
        ("generic", {"at": "2026-03-02"}, "at"),
        ("generic", {"labels": ["x"]}, "labels"),
        ("generic", {"changes": []}, "changes"),
    ],
)
def test_what_cannot_be_understood_is_named(door: str, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(door, **changed)
    assert caught.value.field == field


def test_a_list_of_our_own_is_all_or_nothing_and_names_the_place() -> None:
    one = {"title": "a", "service": "x"}
    body = json.dumps({"changes": [one, {"title": "b"}]}).encode()
    with pytest.raises(InvalidInput) as caught:
        change_generic.parse(body, NONE, NOW)
    assert caught.value.field == "changes[1].service"
    many = json.dumps({"changes": [one] * 501}).encode()
    with pytest.raises(InvalidInput, match="at most 500"):
        change_generic.parse(many, NONE, NOW)
    both = json.dumps({"changes": [one, {**one, "version": "2"}]}).encode()
    assert len({c.dedup_key for c in change_generic.parse(both, NONE, NOW)}) == 2


def test_too_much_is_cut_and_times_that_cannot_be_become_ours() -> None:
    found = read(
        "generic", title="t\n" * 500, services=[f"s{i}" for i in range(80)], service="x" * 300,
        link="javascript:alert(1)", labels={f"l{i}": "v" * 900 for i in range(90)}, id="k" * 900,
        at="2099-01-01T00:00:00Z", by="b" * 900,
    )  # fmt: skip
    assert len(found.title) <= 300
    assert "\n" not in found.title
    assert len(found.services) == MAX_SERVICES
    assert max(map(len, found.services)) <= 200
    assert (found.link, found.at, len(found.dedup_key)) == ("", NOW, 300)
    assert len(found.labels) == MAX_LABELS
    assert len(found.by) <= 200
    assert len(found.notes) == 2


@pytest.mark.parametrize(
    "text", ["javascript:x", "https://", "http://a b", "https://a\x1b[2J", "//x", "https://[",
             "data:text/html,x", "https://x/" + "y" * 2000],
)  # fmt: skip
def test_only_what_a_browser_may_open_is_a_link(text: str) -> None:
    assert http_link(text) == ""
    assert http_link(" https://ci.example/1?a=b ") == "https://ci.example/1?a=b"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("", True), ("production", True), ("eu-prod-2", True), ("PROD", True), ("live/eu", True),
     ("staging", False), ("preprod", False), ("product-test", False), ("qa", False)],
)  # fmt: skip
def test_production_is_said_by_a_word_of_the_name(name: str, wanted: bool) -> None:
    assert is_production(name) is wanted


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "id", "state", "metadata", "status", "payload", "labels"])
        | st.text(max_size=8),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@given(data=st.data())
def test_no_body_does_anything_but_be_read_or_refused(door: str, data: st.DataObject) -> None:
    parse, name, headers = DOORS[door]
    body = document(name)
    place: Any = body
    for _ in range(data.draw(st.integers(0, 3))):
        inner = [v for v in place.values() if isinstance(v, dict) and v]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(HOSTILE)
    try:
        found = parse(json.dumps(body).encode(), headers, NOW)
    except InvalidInput:
        return
    for change in found:
        assert 1 <= len(change.title) <= 300
        assert 1 <= len(change.dedup_key) <= 300
        assert all(1 <= len(s) <= 200 for s in change.services)
        assert change.services
        assert len(json.dumps(dict(change.labels), ensure_ascii=False)) <= 40_000


MESSAGES = st.builds(
    lambda status, minute, began, approved: IncomingChange(
        "k", ChangeKind.DEPLOY, status, "t", ("s",), at(9, 0) + timedelta(minutes=began),
        at(9, 0) + timedelta(minutes=began + minute), emergency=approved,
        approved_by="mira" if approved else "",
    ),
    st.sampled_from(ChangeStatus), st.integers(0, 5), st.integers(0, 3), st.booleans(),
)  # fmt: skip


def shape(change: IncomingChange | None) -> tuple[object, ...]:
    assert change is not None
    return (change.status, change.at, change.status_at, change.emergency, change.approved_by)


@given(messages=st.lists(MESSAGES, min_size=1, max_size=4))
def test_messages_may_come_in_any_order_and_twice(messages: list[IncomingChange]) -> None:
    found = set()
    for order in itertools.permutations(messages):
        known: IncomingChange | None = None
        for message in (*order, *order):
            known = merge(known, message)
        assert known is not None
        assert (known.ended_at is not None) == (known.status in ENDS)
        assert known.ended_at is None or known.ended_at >= known.at
        found.add(shape(known))
    assert len(found) == 1


def test_a_repeated_message_moves_nothing() -> None:
    once = merge(None, read("generic"))
    assert merge(once, read("generic")) == once
    late = replace(read("generic"), status=ChangeStatus.STARTED, status_at=at(9, 40))
    assert merge(once, late).status is ChangeStatus.SUCCEEDED
