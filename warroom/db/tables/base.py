"""What all tables share: the metadata of the schema, and types that SQLAlchemy has not."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType

metadata = sa.MetaData(schema="warroom")
Moment = sa.DateTime(timezone=True)


class XID8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, carried as text."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        """Return the type's name."""
        return "xid8"
