"""Single headers of a request, looked up where nothing else is asked of its head."""

from __future__ import annotations

from starlette.types import Scope


def first(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of a (lower case) name as it came, None without one."""
    for key, value in scope["headers"]:
        if key == name or key.lower() == name:
            return bytes(value)
    return None


def first_text(scope: Scope, name: bytes) -> str:
    """Return the same as text, empty without one."""
    value = first(scope, name)
    return "" if value is None else value.decode("latin-1")
