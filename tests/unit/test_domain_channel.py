"""Addresses that messages may be sent to."""

from __future__ import annotations

import pytest

from warroom.domain.channel import check_url
from warroom.errors import InvalidInput


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/a?b=c",
        "http://127.0.0.1:9000/",
        "https://[::1]:8443/x",
        "HTTPS://EXAMPLE.ORG",
        "https://xn--bcher-kva.example/",
    ],
)
def test_what_is_an_address(url: str) -> None:
    assert check_url(f" {url} ") == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "empty"),
        (None, "text"),
        ("ftp://example.org/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("javascript:alert(1)", "https://"),
        ("//example.org/x", "https://"),
        ("example.org", "https://"),
        ("https://", "no host"),
        ("https:///x", "no host"),
        ("https://example.org:0/", "no host"),
        ("https://example.org:99999/", "no address"),
        ("https://[::1/", "no address"),
        ("https://ana:geheim@example.org/", "name or password"),
        ("https://example.org/#x", "never sent"),
        ("https://bücher.example/", "ASCII"),
        ("https://example.org/a b", "ASCII"),
        ("https://example.org/\r\nX: y", "ASCII"),
        ("https://example.org\\@evil.example/", "ASCII"),
        ("https://example.org/" + "x" * 2000, "most is 2,000"),
    ],
)
def test_what_is_none_is_refused_with_a_reason(url: object, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        check_url(url)
    assert caught.value.field == "url"
