"""What state the embedded standby is in, and what people are told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

State = Literal["absent", "seeding", "stopped", "starting", "running", "promoted"]
SIGNAL: Final = "standby.signal"


def was_promoted(data_dir: Path) -> bool:
    """Tell whether the data of a standby are a primary's now: they stay untouched then."""
    return (data_dir / "PG_VERSION").exists() and not (data_dir / SIGNAL).exists()


def promoted_words() -> str:
    """Say what a promotion has made of the standby."""
    return (
        "The standby was promoted: it is a primary of its own now, follows no more, and war room "
        "neither starts nor changes it."
    )


def promoted_remedy(data_dir: Path) -> str:
    """Say how there comes a standby again; nothing is thrown away unasked."""
    return (
        f"To have a standby again: `warroom down`, move {data_dir} away (it holds what was "
        "written there since), `warroom up --standby`."
    )
