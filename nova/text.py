"""Puts streamed pieces of text together so that no piece ends inside a character.

Servers cut where tokens end. That may be in the middle of a UTF-8 sequence, or between an emoji and its joiner. What
may still grow is held back until it is whole or the stream ends.
"""

from __future__ import annotations

import codecs

_JOINER, _VARIANT = "\u200d", "\ufe0f"


def _may_grow(char: str) -> bool:
    """Whether what follows may still belong to ``char``'s picture: joiners, selectors, pictographs, flag halves."""
    return char in (_JOINER, _VARIANT) or "\U0001f000" <= char <= "\U0001faff"


class Assembler:
    """Bytes or text in, whole characters out; ``flush`` gives what is left when the stream has ended."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, piece: bytes | str) -> str:
        text = self._held + (self._decoder.decode(piece) if isinstance(piece, bytes) else piece)
        end = len(text)
        while end and len(text) - end < 16 and _may_grow(text[end - 1]):  # 16: no picture is longer; bounded
            end -= 1
        self._held = text[end:]
        return text[:end]

    def flush(self) -> str:
        text = self._held + self._decoder.decode(b"", final=True)
        self._held = ""
        return text
