"""The user's saved views: ``views.toml`` beside the keymap.

["night shift"]
words = "eu-west"
worst = 2            # severities 1 and 2
owner = "nobody"     # me, nobody, or left out
drills = false
sort = "clock"       # severity, age, clock, updated
columns = ["status", "people", "clock"]
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import platformdirs

from screens.views import COLUMNS, OWNERS, SHIPPED, SORTS, View
from warroom.errors import ConfigurationError

FILE = "views.toml"


def views_path(keymap: Path | None) -> Path:
    """Return where the views are looked for: beside the keymap, else in the user's directory."""
    folder = keymap.parent if keymap else Path(platformdirs.user_config_dir("warroom"))
    return folder / FILE


def load_views(path: Path) -> tuple[View, ...]:
    """Return the views that come along and those of the file; the same name replaces.

    Raises:
        ConfigurationError: the file cannot be read, or an entry of it is none; says which.
    """
    if not path.is_file():
        return SHIPPED
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _wrong(f"The views {path} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(f"The views {path} are not TOML: {error}.") from error
    views = {view.name: view for view in SHIPPED}
    for name, body in document.items():
        if not isinstance(body, dict):
            raise _wrong(f"The views have {name!r} outside a table: write [{name!r}] above it.")
        views[name] = _view(name, body)
    return tuple(views.values())


def _view(name: str, body: dict[str, object]) -> View:
    extra = sorted(set(body) - {"words", "worst", "owner", "drills", "sort", "columns"})
    if extra:
        raise _wrong(f"The view {name!r} has {extra[0]!r}, which does not exist.")
    words, worst = body.get("words", ""), body.get("worst", 5)
    owner, drills = body.get("owner", ""), body.get("drills", True)
    sort, columns = body.get("sort", "severity"), body.get("columns", list(COLUMNS))
    if not isinstance(words, str):
        raise _wrong(f"The view {name!r}: words is a text.")
    if not isinstance(worst, int) or isinstance(worst, bool) or not 1 <= worst <= 5:
        raise _wrong(f"The view {name!r}: worst is a number from 1 to 5.")
    if not isinstance(owner, str) or owner not in OWNERS:
        raise _wrong(f"The view {name!r}: owner is 'me' or 'nobody', or is left out.")
    if not isinstance(drills, bool):
        raise _wrong(f"The view {name!r}: drills is true or false.")
    if not isinstance(sort, str) or sort not in SORTS:
        raise _wrong(f"The view {name!r}: sort is one of {', '.join(SORTS)}.")
    if not isinstance(columns, list) or any(c not in COLUMNS for c in columns):
        raise _wrong(f"The view {name!r}: columns are some of {', '.join(COLUMNS)}.")
    return View(name, words, worst, owner, drills, sort, tuple(str(c) for c in columns))


def _wrong(sentence: str) -> ConfigurationError:
    return ConfigurationError(
        sentence, field="console.keymap_file", remedy="docs/keys.md shows a views file."
    )
