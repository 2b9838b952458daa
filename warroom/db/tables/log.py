"""The log of an incident: its entries, and what was made of them."""

from __future__ import annotations

import sqlalchemy as sa

from warroom.db.tables.base import Moment, metadata

timeline = sa.Table(
    "timeline",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("incident_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("happened_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("author_id", sa.Uuid, nullable=False),
    sa.Column("author_kind", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Uuid),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float),
    sa.Column("corrects", sa.Uuid),
    sa.Column("classification", sa.Text, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("legal_hold", sa.Boolean, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
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
