"""What the command groups share: common options, settings, the API client and safe printing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from warroom.errors import ConfigurationError

if TYPE_CHECKING:
    from warroom.client import Client
    from warroom.settings import LoadedSettings, Settings

    # argparse gives this type no public name.
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
else:
    SubParsers = Any

_CELL_LIMIT: Final = 400


def add_config(parser: argparse.ArgumentParser) -> None:
    """Let ``--config FILE`` also stand behind the group's name."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,  # or it would wipe out the one given before the group
        help="the TOML file with the settings",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let ``--json`` choose one JSON document on stdout."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def load_from(args: argparse.Namespace, **overrides: Any) -> LoadedSettings:
    """Read the settings as the arguments say, with their origins.

    Args:
        args: parsed arguments; ``config`` is used if it is there.
        overrides: settings that options of this command replace; None means "not given".

    Raises:
        ConfigurationError: a file, key or value cannot be used.
    """
    from warroom.settings import load

    return load(getattr(args, "config", None), overrides=overrides)


def settings_from(args: argparse.Namespace, **overrides: Any) -> Settings:
    """Read the settings as the arguments say; see ``load_from``.

    Where nobody has set ``api.url``, it is that of the `warroom up` that runs on the data
    directory, if one does: the port is often not the usual one.
    """
    loaded = load_from(args, **overrides)
    if loaded.origins["api_url"] != "default":
        return loaded.settings
    from warroom.embedded import runtime

    here = runtime.running(loaded.settings.data_dir)
    return loaded.settings if here is None else replace(loaded.settings, api_url=here.api_url)


def api_and_token(settings: Settings) -> tuple[str, str | None]:
    """Return the API's address and the token: those configured, else those of `warroom up` here.

    A configured token goes with the configured address; without one, an instance that runs on
    the data directory gives both (to whoever may read its files).
    """
    token = settings.bearer_token()
    if token is not None:
        return settings.api_url, token
    from warroom.embedded import runtime

    local_instance = runtime.running(settings.data_dir)
    if local_instance is None:
        return settings.api_url, None
    return local_instance.api_url, runtime.admin_token(local_instance)


def make_client(settings: Settings) -> Client:
    """Return a client of the API that the settings name.

    Raises:
        ConfigurationError: no token is configured.
    """
    from warroom.client import Client

    url, token = api_and_token(settings)
    if token is None:
        raise ConfigurationError(
            "No API token is configured.",
            field="auth.token",
            remedy="Set WARROOM_TOKEN or WARROOM_TOKEN_FILE; `warroom token add` makes one, "
            "`warroom up` its own.",
        )
    return Client(url, token, timeout_s=settings.api_timeout_seconds, ca_file=settings.api_ca_file)


def terminal_text(value: object, limit: int = 2000) -> str:
    """Return a value as text that cannot drive the terminal, on one line."""
    from warroom.domain.safe_text import safe_text

    return safe_text(value, limit=limit)


def say(text: object = "") -> None:
    """Print one line for people; whatever is in it is made safe first."""
    print(terminal_text(text))


def warn(text: object) -> None:
    """Print one line to stderr; whatever is in it is made safe first."""
    print(terminal_text(text), file=sys.stderr)


def print_json(document: object) -> None:
    """Print one JSON document on one line, pure ASCII, so that no terminal is driven by it."""
    print(json.dumps(document, default=str, ensure_ascii=True, separators=(", ", ": ")))


def print_table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print rows under their column names, aligned; None is shown as a dash."""
    from rich.cells import cell_len

    cells = [list(columns)]
    for row in rows:
        values = [row.get(column) for column in columns]
        cells.append(["-" if v is None else terminal_text(v, _CELL_LIMIT) for v in values])
    widths = [max(cell_len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        padded = [
            text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True)
        ]
        print("  ".join(padded).rstrip())
