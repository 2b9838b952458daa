"""Where settings come from: a TOML file and the environment. A part of ``warroom.settings``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from warroom.errors import ConfigurationError
from warroom.setting_types import Meta, parse, unknown

ENV_PREFIX: Final = "WARROOM_"
CONFIG_ENV: Final = "WARROOM_CONFIG"
Known = tuple[str, str, Meta]
"""Field, annotation and meta of one setting."""

# Variables with our prefix that are not settings: our own tests' and benchmarks', and those that
# Kubernetes puts into every container beside a Service named "warroom".
_FOREIGN_ENV = re.compile(
    r"^WARROOM_(CONFIG|TEST_\w+|BENCH_\w+|SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$"
)


def env_name(name: str) -> str:
    """Return the environment variable of a field."""
    return ENV_PREFIX + name.upper()


def read_file(path: Path, known: Mapping[str, Known]) -> dict[str, Any]:
    """Return field -> value of a TOML file; ``known`` maps ``section.name`` to its field.

    Raises:
        ConfigurationError: it cannot be read, is not TOML, or has a key or value that cannot be.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The configuration file {path} cannot be read ({error.strerror}).",
            field=CONFIG_ENV,
            remedy="Correct --config or WARROOM_CONFIG.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The configuration file {path} is not TOML: {error}.",
            field=CONFIG_ENV,
            remedy="Correct that line; docs/configuration.md has an example.",
        ) from error
    found: dict[str, Any] = {}
    for section, body in document.items():
        entries = body.items() if isinstance(body, dict) else [(None, body)]
        for entry, value in entries:
            key = section if entry is None else f"{section}.{entry}"
            if key not in known:
                raise unknown(key, known, f"in {path}")
            name, annotation, meta = known[key]
            found[name] = parse(annotation, meta, value, str(path), env_name(name))
    return found


def read_environ(environ: Mapping[str, str], known: Mapping[str, Known]) -> dict[str, Any]:
    """Return field -> value of the environment; ``known`` maps a variable to its field.

    Raises:
        ConfigurationError: a variable with our prefix is unknown, or its value cannot be.
    """
    found: dict[str, Any] = {}
    for variable, text in environ.items():
        if variable in known:
            name, annotation, meta = known[variable]
            # An empty variable means "not set", as in `WARROOM_TOKEN= warroom status`.
            if text != "":
                found[name] = parse(annotation, meta, text, variable, variable)
        elif variable.startswith(ENV_PREFIX) and not _FOREIGN_ENV.match(variable):
            raise unknown(variable, known, "in the environment")
    return found
