"""Moonshine tiny: English speech to text by onnxruntime, a whole utterance at a time.

A transformer of 27 million parameters from Useful Sensors (arXiv 2410.15608; code and weights MIT). Its work grows with
the length of the sound, so a short question costs little. It writes as people do: capitals, marks, digits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.embedded.speech.ears.boosting import Boosts, Phrases, Spelling
from pipelines.embedded.speech.ears.hypothesis import Decoded

RATE: Final = 16_000

_BEGIN, _END = 1, 2  # tokens
_HEADS, _WIDTH = 8, 36  # of the decoder's attention, as the file has them

_SHORTEST: Final = RATE // 10
"""Samples; the encoder makes no frame of less."""

_TOKENS_A_SECOND: Final = 6.5
"""The paper's own bound for English. What says more goes round in circles."""

_FEWEST_TOKENS: Final = 4

NONE_EXPECTED: Final = Phrases()

_WAYS: Final = 4
_BEHIND: Final = 8.0
"""Ways that are followed at once, and nats behind the best at which one is given up."""

_UNSURE: Final = 0.45
"""A few words less certain than this are noise: hum, hiss and clicks are heard as "You", with .28 to .75."""

_FEW: Final = 3
_OF_NOISE: Final = frozenset({"you", "bye", "thank you"})
_ALONE: Final = 0.8
"""What noise is taken for, when it is all that was said, must be more certain than this. Real "you"s reach .85."""


class Moonshine:
    """The model in ``folder``, loaded once (0.8 s, 180 MB); any number of threads may use it at once.

    Raises ``RuntimeError`` or ``OSError`` where onnxruntime is missing or a file is none of Moonshine's.
    """

    def __init__(self, folder: Path) -> None:
        self._encoder = _session(folder / ENCODER)
        self._decoder = _session(folder / DECODER)
        self._vocabulary = vocabulary((folder / VOCABULARY).read_bytes())
        self._numbers = {token: number for number, token in reversed([*enumerate(self._vocabulary)])}
        self._past = [put.name for put in self._decoder.get_inputs() if put.name.startswith("past")]

    def phrases(self, boosts: Boosts) -> Phrases:
        """What :meth:`decode` is to expect."""
        return Phrases(boosts, self._numbers)

    def decode(
        self,
        pcm: NDArray[np.int16],
        stopped: Callable[[], bool] = lambda: False,
        phrases: Phrases = NONE_EXPECTED,
    ) -> Decoded | None:
        """The words in 16 kHz mono sound; ``None`` as soon as ``stopped`` says so, which is asked between tokens.

        The likeliest token follows each time. Where ``phrases`` could be meant, the ways that spell them are followed
        too, and the best way wins. It is as sure as the geometric mean of its tokens' probabilities.
        """
        sound = np.pad(pcm, (0, max(0, _SHORTEST - len(pcm)))).astype(np.float32)[None] / 32768
        mask = np.ones(sound.shape, np.int64)
        (hidden,) = self._encoder.run(None, {"input_values": sound, "attention_mask": mask})
        past = {name: np.zeros((0, _HEADS, 1, _WIDTH), np.float32) for name in self._past}
        ways, best = [_Way(phrases.nothing)], None
        for step in range(max(_FEWEST_TOKENS, math.ceil(len(pcm) / RATE * _TOKENS_A_SECOND))):
            if stopped():
                return None
            put = {
                "input_ids": np.array([[way.tokens[-1] if way.tokens else _BEGIN] for way in ways], np.int64),
                "use_cache_branch": np.array([step > 0]),
                "encoder_hidden_states": hidden.repeat(len(ways), axis=0),
                "encoder_attention_mask": mask.repeat(len(ways), axis=0),
            }
            logits, *present = self._decoder.run(None, {**put, **past})
            found = sorted(self._ways_on(ways, logits[:, -1], phrases), key=lambda way: -way.score)
            near = [way for way in found[:_WAYS] if way.score > found[0].score - _BEHIND]
            for way in near:
                if way.tokens[-1] == _END and (best is None or way.score > best.score):
                    best = way
            rows = [way.row for way in near if way.tokens[-1] != _END]
            ways = [way for way in near if way.tokens[-1] != _END]
            if not ways or (best is not None and best.score >= ways[0].score):
                break
            # What was made of the sound is made once, and is the same for all; of the words there is more each time.
            for name, value in zip(self._past, present, strict=True):
                if step == 0 or ".decoder." in name:
                    past[name] = value[rows]
                elif len(past[name]) != len(ways):
                    past[name] = past[name][:1].repeat(len(ways), axis=0)
        best = best or max(ways, key=lambda way: way.score if way.spelling.whole else way.score - way.spelling.lent)
        text = text_of(self._vocabulary[token] for token in best.tokens if token != _END)
        return Decoded(phrases.written(text), math.exp(best.certainty / len(best.tokens)))

    def _ways_on(self, ways: list[_Way], logits: NDArray[np.float32], phrases: Phrases) -> Iterator[_Way]:
        for row, (way, scores) in enumerate(zip(ways, logits, strict=True)):
            likeliest = int(scores.argmax())
            total = float(scores[likeliest]) + math.log(float(np.exp(scores - scores[likeliest]).sum()))
            for token in {likeliest, *phrases.next(way.spelling)}:
                spelling, gain = phrases.spell(way.spelling, token, self._vocabulary[token])
                certainty = float(scores[token]) - total
                yield _Way(spelling, way.score + certainty + gain, way.certainty + certainty, (*way.tokens, token), row)


@dataclass(frozen=True, slots=True)
class _Way:
    """Tokens so far: log of their probability, the same with what phrases lend, and the ``row`` that they follow."""

    spelling: Spelling
    score: float = 0.0
    certainty: float = 0.0
    tokens: tuple[int, ...] = ()
    row: int = 0


def text_of(tokens: Iterable[bytes]) -> str:
    """What the tokens spell. After a name the model doubles a comma at times; it is one."""
    text = b"".join(tokens).decode("utf-8", "replace").replace("\u2581", " ")
    return re.sub(",+", ",", " ".join(text.split()))


def is_noise(decoded: Decoded) -> bool:
    """Whether an utterance of these words was more likely none."""
    bare = decoded.text.strip(" .,?!").lower()
    doubtful = decoded.confidence < _UNSURE and len(decoded.text.split()) <= _FEW
    return doubtful or (bare in _OF_NOISE and decoded.confidence < _ALONE)


ENCODER, DECODER, VOCABULARY = "encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"


def vocabulary(packed: bytes) -> list[bytes]:
    """The tokens of ``tokenizer.bin``: before each its length in one byte, or from 128 on in two."""
    tokens, at = list[bytes](), 0
    while at < len(packed):
        size = packed[at]
        at += 1
        if size >= 128:
            size += 128 * (packed[at] - 1)
            at += 1
        tokens.append(packed[at : at + size])
        at += size
    return tokens


def _session(file: Path) -> Any:
    try:
        import onnxruntime as ort  # noqa: PLC0415  # 0.2 s that nobody else waits for
    except ImportError as error:
        raise RuntimeError(f"onnxruntime cannot be loaded: {error}") from None
    options = ort.SessionOptions()
    # Utterances are shared among threads, so one of them needs no more than one.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
