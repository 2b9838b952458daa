"""Silences: which alerts open no incident for a while, who said so, why and until when."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from warroom.db.tables.base import Moment, metadata

silence = sa.Table(
    "silence",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("matchers", JSONB, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("starts_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("created_by", sa.Uuid, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("expired_by", sa.Uuid),
    sa.Column("expired_at", Moment),
    sa.Column("units", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("security", sa.Boolean, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sys_from", Moment, nullable=False),
)
