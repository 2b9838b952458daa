"""The SCRAM verifier, against the one that PostgreSQL makes itself (see also the live tests)."""

from __future__ import annotations

from warroom.console.scram import new_password, verifier


def test_a_known_verifier() -> None:
    # RFC 7677, section 3: password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, 4096 iterations.
    salt = bytes.fromhex("5b6d99689d12358eeca04b141236fa81")
    found = verifier("pencil", salt)
    assert found == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_passwords_and_salts_are_fresh() -> None:
    assert new_password() != new_password()
    assert verifier("x") != verifier("x")
    assert "x" * 3 not in verifier("xxx")
