"""Whisper base: German, or English and German, to text by CTranslate2. An extra, ``german``.

It hears a whole utterance at a time.

A transformer of 74 million parameters from OpenAI (arXiv 2212.04356; code and weights MIT). It was trained on windows
of 30 s. Here the encoder gets the utterance and two seconds, which costs a tenth for a short question. The price: the
decoder was never told to stop there, and says the same again. Time stamps tell where the utterance really ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.embedded.speech.ears.hypothesis import Decoded
from pipelines.embedded.speech.languages import GERMAN
from sophia.log_mel import HOP, RATE, log_mel

MODEL, VOCABULARY, CONFIG = "model.bin", "vocabulary.txt", "config.json"

_LONGEST: Final = 30.0
_SHORTEST: Final = 4.0
_SILENCE: Final = 2.0
"""Seconds that the encoder takes at most and at least, and of silence behind the utterance.

Of 16 words and phrases that Pico said, with 2 s and 1 s 42 % of the words were wrong, with these 21 %, with 30 s 13 %
at eight times the work. More silence gained nothing.
"""

_TOKENS_A_SECOND: Final = 6
_MORE_TOKENS: Final = 12
"""What says more goes round in circles: German speech has about four tokens a second, and time stamps come on top."""

_REPEATING: Final = 1.1
"""A token that was said counts for so much less: else a letter is written without end, where a word was garbled."""

_LATEST_START: Final = 50
"""Time stamps of 20 ms: the first word begins within a second, for silence before it is cut off."""

_OVERLAP: Final = 0.3
_NEAR_END: Final = 0.4
"""Seconds by which a segment may begin before the end of the last, and before the end of the sound the last may end."""

_NOISE: Final = 0.2
"""What is less certain is noise: hiss, hum, clicks and thuds are heard as "Ich bin hier", 60 of 60 times below .19.

Right words had .21 or more, and sentences .4. The model's own probability of silence tells nothing of such sounds.
"""


_SHORT: Final = 1.65
_HARDLY: Final = 0.05
"""Seconds of a short sound, with the silence around it, and the share of its language below which it is in another.

English words and sentences that hibari said had at most .01 of German.
"""


class Whisper:
    """The model in ``folder`` for ``languages``, BCP 47 tags; as many as ``threads`` may use it at once.

    Of several, it tells which one an utterance is in.

    Raises ``RuntimeError`` or ``OSError`` where CTranslate2 is missing or a file is none of Whisper's.
    """

    def __init__(self, folder: Path, languages: Sequence[str] = (GERMAN,), threads: int = 1) -> None:
        self._ct2 = _ctranslate2()
        self._model = self._ct2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=threads, intra_threads=1
        )
        self._tags = {f"<|{tag.partition('-')[0]}|>": tag for tag in languages}

    def decode(
        self, pcm: NDArray[np.int16], stopped: Callable[[], bool] = lambda: False, expected: str = ""
    ) -> Decoded | None:
        """The words in 16 kHz mono sound, none if it is noise; ``None`` if ``stopped`` before the decoder began.

        A language that is ``expected`` is taken unless the sound is hardly in it.

        It is as sure as the geometric mean of its tokens' probabilities.
        """
        spoken = len(pcm) / RATE
        seconds = min(_LONGEST, max(_SHORTEST, spoken + _SILENCE))
        sound = np.zeros(round(seconds * RATE) // (2 * HOP) * 2 * HOP, np.float32)
        sound[: len(pcm)] = pcm[: len(sound)] / np.float32(32768)
        features = self._ct2.StorageView.from_array(np.ascontiguousarray(log_mel(sound)[None]))
        encoded = self._model.encode(features)
        if stopped():
            return None
        tongue = self._tongue(encoded, expected)
        prompt = ["<|startoftranscript|>", tongue, "<|transcribe|>"]
        result = self._model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + _MORE_TOKENS + math.ceil(_TOKENS_A_SECOND * min(spoken, seconds)),
            max_initial_timestamp_index=_LATEST_START,
            repetition_penalty=_REPEATING,
            return_scores=True,
        )[0]
        confidence = math.exp(result.scores[0])
        text = said(result.sequences[0], spoken)
        heard = confidence >= _NOISE and any(map(str.isalnum, text))
        return Decoded(text if heard else "", confidence, self._tags[tongue] if len(self._tags) > 1 else "")

    def _tongue(self, encoded: Any, expected: str) -> str:
        """The likeliest of its languages, or the expected one, as the model's token."""
        if len(self._tags) == 1:
            return next(iter(self._tags))
        shares: list[tuple[str, float]] = self._model.detect_language(encoded)[0]
        told = {token: share for token, share in shares if token in self._tags}
        for token, tag in self._tags.items():
            if tag == expected and told[token] >= _HARDLY * sum(told.values()):
                return token
        return max(told, key=lambda token: told[token])


class InContext:
    """One stream's ears over a ``model`` of several languages: a short word is in the language of what came before.

    Of 12 short German words that Pico said, the model took 6 for English; it was sure of none of them.
    """

    def __init__(self, model: Whisper) -> None:
        self._model = model
        self._spoken = ""

    def decode(self, pcm: NDArray[np.int16], stopped: Callable[[], bool] = lambda: False) -> Decoded | None:
        """As :meth:`Whisper.decode`."""
        short = len(pcm) < _SHORT * RATE
        decoded = self._model.decode(pcm, stopped, self._spoken if short else "")
        if decoded is not None and decoded.text and not short:
            self._spoken = decoded.language
        return decoded


def said(tokens: Sequence[str], seconds: float) -> str:
    """The text of ``tokens`` up to where ``seconds`` of sound end, without what is said again.

    A segment stands between its two time stamps, ``<|0.00|>`` and ``<|1.48|>``. One that begins before the last has
    ended, or behind the sound's end, or that says the same, is a repetition; so is what follows.
    """
    kept = list[str]()
    end = 0.0
    for start, stop, text in _segments(tokens):
        if not text:
            continue
        if start + _OVERLAP < end or (kept and end >= seconds - _NEAR_END) or text in kept:
            break
        kept.append(text)
        end = stop
    return " ".join(kept)


def _segments(tokens: Sequence[str]) -> Iterator[tuple[float, float, str]]:
    opened, words = 0.0, list[str]()
    for token in tokens:
        if (time := _time(token)) is None:
            words.append(token)
        elif words:
            yield opened, time, _text(words)
            words = []
        else:
            opened = time
    if words:  # the last one was not closed
        yield opened, math.inf, _text(words)


def _time(token: str) -> float | None:
    inside = token.removeprefix("<|").removesuffix("|>")
    return float(inside) if token.startswith("<|") and inside[:1].isdigit() else None


def _text(tokens: Sequence[str]) -> str:
    letters = "".join(token for token in tokens if not token.startswith("<|"))
    spelt = bytes(_BYTES[letter] for letter in letters if letter in _BYTES)
    return " ".join(spelt.decode("utf-8", "ignore").split())


def _bytes() -> dict[str, int]:
    """GPT-2's alphabet: a byte that prints stands for itself, the others for letters from U+0100 on."""
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printed]
    return {chr(byte): byte for byte in printed} | {chr(256 + at): byte for at, byte in enumerate(others)}


_BYTES: Final = _bytes()


def _ctranslate2() -> Any:
    try:
        import ctranslate2  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise RuntimeError(f"CTranslate2 cannot be loaded: {error}") from None
    return ctranslate2
