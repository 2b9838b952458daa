"""Projections: what the console reads, one file a pane, as frozen pictures of the domain.

Plain psycopg on purpose: the first picture must not wait for a larger library.  Every read takes
``as_of`` (None = now).
"""

from __future__ import annotations

from warroom.db.reads.board import age_of, read_board, read_incident, read_timeline
from warroom.db.reads.changes import read_changes, read_linkable
from warroom.db.reads.estate import read_estate
from warroom.db.reads.health import read_health
from warroom.db.reads.impact import read_impact
from warroom.db.reads.log import read_log
from warroom.db.reads.names import read_names
from warroom.db.reads.silences import read_silences
from warroom.db.reads.timers import read_timers
from warroom.db.reads.triage import read_triage

__all__ = [
    "age_of",
    "read_board",
    "read_changes",
    "read_estate",
    "read_health",
    "read_impact",
    "read_incident",
    "read_linkable",
    "read_log",
    "read_names",
    "read_silences",
    "read_timeline",
    "read_timers",
    "read_triage",
]
