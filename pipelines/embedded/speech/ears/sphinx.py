"""pocketsphinx as a two-pass recogniser: a narrow live pass for interims, a wide second pass for the final.

The second pass decodes the whole utterance again with the cepstral mean of the whole utterance. That makes it better
than the live one. It runs in a forked child, because pocketsphinx holds the GIL while it decodes, and the live pass
must go on meanwhile. A child can be killed at once when the user goes on speaking. Nothing here may run in a process
that uses gRPC or threads.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import time
from itertools import islice
from pathlib import Path

from pocketsphinx import Config, Decoder, NGramModel, get_model_path

from pipelines.command.parent import die_with_parent
from pipelines.embedded.speech.ears.hypothesis import HeardWord, Hypothesis

FRAME_MS = 10
"""pocketsphinx's feature frame."""

MOST_OTHERS = 10
"""Alternatives the second pass looks for."""

_UNSURE = 0.05
"""A whole-utterance posterior under which the words of a noise lie; long sentences lie there too."""

_DOUBTFUL_WORDS = 0.35
"""Mean word posterior under which such an utterance is rejected. Words found in noise and in speech played backwards
lie between 0.1 and 0.7, rightly heard sentences above 0.39: a lost sentence costs more than an odd reply."""

STOCK_MODEL = Path(get_model_path("en-us/en-us.lm.bin"))


class SphinxModels:
    """Both decoders, loaded once (0.5 s, 130 MB) and shared by every forked session.

    ``language_model`` is a ``.lm.bin`` file; the stock one by default.
    """

    def __init__(self, language_model: Path | None = None) -> None:
        common = {
            "hmm": get_model_path("en-us/en-us"),
            "dict": get_model_path("en-us/cmudict-en-us.dict"),
            "lm": None,
            "loglevel": "FATAL",
            "fwdflat": False,  # 120 ms less at the end of the utterance and no more errors
        }
        # Half the work of the default beams; what it costs in accuracy, the second pass makes good.
        self.live = Decoder(**common, maxhmmpf=3000, maxwpf=10)
        # A third less work than the default beams, with the same errors on every set tried.
        self.second = Decoder(**common, maxhmmpf=5000, maxwpf=20)
        lm = NGramModel(Config(lm=None), self.live.logmath, str(language_model or STOCK_MODEL))
        for decoder in (self.live, self.second):
            decoder.add_lm("lm", lm)
            decoder.activate_search("lm")

    def transcriber(self) -> SphinxTranscriber:
        """A recogniser for one session; only one may be used in a process."""
        return SphinxTranscriber(self.live, self.second)


class SphinxTranscriber:
    """One session's recogniser; sound is 16 kHz int16 mono little endian.

    ``memory`` is the last utterance's cepstral mean as text: how this microphone and this voice sound.
    """

    writes = False

    def __init__(self, live: Decoder, second: Decoder) -> None:
        self._live, self._second = live, second
        self._open = False
        self._child: int | None = None
        self._pipe: int | None = None
        self._done: Hypothesis | None = None
        self.memory: str | None = None
        self.looks = 0

    def start(self) -> None:
        """Begins an utterance."""
        self.abandon()
        if self.memory is not None:  # the mean of the last utterance beats what the live pass adapts to
            self._live.set_cmn(self.memory)
        self._live.start_utt()
        self._open = True

    def feed(self, pcm: bytes) -> None:
        """Decodes more of the utterance in the live pass."""
        if pcm:  # pocketsphinx raises IndexError on nothing
            self._live.process_raw(pcm)
        self.looks += 1

    def text(self, deadline: float) -> str:
        """The live pass' words so far; there is no need to wait."""
        hypothesis = self._live.hyp()
        return hypothesis.hypstr if hypothesis else ""

    def speculate(self, pcm: bytes) -> None:
        """Starts the second pass over the utterance so far; drops one that is under way."""
        self._drop()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                die_with_parent()
                os.close(reader)
                answer = pickle.dumps((self._second_pass(pcm), self._second.get_cmn(False)))
                with os.fdopen(writer, "wb") as out:
                    out.write(answer)
                code = 0
            finally:
                os._exit(code)
        os.close(writer)
        self._child, self._pipe, self._done = child, reader, None

    def second_pass(self, deadline: float) -> Hypothesis | None:
        """The second pass' result; ``None`` if it is not there when ``time.monotonic()`` reaches ``deadline``."""
        if self._done is None and self._pipe is not None:
            ready, _, _ = select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))
            if ready:
                with os.fdopen(self._pipe, "rb") as pipe:
                    answer = pipe.read()
                self._pipe = None
                self._reap()
                # The bytes come from our own child over a private pipe.
                self._done, self.memory = pickle.loads(answer) if answer else (None, self.memory)
        return self._done

    def resume(self) -> None:
        """The user went on: what was speculated is worthless."""
        self._drop()

    def end(self) -> Hypothesis:
        """Closes the utterance; the live pass' own last word, for when the second pass is late."""
        self._live.end_utt()
        self._open = False
        return _hypothesis(self._live, 0)

    def abandon(self) -> None:
        """Drops the utterance, if there is one, with everything that was speculated about it."""
        self._drop()
        if self._open:
            self._live.end_utt()
            self._open = False

    def _second_pass(self, pcm: bytes) -> Hypothesis:
        self._second.start_utt()
        self._second.process_raw(pcm, full_utt=True)
        self._second.end_utt()
        return _hypothesis(self._second, MOST_OTHERS)

    def _drop(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            self._reap()
        self._done = None

    def _reap(self) -> None:
        if self._child is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._child, 0)
            self._child = None


def _hypothesis(decoder: Decoder, others: int) -> Hypothesis:
    best = decoder.hyp()
    if best is None:
        return Hypothesis()
    words = []
    for segment in decoder.seg():
        if segment.word.startswith(("<", "[", "+")):  # silence, noises and sentence marks
            continue
        words.append(
            HeardWord(
                text=segment.word.split("(")[0],  # "read(2)" is a pronunciation
                start=segment.start_frame * FRAME_MS,
                end=(segment.end_frame + 1) * FRAME_MS,
                confidence=min(1.0, segment.prob),
            )
        )
    if not words:
        return Hypothesis()
    confidence = sum(word.confidence for word in words) / len(words)
    if best.prob < _UNSURE and confidence < _DOUBTFUL_WORDS:
        return Hypothesis(confidence=confidence)
    text = " ".join(word.text for word in words)
    texts = dict.fromkeys(n.hypstr for n in islice(decoder.nbest(), 4 * others) if n is not None) if others else {}
    return Hypothesis(tuple(words), confidence, tuple(t for t in texts if t and t != text)[:others])
