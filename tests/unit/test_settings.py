"""Settings: precedence, refusals that name the remedy, secrets that stay secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from warroom.errors import ConfigurationError
from warroom.settings import Settings, fields, load, load_settings


def _file(folder: Path, text: str) -> Path:
    path = folder / "warroom.toml"
    path.write_text(text, "utf-8")
    return path


def test_every_field_is_described_and_unique() -> None:
    keys = [meta.key for _, _, meta in fields()]
    assert len(keys) == len(set(keys))
    for name, _, meta in fields():
        assert meta.doc.endswith("."), name
        assert meta.key.count(".") == 1, name


def test_sections_stand_together() -> None:
    sections = [meta.key.partition(".")[0] for _, _, meta in fields()]
    changes = [a for a, b in zip(sections, [*sections[1:], ""], strict=True) if a != b]
    assert len(changes) == len(set(changes))


def test_later_sources_win(tmp_path: Path) -> None:
    path = _file(tmp_path, "[api]\nport = 1111\nhost = '0.0.0.0'\nurl = 'http://a'\n")
    environ = {"WARROOM_API_PORT": "2222", "WARROOM_API_URL": "http://b"}
    loaded = load(path, environ=environ, overrides={"api_url": "http://c", "theme": None})
    assert loaded.settings.api_host == "0.0.0.0"
    assert loaded.settings.api_port == 2222
    assert loaded.settings.api_url == "http://c"
    assert loaded.origins["api_host"] == str(path)
    assert loaded.origins["api_port"] == "WARROOM_API_PORT"
    assert loaded.origins["api_url"] == "command line"
    assert loaded.origins["theme"] == "default"


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    path = _file(tmp_path, "[console]\nbell = false\n")
    assert load_settings(environ={"WARROOM_CONFIG": str(path)}).bell is False


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("[api]\nprot = 1\n", "api.prot", "'api.port'"),
        ("[apy]\nport = 1\n", "apy.port", "'api.port'"),
        ("port = 1\n", "port", "api.port"),
        ("[api]\nport = 70000\n", "api.port", "from 0 to 65535"),
        ("[api]\nport = true\n", "api.port", "whole number"),
        ("[api]\nport = '80.5'\n", "api.port", "whole number"),
        ("[api]\nurl = 'ftp://x'\n", "api.url", "http://"),
        ("[database]\nread_from = 'x'\n", "database.read_from", "primary, standby"),
        ("[console]\nbell = 'maybe'\n", "console.bell", "true or false"),
        ("[console]\npoll_seconds = 'soon'\n", "console.poll_seconds", "number"),
        ("[console]\ntime_zone = '../etc'\n", "console.time_zone", "IANA"),
        ("[embedded]\ndata_dir = ''\n", "embedded.data_dir", "path"),
        ("[api\n", "WARROOM_CONFIG", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, field: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(_file(tmp_path, text), environ={})
    assert caught.value.field == field
    assert caught.value.remedy
    assert says in str(caught.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "none.toml", environ={})


def test_a_misspelt_variable_is_refused_but_not_those_of_kubernetes() -> None:
    with pytest.raises(ConfigurationError, match="WARROOM_API_PORT"):
        load(environ={"WARROOM_API_PROT": "1"})
    load(environ={
        "WARROOM_SERVICE_HOST": "10.0.0.1",
        "WARROOM_SERVICE_PORT_HTTP": "80",
        "WARROOM_PORT": "tcp://10.0.0.1:80",
        "WARROOM_PORT_80_TCP_ADDR": "10.0.0.1",
    })  # fmt: skip


def test_an_empty_variable_is_not_set() -> None:
    assert load_settings(environ={"WARROOM_TOKEN": "", "WARROOM_API_PORT": ""}) == Settings()


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    secret = "wr_a_" + "s" * 43
    settings = load_settings(
        environ={"WARROOM_TOKEN": secret, "WARROOM_DATABASE_URL": "postgresql://u:hunter2@h/d"}
    )
    assert secret not in repr(settings)
    assert "hunter2" not in repr(settings)
    with pytest.raises(ConfigurationError) as caught:
        load(environ={"WARROOM_DATABASE_URL": "mysql://u:hunter2@h/d"})
    assert "hunter2" not in str(caught.value)


def test_the_token_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("wr_r_abc\n")
    assert load_settings(environ={"WARROOM_TOKEN_FILE": str(path)}).bearer_token() == "wr_r_abc"
    both = {"WARROOM_TOKEN_FILE": str(path), "WARROOM_TOKEN": "first"}
    assert load_settings(environ=both).bearer_token() == "first"
    assert Settings().bearer_token() is None
    path.write_text("\n")
    with pytest.raises(ConfigurationError, match="empty"):
        load_settings(environ={"WARROOM_TOKEN_FILE": str(path)}).bearer_token()
    path.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(environ={"WARROOM_TOKEN_FILE": str(path)}).bearer_token()


def test_root_keeps_its_data_in_var_lib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Settings().data_dir == Path("/var/lib/warroom")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Settings().data_dir.name == "warroom"
    assert Settings().data_dir != Path("/var/lib/warroom")


@pytest.mark.parametrize("which", ["", "ENGINE_", "ADMIN_", "CONSOLE_"])
def test_every_database_url_is_checked_by_itself(which: str) -> None:
    variable = f"WARROOM_{which}DATABASE_URL"
    url = "postgresql://somebody@db.example/warroom"
    found = load_settings(environ={variable: url})
    assert getattr(found, f"{which}database_url".lower()) == url
    with pytest.raises(ConfigurationError, match=variable):
        load_settings(environ={variable: "mysql://x"})
