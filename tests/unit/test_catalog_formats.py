"""Catalogue files as other tools write them, and what is read of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from warroom.catalog import formats
from warroom.domain.catalogue import Catalogue, CatalogueFile
from warroom.errors import InvalidInput, PayloadTooLarge

DATA = Path(__file__).parents[1] / "data" / "catalog"


def load(*names: str) -> list[CatalogueFile]:
    paths = [p for name in names for p in sorted((DATA / name).rglob("*.yaml"))] or [
        DATA / name for name in names
    ]
    return [
        CatalogueFile(path.relative_to(DATA).as_posix(), path.read_text("utf-8")) for path in paths
    ]


def codes(catalogue: Catalogue) -> list[tuple[str, str]]:
    return [(f.code, f.place) for f in catalogue.findings]


def test_a_folder_of_backstage_entities() -> None:
    found = formats.read(load("backstage"))
    assert found.format == "backstage"
    services = {s.key: s for s in found.services}
    assert {k: s.kind for k, s in services.items()} == {
        "checkout": "service", "orders": "service", "mailer": "service", "cards-a": "third_party",
        "cards-b": "third_party", "orders-db": "datastore", "shop-portal": "system",
    }  # fmt: skip
    checkout = services["checkout"]
    assert (checkout.name, checkout.tier, checkout.team) == ("Checkout", 1, "commerce")
    assert (checkout.region, checkout.zone, checkout.slo) == ("eu-west", "eu-west-1a", 99.95)
    assert (checkout.user_share, checkout.system) == (62.0, "shop-portal")
    assert checkout.links is not None
    assert [link.kind for link in checkout.links] == ["dashboard"]
    assert services["cards-a"].provider == "AcmePay"
    assert services["orders-db"].team == "databases"
    assert services["mailer"].team is None
    assert [(t.key, t.name) for t in found.teams] == [("commerce", "Commerce"),
                                                      ("databases", "Databases")]  # fmt: skip
    edges = {d.pair: (d.hardness, d.sync, d.group, d.needed) for d in found.dependencies}
    assert edges == {
        ("checkout", "mailer"): ("soft", False, None, None),
        ("checkout", "cards-a"): (None, None, "cards", 1),
        ("checkout", "cards-b"): (None, None, "cards", 1),
        ("checkout", "nowhere"): (None, None, None, None),
        ("checkout", "orders"): (None, None, None, None),
        ("orders", "orders-db"): (None, None, None, None),
    }
    assert sorted(codes(found)) == [
        ("owner", "backstage/components/orders-component.yaml:27"),
        ("passed-over", "backstage/components/orders-component.yaml:36"),
        ("passed-over", "backstage/orders.oas.yaml"),
    ]


def test_lines_of_the_annotation_are_dependencies_also_without_dependson() -> None:
    found = formats.read([CatalogueFile("a.yaml", (
        "apiVersion: backstage.io/v1alpha1\nkind: Component\n"
        "metadata:\n  name: web\n  annotations:\n    warroom.dev/hardness: soft\n"
        "    warroom.dev/dependencies: |\n      db hard async\n      resource:default/cache\n"
        "      lib soft\n      typo-in-a-name hard\n      component:outside group=g needed=2\n"
        "spec:\n  dependsOn: ['resource:db', 'component:outside']\n---\n"
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: db}\n---\n"
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: cache}\n---\n"
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: lib}\n"
        "spec: {type: library}\n"
    ))])  # fmt: skip
    assert {d.pair[1]: (d.hardness, d.sync, d.group, d.needed) for d in found.dependencies} == {
        "db": ("hard", False, None, None),
        "outside": ("soft", None, "g", 2),
        "cache": ("soft", None, None, None),
        # Reported as dangling when it is held against what there is.
        "typo-in-a-name": ("hard", None, None, None),
    }


def test_targets_that_were_not_given_are_named_and_not_fetched() -> None:
    found = formats.read([load("backstage")[0]])
    assert {f.code for f in found.findings} == {"location"}
    assert len(found.findings) == 5
    url = CatalogueFile("a.yaml", (
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: x}\n"
        "spec: {type: url, target: 'https://example.com/x.yaml'}\n"
    ))  # fmt: skip
    assert "is not fetched" in formats.read([url]).findings[0].text


def test_csv_of_services_and_dependencies() -> None:
    found = formats.read(load("services.csv", "dependencies.csv"))
    assert [s.key for s in found.services] == ["pg-main", "orders", "checkout"]
    assert found.services[2].name == "Checkout, all brands"
    assert found.services[1].customers == 12_000
    assert [(d.pair, d.hardness, d.sync) for d in found.dependencies] == [
        (("orders", "pg-main"), "hard", True),
        (("checkout", "orders"), "hard", None),
        (("checkout", "mailer"), "soft", False),
    ]
    assert [f.text for f in found.findings] == ["The column “cost centre” is not read."]


def test_servicenow_items_and_relations() -> None:
    found = formats.read(load("cmdb_ci_service.csv", "cmdb_rel_ci.json"))
    assert found.format == "servicenow"
    assert [(s.key, s.kind, s.tier, s.team, s.region) for s in found.services] == [
        ("Checkout", "service", 1, "commerce-team", "Amsterdam"),
        ("Orders DB", "datastore", 2, "database-team", "Amsterdam"),
    ]
    assert [d.pair for d in found.dependencies] == [("Checkout", "Orders DB")]
    assert [f.code for f in found.findings] == ["relation"]


def test_a_service_graph_gives_observed_edges_and_no_services() -> None:
    found = formats.read(load("service-graph.json"))
    assert (found.format, found.observed, found.services) == ("otel", True, ())
    assert [(d.pair, d.sync) for d in found.dependencies] == [
        (("checkout", "orders"), None), (("orders", "mailer"), False),
        (("orders", "pg-main"), None),
    ]  # fmt: skip


def test_jaeger_dependencies_are_observed_edges() -> None:
    found = formats.read(load("jaeger-dependencies.json"))
    assert (found.format, found.observed) == ("jaeger", True)
    assert [d.pair for d in found.dependencies] == [("checkout", "orders"), ("orders", "pg-main")]
    assert [f.code for f in found.findings] == ["self"]


def test_files_of_several_formats_are_refused() -> None:
    with pytest.raises(InvalidInput, match="several formats: csv, jaeger"):
        formats.read(load("services.csv", "jaeger-dependencies.json"))
    with pytest.raises(InvalidInput, match="no known one"):
        formats.read([CatalogueFile("x.bin", "hello")])
    with pytest.raises(InvalidInput, match="no files"):
        formats.read([])


@pytest.mark.parametrize("format_name", list(formats.READERS))
def test_garbage_is_a_finding_that_names_the_file(format_name: str) -> None:
    for text in ("{", "[[[", "a: [", "\x01", 'a,b\n"', "backstage.io/ : [", "null", "[]", "'"):
        found = formats.read([CatalogueFile("bad", text)], format_name)
        assert not found.services
        assert all(f.place.startswith("bad") for f in found.findings)


def test_a_service_or_a_dependency_that_is_there_twice_is_an_error() -> None:
    twice = CatalogueFile("a.csv", "key,tier\na,1\nb,2\na,3\n")
    edges = CatalogueFile("b.csv", "service,depends_on\na,b\na,b\n")
    found = formats.read([twice, edges])
    assert [(f.level, f.code, f.place) for f in found.findings] == [
        ("error", "duplicate", "a.csv:4"), ("error", "duplicate", "b.csv:3"),
    ]  # fmt: skip
    entity = "apiVersion: backstage.io/v1alpha1\nkind: {}\nmetadata: {{name: a}}\nspec: {{}}\n"
    both = CatalogueFile("c.yaml", entity.format("Component") + "---\n" + entity.format("Resource"))
    assert codes(formats.read([both])) == [("duplicate", "c.yaml:6")]
    system = CatalogueFile("d.yaml", entity.format("Component") + "---\n" + entity.format("System"))
    assert codes(formats.read([system])) == []


def test_values_that_cannot_be_are_errors_with_their_line() -> None:
    rows = "key,tier,slo,runbook_url,kind\na,9,101,javascript:alert(1),moon\n"
    found = formats.read([CatalogueFile("a.csv", rows)])
    assert {f.level for f in found.findings} == {"error"}
    assert [f.place for f in found.findings] == ["a.csv:2"] * 4


def test_more_entries_than_an_import_may_hold_are_refused() -> None:
    rows = "key\n" + "".join(f"s{n}\n" for n in range(100_001))
    with pytest.raises(PayloadTooLarge, match="100,000"):
        formats.read([CatalogueFile("a.csv", rows)])
