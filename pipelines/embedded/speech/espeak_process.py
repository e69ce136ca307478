"""espeak-ng's own process: a JSON line with a sentence in, a JSON line and the sound out, until standard input closes.

The answer is ``{"bytes": n, "phones": [[name, start, end, word], …], "words": […]}`` in seconds, followed by ``n``
bytes of 22.05 kHz int16 mono sound without the silence around it; or ``{"failed": "why"}``.
"""

from __future__ import annotations

import ctypes as c
import json
import sys
from typing import Any

import espeakng_loader

from pipelines.embedded.child import die_with_parent

_SYNCHRONOUS = 2
_BUFFER_MS = 60
_PHONEME_EVENTS, _DO_NOT_EXIT = 0x0001, 0x8000
_END, _WORD, _PHONEME = 0, 1, 7  # espeak_EVENT_TYPE
_UTF8 = 1
_RATE_PARAMETER, _WORDS_PER_MINUTE, _FASTEST = 1, 165, 450
_PITCH_PARAMETER, _USUAL_PITCH, _HERTZ_A_STEP = 3, 50, 2.5  # of 0 to 100
_LEAD_KEPT, _TAIL_KEPT = 0.02, 0.1  # seconds of silence around the sentence
_AUDIBLE = 100  # of 32768


class _EventId(c.Union):
    _fields_ = (("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8))


class _Event(c.Structure):
    _fields_ = (
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", _EventId),
    )


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


class Espeak:
    """The library, initialised; raises ``OSError`` or ``RuntimeError`` when it cannot be."""

    def __init__(self) -> None:
        self._library = c.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, _PHONEME_EVENTS | _DO_NOT_EXIT)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng does not find its data")
        self._callback = _Callback(self._on_sound)
        self._library.espeak_SetSynthCallback(self._callback)
        self._sound = bytearray()
        self._phones: list[tuple[str, float, int]] = []
        self._words: list[str] = []
        self._text = ""

    def speak(self, text: str, voice: str, rate: float, pitch: float) -> tuple[dict[str, Any], bytes]:
        """The answer's fields and the sound; ``rate`` 1 is the usual one, ``pitch`` in Hz is added."""
        self._library.espeak_SetParameter(_RATE_PARAMETER, min(_FASTEST, round(_WORDS_PER_MINUTE * rate)), 0)
        height = round(_USUAL_PITCH + pitch / _HERTZ_A_STEP)
        self._library.espeak_SetParameter(_PITCH_PARAMETER, min(99, max(0, height)), 0)
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"there is no voice {voice}")
        self._sound, self._phones, self._words, self._text = bytearray(), [], [], text
        raw = text.encode()
        size, zero = c.c_size_t(len(raw) + 1), c.c_uint(0)
        self._library.espeak_Synth(raw, size, zero, c.c_int(1), zero, c.c_uint(_UTF8), None, None)
        return self._trimmed()

    def _on_sound(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._sound += c.string_at(wave, 2 * count)
        i = 0
        while events[i].type != _END:
            event = events[i]
            if event.type == _WORD:
                start = event.text_position - 1
                self._words.append(self._text[start : start + event.length])
            elif event.type == _PHONEME:
                name = bytes(event.id.string).split(b"\0")[0].decode("utf-8", "replace")
                self._phones.append((name, event.audio_position / 1000, len(self._words) - 1))
            i += 1
        return 0

    def _trimmed(self) -> tuple[dict[str, Any], bytes]:
        samples = memoryview(bytes(self._sound)).cast("h")
        loud = [i for i in range(0, len(samples), 64) if abs(samples[i]) > _AUDIBLE]
        if not loud:
            return {"bytes": 0, "phones": [], "words": []}, b""
        first = max(0, loud[0] - int(_LEAD_KEPT * self.rate))
        last = min(len(samples), loud[-1] + int(_TAIL_KEPT * self.rate))
        begin, end = first / self.rate, last / self.rate
        starts = [min(max(start, begin), end) - begin for _, start, _ in self._phones] + [end - begin]
        phones = [
            [name or "_", starts[i], starts[i + 1], word if name and not name.startswith("_") else -1]
            for i, (name, _, word) in enumerate(self._phones)
        ]
        sound = samples[first:last].tobytes()
        return {"bytes": len(sound), "phones": phones, "words": self._words}, sound


def main() -> None:
    """The process."""
    die_with_parent()
    out = sys.stdout.buffer
    espeak: Espeak | None = None
    for line in sys.stdin.buffer:
        try:
            espeak = espeak or Espeak()
            request = json.loads(line)
            fields, sound = espeak.speak(request["text"], request["voice"], request["rate"], request["pitch"])
        except (OSError, RuntimeError) as error:
            fields, sound = {"failed": str(error)}, b""
        out.write(json.dumps(fields).encode() + b"\n" + sound)
        out.flush()


if __name__ == "__main__":
    main()
