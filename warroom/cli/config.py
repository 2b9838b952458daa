"""``warroom config``: the effective settings with their origin, and the reference."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from warroom.cli.common import SubParsers, add_config, add_json, load_from, print_json, say
from warroom.setting_sources import env_name
from warroom.settings import Settings, config_candidates, fields

_HEAD = """\
# Configuration

<!-- Made by `make docs` from warroom/settings.py; a test keeps it true. -->

Settings come from a TOML file and the environment; the command line wins over both. The file is
the one of `--config` or `WARROOM_CONFIG`, else the first of `warroom.toml` in the user's
configuration directory (`~/.config/warroom/`) and `/etc/warroom/warroom.toml`. A key that is not
known is an error that names the nearest known one. `warroom config show` prints what holds and
where it came from, `warroom doctor` whether it works.

```toml
[api]
url = "https://warroom.example.net"

[auth]
token_file = "~/.config/warroom/token"

[console]
time_zone = "Europe/Vienna"
```

An empty environment variable counts as not set. Secrets are never printed.
"""


def add_parser(subparsers: SubParsers) -> None:
    """Declare ``config show | reference``."""
    parser = subparsers.add_parser("config", help="show the settings and their reference")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="what holds, and where it came from")
    add_config(show)
    add_json(show)
    actions.add_parser("reference", help="every setting, as Markdown")


def run(args: argparse.Namespace) -> int:
    """Print what was asked for."""
    if args.action == "reference":
        print(reference(), end="")
        return 0
    loaded = load_from(args)
    rows = [
        {
            "name": name,
            "key": meta.key,
            "value": _shown(loaded.settings, name),
            "origin": loaded.origins[name],
        }
        for name, _, meta in fields()
    ]
    if args.json:
        print_json({"config_file": loaded.config_file, "settings": rows})
        return 0
    width = max(len(meta.key) for _, _, meta in fields())
    for row in rows:
        value = "-" if row["value"] is None else str(row["value"])
        say(f"{row['key']:<{width}}  {value}  ({row['origin']})")
    if loaded.config_file is None:
        looked = ", ".join(str(path) for path in config_candidates())
        say(f"No configuration file; looked for {looked}.")
    return 0


def _shown(settings: Settings, name: str) -> object:
    """Return a value that may be printed: a URL without its password, a secret as stars."""
    value = getattr(settings, name)
    meta = next(meta for field, _, meta in fields() if field == name)
    if value is None or not meta.secret:
        return str(value) if isinstance(value, Path) else value
    return _without_password(str(value)) if name.endswith("database_url") else "***"


def _without_password(url: str) -> str:
    """Return the URL with user, hosts and database only; the query may hold a password too."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    user, at, hosts = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    netloc = f"{name}{':***' if colon else ''}{at}{hosts}"
    query = "&".join(
        item if not item.lower().startswith(("password=", "sslpassword=")) else "password=***"
        for item in parts.query.split("&")
        if item
    )
    return urlunsplit(parts._replace(netloc=netloc, query=query, fragment=""))


def reference() -> str:
    """Return the reference of all settings as Markdown: one table a section."""
    lines = [_HEAD]
    section = ""
    for field in dataclasses.fields(Settings):
        meta = field.metadata["meta"]
        here, _, key = meta.key.partition(".")
        if here != section:
            section = here
            lines += [
                f"## [{section}]\n",
                "| key | environment | default | meaning |",
                "|---|---|---|---|",
            ]
        lines.append(
            f"| `{key}` | `{env_name(field.name)}` | {_default(field)} | {_meaning(field)} |"
        )
        if _ends_section(field.name):
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _ends_section(name: str) -> bool:
    """Return whether the field is the last of its section."""
    keys = [(field, meta.key.partition(".")[0]) for field, _, meta in fields()]
    for (field, section), (_, after) in zip(keys, [*keys[1:], ("", "")], strict=True):
        if field == name:
            return section != after
    return False


def _default(field: dataclasses.Field[object]) -> str:
    meta = field.metadata["meta"]
    if meta.shown_default is not None:
        return str(meta.shown_default)
    value = field.default
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    number = f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    return f"{number} {meta.unit}".rstrip()


def _meaning(field: dataclasses.Field[object]) -> str:
    meta = field.metadata["meta"]
    more = ""
    if meta.choices:
        more = f" One of {', '.join(f'`{choice}`' for choice in meta.choices)}."
    elif meta.minimum is not None:
        more = f" From {_plain(meta.minimum)} to {_plain(meta.maximum)}."
    if meta.secret:
        more += " Secret."
    return f"{meta.doc}{more}".replace("|", "\\|")


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)
