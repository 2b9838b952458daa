"""A gzip stream unpacked piece by piece, so that neither its length nor a bomb costs memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from warroom.errors import InvalidInput, PayloadTooLarge

PIECE_BYTES = 1 << 16
RATIO = 100
"""JSON lines shrink to a tenth or a thirtieth; what unpacks to more than this is no such file."""
FREE_BYTES = 1 << 20
"""A short stream may shrink as much as it likes."""


class Gunzip:
    """Unpacks one gzip member as it arrives."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(31)
        self._came = 0
        self._gave = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes unpack to, in pieces of 64 KiB at the most.

        Raises:
            InvalidInput: it is no gzip, or something stands behind its end.
            PayloadTooLarge: it unpacks to over a hundred times its size.
        """
        self._came += len(data)
        piece = b""
        # A full piece may be followed by more although all that came has been consumed.
        while data or len(piece) == PIECE_BYTES:
            if data and self._inflate.eof:
                raise _wrong("Something stands behind the end of the gzip stream.")
            try:
                piece = self._inflate.decompress(data, PIECE_BYTES)
            except zlib.error:
                said = "The stream does not decompress as its Content-Encoding says."
                raise _wrong(said) from None
            data = self._inflate.unconsumed_tail or self._inflate.unused_data
            self._gave += len(piece)
            if self._gave > max(self._came * RATIO, FREE_BYTES):
                raise PayloadTooLarge(
                    f"The stream unpacks to over {RATIO} times its size; what follows was not"
                    " stored.",
                    field="body",
                    remedy="Send it plain.",
                )
            if piece:
                yield piece

    def end(self) -> None:
        """Say that nothing more comes.

        Raises:
            InvalidInput: its end is missing.
        """
        if not self._inflate.eof:
            raise _wrong("The gzip stream ends before its end.")


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} What is stored before it stays.",
        field="body",
        remedy="Send one whole gzip member, or no Content-Encoding.",
    )
