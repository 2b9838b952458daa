"""Pictures of the estate for the console's tests: a shop on a bad morning."""

from __future__ import annotations

from tests.console.samples import NOW
from warroom.domain.reasoned import EstatePicture, EstateService

_SHOP = """
0 pg-main datastore eu-west down
0 pg-accounts datastore eu-west well
0 edge network eu-west well
0 edge-us network us-east well
1 orders service eu-west down
1 checkout service eu-west expected-down
1 basket service eu-west suspected
1 payments service eu-west degraded
1 pg-stock datastore eu-north well
1 login service eu-north well
1 cache-eu datastore eu-west well
1 checkout-us service us-east well
2 catalogue service eu-west degraded
2 search service eu-north recovered
2 mail queue eu-north well
2 refunds service eu-west expected-degraded
2 stock service eu-north well
2 prices service us-east well
3 reports job eu-north expected-degraded
3 exports job eu-north well
3 invoices job eu-west well
4 wiki system - well
1 acmepay third_party - degraded
2 parcel-post third_party - well
3 geo-lookup third_party - well
"""
_NUMBERS = {"payments": (2044, 2041), "acmepay": (2044,), "search": (2039,), "refunds": (2044,)}


def service(
    key: str, state: str = "well", tier: int = 1, kind: str = "service", region: str | None = "eu"
) -> EstateService:
    """Return a service; what is hit is hit by the first incident."""
    hit = state != "well"
    numbers = _NUMBERS.get(key, (2041,)) if hit else ()
    return EstateService(
        key, key, kind, tier, "commerce", region, None, state, numbers, 1 if hit else None
    )


def estate() -> EstatePicture:
    """Return the shop of the sketch, its main database down."""
    services = []
    for line in _SHOP.split("\n"):
        if line:
            tier, key, kind, region, state = line.split()
            services.append(service(key, state, int(tier), kind, None if region == "-" else region))
    services.sort(key=lambda s: (s.tier, s.key))
    headline = "checkout down, payments degraded: 7 tier 0–1 services, ~62 % of users, 2 regions"
    return EstatePicture(tuple(services), headline, NOW, 3)
