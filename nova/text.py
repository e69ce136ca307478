"""Puts streamed pieces of text together so that no piece ends inside a character.

Servers cut where tokens end. That may be in the middle of a UTF-8 sequence, between the two halves of a surrogate pair
that JSON writes, or between an emoji and its joiner. What may still grow is held back until it is whole or the stream
ends. A half without its other half becomes U+FFFD.
"""

from __future__ import annotations

import codecs

_HIGH = ("\ud800", "\udbff")
"""The first halves of surrogate pairs."""
_JOINER, _VARIANT = "\u200d", "\ufe0f"


def _may_grow(char: str) -> bool:
    """Whether what follows may still belong to ``char``'s picture: joiners, selectors, pictographs, flag halves."""
    return char in (_JOINER, _VARIANT) or _HIGH[0] <= char <= _HIGH[1] or "\U0001f000" <= char <= "\U0001faff"


class Assembler:
    """Bytes or text in, whole characters out; ``flush`` gives what is left when the stream has ended."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, piece: bytes | str) -> str:
        text = _paired(self._held + (self._decoder.decode(piece) if isinstance(piece, bytes) else piece))
        end = len(text)
        while end and len(text) - end < 16 and _may_grow(text[end - 1]):  # 16: no picture is longer; bounded
            end -= 1
        self._held = text[end:]
        return _whole(text[:end])

    def flush(self) -> str:
        text = self._held + self._decoder.decode(b"", final=True)
        self._held = ""
        return _whole(text)


def _paired(text: str) -> str:
    """The text with its surrogate pairs joined; halves stay."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
