"""TLS of `warroom serve`: the certificate is looked at before anything listens."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from warroom.errors import ConfigurationError

if TYPE_CHECKING:
    from warroom.settings import Settings

_LEAST = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def options(settings: Settings) -> dict[str, Any]:
    """Return what uvicorn has to know of certificate and key; nothing without them.

    Raises:
        ConfigurationError: only one is set, or they cannot be used together.
    """
    cert, key = settings.api_tls_cert, settings.api_tls_key
    if cert is None and key is None:
        return {}
    if cert is None or key is None:
        raise ConfigurationError(
            "TLS needs a certificate and its key; only one is set.",
            field="api.tls_cert" if cert is None else "api.tls_key",
            remedy="Give both --tls-cert and --tls-key.",
        )
    try:
        # An empty passphrase: a key that has one is refused instead of asked for on a terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The certificate {cert} and the key {key} cannot be used"
            f" ({getattr(error, 'reason', None) or getattr(error, 'strerror', None) or error}).",
            field="api.tls_cert",
            remedy="Both must be PEM, belong together, and the key must have no passphrase.",
        ) from error
    return {"ssl_certfile": str(cert), "ssl_keyfile": str(key)}


def bind_versions(config: Any, settings: Settings) -> None:
    """Make a loaded uvicorn configuration refuse what is older than the settings say."""
    if config.ssl is not None:
        config.ssl.minimum_version = _LEAST[settings.api_tls_min]
