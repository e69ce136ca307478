"""What sound looks like on the wire: 16-bit samples at some rate, or telephone bytes. Inside it is always samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipelines.server.realtime.reading import Refused
from sophia.g711 import A_LAW, MU_LAW, RATE, Law

DEFAULT_RATE: Final = 24_000
"""Hz, both ways. Clients' validators take no other rate, so another one is only told to who asked for it."""

RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Hz that are served: those of sound cards, telephones and codecs. A filter for any other one is large."""

PCM: Final = "audio/pcm"
LAWS: Final[Mapping[str, Law]] = {"audio/pcmu": MU_LAW, "audio/pcma": A_LAW}
"""Telephone sound: 8 kHz, one byte a sample."""


@dataclass(frozen=True, slots=True)
class Format:
    """The sound of one way. ``rate`` is in Hz; samples inside have the same."""

    kind: str = PCM
    rate: int = DEFAULT_RATE

    def told(self) -> dict[str, Any]:
        """The format as the session tells it; telephone sound has no ``rate`` there."""
        return {"type": self.kind} if self.kind in LAWS else {"type": self.kind, "rate": self.rate}

    def encode(self, pcm: bytes) -> bytes:
        """The bytes on the wire of int16 little-endian samples."""
        law = LAWS.get(self.kind)
        return law.encode(np.frombuffer(pcm, "<i2")) if law else pcm

    def decode(self, data: bytes, odd: bytes = b"") -> tuple[bytes, bytes]:
        """The int16 little-endian samples of bytes from the wire, and half a sample that waits for its other half.

        ``odd`` is the half that waited.
        """
        if law := LAWS.get(self.kind):
            return law.decode(data).astype("<i2", copy=False).tobytes(), b""
        if not odd and len(data) % 2 == 0:  # as most clients send it, fifty times a second
            return data, b""
        data = odd + data
        whole = len(data) - len(data) % 2
        return data[:whole], data[whole:]

    def updated(self, wished: object, path: str) -> tuple[Format, list[str]]:
        """The format after an update, and the fields of it that change nothing. Raises :class:`Refused`.

        A rate that is not given stays, unless the type changes.
        """
        if wished is None:
            return Format(), []
        kind = wished.get("type", self.kind) if isinstance(wished, Mapping) else None
        if not isinstance(wished, Mapping) or not isinstance(kind, str) or kind not in (PCM, *LAWS):
            text = "Served are audio/pcm (16 bit, little-endian, mono), audio/pcmu and audio/pcma."
            raise Refused(text, "invalid_value", f"{path}.type")
        ignored = [f"{path}.{name}" for name in wished if name not in ("type", "rate")]
        if kind in LAWS:
            if wished.get("rate", RATE) not in (RATE, None):
                raise Refused(f"{kind} has {RATE} Hz, and no 'rate'.", "invalid_value", f"{path}.rate")
            return Format(kind, RATE), ignored
        rate = wished.get("rate", self.rate if kind == self.kind else DEFAULT_RATE)
        if not isinstance(rate, int) or rate not in RATES:
            text = f"rate is one of {', '.join(map(str, RATES))} Hz."
            raise Refused(text, "invalid_value", f"{path}.rate")
        return Format(kind, rate), ignored
