"""Fixtures of the console's tests."""

from __future__ import annotations

from tests.console.live import live

__all__ = ["live"]
