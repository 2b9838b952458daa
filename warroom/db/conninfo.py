"""Where a database is: libpq connection strings, whichever way they were written.

Light on purpose: the console's first picture must not wait for SQLAlchemy.
"""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_LOGIN = ("user", "password", "dbname", "sslmode", "sslrootcert")


def normal_conninfo(url: str) -> str:
    """Return a libpq connection string for a URL or connection string, SQLAlchemy's included."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def beside(url: str, own: str) -> str:
    """Return a conninfo of another server of the cluster; what it does not say is as in ``own``."""
    there = {k: v for k, v in conninfo_to_dict(normal_conninfo(url)).items() if v is not None}
    here = {k: v for k, v in conninfo_to_dict(normal_conninfo(own)).items() if k in _LOGIN}
    return make_conninfo("", **(here | there))
