"""Catalogue files through the API on real databases: planned, applied whole or not, idempotent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_commands import login
from tests.typist import warroom
from warroom.client import Client
from warroom.errors import (
    CatalogueRefused,
    DatabaseUnavailable,
    Forbidden,
    IdempotencyMismatch,
    PayloadTooLarge,
)

DATA = Path(__file__).parents[1] / "data" / "catalog"


def load(*names: str) -> list[dict[str, str]]:
    paths = [p for name in names for p in sorted((DATA / name).rglob("*.yaml"))] or [
        DATA / name for name in names
    ]
    return [{"name": p.relative_to(DATA).as_posix(), "text": p.read_text("utf-8")} for p in paths]


def csv(**files: str) -> list[dict[str, str]]:
    return [{"name": f"{name}.csv", "text": text} for name, text in files.items()]


def marks(api: Api) -> tuple[int, ...]:
    """Count everything that writing leaves behind."""
    tables = ("service", "dependency", "team", "history", "audit", "catalog_import")
    return tuple(api.count(t, "table_name <> 'idempotency'" if t == "audit" else "true")
                 for t in tables)  # fmt: skip


async def edges(client: Client) -> dict[tuple[str, str], dict[str, Any]]:
    items = (await client.all_of("dependencies"))["items"]
    return {(i["service"], i["depends_on"]): i for i in items}


async def test_a_backstage_folder_is_shown_then_imported_then_nothing_is_left_to_do(
    api: Api,
) -> None:
    client = api.client()
    before = marks(api)
    shown = await client.import_catalog(load("backstage"), dry_run=True)
    assert marks(api) == before
    done = await client.import_catalog(load("backstage"))
    assert (shown["ok"], shown["dry_run"], shown["applied"]) == (True, True, False)
    assert (done["ok"], done["dry_run"], done["applied"]) == (True, False, True)
    same = {"dry_run", "applied"}
    assert {k: v for k, v in shown.items() if k not in same} == {
        k: v for k, v in done.items() if k not in same
    }
    assert done["counts"]["services_added"] == 7
    assert done["teams_added"] == ["commerce", "databases"]
    assert done["counts"]["dangling"] == 1
    assert {e["depends_on"] for e in done["dependencies_added"]} == {
        "orders", "mailer", "cards-a", "cards-b", "orders-db",
    }  # fmt: skip
    found = await edges(client)
    assert found["checkout", "mailer"]["hardness"] == "soft"
    assert found["checkout", "mailer"]["sync"] is False
    assert found["checkout", "cards-a"]["redundancy_needed"] == 1
    after = marks(api)
    again = await client.import_catalog(load("backstage"))
    assert (again["applied"], again["counts"]["services_unchanged"]) == (False, 7)
    assert marks(api) == after
    assert (await client.verify_audit())["verified"] is True


async def test_what_is_not_said_stays_and_what_is_said_changes(api18: Api) -> None:
    client = api18.client()
    await client.add("teams", {"key": "data", "name": "Data"})
    await client.add("services", {"key": "a", "tier": 1, "region": "eu", "slo": 99.9})
    done = await client.import_catalog(csv(s="key,tier,team,zone\na,2,data,eu-1\nb,,,\n"))
    assert done["services_changed"] == [
        {"key": "a",
         "changes": {"tier": [1, 2], "team": ["unassigned", "data"], "zone": [None, "eu-1"]}}
    ]  # fmt: skip
    items = {i["key"]: i for i in (await client.all_of("services"))["items"]}
    assert (items["a"]["region"], items["a"]["slo"], items["a"]["zone"]) == ("eu", 99.9, "eu-1")
    assert (items["b"]["tier"], items["b"]["team"]) == (3, "unassigned")


@pytest.mark.parametrize(
    ("files", "codes"),
    [
        (csv(s="key,team\na,nobody\n"), {"unknown-team"}),
        (csv(s="key\na\na\n"), {"duplicate"}),
        (csv(s="key,tier\na,1\nb,seven\n"), {"bad-value"}),
        ([{"name": "a.yaml", "text": "# backstage.io/\na: &x [*x]\n"}], {"bad-file"}),
        ([{"name": "a.yaml", "text": "# backstage.io/\na: 1\na: 2\n"}], {"bad-file"}),
    ],
)
async def test_files_with_errors_get_a_report_and_change_nothing(
    api18: Api, files: list[dict[str, str]], codes: set[str]
) -> None:
    client = api18.client()
    before = marks(api18)
    with pytest.raises(CatalogueRefused) as caught:
        await client.import_catalog(files)
    report = caught.value.current
    assert report is not None
    assert {f["code"] for f in report["findings"] if f["level"] == "error"} == codes
    assert all(f["place"] for f in report["findings"])
    assert (report["ok"], report["applied"]) == (False, False)
    shown = await client.import_catalog(files, dry_run=True)
    assert shown["findings"] == report["findings"]
    assert marks(api18) == before


async def test_a_file_that_cannot_be_read_is_named_and_makes_nothing_gone(
    api18: Api, tmp_path: Path
) -> None:
    entity = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {}}}\n{}"
    env = login(api18)
    for name in ("a", "b", "c"):
        spec = "spec: {dependsOn: ['component:a']}\n" if name != "a" else ""
        (tmp_path / f"{name}.yaml").write_text(entity.format(name, spec), "utf-8")
    assert (await warroom("catalog", "import", str(tmp_path), **env))[0] == 0
    for broken, why in (
        (b"# backstage.io/ \xe4\n", "it is not UTF-8: byte 16 cannot be read."),
        (b"# backstage.io/\na: \x00\n", "it contains a NUL character."),
        (b"# backstage.io/\na: 1\na: 2\n", "has the key 'a' a second time."),
    ):
        (tmp_path / "b.yaml").write_bytes(broken)
        for flags in ([], ["--dry-run"], ["--prune"]):
            code, out, err = await warroom("catalog", "import", str(tmp_path), *flags, **env)
            assert (code, "b.yaml" in out, why in out, err) == (1, True, True, "")
            assert "gone" not in out
            assert "kept" not in out
    (tmp_path / "b.yaml").unlink()
    code, out, _ = await warroom("catalog", "import", str(tmp_path), "--dry-run", **env)
    assert (code, "gone: service b" in out) == (0, True)
    for name in ("a", "c"):
        (tmp_path / f"{name}.yaml").write_bytes(b"\xff\xff")
    code, out, _ = await warroom("catalog", "import", str(tmp_path), **env)
    assert (code, out.count("it is not UTF-8")) == (1, 2)
    assert (await warroom("catalog", "import", str(tmp_path / "none.yaml"), **env))[0] == 2
    assert api18.count("service", "key in ('a', 'b', 'c')") == 3


async def test_circles_and_unknown_names_are_reported_and_strict_refuses_them(api18: Api) -> None:
    files = csv(s="key\na\nb\nc\n", d="service,depends_on\na,b\nb,c\nc,a\na,nowhere\nnobody,b\n")
    client = api18.client()
    with pytest.raises(CatalogueRefused):
        await client.import_catalog(files, strict=True)
    assert api18.count("service", "key in ('a', 'b', 'c')") == 0
    done = await client.import_catalog(files)
    assert done["cycles"] == [["a", "b", "c"]]
    assert [f["code"] for f in done["findings"]] == ["dangling", "dangling", "cycle"]
    assert done["counts"]["dependencies_added"] == 3
    assert api18.count("service", "key in ('nowhere', 'nobody')") == 0


async def test_pruning_takes_only_its_own_and_never_what_something_names(api: Api) -> None:
    client = api.client()
    await client.add("services", {"key": "by-hand"})
    await client.import_catalog(csv(s="key\nother\n"), source="other")
    files = csv(s="key\na\nb\nc\nd\n", d="service,depends_on\na,b\nb,c\nby-hand,d\nother,a\n")
    await client.import_catalog(files, source="mine")
    await client.declare("b is down", 3, services=["b"])
    less = csv(s="key\na\n")
    shown = await client.import_catalog(less, source="mine", dry_run=True)
    assert (shown["services_gone"], shown["counts"]["services_removed"]) == (["c", "d"], 0)
    assert shown["services_kept"] == ["b"]
    kept = await client.import_catalog(less, source="mine")
    assert (kept["applied"], api.count("service", "key = 'c'")) == (False, 1)
    done = await client.import_catalog(less, source="mine", prune=True)
    assert (done["counts"]["services_removed"], done["counts"]["dependencies_removed"]) == (2, 4)
    items = {i["key"] for i in (await client.all_of("services"))["items"]}
    assert {"a", "b", "by-hand", "other"} <= items
    assert not {"c", "d"} & items
    assert (await client.verify_audit())["verified"] is True


async def test_a_service_that_only_alerts_named_becomes_a_full_one(api18: Api) -> None:
    with api18.pg.connect() as conn:
        conn.execute(
            "insert into warroom.service (key, name, team_id, provisional) select 'a', 'a', id,"
            " true from warroom.team where key = 'unassigned'"
        )
    done = await api18.client().import_catalog(csv(s="key\na\n"))
    assert done["services_changed"] == [{"key": "a", "changes": {"provisional": [True, False]}}]
    assert api18.count("service", "key = 'a' and not provisional and catalog_source = 'csv'") == 1


@pytest.mark.parametrize("format_name", ["backstage", "csv", "servicenow", "otel", "jaeger"])
async def test_what_is_exported_changes_nothing_when_it_comes_back(
    api18: Api, format_name: str
) -> None:
    client = api18.client()
    await client.import_catalog(load("backstage"))
    await client.add("services", {
        "key": "=1+1 \u202e\x1b[31m", "name": "[red]x", "kind": "region", "slo": 99.95,
        "links": [{"kind": "runbook", "url": "https://example.com/r", "label": "R"}],
    })  # fmt: skip
    await client.add("dependencies", {
        "service": "checkout", "depends_on": "=1+1 \u202e\x1b[31m", "hardness": "soft",
        "sync": False, "redundancy_group": "x y", "redundancy_needed": 2,
    })  # fmt: skip
    exported = await client.export_catalog(format_name)
    before = marks(api18)
    done = await client.import_catalog(exported["files"], format=format_name, source="back")
    assert (done["ok"], done["applied"]) == (True, False), done
    assert marks(api18) == before


async def test_drawings_are_exported_and_imported_by_nobody(api18: Api) -> None:
    client = api18.client()
    await client.import_catalog(load("backstage"))
    for name, begin in (("dot", "digraph services {"), ("mermaid", "flowchart LR")):
        (file,) = (await client.export_catalog(name))["files"]
        assert file["text"].startswith(begin)
        assert "Checkout" in file["text"]


async def test_only_an_administrator_imports(api18: Api) -> None:
    client = api18.client(api18.token("luc", "read", "respond"))
    for dry_run in (True, False):
        with pytest.raises(Forbidden):
            await client.import_catalog(csv(s="key\na\n"), dry_run=dry_run)


async def test_too_much_is_refused_before_it_is_read(api18: Api) -> None:
    client = api18.client()
    rows = "key\n" + "".join(f"s{n}\n" for n in range(100_001))
    before = marks(api18)
    with pytest.raises(PayloadTooLarge, match="100,000"):
        await client.import_catalog(csv(s=rows))
    async with httpx.AsyncClient(base_url=api18.url) as http:
        answer = await http.post(
            "/v1/catalog/import", content=b" " * (33 * 1024 * 1024),
            headers={"Authorization": f"Bearer {api18.admin_token}", "Idempotency-Key": "k"},
        )  # fmt: skip
        assert answer.status_code == 413
        # The larger limit is that address's own.
        answer = await http.post(
            "/v1/services", content=b" " * (9 * 1024 * 1024),
            headers={"Authorization": f"Bearer {api18.admin_token}", "Idempotency-Key": "k"},
        )  # fmt: skip
        assert answer.status_code == 413
    assert marks(api18) == before


async def test_the_command_line_shows_the_same_diff_and_says_how_it_ended(
    api18: Api, tmp_path: Path
) -> None:
    env = login(api18)
    folder = str(DATA / "backstage")
    code, shown, err = await warroom("catalog", "import", folder, "--dry-run", **env)
    assert (code, err) == (0, "")
    assert "+ service checkout" in shown
    assert "a dry run: nothing was changed" in shown
    code, done, _ = await warroom("catalog", "import", folder, **env)
    assert code == 0
    assert shown.splitlines()[:-1] == done.splitlines()[:-1]
    code, out, _ = await warroom("catalog", "import", folder, "--json", **env)
    assert json.loads(out)["applied"] is False
    bad = tmp_path / "bad.csv"
    bad.write_text("key,team\n\x1b[31mx,nobody\n", "utf-8")
    code, out, err = await warroom("catalog", "import", str(bad), **env)
    assert (code, "\x1b" in out) == (1, False)
    assert "error: " in out
    assert "nothing was changed" in out
    bad.write_bytes(b"\xff")
    code, out, _ = await warroom("catalog", "import", str(bad), **env)
    assert (code, "is not UTF-8" in out) == (1, True)
    code, _, err = await warroom("catalog", "import", str(tmp_path / "none"), **env)
    assert (code, "cannot be read" in err) == (2, True)
    code, out, err = await warroom("catalog", "export", "--format", "csv", **env)
    assert (code, out, "Give --out FOLDER" in err) == (2, "", True)
    piped = tmp_path / "piped.yaml"
    piped.write_text((await warroom("catalog", "export", **env))[1], "utf-8")
    code, out, _ = await warroom("catalog", "import", str(piped), "--source", "piped", **env)
    assert (code, "nothing to change" in out) == (0, True)
    out_folder = tmp_path / "out"
    code, _, _ = await warroom("catalog", "export", "--format", "csv", "--out", str(out_folder),
                               **env)  # fmt: skip
    assert code == 0
    code, out, _ = await warroom("catalog", "import", str(out_folder), **env)
    assert (code, "nothing to change" in out) == (0, True)


async def test_two_imports_at_once_make_nothing_twice(api: Api) -> None:
    client = api.client()
    files = csv(
        s="key\n" + "".join(f"s{n}\n" for n in range(500)),
        d="service,depends_on\n" + "".join(f"s{n},s{n + 1}\n" for n in range(499)),
    )
    answers = await asyncio.gather(
        *(client.import_catalog(files) for _ in range(3)), return_exceptions=True
    )
    # Whoever waited too long is told that nothing was changed, and may ask again.
    assert all(isinstance(a, dict | DatabaseUnavailable) for a in answers), answers
    assert [a["applied"] for a in answers if isinstance(a, dict)].count(True) == 1
    assert (api.count("dependency"), api.count("catalog_import")) == (499, 1)
    (listed,) = (await client.catalog_imports())["items"]
    assert (listed["imported_by"], listed["counts"]["services_added"]) == ("ana", 500)
    out = (await warroom("catalog", "imports", **login(api)))[1]
    assert "services added 500, dependencies added 499" in out


async def test_an_import_asked_for_again_under_its_key_answers_the_same(api18: Api) -> None:
    client = api18.client()
    first = await client.import_catalog(csv(s="key\na\n"), key="k")
    assert await client.import_catalog(csv(s="key\na\n"), key="k") == first
    with pytest.raises(IdempotencyMismatch):
        await client.import_catalog(csv(s="key\nb\n"), key="k")
