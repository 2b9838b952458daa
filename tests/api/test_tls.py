"""`warroom serve` speaks TLS 1.3 and nothing older, and its own clients trust a private CA."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.helpers import require_program, wait_until
from tests.pgfixtures import TestDatabase
from tests.typist import Server, warroom
from warroom.client import Client
from warroom.db import migrate
from warroom.errors import ApiUnreachable, ConfigurationError


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of its own for 127.0.0.1, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [require_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key), "-out", str(cert),
         "-days", "2", "-subj", "/CN=war room", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@asynccontextmanager
async def serve(pg: TestDatabase, folder: Path, *options: str) -> AsyncIterator[str]:
    """Run `warroom serve` on a free port until the block ends; give its address."""
    url = f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}"
    told = folder / f"url{len(options)}"
    process = Server(
        ["serve", "--port", "0", "--announce", str(told), *options],
        os.environ | {"WARROOM_DATABASE_URL": url}, folder / "serve.log", folder,
    )  # fmt: skip
    try:
        await wait_until(told.exists, what="the API to listen")
        yield told.read_text().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 30)


def version(address: str, ca: Path, most: ssl.TLSVersion | None) -> str | None:
    """Shake hands; return the version that was agreed on."""
    context = ssl.create_default_context(cafile=ca)
    if most is not None:
        context.maximum_version = most
    found = urlsplit(address)

    async def shake() -> str | None:
        _, writer = await asyncio.open_connection(found.hostname, found.port, ssl=context)
        agreed: ssl.SSLObject = writer.get_extra_info("ssl_object")
        said = agreed.version()
        writer.transport.abort()
        return said

    return asyncio.run(shake())


async def test_tls_13_works_and_12_is_refused(
    pg18: TestDatabase, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    admin = migrate.bootstrap_admin(pg18.conninfo(), "ana")
    options = ("--tls-cert", str(cert), "--tls-key", str(key))
    async with serve(pg18, tmp_path, *options) as url:
        assert url.startswith("https://127.0.0.1:")
        assert await asyncio.to_thread(version, url, cert, None) == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.to_thread(version, url, cert, ssl.TLSVersion.TLSv1_2)
        async with Client(url, admin, ca_file=cert) as client:
            assert (await client.me())["name"] == "ana"
        async with Client(url, admin) as client:  # nobody else knows this CA
            with pytest.raises(ApiUnreachable):
                await client.me()
        plain = url.replace("https://", "http://")
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.HTTPError):
                await http.get(f"{plain}/healthz")
        env = {"WARROOM_API_URL": url, "WARROOM_TOKEN": admin}
        assert (await warroom("user", "list", **env))[0] == 1
        code, out, _ = await warroom("user", "list", **env, WARROOM_API_CA_FILE=str(cert))
        assert (code, "ana" in out) == (0, True)
    async with serve(pg18, tmp_path, *options, "--tls-min", "1.2") as url:
        agreed = await asyncio.to_thread(version, url, cert, ssl.TLSVersion.TLSv1_2)
        assert agreed == "TLSv1.2"


async def test_what_cannot_be_used_is_said_before_anything_listens(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    env = {"WARROOM_DATABASE_URL": "postgresql://warroom_api@127.0.0.1:1/none"}
    locked = tmp_path / "locked.pem"
    subprocess.run(
        [require_program("openssl"), "ec", "-aes256", "-passout", "pass:x", "-in", str(key),
         "-out", str(locked)],
        check=True, capture_output=True,
    )  # fmt: skip
    for pair, word in (
        (("--tls-cert", str(cert)), "only one"),
        (("--tls-key", str(key)), "only one"),
        (("--tls-cert", str(cert), "--tls-key", str(cert)), "cannot be used"),
        (("--tls-cert", str(cert), "--tls-key", str(tmp_path / "none")), "No such file"),
        (("--tls-cert", str(cert), "--tls-key", str(locked)), "passphrase"),
    ):
        code, _, err = await warroom("serve", *pair, **env)
        assert (code, word in err) == (2, True), err
    with pytest.raises(ConfigurationError) as caught:
        Client("https://127.0.0.1:1", None, ca_file=key)
    assert caught.value.field == "api.ca_file"
