"""The user's keymap: a TOML file of binding ids and keys; it wins over the built-in keys.

[keys]
"incident.acknowledge" = "a"
"list.down" = ["down", "ctrl+n"]
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from screens.actions import ALL
from warroom.errors import ConfigurationError

_KEY: Final = re.compile(r"((ctrl|alt|shift|super|meta)\+)*[A-Za-z0-9_]+$")
# These panes have the keys of every pane and their own.
_NESTED: Final = (
    {"pane", "impact"},
    {"pane", "timeline"},
    {"pane", "restart"},
    {"pane", "silences"},
)
DEFAULTS: Final[Mapping[str, str]] = {action.id: action.keys for action in ALL}


def load_keymap(path: Path | None) -> dict[str, str]:
    """Return binding id -> comma separated keys, the user's over the built-in ones.

    Raises:
        ConfigurationError: the file cannot be read, or an id or a key in it is unknown, or a key
            would mean two things in the same place; the sentence names it.
    """
    if path is None:
        return dict(DEFAULTS)
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _wrong(f"The keymap {path} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(f"The keymap {path} is not TOML: {error}.") from error
    other = [name for name in document if name != "keys"]
    if other or not isinstance(document.get("keys", {}), dict):
        raise _wrong(f"The keymap {path} has {other or 'keys'}: only a table [keys] is known.")
    chosen = {name: _keys(name, value) for name, value in document.get("keys", {}).items()}
    merged = {**DEFAULTS, **chosen}
    _refuse_clashes(merged, chosen)
    return merged


def _keys(name: str, value: object) -> str:
    if name not in DEFAULTS:
        near = difflib.get_close_matches(name, list(DEFAULTS), n=1, cutoff=0.0)[0]
        raise _wrong(f"The keymap binds {name!r}, which does not exist; {near!r} does.")
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not keys:
        raise _wrong(f"The keymap gives {name!r} no key: a text or a list of texts is needed.")
    for key in keys:
        if not isinstance(key, str) or not _KEY.match(key):
            raise _wrong(
                f"The keymap gives {name!r} the key {key!r}, which is not one: write a letter, or "
                "a name such as f2, enter, ctrl+a, slash."
            )
    return ",".join(keys)


def _refuse_clashes(merged: Mapping[str, str], chosen: Mapping[str, str]) -> None:
    """Two actions that are reachable at the same time may not share a key."""
    for name in chosen:
        for other in merged:
            if other == name or not _together(name, other):
                continue
            both = set(merged[name].split(",")) & set(merged[other].split(","))
            # What they share from the beginning is meant: the focused pane's key wins.
            both -= set(DEFAULTS[name].split(",")) & set(DEFAULTS[other].split(","))
            if both:
                raise _wrong(
                    f"The keymap gives {name!r} the key {min(both)!r}, which {other!r} has: "
                    f"give {other!r} another one as well."
                )


def _together(one: str, two: str) -> bool:
    places = {action.id: action.where for action in ALL}
    both = {places[one], places[two]}
    return len(both) == 1 or "anywhere" in both or both in _NESTED


def _wrong(sentence: str) -> ConfigurationError:
    return ConfigurationError(
        sentence, field="console.keymap_file", remedy="docs/keys.md lists ids and keys."
    )
