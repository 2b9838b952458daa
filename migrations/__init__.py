"""Alembic migrations; revisions import nothing from warroom."""
