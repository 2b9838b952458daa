"""A database login of one's own: the password never leaves this process, only its verifier does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 4096


def new_password() -> str:
    """Return a random password of 192 bits, in characters that need no quoting."""
    return secrets.token_urlsafe(24)


def verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """Return PostgreSQL's SCRAM-SHA-256 verifier of an ASCII password (RFC 5803)."""
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
