"""A mapping file: TOML, or JSON where its name says so."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from warroom.errors import InvalidInput

MAX_BYTES = 100_000


def read_mapping(name: str) -> dict[str, Any]:
    """Return the table that a mapping file holds; what it means is checked by the API.

    Raises:
        InvalidInput: it cannot be read, is too large, or is neither TOML nor JSON.
    """
    path = Path(name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}.", field="file") from error
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"{name} has over {MAX_BYTES:,} bytes.", field="file")
    try:
        text = content.decode("utf-8")
        found = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{name} is neither TOML nor (named .json) JSON: {error}.", field="file"
        ) from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{name} holds no table.", field="file")
    return found
