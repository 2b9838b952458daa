"""The directory over HTTP, one file a noun: its requests, its answers, its routes."""

from __future__ import annotations

from fastapi import APIRouter

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

router = APIRouter()
for noun in (people, teams, catalogue, policies, tokens, sources, channels, custom_fields, logins):
    router.include_router(noun.router)
