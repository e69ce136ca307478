"""Moonshine tiny: English speech to text by onnxruntime, a whole utterance at a time.

A transformer of 27 million parameters from Useful Sensors (arXiv 2410.15608; code and weights MIT). Its work grows with
the length of the sound, so a short question costs little. It writes as people do: capitals, marks, digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000

_BEGIN, _END = 1, 2  # tokens
_HEADS, _WIDTH = 8, 36  # of the decoder's attention, as the file has them

_SHORTEST: Final = RATE // 10
"""Samples; the encoder makes no frame of less."""

_TOKENS_A_SECOND: Final = 6.5
"""The paper's own bound for English. What says more goes round in circles."""

_FEWEST_TOKENS: Final = 4


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was heard, as people write it, and the geometric mean of the tokens' probabilities."""

    text: str
    confidence: float


class Moonshine:
    """The model in ``folder``, loaded once (0.8 s, 180 MB); any number of threads may use it at once.

    Raises ``RuntimeError`` or ``OSError`` where onnxruntime is missing or a file is none of Moonshine's.
    """

    def __init__(self, folder: Path) -> None:
        self._encoder = _session(folder / ENCODER)
        self._decoder = _session(folder / DECODER)
        self._vocabulary = vocabulary((folder / VOCABULARY).read_bytes())
        self._past = [put.name for put in self._decoder.get_inputs() if put.name.startswith("past")]

    def decode(self, pcm: NDArray[np.int16], stopped: Callable[[], bool] = lambda: False) -> Decoded | None:
        """The words in 16 kHz mono sound; ``None`` as soon as ``stopped`` says so, which is asked between tokens."""
        sound = np.pad(pcm, (0, max(0, _SHORTEST - len(pcm)))).astype(np.float32)[None] / 32768
        mask = np.ones(sound.shape, np.int64)
        (hidden,) = self._encoder.run(None, {"input_values": sound, "attention_mask": mask})
        fixed = {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}
        past = {name: np.zeros((0, _HEADS, 1, _WIDTH), np.float32) for name in self._past}
        token, said, certainty = _BEGIN, list[int](), list[float]()
        for step in range(max(_FEWEST_TOKENS, math.ceil(len(pcm) / RATE * _TOKENS_A_SECOND))):
            if stopped():
                return None
            put = {"input_ids": np.array([[token]], np.int64), "use_cache_branch": np.array([step > 0])}
            logits, *present = self._decoder.run(None, {**put, **fixed, **past})
            scores = logits[0, -1]
            token = int(scores.argmax())
            certainty.append(-math.log(float(np.exp(scores - scores[token]).sum())))
            if token == _END:
                break
            said.append(token)
            # What was made of the sound is made once; of the words there is more with each.
            past |= {
                name: value for name, value in zip(self._past, present, strict=True) if step == 0 or ".decoder." in name
            }
        text = b"".join(self._vocabulary[token] for token in said).decode("utf-8", "replace")
        return Decoded(" ".join(text.replace("\u2581", " ").split()), math.exp(sum(certainty) / len(certainty)))


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
