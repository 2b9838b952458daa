"""The settings of TLS: what the API shows, and what its clients trust. A part of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from warroom.setting_types import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Certificate and key of the API, the least version, and a private CA for its clients."""

    api_tls_cert: Path | None = setting(
        None,
        "api.tls_cert",
        "The PEM file with the API's certificate and those between it and the CA; with it "
        "`warroom serve` speaks HTTPS only.",
    )
    api_tls_key: Path | None = setting(
        None, "api.tls_key", "The PEM file with its private key, without a passphrase."
    )
    api_tls_min: str = setting(
        "1.3",
        "api.tls_min",
        "The oldest TLS that the API speaks; 1.2 only for senders that know no better.",
        choices=("1.2", "1.3"),
    )
    api_ca_file: Path | None = setting(
        None,
        "api.ca_file",
        "The PEM file with the CA that console and command line trust for `api.url`, instead of "
        "the system's.",
    )
