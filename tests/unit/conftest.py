"""Settings of the unit tests."""

from __future__ import annotations

from hypothesis import settings

# A shared machine may be slow: an example fails by what it finds, never by how long it took.
settings.register_profile("warroom", deadline=None)
settings.load_profile("warroom")
