"""What hangs on an incident since the room: hand-overs, links, hypotheses, pins, relations, impact.

Mirrors ``migrations/sql/0007_room.up.sql``; see :mod:`warroom.db.tables`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from warroom.db.tables import Moment, metadata

handover = sa.Table(
    "handover",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("incident_id", sa.Uuid, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("from_id", sa.Uuid),
    sa.Column("to_id", sa.Uuid, nullable=False),
    sa.Column("brief", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("offered_at", Moment, nullable=False),
    sa.Column("answered_at", Moment),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
incident_link = sa.Table(
    "incident_link",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("incident_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("added_by", sa.Uuid, nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
hypothesis = sa.Table(
    "hypothesis",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("entry_id", sa.Uuid, nullable=False),
    sa.Column("incident_id", sa.Uuid, nullable=False),
    sa.Column("fate", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Uuid),
    sa.Column("decided_at", Moment),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("entry_id", sa.Uuid, nullable=False),
    sa.Column("hypothesis_entry_id", sa.Uuid, nullable=False),
    sa.Column("incident_id", sa.Uuid, nullable=False),
    sa.Column("stance", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
pin = sa.Table(
    "pin",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("entry_id", sa.Uuid, nullable=False),
    sa.Column("incident_id", sa.Uuid, nullable=False),
    sa.Column("pinned_by", sa.Uuid, nullable=False),
    sa.Column("pinned_at", Moment, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
incident_relation = sa.Table(
    "incident_relation",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("incident_id", sa.Uuid, nullable=False),
    sa.Column("other_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("made_by", sa.Uuid, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
incident_impact = sa.Table(
    "incident_impact",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("incident_id", sa.Uuid, nullable=False),
    sa.Column("computed_at", Moment, nullable=False),
    sa.Column("nodes", JSONB, nullable=False),
    sa.Column("totals", JSONB, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
