"""The demo's small estate, as data: teams, people, services, dependencies, a quick policy."""

from __future__ import annotations

from typing import Any, Final

TEAMS: Final = (
    ("commerce", "Commerce"),
    ("databases", "Databases"),
    ("platform", "Platform"),
    ("data", "Data"),
)
PEOPLE: Final = (("mira", "databases"), ("luc", "commerce"), ("noor", "platform"))
POLICY: Final[dict[str, Any]] = {
    "key": "quick",
    "name": "Quick steps for a demonstration",
    "repeat": 3,
    "steps": [
        {"delay_s": 12, "target_kind": "team", "target": "owner"},
        {"delay_s": 60, "target_kind": "person", "target": "mira"},
        {"delay_s": 180, "target_kind": "team", "target": "platform"},
    ],
}
# key, name, kind, tier, team, region, per cent of users
SERVICES: Final = (
    ("pg-main", "Main database", "datastore", 0, "databases", "eu-west", 100.0),
    ("checkout", "Checkout", "service", 1, "commerce", "eu-west", 62.0),
    ("orders", "Orders", "service", 1, "commerce", "eu-west", 62.0),
    ("payments", "Payments", "service", 1, "commerce", "eu-west", 62.0),
    ("acme-pay", "AcmePay (third party)", "third_party", 1, "commerce", "us-east", 40.0),
    ("catalogue", "Catalogue", "service", 2, "commerce", "eu-west", 80.0),
    ("search", "Search", "service", 3, "data", "eu-north", 30.0),
    ("reports", "Reports", "job", 3, "data", "eu-north", 2.0),
    ("queue", "Event queue", "queue", 1, "platform", "eu-west", 70.0),
    ("edge", "Edge proxies", "network", 0, "platform", "us-east", 100.0),
)
DEPENDENCIES: Final = (
    ("orders", "pg-main", "hard"),
    ("checkout", "orders", "hard"),
    ("checkout", "payments", "hard"),
    ("payments", "acme-pay", "hard"),
    ("catalogue", "pg-main", "soft"),
    ("reports", "pg-main", "soft"),
    ("search", "queue", "soft"),
    ("orders", "queue", "hard"),
)
