"""Alerts: what holds now, the bodies as they came, and what each message changed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from warroom.db.tables.base import Moment, metadata

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("source_id", sa.Uuid, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("severity_word", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("service_id", sa.Uuid, nullable=False),
    sa.Column("incident_id", sa.Uuid),
    sa.Column("labels", JSONB, nullable=False),
    sa.Column("annotations", JSONB, nullable=False),
    sa.Column("generator_url", sa.Text),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("starts_at", Moment, nullable=False),
    sa.Column("ends_at", Moment),
    sa.Column("expires_at", Moment),
    sa.Column("first_seen_at", Moment, nullable=False),
    sa.Column("last_seen_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("priority", sa.SmallInteger),
    sa.Column("priority_reason", sa.Text),
    sa.Column("flapping", sa.Boolean),
    sa.Column("flips", ARRAY(Moment)),
    sa.Column("disposition", sa.Text),
    sa.Column("decide_at", Moment),
)
delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("source_id", sa.Uuid, nullable=False),
    sa.Column("dialect", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("field", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
)
alert_event = sa.Table(
    "alert_event",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("alert_id", sa.Uuid, nullable=False),
    sa.Column("incident_id", sa.Uuid),
    sa.Column("delivery_id", sa.Uuid),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("starts_at", Moment, nullable=False),
    sa.Column("ends_at", Moment),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
)
