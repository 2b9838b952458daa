"""What `warroom catalog` reads from disk, writes to it, and says about an import."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from warroom.cli.common import say
from warroom.domain.validate import unstorable
from warroom.errors import ConfigurationError, InvalidInput

Json = Mapping[str, Any]
ENDINGS: Final = frozenset({".yaml", ".yml", ".json", ".csv", ".tsv"})
LARGEST: Final = 64 * 1024 * 1024
MOST_SHOWN: Final = 20


def read_files(paths: Sequence[str]) -> list[dict[str, str]]:
    """Return ``{name, text}`` of each file; of a folder, everything in it that may be one.

    One that cannot be read has a ``problem``, which the report of the import names.

    Raises:
        InvalidInput: there is no such file, or all together are too large.
    """
    found: list[dict[str, str]] = []
    given = {Path(path).as_posix() for path in paths}
    size = 0
    for name, path in _files(paths):
        try:
            data = path.read_bytes()
        except OSError as error:
            if name in given:
                raise InvalidInput(
                    f"{name} cannot be read: {error.strerror}.", field="path"
                ) from None
            found.append({"name": name, "text": "", "problem": f"{error.strerror}."})
            continue
        size += len(data)
        if size > LARGEST:
            raise InvalidInput(
                f"The files have more than {LARGEST >> 20} MiB together.", field="path",
                remedy="Import them in parts, each with its own --source.",
            )  # fmt: skip
        found.append({"name": name} | _text(data))
    if not found:
        raise InvalidInput(
            "There is no catalogue file.", field="path",
            remedy=f"Name files, or a folder with {', '.join(sorted(ENDINGS))}.",
        )  # fmt: skip
    return found


def _text(data: bytes) -> dict[str, str]:
    """Return the text of a file, or why it has none that can be sent."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return {"text": "", "problem": f"it is not UTF-8: byte {error.start} cannot be read."}
    if bad := unstorable(text):
        return {"text": "", "problem": f"it contains {bad}."}
    return {"text": text}


def _files(paths: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for given in paths:
        start = Path(given)
        if not start.is_dir():
            yield start.as_posix(), start
            continue
        for folder, inner, names in os.walk(start):
            # What a repository carries beside its own files is none of its catalogue.
            inner[:] = sorted(d for d in inner if not d.startswith(".") and d != "node_modules")
            for name in sorted(names):
                path = Path(folder) / name
                if path.suffix.lower() in ENDINGS and path.is_file():
                    yield path.as_posix(), path


def write_files(files: Sequence[Json], folder: str | None) -> None:
    """Write files into a folder, or to stdout: harmless on a terminal, as they are in a pipe.

    Raises:
        ConfigurationError: they cannot be written.
        InvalidInput: several files do not go into one pipe.
    """
    if folder is None and not sys.stdout.isatty():
        if len(files) > 1:
            names = ", ".join(str(f["name"]) for f in files)
            raise InvalidInput(
                f"These are {len(files)} files: {names}.",
                field="--out",
                remedy="Give --out FOLDER.",
            )
        sys.stdout.write(str(files[0]["text"]) if files else "")
        return
    if folder is None:
        for file in files:
            if len(files) > 1:
                say(f"# {file['name']}")
            for line in str(file["text"]).splitlines():
                say(line)
        return
    try:
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            # The API names them; only the last part is ever used.
            path = target / Path(str(file["name"])).name
            path.write_text(str(file["text"]), encoding="utf-8", newline="")
            say(f"written: {path}")
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror}.", field="--out"
        ) from None


def tell_report(report: Json) -> None:
    """Print an import's report: what forbids it, then what it changes."""
    counts = report["counts"]
    for finding in report["findings"]:
        place = f"{finding['place']}: " if finding["place"] else ""
        say(f"{finding['level']}: {place}{finding['text']}")
    hidden = counts["errors"] + counts["warnings"] - len(report["findings"])
    if hidden > 0:
        say(f"… and {hidden:,} findings more")
    _list("+ team", report["teams_added"], counts["teams_added"])
    _list("+ service", report["services_added"], counts["services_added"])
    _list("~ service", map(_changed, report["services_changed"]), counts["services_changed"])
    removed = counts["services_removed"] > 0
    gone = "- service" if removed else "gone: service"
    _list(gone, report["services_gone"], counts["services_gone"])
    _list("kept: service", report["services_kept"], counts["services_kept"])
    edge = "observed" if report["observed"] else "dependency"
    _list(f"+ {edge}", map(_edge, report["dependencies_added"]), counts["dependencies_added"])
    changed = (f"{_edge(c)}: {_changes(c)}" for c in report["dependencies_changed"])
    _list(f"~ {edge}", changed, counts["dependencies_changed"])
    gone = f"- {edge}" if counts["dependencies_removed"] else f"gone: {edge}"
    _list(gone, map(_edge, report["dependencies_gone"]), counts["dependencies_gone"])
    say(_sentence(report))


def _sentence(report: Json) -> str:
    counts = report["counts"]
    parts = [
        f"{noun}: {counts[f'{noun}_added']:,} added, {counts[f'{noun}_changed']:,} changed,"
        f" {counts[f'{noun}_removed']:,} removed, {counts[f'{noun}_unchanged']:,} unchanged"
        for noun in ("services", "dependencies")
    ]
    if not report["ok"]:
        said = "nothing was changed"
    elif report["dry_run"]:
        said = "a dry run: nothing was changed"
    else:
        said = "imported" if report["applied"] else "nothing to change"
    return f"{report['format']} as {report['source']}: {'; '.join(parts)}; {said}"


def _list(what: str, items: Any, count: int) -> None:
    shown = 0
    for item in items:
        if shown == MOST_SHOWN:
            break
        say(f"{what} {item}")
        shown += 1
    if count > shown:
        say(f"{what} … and {count - shown:,} more")


def _edge(edge: Json) -> str:
    return f"{edge['service']} → {edge['depends_on']}"


def _changed(item: Json) -> str:
    return f"{item['key']}: {_changes(item)}"


def _changes(item: Json) -> str:
    return ", ".join(
        f"{name} {_value(before)} → {_value(after)}"
        for name, (before, after) in item["changes"].items()
    )


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)} of them"
    return "nothing" if value is None else str(value)
