"""The process of the German voice: a line of JSON in, a length and that many bytes of sound out, until its input ends.

It is apart because Pico holds Python's lock while it works, 30 ms for a long sentence.
"""

from __future__ import annotations

import json
import signal
import struct
import sys
from typing import Final

from pipelines.command.parent import die_with_parent

RATE: Final = 16_000
HEADER: Final = struct.Struct("<I")
"""The size of the sound that follows, in bytes of 16 kHz int16 mono."""

_VOLUME: Final = 0.5
"""At 1 the voice is clipped."""


def main() -> None:
    """Answers each line with the sound of its ``text``, said with ``speed`` and ``pitch``."""
    from py_nanotts import NanoTTS  # noqa: PLC0415  # an extra

    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches the whole group; the service stops us
    voice = NanoTTS()
    for line in sys.stdin.buffer:
        wish = json.loads(line)
        sound = voice.speak(wish["text"], voice="de-DE", speed=wish["speed"], pitch=wish["pitch"], volume=_VOLUME)
        sys.stdout.buffer.write(HEADER.pack(len(sound)) + sound)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
