"""What one setting is: its description, its type and its limits.

Parts of ``warroom.settings``, which alone knows the settings by name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from warroom.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Meta:
    """What is known about one setting besides its default.

    ``key`` is ``section.name`` in TOML; ``unit`` is shown in the reference; ``shown_default``
    replaces the default in the reference where it is computed.
    """

    key: str
    doc: str
    unit: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    shown_default: str | None = None
    check: Callable[[str], str | None] | None = None

    @property
    def section(self) -> str:
        """The table of the TOML file that it stands in."""
        return self.key.partition(".")[0]


def setting(default: Any, key: str, doc: str, **more: Any) -> Any:
    """Declare one setting; ``default`` is a value or a function without arguments."""
    meta = {"meta": Meta(key=key, doc=doc, **more)}
    show = not more.get("secret", False)
    if callable(default):
        return field(default_factory=default, metadata=meta, repr=show)
    return field(default=default, metadata=meta, repr=show)


def is_database_url(value: str) -> str | None:
    """Return what is wrong with a database URL, None if nothing is."""
    ok = value.startswith(("postgresql://", "postgres://", "postgresql+psycopg://"))
    return None if ok else "a URL that begins with postgresql:// is needed"


def http_url(value: str) -> str | None:
    """Return what is wrong with an HTTP URL, None if nothing is."""
    ok = re.match(r"https?://[^/\s]", value) is not None
    return None if ok else "a URL that begins with http:// or https:// is needed"


def zone(value: str) -> str | None:
    """Return what is wrong with a time zone's name, None if nothing is."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "an IANA time zone such as Europe/Vienna is needed"
    return None


def unknown(key: str, known: Mapping[str, object], where: str) -> ConfigurationError:
    """Return the error for a key that is no setting; it names the nearest known one."""
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.0)[0]
    return ConfigurationError(
        f"There is no setting {key!r} ({where}).",
        field=key,
        remedy=f"Did you mean {near!r}? `warroom config reference` lists all.",
    )


def parse(annotation: str, meta: Meta, raw: object, where: str, variable: str) -> Any:
    """Turn a TOML value or text into the field's type, within its limits.

    Args:
        annotation: the field's annotation as text: str, int, float, bool or Path, or None.
        meta: what is known about the field.
        raw: the value as it was found.
        where: the file or variable that it was found in, for the error.
        variable: the environment variable that may correct it.

    Raises:
        ConfigurationError: of another type or out of its limits; a secret's value is not shown.
    """
    kind = annotation.removesuffix(" | None")
    value = _PARSERS[kind](raw)
    wanted: str | None = None
    if value is None:
        wanted = _WANTED[kind]
    elif meta.choices and value not in meta.choices:
        wanted = f"one of {', '.join(meta.choices)} is needed"
    elif (meta.minimum is not None and value < meta.minimum) or (
        meta.maximum is not None and value > meta.maximum
    ):
        wanted = f"a value from {meta.minimum:g} to {meta.maximum:g} is needed"
    elif meta.check is not None:
        wanted = meta.check(value)
    if wanted is None:
        return value
    shown = "(secret)" if meta.secret else repr(raw)
    section, _, entry = meta.key.partition(".")
    raise ConfigurationError(
        f"The setting {meta.key} is {shown} in {where}: {wanted}.",
        field=meta.key,
        remedy=f"Correct `{entry}` under [{section}], or {variable}.",
    )


def _as_text(raw: object) -> str | None:
    return raw if isinstance(raw, str) and raw else None


def _as_int(raw: object) -> int | None:
    if isinstance(raw, str):
        return int(raw) if re.fullmatch(r"[+-]?[0-9]{1,18}", raw.strip()) else None
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def _as_float(raw: object) -> float | None:
    if isinstance(raw, str):
        return float(raw) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", raw.strip()) else None
    ok = isinstance(raw, int | float) and not isinstance(raw, bool)
    return float(raw) if ok else None  # type: ignore[arg-type] # `ok` says that it is a number


def _as_bool(raw: object) -> bool | None:
    if isinstance(raw, str):
        words = {"1": True, "true": True, "yes": True, "on": True}
        words |= {"0": False, "false": False, "no": False, "off": False}
        return words.get(raw.strip().lower())
    return raw if isinstance(raw, bool) else None


def _as_path(raw: object) -> Path | None:
    return Path(raw).expanduser() if isinstance(raw, str | Path) and str(raw) else None


_PARSERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "str": _as_text, "int": _as_int, "float": _as_float, "bool": _as_bool, "Path": _as_path,
}  # fmt: skip
_WANTED: Final[Mapping[str, str]] = {
    "str": "a text that is not empty is needed",
    "int": "a whole number is needed",
    "float": "a number is needed",
    "bool": "true or false is needed",
    "Path": "a path is needed",
}


def token_in(path: Path) -> str:
    """Return the API token that a file holds.

    Raises:
        ConfigurationError: it cannot be read or is empty.
    """
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The token file {path} cannot be read ({error.__class__.__name__}).",
            field="auth.token_file",
            remedy="Correct its path or its permissions, or set WARROOM_TOKEN.",
        ) from error
    if not text:
        raise ConfigurationError(
            f"The token file {path} is empty.",
            field="auth.token_file",
            remedy="Write the token that `warroom token add` printed into it.",
        )
    return text
