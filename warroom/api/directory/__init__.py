"""The directory over HTTP, one file a noun: its requests, its answers, its routes."""

from __future__ import annotations

from warroom.api.directory import (
    catalogue,
    channels,
    custom_fields,
    logins,
    people,
    policies,
    sources,
    teams,
    tokens,
)

ROUTERS = tuple(
    noun.router
    for noun in (
        people, teams, catalogue, policies, tokens, sources, channels, custom_fields, logins,
    )
)  # fmt: skip
