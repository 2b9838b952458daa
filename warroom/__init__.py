"""War room: the incident console, its API, engine and database."""

from __future__ import annotations

__version__ = "0.1.0"
